/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * p256 - ECDSA and ECDH on P-256, from raw points
 *
 * A key enters as its 65-byte uncompressed point, not as a SubjectPublicKeyInfo
 * through OpenSSL's decoders (111 us). It is checked to be on the curve (2 us);
 * the point at infinity has no such form. Signatures are r || s, 64 bytes;
 * 1 <= r,s < n is checked; low s is not asked for.
 */
#include "core/bytes.h"

#define P256_POINT_LEN 65
#define P256_SIGNATURE_LEN 64
#define P256_SCALAR_LEN 32

/* A public key that is used more than once. */
struct p256_public; /* opaque, heap */
/* HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err p256_public_new(
    const uint8_t point[static P256_POINT_LEN], struct p256_public **ret);
void p256_public_free(struct p256_public *key);
/* HM_E_SIGNATURE, HM_E_NO_MEMORY */
HM_MUST hm_err p256_verify_with(struct p256_public *key,
    const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN]);

/* HM_E_KEY (not on the curve), HM_E_SIGNATURE, HM_E_NO_MEMORY */
HM_MUST hm_err p256_verify(const uint8_t point[static P256_POINT_LEN],
    const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN]);
/* HM_E_KEY unless the point is on the curve. */
HM_MUST hm_err p256_check(const uint8_t point[static P256_POINT_LEN]);

/* A key pair in memory: devices' generated keys, ephemeral keys, stations. */
struct p256_pair; /* opaque, heap; wiped by free */
/* A fresh one. HM_E_NO_ENTROPY, HM_E_NO_MEMORY */
HM_MUST hm_err p256_pair_new(struct p256_pair **ret);
/* HM_E_KEY unless 1 <= scalar < n. HM_E_NO_MEMORY */
HM_MUST hm_err p256_pair_from(
    const uint8_t scalar[static P256_SCALAR_LEN], struct p256_pair **ret);
/* From PEM text: the first block with a private key, PKCS#8 or SEC1,
 * unencrypted, in DER, with the named curve; the public key is computed, what
 * the text says of it is not read. HM_E_KEY */
HM_MUST hm_err p256_pair_from_pem(struct hm_bytes pem, struct p256_pair **ret);
void p256_pair_free(struct p256_pair *pair);
void p256_pair_point(
    const struct p256_pair *pair, uint8_t ret[static P256_POINT_LEN]);
void p256_pair_scalar(
    const struct p256_pair *pair, uint8_t ret[static P256_SCALAR_LEN]);
/* HM_E_NO_ENTROPY, HM_E_NO_MEMORY */
HM_MUST hm_err p256_pair_sign(struct p256_pair *pair,
    const uint8_t digest[static 32], uint8_t ret[static P256_SIGNATURE_LEN]);
/* X coordinate of the shared point. HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err p256_pair_agree(struct p256_pair *pair,
    const uint8_t point[static P256_POINT_LEN], uint8_t ret[static 32]);
/* Agree with `point` by a fresh key that is used this once: its own point, and
 * the X coordinate of the shared one. A pair for it would cost a third more.
 * HM_E_KEY, HM_E_NO_ENTROPY, HM_E_NO_MEMORY: nothing is written. */
HM_MUST hm_err p256_agree_once(const uint8_t point[static P256_POINT_LEN],
    uint8_t ret_own[static P256_POINT_LEN], uint8_t ret_x[static 32]);
/* SEC1 ECPrivateKey DER (121 bytes) and PKCS#8 PEM, without a NUL. They hold
 * the private key: the caller wipes them. HM_E_NO_ROOM: nothing is written. */
#define P256_SEC1_LEN 121
#define P256_PEM_MAX 256
HM_MUST hm_err p256_pair_sec1(
    const struct p256_pair *pair, struct hm_span room, size_t *ret_len);
HM_MUST hm_err p256_pair_pem(
    const struct p256_pair *pair, struct hm_span room, size_t *ret_len);

/* A public key from PEM text: a SubjectPublicKeyInfo ("PUBLIC KEY") with the
 * named curve and an uncompressed point, and nothing else. HM_E_KEY */
HM_MUST hm_err p256_point_from_pem(
    struct hm_bytes pem, uint8_t ret[static P256_POINT_LEN]);
/* The same written; P256_PEM_MAX is always enough. HM_E_NO_ROOM */
HM_MUST hm_err p256_point_pem(const uint8_t point[static P256_POINT_LEN],
    struct hm_span room, size_t *ret_len);

/* r || s to and from DER SEQUENCE { r, s }. Decode is strict: HM_E_BAD_INPUT */
#define ECDSA_DER_MAX 72
size_t ecdsa_to_der(const uint8_t signature[static P256_SIGNATURE_LEN],
    uint8_t ret[static ECDSA_DER_MAX]);
HM_MUST hm_err ecdsa_from_der(
    struct hm_bytes der, uint8_t ret[static P256_SIGNATURE_LEN]);
