/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * challenge - the server's nonce, asked for by a station, answered by evidence
 *
 *   POST /v1/challenge  { 0: 1, 1: order }
 *   answer              { 0: 1, 1: order, 2: nonce, 3: release digest }
 *
 * The station hands the answer to the device as it is (link.h). The nonce is
 *
 *   0       4                  16                                  32
 *   +-------+------------------+-----------------------------------+
 *   | time  | random           | HMAC-SHA-256 over the first 16    |
 *   | u32   | 12 bytes         | bytes, order, station; first 16   |
 *   +-------+------------------+-----------------------------------+
 *
 * so the server keeps no list of them. It is opaque to everyone else.
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_CHALLENGE_MAX 160

struct hm_challenge_request {
	struct hm_bytes
	    order; /* text, HM_NAME_MAX; borrowed from the message */
};

struct hm_challenge {
	struct hm_bytes order; /* text; borrowed from the message */
	uint8_t nonce[HM_NONCE_LEN];
	uint8_t release[HM_DIGEST_LEN]; /* what the device is expected to run */
};

/* Is `text` a name: 1 to HM_NAME_MAX of A-Z a-z 0-9 . _ - , no leading dot? */
bool hm_is_name(struct hm_bytes text);

/*
 * Encoders, in this file as in all of this room: HM_E_NO_ROOM, *ret_len set
 * either way; HM_E_BAD_INPUT for a value that no decoder would take, *ret_len
 * untouched. Decoders: HM_E_BAD_INPUT, *ret untouched; what is borrowed lives
 * as long as `message`.
 */
HM_MUST hm_err hm_challenge_request_encode(
    const struct hm_challenge_request *request, struct hm_span room,
    size_t *ret_len);
HM_MUST hm_err hm_challenge_request_decode(
    struct hm_bytes message, struct hm_challenge_request *ret);
HM_MUST hm_err hm_challenge_encode(
    const struct hm_challenge *challenge, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_challenge_decode(
    struct hm_bytes message, struct hm_challenge *ret);

HM_C_END
