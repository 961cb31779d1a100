/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cose - the one form in which we sign: COSE_Sign1, ES256 (RFC 9052, RFC 9053)
 *
 *   18([ h'a10126' or h'a2012604<kid>', {}, payload bstr, signature bstr 64 ])
 *
 * The algorithm and the optional key id (SHA-256 of the signer's SPKI, first 8
 * bytes) are protected; the unprotected header is empty; the payload is there.
 * `aad` names the purpose ("hallmark-stamp-v1" ...), so that a signature made
 * for one purpose is worth nothing for another. Anything else is refused.
 *
 * What is signed is ["Signature1", protected, aad, payload]. The payload stands
 * last, so a signer or verifier hashes a short head and then the payload where
 * it lies, without a copy.
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_KID_LEN 8
#define HM_COSE_HEAD_MAX 96     /* bytes before the payload in what is signed */
#define HM_COSE_OVERHEAD_MAX 96 /* whole message less its payload */

#define HM_AAD_STAMP "hallmark-stamp-v1"
#define HM_AAD_CONFORMANCE "hallmark-conformance-v1"
#define HM_AAD_OBJECT "hallmark-object-v1"
#define HM_AAD_VOID "hallmark-void-v1"
#define HM_AAD_APPROVAL "hallmark-approval-v1"

struct hm_sign1 {
	struct hm_bytes kid;     /* HM_KID_LEN bytes, or empty; borrowed */
	struct hm_bytes payload; /* borrowed */
	uint8_t signature[HM_SIGNATURE_LEN];
};

/*
 * The head of the Sig_structure: SHA-256 over it and then over `payload_len`
 * bytes of payload is the digest to sign. HM_E_NO_ROOM, HM_E_BAD_INPUT (kid)
 */
HM_MUST hm_err hm_sign1_head(struct hm_bytes kid, struct hm_bytes aad,
    size_t payload_len, struct hm_span room, size_t *ret_len);

/* HM_E_NO_ROOM, HM_E_BAD_INPUT (kid) */
HM_MUST hm_err hm_sign1_encode(
    const struct hm_sign1 *sign1, struct hm_span room, size_t *ret_len);

/* HM_E_BAD_INPUT; nothing is verified here. `max` bounds the whole message. */
HM_MUST hm_err hm_sign1_decode(
    struct hm_bytes message, size_t max, struct hm_sign1 *ret);

HM_C_END
