/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/crypto.h"

#include <mbedtls/sha512.h>

#include "core/check.h"

HM_STATIC_ASSERT(sizeof(mbedtls_sha512_context) <= HM_SHA512_SIZE,
    "a running SHA-512 fits into its seam");

static mbedtls_sha512_context *
context(struct hm_sha512 *sha)
{
	return (mbedtls_sha512_context *)(void *)sha->state;
}

void
hm_sha384_init(struct hm_sha512 *sha)
{
	mbedtls_sha512_init(context(sha));
	hm_assert(mbedtls_sha512_starts_ret(context(sha), 1) == 0);
}

void
hm_sha512_init(struct hm_sha512 *sha)
{
	mbedtls_sha512_init(context(sha));
	hm_assert(mbedtls_sha512_starts_ret(context(sha), 0) == 0);
}

void
hm_sha512_add(struct hm_sha512 *sha, struct hm_bytes bytes)
{
	hm_assert(
	    mbedtls_sha512_update_ret(context(sha), bytes.ptr, bytes.len) == 0);
}

void
hm_sha512_end(struct hm_sha512 *sha, uint8_t *ret)
{
	hm_assert(mbedtls_sha512_finish_ret(context(sha), ret) == 0);
	hm_wipe(sha, sizeof(*sha));
}
