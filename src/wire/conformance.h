/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * conformance - what a device signs when it holds its stamp; answered by a
 * receipt
 *
 *   POST /v1/confirm  { 0: 1, 1: order, 2: conformance (bstr) }
 *   answer            { 0: 1, 1: entry (bstr), 2: receipt (tstr) }
 *
 * The conformance is a COSE_Sign1 by the device's identity key (aad
 * HM_AAD_CONFORMANCE) over
 *
 *   { 0: 1, 1: device id, 2: SHA-256 of the stamp as received,
 *     3: release digest, 4: security counter, 5: lock state }
 *
 * The receipt (C2SP tlog-proof) proves that `entry` is in the log.
 */

#include "core/cbor.h"
#include "wire/claims.h"

HM_C_BEGIN

struct hm_conformance {
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint8_t stamp[HM_DIGEST_LEN];   /* SHA-256 of the whole COSE_Sign1 */
	uint8_t release[HM_DIGEST_LEN]; /* of the firmware that runs */
	uint32_t counter;
	hm_lock lock;
};

struct hm_confirm_request {
	struct hm_bytes order;       /* name; borrowed */
	struct hm_bytes conformance; /* COSE_Sign1; borrowed */
};

struct hm_confirm_answer {
	struct hm_bytes entry;   /* borrowed */
	struct hm_bytes receipt; /* text; borrowed */
};

/* Encoders: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decoders: HM_E_BAD_INPUT, *ret
 * untouched. */
HM_MUST hm_err hm_conformance_encode(const struct hm_conformance *conformance,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_conformance_decode(
    struct hm_bytes payload, struct hm_conformance *ret);
HM_MUST hm_err hm_confirm_request_encode(
    const struct hm_confirm_request *request, struct hm_span room,
    size_t *ret_len);
HM_MUST hm_err hm_confirm_request_decode(
    struct hm_bytes message, struct hm_confirm_request *ret);
HM_MUST hm_err hm_confirm_answer_encode(const struct hm_confirm_answer *answer,
    struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_confirm_answer_decode(
    struct hm_bytes message, struct hm_confirm_answer *ret);

HM_C_END
