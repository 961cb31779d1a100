/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8017, 9.1.2, for a modulus of whole bytes: the encoded message has one
 * bit less than its bytes, so the first bit is 0 and stands outside the mask.
 *
 *   0              len - 33      len - 1
 *   | masked DB        | H (32)    | bc |      DB = 0... || 01 || salt (32)
 */
#include "hallmark/crypto.h"

#include <string.h>

#include "rsa.h"

#define SALT_LEN 32
#define TAIL 0xbc

bool
hm_rsa_is_modulus(struct hm_bytes modulus)
{
	if (modulus.len != 256 && modulus.len != HM_RSA_MAX)
		return false;
	return modulus.ptr[0] >= 0x80 && (modulus.ptr[modulus.len - 1] & 1);
}

/* MGF1 of `seed`, xored onto `text`. */
static void
mask(const uint8_t seed[HM_STATIC HM_DIGEST_LEN], struct hm_span text)
{
	uint8_t number[4], block[HM_DIGEST_LEN];
	struct hm_sha256 sha;

	for (size_t i = 0; i < text.len; i++) {
		if (i % sizeof(block) == 0) {
			hm_put_u32(number, (uint32_t)(i / sizeof(block)));
			hm_sha256_init(&sha);
			hm_sha256_add(
			    &sha, HM_MAKE(hm_bytes, seed, HM_DIGEST_LEN));
			hm_sha256_add(&sha, HM_BYTES(number));
			hm_sha256_end(&sha, block);
		}
		text.ptr[i] ^= block[i % sizeof(block)];
	}
}

hm_verdict
hm_pss_verify(struct hm_bytes modulus,
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN], struct hm_bytes signature)
{
	static const uint8_t zeros[8] = { 0 };
	uint8_t em[HM_RSA_MAX], hash[HM_DIGEST_LEN];
	uint8_t wrong;
	struct hm_sha256 sha;
	struct hm_span db = { em, 0 };
	const uint8_t *salt, *h;

	if (hm_rsa_public(modulus, signature, em) != HM_OK)
		return HM_VERDICT_NO;
	db.len = modulus.len - 1 - HM_DIGEST_LEN;
	h = em + db.len;
	salt = h - SALT_LEN;
	wrong = (em[0] & 0x80) | (h[HM_DIGEST_LEN] ^ TAIL);
	mask(h, db);
	wrong |= em[0] & 0x7f;
	for (const uint8_t *at = em + 1; at < salt - 1; at++)
		wrong |= *at;
	wrong |= salt[-1] ^ 0x01;
	hm_sha256_init(&sha);
	hm_sha256_add(&sha, HM_BYTES(zeros));
	hm_sha256_add(&sha, HM_MAKE(hm_bytes, digest, HM_DIGEST_LEN));
	hm_sha256_add(&sha, HM_MAKE(hm_bytes, salt, SALT_LEN));
	hm_sha256_end(&sha, hash);
	if (wrong != 0 || memcmp(hash, h, sizeof(hash)) != 0)
		return HM_VERDICT_NO;
	return HM_VERDICT_YES;
}
