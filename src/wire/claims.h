/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * claims - what a device says of itself, and what its hardware then signs
 *
 *   claims  = { 1: nonce, 2: device id, 3: scheme, 4: SPKI, 5: KEM key,
 *               6: release digest, 7: security counter, 8: lock state }
 *   binding = SHA-256("hallmark-binding-v1" || claims)
 *
 * The evidence of every root of trust covers the binding, and so the fresh
 * nonce, the device's keys and its firmware at once. The encoding is
 * deterministic: server and device compute the same binding from the same
 * fields, and the server's signer computes it again from the fields alone.
 *
 * Digests are made by the caller: this room has no cryptography.
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_BINDING_LABEL "hallmark-binding-v1"
#define HM_CLAIMS_MAX 320

/* Evidence schemes. Numbers are on the wire: they only grow. */
typedef enum hm_scheme {
	HM_SCHEME_SOFT = 1,   /* a plain key: demo, products without hardware */
	HM_SCHEME_IMX_MP = 2, /* NXP i.MX CAAM manufacturing protection */
} hm_scheme;

typedef enum hm_lock {
	HM_LOCK_OPEN = 0,   /* debug and boot unprotected */
	HM_LOCK_CLOSED = 1, /* secure boot enforced */
	HM_LOCK_LOCKED = 2, /* closed, and debug gone for good */
} hm_lock;

struct hm_claims {
	uint8_t nonce[HM_NONCE_LEN];
	uint8_t device_id[HM_DEVICE_ID_LEN];
	hm_scheme scheme;
	uint8_t identity[HM_POINT_LEN]; /* carried as SPKI on the wire */
	uint8_t kem[HM_POINT_LEN];      /* HPKE DHKEM(P-256) public key */
	uint8_t release[HM_DIGEST_LEN]; /* SHA-256 of the firmware image */
	uint32_t counter;               /* security counter of the device */
	hm_lock lock;
};

/* DER SubjectPublicKeyInfo of a P-256 point. The point itself is not checked.
 */
void hm_spki_encode(const uint8_t point[HM_STATIC HM_POINT_LEN],
    uint8_t ret[HM_STATIC HM_SPKI_LEN]);
/* HM_E_KEY unless `spki` is exactly that form. */
HM_MUST hm_err hm_spki_decode(
    struct hm_bytes spki, uint8_t ret[HM_STATIC HM_POINT_LEN]);

/*
 * Encode into `room`; HM_CLAIMS_MAX is always enough. *ret_len is the length.
 * HM_E_NO_ROOM, HM_E_KEY (a key does not begin with 04), HM_E_BAD_INPUT (no
 * such scheme or lock state).
 */
HM_MUST hm_err hm_claims_encode(
    const struct hm_claims *claims, struct hm_span room, size_t *ret_len);

/* HM_E_BAD_INPUT, HM_E_KEY; on failure *ret is untouched. */
HM_MUST hm_err hm_claims_decode(struct hm_bytes message, struct hm_claims *ret);

HM_C_END
