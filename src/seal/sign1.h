/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sign1 - COSE_Sign1 with ES256: wire/cose.h's bytes and crypto/'s signatures
 */
#include "crypto/cose.h"
#include "wire/cose.h"

/* Append a COSE_Sign1 over `payload` to `ret`, which is unchanged on failure.
 * kid is empty or has HM_KID_LEN bytes (HM_E_BAD_INPUT).
 * The signer's error, HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err sign1_make(struct hm_bytes kid, struct hm_bytes aad,
    struct hm_bytes payload, digest_signer signer, void *context,
    struct buf *ret);

/*
 * Open `message`, signed by the P-256 key `point` for the purpose `aad`.
 * *ret_payload borrows from it. HM_E_BAD_INPUT, HM_E_SIGNATURE, HM_E_KEY
 */
HM_MUST hm_err sign1_open(struct hm_bytes message, size_t max,
    struct hm_bytes aad, const uint8_t point[static HM_POINT_LEN],
    struct hm_bytes *ret_payload);

/* The digest that a COSE_Sign1 signs, for verifying elsewhere. HM_E_BAD_INPUT,
 * HM_E_NO_ROOM (an aad beyond all of ours) */
HM_MUST hm_err sign1_digest(struct hm_bytes kid, struct hm_bytes aad,
    struct hm_bytes payload, uint8_t ret[static 32]);

/* Key id of a key: first HM_KID_LEN bytes of the SHA-256 of its SPKI. */
void sign1_kid(
    const uint8_t point[static HM_POINT_LEN], uint8_t ret[static HM_KID_LEN]);
