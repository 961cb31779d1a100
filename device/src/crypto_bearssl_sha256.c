/* SPDX-License-Identifier: Apache-2.0 */
/* Apart, so that a boot loader can bring its own: crypto_sha256_small.c */
#include "hallmark/crypto.h"

#include <bearssl.h>

HM_STATIC_ASSERT(sizeof(br_sha256_context) <= HM_SHA256_SIZE,
    "a running SHA-256 fits into its seam");

void
hm_sha256_init(struct hm_sha256 *sha)
{
	br_sha256_init((br_sha256_context *)(void *)sha->state);
}

void
hm_sha256_add(struct hm_sha256 *sha, struct hm_bytes bytes)
{
	br_sha256_update(
	    (br_sha256_context *)(void *)sha->state, bytes.ptr, bytes.len);
}

void
hm_sha256_end(struct hm_sha256 *sha, uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	br_sha256_out((br_sha256_context *)(void *)sha->state, ret);
	hm_wipe(sha, sizeof(*sha));
}
