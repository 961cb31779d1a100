/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-384 and SHA-512: one function with two beginnings. */
#include "image_parts.h"

static void
begin_384(union hm_image_sha *sha)
{
	hm_sha384_init(&sha->sha512);
}

static void
begin_512(union hm_image_sha *sha)
{
	hm_sha512_init(&sha->sha512);
}

static void
add(union hm_image_sha *sha, struct hm_bytes bytes)
{
	hm_sha512_add(&sha->sha512, bytes);
}

static void
end(union hm_image_sha *sha, uint8_t *ret)
{
	hm_sha512_end(&sha->sha512, ret);
}

const struct hm_image_hash hm_image_sha384 = {
	.type = TLV_SHA384,
	.len = HM_SHA384_LEN,
	.begin = begin_384,
	.add = add,
	.end = end,
};
const struct hm_image_hash hm_image_sha512 = {
	.type = TLV_SHA512,
	.len = HM_SHA512_LEN,
	.begin = begin_512,
	.add = add,
	.end = end,
};
