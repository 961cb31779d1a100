/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/crypto.h"

#include <string.h>

#include "core/check.h"

#define PIECES_MAX 7
#define BLOCKS_MAX 255

void
hm_sha256(struct hm_bytes bytes, uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	struct hm_sha256 sha;

	hm_sha256_init(&sha);
	hm_sha256_add(&sha, bytes);
	hm_sha256_end(&sha, ret);
}

/* HMAC pads a key with zeros: an empty salt and 32 of them are one. */
void
hm_hkdf_extract(struct hm_bytes salt, const struct hm_bytes *pieces,
    size_t count, uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	hm_hmac(salt, pieces, count, ret);
}

void
hm_hkdf_expand(const uint8_t prk[HM_STATIC HM_DIGEST_LEN],
    const struct hm_bytes *info, size_t count, struct hm_span ret)
{
	struct hm_bytes pieces[PIECES_MAX + 2] = { { NULL, 0 } };
	uint8_t block[HM_DIGEST_LEN], number[1] = { 0 };
	size_t done = 0, len;

	hm_assert(count <= PIECES_MAX);
	hm_assert(ret.len >= 1 && ret.len <= BLOCKS_MAX * sizeof(block));

	for (size_t i = 0; i < count; i++)
		pieces[i + 1] = info[i];
	pieces[count + 1] = HM_BYTES(number);
	for (; done < ret.len; done += len) {
		number[0]++;
		hm_hmac(HM_MAKE(hm_bytes, prk, HM_DIGEST_LEN), pieces,
		    count + 2, block);
		pieces[0] = HM_BYTES(block);
		len = ret.len - done;
		if (len > sizeof(block))
			len = sizeof(block);
		memcpy(ret.ptr + done, block, len);
	}
	hm_wipe(block, sizeof(block));
}
