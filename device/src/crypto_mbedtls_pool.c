/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/mbedtls.h"

#include <stddef.h>
#include <stdint.h>

#include <mbedtls/memory_buffer_alloc.h>

#include "core/check.h"
#include "hallmark/config.h"

static uint64_t pool[HM_MBEDTLS_POOL / sizeof(uint64_t)];

void hm_mbedtls_exit(int status);

void
hm_mbedtls_init(void)
{
	mbedtls_memory_buffer_alloc_init((uint8_t *)pool, sizeof(pool));
}

/* Called by Mbed TLS's allocator where it finds its own lists damaged. */
void
hm_mbedtls_exit(int status)
{
	(void)status;
	hm_panic(__FILE__, __LINE__, "the pool of Mbed TLS");
}
