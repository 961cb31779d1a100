/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * problem - how a request is refused, over HTTP and on the device link
 *
 *   { 0: 1, 1: error number, 2: reference (bstr 8) or null }
 *
 * The number is one of core/err.h; its words are looked up by whoever shows
 * them. There is no free text: nothing that an attacker could learn from. The
 * reference stands in the server's log beside the details.
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_PROBLEM_MAX 32

struct hm_problem {
	hm_err err; /* never HM_OK */
	uint8_t reference[8];
	bool has_reference;
};

/* Encoder: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decoder: HM_E_BAD_INPUT, *ret
 * untouched. The decoder refuses a number that is not in the list, the encoder
 * one that no list may have. */
HM_MUST hm_err hm_problem_encode(
    const struct hm_problem *problem, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_problem_decode(
    struct hm_bytes message, struct hm_problem *ret);

HM_C_END
