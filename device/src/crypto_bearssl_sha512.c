/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/crypto.h"

#include <bearssl.h>

HM_STATIC_ASSERT(sizeof(br_sha512_context) <= HM_SHA512_SIZE,
    "a running SHA-512 fits into its seam");

static br_sha512_context *
context(struct hm_sha512 *sha)
{
	return (br_sha512_context *)(void *)sha->state;
}

void
hm_sha384_init(struct hm_sha512 *sha)
{
	br_sha384_init(context(sha));
}

void
hm_sha512_init(struct hm_sha512 *sha)
{
	br_sha512_init(context(sha));
}

void
hm_sha512_add(struct hm_sha512 *sha, struct hm_bytes bytes)
{
	br_sha512_update(context(sha), bytes.ptr, bytes.len);
}

void
hm_sha512_end(struct hm_sha512 *sha, uint8_t *ret)
{
	const br_hash_class *how = context(sha)->vtable;

	how->out(&context(sha)->vtable, ret);
	hm_wipe(sha, sizeof(*sha));
}
