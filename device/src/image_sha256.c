/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

static void
begin(union hm_image_sha *sha)
{
	hm_sha256_init(&sha->sha256);
}

static void
add(union hm_image_sha *sha, struct hm_bytes bytes)
{
	hm_sha256_add(&sha->sha256, bytes);
}

static void
end(union hm_image_sha *sha, uint8_t *ret)
{
	hm_sha256_end(&sha->sha256, ret);
}

const struct hm_image_hash hm_image_sha256 = {
	.type = TLV_SHA256,
	.len = HM_DIGEST_LEN,
	.begin = begin,
	.add = add,
	.end = end,
};
