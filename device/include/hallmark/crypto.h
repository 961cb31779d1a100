/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crypto - the thin seam between the device library and its cryptography
 *
 * One provider is linked: src/crypto_bearssl.c (no heap, constant time where
 * the multiplier is). A provider needs SHA-256, HMAC, AES-GCM and five
 * functions of P-256, whose private keys are plain scalars; hkdf.c and hpke.c
 * stand on these and are the same for all. No call allocates or keeps state;
 * every provider wipes what it derives from a secret.
 */

#include "hallmark/port.h"

HM_C_BEGIN

/*
 * Verdicts that a single flipped bit, or an instruction that was skipped,
 * cannot turn into the other: compare with HM_VERDICT_YES only, twice.
 */
typedef uint32_t hm_verdict;
#define HM_VERDICT_YES 0x5AC3965Au
#define HM_VERDICT_NO 0xA53C69A5u

#define HM_SHA256_SIZE 128 /* state of any provider, bytes */

struct hm_sha256 {
	uint64_t state[HM_SHA256_SIZE / 8];
};

void hm_sha256_init(struct hm_sha256 *sha);
void hm_sha256_add(struct hm_sha256 *sha, struct hm_bytes bytes);
/* The state is wiped. */
void hm_sha256_end(struct hm_sha256 *sha, uint8_t ret[HM_STATIC HM_DIGEST_LEN]);
/* All at once. */
void hm_sha256(struct hm_bytes bytes, uint8_t ret[HM_STATIC HM_DIGEST_LEN]);

/* HMAC-SHA-256 over the concatenation of `count` pieces. */
void hm_hmac(struct hm_bytes key, const struct hm_bytes *pieces, size_t count,
    uint8_t ret[HM_STATIC HM_DIGEST_LEN]);
/* HKDF-SHA-256 (RFC 5869); an empty salt is 32 zeros. */
void hm_hkdf_extract(struct hm_bytes salt, const struct hm_bytes *pieces,
    size_t count, uint8_t ret[HM_STATIC HM_DIGEST_LEN]);
/* One block: ret.len is 1 to 32. At most 7 pieces of info. */
void hm_hkdf_expand(const uint8_t prk[HM_STATIC HM_DIGEST_LEN],
    const struct hm_bytes *info, size_t count, struct hm_span ret);

#define HM_GCM_NONCE_LEN 12
#define HM_GCM_TAG_LEN 16

/*
 * AES-GCM; key.len is 16 or 32. `ret` has room for text.len + 16, the tag
 * stands behind the ciphertext; it may be where `plain` is.
 */
void hm_gcm_seal(struct hm_bytes key,
    const uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes plain, uint8_t *ret);
/* HM_E_OPEN: `ret` (cipher.len - 16 bytes) is wiped. */
HM_MUST hm_err hm_gcm_open(struct hm_bytes key,
    const uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes cipher, uint8_t *ret);

/* Is `signature` (r || s, each 1 to n - 1) by `point`, on the curve? */
hm_verdict hm_p256_verify(const uint8_t point[HM_STATIC HM_POINT_LEN],
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    const uint8_t signature[HM_STATIC HM_SIGNATURE_LEN]);
/* Deterministic (RFC 6979). HM_E_KEY: the scalar is not 1 to n - 1 */
HM_MUST hm_err hm_p256_sign(const uint8_t scalar[HM_STATIC 32],
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    uint8_t ret[HM_STATIC HM_SIGNATURE_LEN]);
/* HM_E_KEY: the scalar is not 1 to n - 1 */
HM_MUST hm_err hm_p256_public(
    const uint8_t scalar[HM_STATIC 32], uint8_t ret[HM_STATIC HM_POINT_LEN]);
/* X of the shared point. HM_E_KEY: scalar, or point not on the curve */
HM_MUST hm_err hm_p256_agree(const uint8_t scalar[HM_STATIC 32],
    const uint8_t point[HM_STATIC HM_POINT_LEN], uint8_t ret[HM_STATIC 32]);

/* What a receiver of HPKE knows before the ciphertext. */
struct hm_hpke {
	const uint8_t *enc;       /* ephemeral key, HM_POINT_LEN; borrowed */
	const uint8_t *recipient; /* own public key, HM_POINT_LEN; borrowed */
	const uint8_t *agreed;    /* ECDH of the two, 32; borrowed, secret */
	size_t key_len;           /* 16: AES-128-GCM, 32: AES-256-GCM */
	struct hm_bytes info, aad;
};

/*
 * Open the one message of an HPKE base mode context (RFC 9180, DHKEM(P-256,
 * HKDF-SHA256), HKDF-SHA256). `ret` has room for cipher.len - 16.
 * HM_E_OPEN: `ret` is wiped
 */
HM_MUST hm_err hm_hpke_open(
    const struct hm_hpke *hpke, struct hm_bytes cipher, uint8_t *ret);

HM_C_END
