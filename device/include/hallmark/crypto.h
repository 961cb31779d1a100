/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crypto - the thin seam between the device library and its cryptography
 *
 * One provider is linked. Each has a file for what every device needs (SHA-256,
 * HMAC, AES-GCM and -CTR, four functions of P-256, whose private keys are plain
 * scalars), and one more for each thing that few need, so that what a product
 * does not call is not linked:
 *
 *              src/crypto_bearssl*.c             src/crypto_mbedtls*.c
 *   heap       none                              Mbed TLS's own, see there
 *   _sha512.c  SHA-384, SHA-512                  the same
 *   _p384.c    P-384 verification                the same
 *   _rsa.c     RSA with the public key           the same
 *   _m31.c     32-bit multiplier, or _m15.c      -
 *              where that is not constant-time
 *
 * hkdf.c, hpke.c, ecies.c, pss.c and ed25519.c stand on these and are the same
 * for all. No call keeps state; every provider wipes what it derives from a
 * secret. Verification is of public data, and need not be constant-time.
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

#define HM_SHA384_LEN 48
#define HM_SHA512_LEN 64
#define HM_SHA512_SIZE 224 /* state of any provider, bytes */

/* SHA-384 and SHA-512 are one function with two beginnings and lengths. */
struct hm_sha512 {
	uint64_t state[HM_SHA512_SIZE / 8];
};

void hm_sha384_init(struct hm_sha512 *sha);
void hm_sha512_init(struct hm_sha512 *sha);
void hm_sha512_add(struct hm_sha512 *sha, struct hm_bytes bytes);
/* As long as its beginning says: 48 or 64 bytes. The state is wiped. */
void hm_sha512_end(struct hm_sha512 *sha, uint8_t *ret);

/* HMAC-SHA-256 over the concatenation of `count` pieces. */
void hm_hmac(struct hm_bytes key, const struct hm_bytes *pieces, size_t count,
    uint8_t ret[HM_STATIC HM_DIGEST_LEN]);
/* HKDF-SHA-256 (RFC 5869); an empty salt is 32 zeros. */
void hm_hkdf_extract(struct hm_bytes salt, const struct hm_bytes *pieces,
    size_t count, uint8_t ret[HM_STATIC HM_DIGEST_LEN]);
/* ret.len is 1 to 255 * 32. At most 7 pieces of info, none of them in ret. */
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
/* `ret` (cipher.len - 16 bytes) may be where `cipher` is. HM_E_OPEN: wiped. */
HM_MUST hm_err hm_gcm_open(struct hm_bytes key,
    const uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes cipher, uint8_t *ret);

/*
 * AES-CTR in place, either way: block i of `text` is under the counter block
 * iv || first + i, big-endian. Stands alone, so a text that comes in pieces (of
 * whole blocks of 16, but for the last) may go on after a restart. key.len is
 * 16 or 32; `first` does not wrap: at most 2^32 blocks under one key and iv.
 */
void hm_ctr_crypt(struct hm_bytes key, const uint8_t iv[HM_STATIC 12],
    uint32_t first, struct hm_span text);

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

#define HM_P384_POINT_LEN 97     /* 04 || X || Y */
#define HM_P384_SIGNATURE_LEN 96 /* r || s, big-endian */

/* ECDSA P-384 over a SHA-384 digest, as strict as hm_p256_verify. */
hm_verdict hm_p384_verify(const uint8_t point[HM_STATIC HM_P384_POINT_LEN],
    const uint8_t digest[HM_STATIC HM_SHA384_LEN],
    const uint8_t signature[HM_STATIC HM_P384_SIGNATURE_LEN]);

#define HM_RSA_MAX 384 /* RSA-3072, bytes */

/*
 * signature ^ 65537 mod modulus. The modulus has 256 or 384 bytes, big-endian,
 * and so has the signature, the result and its room. HM_E_KEY: lengths that
 * differ, a modulus that is even or whose first bit is 0, a signature that is
 * not below it; `ret` is undefined then.
 */
HM_MUST hm_err hm_rsa_public(
    struct hm_bytes modulus, struct hm_bytes signature, uint8_t *ret);
/*
 * RSASSA-PSS (RFC 8017, 8.1.2) with SHA-256 over a digest, MGF1 with SHA-256,
 * a salt of exactly 32 bytes, the exponent 65537; RSA-2048 or RSA-3072.
 */
hm_verdict hm_pss_verify(struct hm_bytes modulus,
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN], struct hm_bytes signature);

#define HM_ED25519_KEY_LEN 32
#define HM_ED25519_SIGNATURE_LEN 64

/*
 * Ed25519 (RFC 8032, 5.1.7), no context, no prehash. Strict: s below the order,
 * key and R in their shortest form and on the curve, the key not of small
 * order; the equation without cofactor, [s]B = R + [k]A.
 */
hm_verdict hm_ed25519_verify(const uint8_t key[HM_STATIC HM_ED25519_KEY_LEN],
    struct hm_bytes message,
    const uint8_t signature[HM_STATIC HM_ED25519_SIGNATURE_LEN]);

/*
 * Unwrap the payload key of an image: TLV ENC_EC256 of MCUboot, ephemeral point
 * (65) || HMAC-SHA-256 (32) || wrapped key (16 or 32). `agreed` is the ECDH of
 * the device's key and that point (hm_port_key_agree refuses a point off the
 * curve). `ret` has room for tlv.len - 97 bytes. HM_E_OPEN: `ret` is untouched
 */
#define HM_ECIES_POINT_LEN 65
HM_MUST hm_err hm_ecies_unwrap(
    const uint8_t agreed[HM_STATIC 32], struct hm_bytes tlv, uint8_t *ret);

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
 * HKDF-SHA256), HKDF-SHA256). `ret` has room for cipher.len - 16, and may be
 * where `cipher` is.
 * HM_E_OPEN: `ret` is wiped
 */
HM_MUST hm_err hm_hpke_open(
    const struct hm_hpke *hpke, struct hm_bytes cipher, uint8_t *ret);
/* The ciphertext again, byte for byte, of the plaintext that came out of it;
 * for who opened it where it stood. `ret` has room for plain.len + 16, and may
 * be where `plain` is. */
void hm_hpke_close(
    const struct hm_hpke *hpke, struct hm_bytes plain, uint8_t *ret);

HM_C_END
