/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/online.h"

#include <string.h>

#include "hallmark/net.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/evidence.h"
#include "wire/problem.h"
#include "wire/stamp.h"

#define CHALLENGES_MAX 3
#define REQUEST_HEAD_MAX 256
#define SLOT "direct" /* the fixture that this device does not stand in */

static struct hm_bytes
bytes_of(const uint8_t *at, size_t len)
{
	return HM_MAKE(hm_bytes, at, len);
}

/* ---- calls ---- */

/* A whole answer into the front of `room`; its body is moved there. */
static hm_err
take_answer(struct hm_online *online, struct hm_http_answer *ret)
{
	struct hm_span room = online->room;
	size_t have = 0, more = 0;
	hm_err err = HM_E_NOT_FOUND;

	while (err == HM_E_NOT_FOUND) {
		if (have == room.len)
			return HM_E_TOO_LARGE;
		HM_TRY(hm_tls_read(&online->connection,
		    HM_MAKE(hm_span, room.ptr + have, room.len - have), &more));
		have += more;
		err = hm_http_parse(bytes_of(room.ptr, have), ret);
	}
	HM_TRY(err);
	if (ret->length > room.len - ret->head_len)
		return HM_E_TOO_LARGE;
	while (have < ret->head_len + ret->length) {
		HM_TRY(hm_tls_read(&online->connection,
		    HM_MAKE(hm_span, room.ptr + have,
			ret->head_len + ret->length - have),
		    &more));
		have += more;
	}
	if (have > ret->head_len + ret->length)
		return HM_E_HTTP; /* nobody asked for more */
	memmove(room.ptr, room.ptr + ret->head_len, ret->length);
	return HM_OK;
}

static hm_err
judge(struct hm_online *online, const struct hm_http_answer *said,
    struct hm_bytes *ret_body)
{
	struct hm_bytes body = { online->room.ptr, said->length };
	struct hm_problem problem;

	if (!said->is_cbor)
		return HM_E_HTTP;
	if (said->status == 200) {
		*ret_body = body;
		return HM_OK;
	}
	if (hm_problem_decode(body, &problem) != HM_OK)
		return HM_E_HTTP;
	online->refused = true;
	return problem.err;
}

/* Ask the server; *ret_body lives in `room` until the next call. */
static hm_err
call(struct hm_online *online, const char *path, struct hm_bytes body,
    struct hm_bytes *ret_body)
{
	struct hm_http_answer said;
	uint8_t head[REQUEST_HEAD_MAX];
	size_t len = 0;

	HM_TRY(hm_http_request(online->host, path, body.len,
	    HM_MAKE(hm_span, head, sizeof(head)), &len));
	hm_tls_deadline(
	    &online->connection, hm_port_clock_ms() + online->timeout_ms);
	online->calls++;
	HM_TRY(hm_tls_write(&online->connection, bytes_of(head, len)));
	HM_TRY(hm_tls_write(&online->connection, body));
	HM_TRY(take_answer(online, &said));
	return judge(online, &said, ret_body);
}

/* Ask the agent: *ret_body lives in `answer`. What it refuses is an error. */
static hm_err
tell(struct hm_online *online, hm_link_type type, struct hm_bytes body,
    struct hm_bytes *ret_body)
{
	const struct hm_link question = { .type = type, .body = body };
	struct hm_link answer;
	struct hm_problem problem;
	size_t len = 0;

	HM_TRY(hm_link_encode(&question, online->message, &len));
	HM_TRY(hm_agent_handle(online->agent, online->message, len, &len));
	HM_TRY(len <= sizeof(online->answer) ? HM_OK : HM_E_NO_ROOM);
	memcpy(online->answer, online->message.ptr, len);
	HM_TRY(hm_link_decode(bytes_of(online->answer, len), &answer));
	if (answer.type == HM_LINK_PROBLEM) {
		HM_TRY(hm_problem_decode(answer.body, &problem));
		return problem.err;
	}
	*ret_body = answer.body;
	return HM_OK;
}

/* ---- steps ---- */

static hm_err
challenge(struct hm_online *online, struct hm_bytes *ret_evidence)
{
	const struct hm_challenge_request request = { .order = hm_bytes_of(
							  online->order) };
	uint8_t room[HM_CHALLENGE_MAX];
	struct hm_bytes fresh = { NULL, 0 };
	size_t len = 0;

	HM_TRY(hm_challenge_request_encode(
	    &request, HM_MAKE(hm_span, room, sizeof(room)), &len));
	HM_TRY(call(online, "/v1/challenge", bytes_of(room, len), &fresh));
	return tell(online, HM_LINK_CHALLENGE, fresh, ret_evidence);
}

/* The stamp for this evidence; it lives in `room`. */
static hm_err
issue(struct hm_online *online, struct hm_bytes evidence,
    struct hm_bytes *ret_stamp)
{
	const struct hm_issue_request request = { .order = hm_bytes_of(
						      online->order),
		.slot = HM_LITERAL(SLOT),
		.evidence = evidence };
	struct hm_issue_answer issued;
	struct hm_bytes answer;
	size_t len = 0;

	HM_TRY(hm_issue_request_encode(&request, online->message, &len));
	HM_TRY(call(
	    online, "/v1/issue", bytes_of(online->message.ptr, len), &answer));
	HM_TRY(hm_issue_answer_decode(answer, &issued));
	*ret_stamp = issued.stamp;
	return HM_OK;
}

/* ---- what was sent ---- */

/*
 * A device remembers the newest few of its bindings, and the server stamps the
 * first that it got. So evidence is stored before it leaves, in the place of
 * the stamp that it will bring, and is sent again as it was, however often
 * power is cut: the server gives the same answer for it even when its nonce is
 * old. Another one is made only when the server has said that it did not take
 * this one.
 */
static hm_err
read_kept(struct hm_online *online, struct hm_bytes *ret)
{
	size_t len = 0;

	HM_TRY(hm_port_store_read(HM_RECORD_STAMP, online->room, &len));
	*ret = bytes_of(online->room.ptr, len);
	return HM_OK;
}

static bool
is_evidence(struct hm_bytes kept)
{
	struct hm_evidence content;

	return hm_evidence_decode(kept, &content) == HM_OK;
}

static hm_err
fresh_evidence(struct hm_online *online, struct hm_bytes *ret)
{
	HM_TRY(challenge(online, ret));
	return hm_port_store_write(HM_RECORD_STAMP, *ret);
}

/* Does other evidence help? What refuses a kept one, say for firmware that has
 * changed since, says nothing about a fresh one. */
static bool
helps_afresh(const struct hm_online *online, hm_err err, bool was_kept)
{
	return (was_kept && online->refused) || err == HM_E_NONCE ||
	       err == HM_E_NONCE_STALE;
}

static hm_err
obtain_stamp(struct hm_online *online, struct hm_bytes *ret_stamp)
{
	struct hm_bytes evidence;
	bool kept = hm_agent_where(online->agent) == HM_AGENT_READY &&
		    read_kept(online, &evidence) == HM_OK &&
		    is_evidence(evidence);
	hm_err err = HM_E_NONCE_STALE;

	for (int i = 0; i < CHALLENGES_MAX; i++) {
		if (!kept)
			HM_TRY(fresh_evidence(online, &evidence));
		online->refused = false;
		err = issue(online, evidence, ret_stamp);
		if (!helps_afresh(online, err, kept))
			break;
		kept = false;
	}
	return err;
}

/* Power may have gone between the storing of a stamp and the word that it is
 * stored; and a device that has its stamp does not ask for another. */
static hm_err
take_kept(struct hm_online *online, struct hm_bytes *ret_conformance)
{
	struct hm_bytes kept;

	if (hm_agent_where(online->agent) == HM_AGENT_BLANK)
		return HM_E_NOT_FOUND;
	HM_TRY(read_kept(online, &kept));
	return tell(online, HM_LINK_STAMP, kept, ret_conformance);
}

static hm_err
confirm(struct hm_online *online, struct hm_bytes conformance)
{
	const struct hm_confirm_request request = {
		.order = hm_bytes_of(online->order), .conformance = conformance
	};
	struct hm_bytes answer, nothing;
	size_t len = 0;

	HM_TRY(hm_confirm_request_encode(&request, online->message, &len));
	HM_TRY(call(online, "/v1/confirm", bytes_of(online->message.ptr, len),
	    &answer));
	return tell(online, HM_LINK_RECEIPT, answer, &nothing);
}

static hm_err
provision(struct hm_online *online)
{
	struct hm_bytes stamp, conformance;
	hm_err err = take_kept(online, &conformance);

	if (hm_agent_where(online->agent) == HM_AGENT_STAMPED) {
		HM_TRY(err);
	} else {
		HM_TRY(obtain_stamp(online, &stamp));
		HM_TRY(tell(online, HM_LINK_STAMP, stamp, &conformance));
	}
	return confirm(online, conformance);
}

hm_err
hm_online_run(struct hm_online *online)
{
	hm_err err;

	online->calls = 0;
	online->refused = false;
	if (hm_agent_where(online->agent) == HM_AGENT_COMPLETE)
		return HM_OK;
	HM_TRY(hm_tls_open(&online->connection, online->tls,
	    hm_port_clock_ms() + online->timeout_ms));
	err = provision(online);
	hm_tls_close(&online->connection);
	hm_wipe(online->room.ptr, online->room.len);
	return err;
}
