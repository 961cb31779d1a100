/* SPDX-License-Identifier: Apache-2.0 */
/* In place of port/mps2/begin_boot.c where Mbed TLS is the provider: it has a
 * heap, which must be there before anything is hashed. */
#include "../port/mps2/mps2.h"
#include "hallmark/flash.h"
#include "hallmark/mbedtls.h"

void
mps2_start_boot(void)
{
	nor_start();
	hm_port_watchdog();
	hm_mbedtls_init();
}
