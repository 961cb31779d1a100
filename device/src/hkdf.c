/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/crypto.h"

#include <string.h>

#include "core/check.h"

#define PIECES_MAX 7

void
hm_sha256(struct hm_bytes bytes, uint8_t ret[static HM_DIGEST_LEN])
{
	struct hm_sha256 sha;

	hm_sha256_init(&sha);
	hm_sha256_add(&sha, bytes);
	hm_sha256_end(&sha, ret);
}

/* HMAC pads a key with zeros: an empty salt and 32 of them are one. */
void
hm_hkdf_extract(struct hm_bytes salt, const struct hm_bytes *pieces,
    size_t count, uint8_t ret[static HM_DIGEST_LEN])
{
	hm_hmac(salt, pieces, count, ret);
}

void
hm_hkdf_expand(const uint8_t prk[static HM_DIGEST_LEN],
    const struct hm_bytes *info, size_t count, struct hm_span ret)
{
	static const uint8_t first[1] = { 1 };
	struct hm_bytes pieces[PIECES_MAX + 1];
	uint8_t block[HM_DIGEST_LEN];

	hm_assert(count <= PIECES_MAX);
	hm_assert(ret.len >= 1 && ret.len <= sizeof(block));

	for (size_t i = 0; i < count; i++)
		pieces[i] = info[i];
	pieces[count] = HM_BYTES(first);
	hm_hmac(
	    (struct hm_bytes){ prk, HM_DIGEST_LEN }, pieces, count + 1, block);
	memcpy(ret.ptr, block, ret.len);
	hm_wipe(block, sizeof(block));
}
