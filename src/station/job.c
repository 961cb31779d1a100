/* SPDX-License-Identifier: Apache-2.0 */
#include "station/job.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "core/check.h"
#include "station/records.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/evidence.h"
#include "wire/problem.h"

#define LOCK_WITHIN_US 60000000u /* another slot has the same unit */
#define CHALLENGES_MAX 3

static void
tell(struct job *job, unit_state state, hm_err err)
{
	job->event.state = state;
	job->event.err = (uint32_t)err;
	job->event.unit_us = clock_mono_us() - job->started_us;
	job->tell(job->context, &job->event);
}

static void
step(struct job *job, station_step at)
{
	job->event.step = at;
	tell(job, UNIT_RUN, HM_OK);
}

static void
on_retry(void *context, hm_err err)
{
	tell(context, UNIT_RUN, err);
}

/* The journal comes first: what it says must be true after a power cut. */
static hm_err
save(struct job *job, unit_state state, hm_err err)
{
	job->unit.step = job->event.step;
	job->unit.state = state;
	job->unit.err = err;
	job->unit.time_s = clock_now_s();
	return journal_save(job->config->journal, &job->unit, NULL);
}

/* Ask the device; a problem that it answers becomes our error. */
static hm_err
ask(struct job *job, hm_link_type type, struct hm_bytes body,
    struct hm_bytes *ret)
{
	struct hm_link question = { .type = type, .body = body }, answer;
	struct hm_problem problem;
	uint64_t deadline_us =
	    clock_mono_us() + job->config->device_timeout_ms * 1000ull;
	hm_err err = pipe_ask(job->pipe, &question, deadline_us, &answer);

	if (err == HM_E_TIMEOUT)
		return HM_E_NO_DEVICE;
	HM_TRY(err);
	if (answer.type == HM_LINK_PROBLEM) {
		HM_TRY(hm_problem_decode(answer.body, &problem));
		return problem.err;
	}
	*ret = answer.body;
	return HM_OK;
}

static hm_err
keep(struct buf *to, struct hm_bytes bytes)
{
	buf_clear(to);
	return buf_add(to, bytes);
}

/* ---- who it is ---- */

static void
copy_name(char ret[static HM_NAME_MAX + 1], const char *name)
{
	size_t len = strlen(name);

	hm_assert(len <= HM_NAME_MAX);
	memcpy(ret, name, len + 1);
}

static hm_err
take_up(struct job *job, const struct hm_opened *opened)
{
	const char *folder = job->config->journal;
	struct unit *unit = &job->unit;
	hm_err err;

	memcpy(job->event.device_id, opened->device_id, HM_DEVICE_ID_LEN);
	HM_TRY(journal_lock(folder, opened->device_id,
	    clock_mono_us() + LOCK_WITHIN_US, &job->lock, NULL));
	err = journal_load(folder, opened->device_id, unit, NULL);
	if (err == HM_E_NOT_FOUND) {
		unit_init(unit);
		err = HM_OK;
	}
	HM_TRY(err);
	job->event.resumed = unit->order[0] != 0 && unit->state != UNIT_PASS &&
			     strcmp(unit->order, job->order) == 0;
	job->passed = unit->state == UNIT_PASS;
	if (!job->event.resumed) {
		buf_clear(&unit->issued);
		buf_clear(&unit->conformance);
		buf_clear(&unit->confirmed);
	}
	memcpy(unit->device_id, opened->device_id, HM_DEVICE_ID_LEN);
	copy_name(unit->order, job->order);
	copy_name(unit->slot, job->config->slots[job->slot].name);
	job->device = (struct job_device){ .state = opened->state,
		.longest = opened->longest,
		.leaves = opened->leaves };
	return HM_OK;
}

/* ---- challenge, evidence, issue ---- */

static hm_err
challenge(struct job *job, struct hm_bytes *ret)
{
	struct hm_challenge_request request = { .order =
						    hm_bytes_of(job->order) };
	uint8_t room[HM_CHALLENGE_MAX];
	size_t len;

	step(job, STEP_CHALLENGE);
	HM_TRY(hm_challenge_request_encode(
	    &request, (struct hm_span){ room, sizeof(room) }, &len));
	return server_post(job->server, "/v1/challenge",
	    (struct hm_bytes){ room, len }, ret, job->why);
}

/* Is this the answer to a challenge of before? What is no evidence at all the
 * server shall judge. */
static bool
is_stale(struct hm_bytes evidence, const uint8_t nonce[static HM_NONCE_LEN])
{
	struct hm_evidence content;
	struct hm_claims claims;

	return hm_evidence_decode(evidence, &content) == HM_OK &&
	       hm_claims_decode(content.claims, &claims) == HM_OK &&
	       memcmp(claims.nonce, nonce, HM_NONCE_LEN) != 0;
}

static hm_err
open_once(struct job *job, struct hm_bytes challenge, struct hm_opened *ret)
{
	struct hm_bytes body;

	HM_TRY(ask(job, HM_LINK_OPEN, challenge, &body));
	return hm_opened_decode(body, ret);
}

/* A device that answers a second time with another nonce means it: then the
 * server hears it and says what it is. */
static hm_err
attest(struct job *job, struct hm_bytes challenge, struct hm_bytes *ret)
{
	struct hm_challenge content;
	struct hm_opened opened;

	HM_TRY(hm_challenge_decode(challenge, &content));
	HM_TRY(open_once(job, challenge, &opened));
	if (is_stale(opened.evidence, content.nonce))
		HM_TRY(open_once(job, challenge, &opened));
	if (job->lock < 0)
		HM_TRY(take_up(job, &opened));
	else if (memcmp(opened.device_id, job->unit.device_id,
		     HM_DEVICE_ID_LEN) != 0)
		return HM_E_LINK; /* they were changed for one another */
	*ret = opened.evidence;
	return HM_OK;
}

/* What came is checked before it is believed. */
static hm_err
check_issued(struct job *job)
{
	struct hm_issue_answer answer;

	HM_TRY(hm_issue_answer_decode(buf_bytes(&job->unit.issued), &answer));
	HM_TRY(records_serial(answer.stamp, job->event.serial));
	return records_check(job->log_key, answer.entry, answer.receipt);
}

static hm_err
issue(struct job *job, struct hm_bytes evidence)
{
	struct hm_issue_request request = { .order = hm_bytes_of(job->order),
		.slot = hm_bytes_of(job->config->slots[job->slot].name),
		.evidence = evidence };
	static uint8_t room[HM_EVIDENCE_MAX + 128];
	uint64_t begin_us = clock_mono_us();
	struct hm_issue_answer issued;
	struct hm_bytes answer;
	size_t len;

	step(job, STEP_ISSUE);
	HM_TRY(hm_issue_request_encode(
	    &request, (struct hm_span){ room, sizeof(room) }, &len));
	HM_TRY(save(job, UNIT_RUN, HM_OK));
	HM_TRY(server_post(job->server, "/v1/issue",
	    (struct hm_bytes){ room, len }, &answer, job->why));
	job->event.issue_us = clock_mono_us() - begin_us;
	HM_TRY(keep(&job->unit.issued, answer));
	HM_TRY(check_issued(job));
	HM_TRY(hm_issue_answer_decode(buf_bytes(&job->unit.issued), &issued));
	return server_receipt(job->server, issued.receipt, job->why);
}

/*
 * Has it got its stamp, and is that the one of our journal? Then only words are
 * missing. One that is complete and not of the journal may be another station's
 * whose word got lost: the server knows. One that leaves was confirmed before
 * it was complete.
 */
static hm_err
is_issued(const struct job *job, bool *ret)
{
	bool ours = job->unit.issued.len > 0;

	if (job->device.state == HM_AGENT_COMPLETE && !ours &&
	    (job->passed || job->device.leaves))
		return HM_E_ALREADY_MADE;
	*ret = job->device.state >= HM_AGENT_STAMPED && ours;
	return HM_OK;
}

static hm_err
obtain_stamp(struct job *job)
{
	hm_err err = HM_E_NONCE;

	for (int i = 0; i < CHALLENGES_MAX &&
			(err == HM_E_NONCE || err == HM_E_NONCE_STALE);
	     i++) {
		struct hm_bytes fresh, evidence;
		bool issued;

		HM_TRY(challenge(job, &fresh));
		step(job, STEP_ATTEST);
		HM_TRY(attest(job, fresh, &evidence));
		HM_TRY(is_issued(job, &issued));
		err = issued ? HM_OK : issue(job, evidence);
	}
	return err;
}

/* ---- stamp, confirm, receipt ---- */

/* Stamp and receipt of the issue in one message; empty: it takes no such. */
static struct hm_bytes
delivery(const struct job *job, const struct hm_issue_answer *issued)
{
	static uint8_t receipt[HM_LINK_MAX], room[HM_LINK_MAX];
	const struct hm_confirm_answer both = { issued->entry,
		issued->receipt };
	struct hm_delivery all = { issued->stamp, { receipt, 0 } };
	size_t len;

	if (job->device.leaves ||
	    hm_confirm_answer_encode(&both,
		(struct hm_span){ receipt, sizeof(receipt) },
		&all.receipt.len) != HM_OK ||
	    hm_delivery_encode(
		&all, (struct hm_span){ room, sizeof(room) }, &len) != HM_OK ||
	    len + HM_LINK_HEAD_MAX > job->device.longest)
		return (struct hm_bytes){ 0 };
	return (struct hm_bytes){ room, len };
}

static hm_err
deliver(struct job *job)
{
	struct hm_issue_answer issued;
	struct hm_bytes body, conformance;
	hm_link_type type;

	HM_TRY(check_issued(job));
	HM_TRY(hm_issue_answer_decode(buf_bytes(&job->unit.issued), &issued));
	step(job, STEP_STAMP);
	HM_TRY(save(job, UNIT_RUN, HM_OK));
	body = delivery(job, &issued);
	job->device.has_receipt = body.len > 0;
	type = body.len > 0 ? HM_LINK_DELIVER : HM_LINK_STAMP;
	if (body.len == 0)
		body = issued.stamp;
	if (body.len + HM_LINK_HEAD_MAX > job->device.longest)
		return HM_E_TOO_LARGE;
	HM_TRY(ask(job, type, body, &conformance));
	return keep(&job->unit.conformance, conformance);
}

static hm_err
confirm(struct job *job)
{
	struct hm_confirm_request request = { .order = hm_bytes_of(job->order),
		.conformance = buf_bytes(&job->unit.conformance) };
	uint8_t room[HM_CONFORMANCE_MAX + 128];
	struct hm_confirm_answer confirmed;
	struct hm_bytes answer;
	size_t len;

	step(job, STEP_CONFIRM);
	HM_TRY(hm_confirm_request_encode(
	    &request, (struct hm_span){ room, sizeof(room) }, &len));
	HM_TRY(save(job, UNIT_RUN, HM_OK));
	HM_TRY(server_post(job->server, "/v1/confirm",
	    (struct hm_bytes){ room, len }, &answer, job->why));
	HM_TRY(keep(&job->unit.confirmed, answer));
	HM_TRY(hm_confirm_answer_decode(
	    buf_bytes(&job->unit.confirmed), &confirmed));
	HM_TRY(records_check(job->log_key, confirmed.entry, confirmed.receipt));
	return server_receipt(job->server, confirmed.receipt, job->why);
}

static hm_err
hand_over(struct job *job)
{
	struct hm_bytes nothing;

	step(job, STEP_RECEIPT);
	HM_TRY(save(job, UNIT_RUN, HM_OK));
	HM_TRY(records_write(job->config->records, job->event.serial,
	    buf_bytes(&job->unit.issued), buf_bytes(&job->unit.confirmed)));
	if (job->device.has_receipt)
		return HM_OK;
	return ask(
	    job, HM_LINK_RECEIPT, buf_bytes(&job->unit.confirmed), &nothing);
}

/* ---- the whole ---- */

static hm_err
work(struct job *job)
{
	step(job, STEP_HELLO);
	HM_TRY(obtain_stamp(job));
	HM_TRY(deliver(job));
	HM_TRY(confirm(job));
	return hand_over(job);
}

/* Refused is FAIL; neither done nor refused is HOLD. Before there was evidence,
 * nothing has begun that could be resumed. */
static unit_state
judge(const struct job *job, hm_err *err)
{
	bool gone = *err == HM_E_LINK || *err == HM_E_NO_DEVICE;
	err_class class = err_info(*err)->class;

	if (*err == HM_OK)
		return UNIT_PASS;
	if (seen_is_broken(*err))
		return UNIT_HOLD;
	if (job->event.step < STEP_ISSUE && !job->event.resumed)
		return UNIT_FAIL;
	if (gone)
		*err = HM_E_POWER_LOST;
	return gone || class == ERR_TRANSIENT || class == ERR_HOLD ? UNIT_HOLD
								   : UNIT_FAIL;
}

unit_state
job_run(struct job *job)
{
	unit_state state;
	hm_err err, saved = HM_OK;

	job->started_us = clock_mono_us();
	job->event = (struct station_event){ .slot = job->slot };
	job->lock = -1;
	unit_init(&job->unit);
	job->passed = false;
	job->device = (struct job_device){ 0 };
	server_on_retry(job->server, on_retry, job);
	err = work(job);
	state = judge(job, &err);
	if (state == UNIT_PASS)
		job->event.step = STEP_DONE;
	/* One that passed, put in again: nothing has begun. */
	if (job->lock >= 0 && !(job->passed && job->event.step < STEP_ISSUE))
		saved = save(job, state, err);
	if (saved != HM_OK && state == UNIT_PASS) {
		state = UNIT_HOLD;
		err = saved;
		/* The file may be there, unsynced, and must not say PASS. */
		(void)!save(job, state, err);
	}
	tell(job, state, err);
	if (job->lock >= 0)
		close(job->lock);
	unit_done(&job->unit);
	return state;
}
