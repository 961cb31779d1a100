/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/update.h"
#include "wire/message.h"
#include "wire/problem.h"

#define TLVS_MIN 4 /* the head of an area */

HM_STATIC_ASSERT(HM_UPDATE_DATA_MAX + 32 <= HM_UPDATE_ASK_MAX,
    "the longest piece fits its message");

static bool
is_ask(uint64_t type)
{
	return type == HM_UPDATE_STATUS ||
	       (type >= HM_UPDATE_ANNOUNCE && type <= HM_UPDATE_RESTART);
}

bool
hm_update_is_ask(struct hm_bytes message)
{
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, message);
	hm_msg_array(&in, 2);
	return is_ask(hm_cbor_get_uint(&in, HM_UPDATE_RESTART));
}

/* ---- questions ---- */

static void
put_announce(struct hm_cbor_out *out, const struct hm_update_ask *ask)
{
	hm_cbor_put_map(out, 3);
	hm_cbor_put_uint(out, 0);
	hm_cbor_put_uint(out, HM_MSG_VERSION);
	hm_msg_put_fixed(out, 1, ask->header, HM_UPDATE_HEADER_LEN);
	hm_msg_put_bytes(out, 2, ask->tlvs, TLVS_MIN, HM_UPDATE_TLVS_MAX);
}

static void
put_data(struct hm_cbor_out *out, const struct hm_update_ask *ask)
{
	hm_cbor_put_map(out, 3);
	hm_cbor_put_uint(out, 0);
	hm_cbor_put_uint(out, HM_MSG_VERSION);
	hm_msg_put_uint(out, 1, ask->at);
	hm_msg_put_bytes(out, 2, ask->bytes, 1, HM_UPDATE_DATA_MAX);
}

hm_err
hm_update_ask_encode(
    const struct hm_update_ask *ask, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	if (!is_ask((uint64_t)ask->type))
		return HM_E_BAD_INPUT;
	hm_cbor_out_init(&out, room);
	hm_cbor_put_array(&out, 2);
	hm_cbor_put_uint(&out, (uint64_t)ask->type);
	if (ask->type == HM_UPDATE_ANNOUNCE)
		put_announce(&out, ask);
	else if (ask->type == HM_UPDATE_DATA)
		put_data(&out, ask);
	else
		hm_cbor_put_null(&out);
	return hm_msg_end(&out, HM_UPDATE_ASK_MAX, ret_len);
}

static void
open_map(struct hm_cbor_in *in, uint32_t pairs)
{
	hm_msg_map(in, pairs);
	hm_cbor_key(in, 0);
	if (hm_cbor_get_uint(in, HM_MSG_VERSION) != HM_MSG_VERSION)
		hm_msg_refuse_in(in);
}

hm_err
hm_update_ask_decode(struct hm_bytes message, struct hm_update_ask *ret)
{
	struct hm_update_ask ask = HM_ZERO;
	struct hm_cbor_in in;

	if (message.len > HM_UPDATE_ASK_MAX)
		return HM_E_BAD_INPUT;
	hm_cbor_in_init(&in, message);
	hm_msg_array(&in, 2);
	ask.type = (hm_update_type)hm_cbor_get_uint(&in, HM_UPDATE_RESTART);
	if (!is_ask((uint64_t)ask.type))
		hm_msg_refuse_in(&in);
	if (ask.type == HM_UPDATE_ANNOUNCE) {
		open_map(&in, 3);
		hm_msg_get_fixed(&in, 1, ask.header, sizeof(ask.header));
		ask.tlvs =
		    hm_msg_get_bytes(&in, 2, TLVS_MIN, HM_UPDATE_TLVS_MAX);
	} else if (ask.type == HM_UPDATE_DATA) {
		open_map(&in, 3);
		ask.at = hm_msg_get_u32(&in, 1);
		ask.bytes = hm_msg_get_bytes(&in, 2, 1, HM_UPDATE_DATA_MAX);
	} else {
		hm_cbor_get_null(&in);
	}
	HM_TRY(hm_cbor_in_end(&in));
	*ret = ask;
	return HM_OK;
}

/* ---- answers ---- */

static void
put_version(struct hm_cbor_out *out, const struct hm_update_state *state)
{
	hm_msg_put_list(out, 6, 4);
	hm_cbor_put_uint(out, state->major);
	hm_cbor_put_uint(out, state->minor);
	hm_cbor_put_uint(out, state->revision);
	hm_cbor_put_uint(out, state->build);
}

static void
put_state(struct hm_cbor_out *out, const struct hm_update_state *state)
{
	hm_cbor_put_map(out, 11);
	hm_cbor_put_uint(out, 0);
	hm_cbor_put_uint(out, HM_MSG_VERSION);
	hm_msg_put_range(
	    out, 1, state->where, HM_UPDATE_AT_IDLE, HM_UPDATE_AT_INSTALLED);
	hm_msg_put_uint(out, 2, state->received);
	hm_msg_put_uint(out, 3, state->size);
	if (state->received > state->size)
		hm_msg_refuse_out(out);
	hm_msg_put_digest_or_null(out, 4, state->update);
	hm_msg_put_digest_or_null(out, 5, state->running);
	put_version(out, state);
	hm_msg_put_uint(out, 7, state->counter);
	hm_msg_put_bool(out, 8, state->is_confirmed);
	hm_msg_put_range(out, 9, state->piece, 1, HM_UPDATE_DATA_MAX);
	hm_msg_put_range(
	    out, 10, state->asked, HM_UPDATE_STATUS, HM_UPDATE_RESTART);
}

static void
get_version(struct hm_cbor_in *in, struct hm_update_state *ret)
{
	if (hm_msg_get_list(in, 6, 4) != 4)
		hm_msg_refuse_in(in);
	ret->major = (uint8_t)hm_cbor_get_uint(in, UINT8_MAX);
	ret->minor = (uint8_t)hm_cbor_get_uint(in, UINT8_MAX);
	ret->revision = (uint16_t)hm_cbor_get_uint(in, UINT16_MAX);
	ret->build = (uint32_t)hm_cbor_get_uint(in, UINT32_MAX);
}

static void
get_state(struct hm_cbor_in *in, struct hm_update_state *ret)
{
	open_map(in, 11);
	ret->where = (hm_update_where)hm_msg_get_uint(
	    in, 1, HM_UPDATE_AT_IDLE, HM_UPDATE_AT_INSTALLED);
	ret->received = hm_msg_get_u32(in, 2);
	ret->size = hm_msg_get_u32(in, 3);
	if (ret->received > ret->size)
		hm_msg_refuse_in(in);
	hm_msg_get_digest_or_null(in, 4, ret->update);
	hm_msg_get_digest_or_null(in, 5, ret->running);
	get_version(in, ret);
	ret->counter = hm_msg_get_u32(in, 7);
	ret->is_confirmed = hm_msg_get_bool(in, 8);
	ret->piece = (uint32_t)hm_msg_get_uint(in, 9, 1, HM_UPDATE_DATA_MAX);
	ret->asked = (hm_update_type)hm_msg_get_uint(
	    in, 10, HM_UPDATE_STATUS, HM_UPDATE_RESTART);
}

hm_err
hm_update_answer_encode(
    const struct hm_update_answer *answer, struct hm_span room, size_t *ret_len)
{
	const struct hm_problem problem = { .err = answer->err };
	uint8_t body[HM_PROBLEM_MAX];
	struct hm_cbor_out out;
	size_t len = 0;

	hm_cbor_out_init(&out, room);
	hm_cbor_put_array(&out, 2);
	if (answer->err == HM_OK) {
		hm_cbor_put_uint(&out, HM_UPDATE_STATE);
		put_state(&out, &answer->state);
	} else {
		HM_TRY(hm_problem_encode(
		    &problem, HM_MAKE(hm_span, body, sizeof(body)), &len));
		hm_cbor_put_uint(&out, HM_UPDATE_PROBLEM);
		hm_cbor_put_bytes(&out, HM_MAKE(hm_bytes, body, len));
	}
	return hm_msg_end(&out, HM_UPDATE_ANSWER_MAX, ret_len);
}

/* A reference belongs to a server's log: there is none here. */
static hm_err
get_problem(struct hm_cbor_in *in)
{
	struct hm_problem problem = HM_ZERO;
	struct hm_bytes body = hm_cbor_get_bytes(in, 1, HM_PROBLEM_MAX);

	if (hm_problem_decode(body, &problem) != HM_OK || problem.has_reference)
		hm_msg_refuse_in(in);
	return problem.err;
}

hm_err
hm_update_answer_decode(struct hm_bytes message, struct hm_update_answer *ret)
{
	struct hm_update_answer answer = HM_ZERO;
	struct hm_cbor_in in;
	uint64_t type;

	if (message.len > HM_UPDATE_ANSWER_MAX)
		return HM_E_BAD_INPUT;
	hm_cbor_in_init(&in, message);
	hm_msg_array(&in, 2);
	type = hm_cbor_get_uint(&in, HM_UPDATE_STATE);
	if (type == HM_UPDATE_STATE)
		get_state(&in, &answer.state);
	else if (type == HM_UPDATE_PROBLEM)
		answer.err = get_problem(&in);
	else
		hm_msg_refuse_in(&in);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = answer;
	return HM_OK;
}
