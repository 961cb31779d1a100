/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * void - a station gives a unit back before it was confirmed, with a signed
 * reason
 *
 *   POST /v1/void  COSE_Sign1 by the station's key (aad HM_AAD_VOID) over
 *                  { 0: 1, 1: order, 2: device id, 3: reason (tstr),
 *                    4: signed at }
 *   answer         { 0: 1, 1: entry (bstr), 2: receipt (tstr) }, as for a
 * confirm
 *
 * A unit that was only reserved returns to the order. One that was issued has
 * its certificate revoked; it returns to the order only while the order's own
 * number of returns lasts, else it stays counted.
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_VOID_MAX 512

struct hm_void {
	struct hm_bytes order;  /* name; borrowed */
	struct hm_bytes reason; /* text, 1 to HM_REASON_MAX; borrowed */
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint64_t signed_s;
};

/* Encoder: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decoder: HM_E_BAD_INPUT, *ret
 * untouched. */
HM_MUST hm_err hm_void_encode(
    const struct hm_void *void_, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_void_decode(struct hm_bytes payload, struct hm_void *ret);

HM_C_END
