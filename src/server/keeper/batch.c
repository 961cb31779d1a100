/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch goes in rounds: every ask once, in the order in which it came; those
 * that depend on a device that is with the signer go again when it is back. The
 * first of a device never waits, so each round finishes at least one.
 */
#include "server/keeper/state.h"

#include <string.h>

#include "core/check.h"

static const struct {
	ask_kind kind;
	keeper_handler handle;
} handlers[] = {
	{ ASK_PEER, keeper_peer },
	{ ASK_CHALLENGE, keeper_challenge },
	{ ASK_ISSUE, keeper_issue },
	{ ASK_CONFIRM, keeper_confirm },
	{ ASK_VOID, keeper_void },
	{ ASK_OBJECT, keeper_object },
	{ ASK_ORDER, keeper_order },
	{ ASK_DEVICE, keeper_device },
	{ ASK_QUARANTINE, keeper_quarantine },
	{ ASK_CRL, keeper_crl },
	{ ASK_FILE, keeper_file },
	{ ASK_HEALTH, keeper_health },
	{ ASK_GROWTH, keeper_growth },
};

static keeper_handler
handler_of(uint32_t kind)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if ((uint32_t)handlers[i].kind == kind)
			return handlers[i].handle;
	return NULL;
}

/* After these nobody knows what was written: the whole batch goes back. */
static bool
is_fatal(hm_err err)
{
	return err == HM_E_DATABASE || err == HM_E_IO ||
	       err == HM_E_NO_MEMORY || err == HM_E_LOG ||
	       err == HM_E_NO_ROOM || err == HM_E_BUG;
}

/* ---- taking in ---- */

static hm_err
take(struct keeper *keeper, const struct hm_bytes *asks, size_t count,
    uint64_t now_s)
{
	for (size_t i = 0; i < count; i++) {
		struct work *work = &keeper->works[i];

		HM_TRY(ask_check_request(asks[i], ASK_BY_FRONT, &work->head,
		    &work->body, &work->tail));
		work->now_s = now_s;
		work->step = WORK_NEW;
		work->err = HM_OK;
		work->index = NO_LEAF;
		memset(&work->answer, 0, sizeof(work->answer));
		buf_clear(&work->out);
		buf_clear(&work->entry);
	}
	keeper->work_count = (uint32_t)count;
	return HM_OK;
}

/* ---- a round ---- */

static hm_err
handle(struct keeper *keeper, struct work *work)
{
	hm_err err;

	work->step = WORK_NEW;
	err = handler_of(work->head.kind)(keeper, work);
	if (is_fatal(err))
		return err;
	if (err != HM_OK || work->step == WORK_NEW)
		work->step = WORK_DONE;
	work->err = err;
	return HM_OK;
}

/* What came back from the signer, in the order of the asks. */
static hm_err
fold(struct keeper *keeper)
{
	sign_collect(&keeper->signer);
	for (uint32_t i = 0; i < keeper->work_count; i++) {
		struct work *work = &keeper->works[i];

		if (work->step != WORK_OUT)
			continue;
		work->step = WORK_DONE;
		keeper->token = sign_is_breakdown(work->job.sign.err)
				    ? work->job.sign.err
				    : HM_OK;
		HM_TRY(keeper_issued(keeper, work));
	}
	return HM_OK;
}

static hm_err
run_rounds(struct keeper *keeper)
{
	bool again = true;

	while (again) {
		again = false;
		for (uint32_t i = 0; i < keeper->work_count; i++)
			if (keeper->works[i].step != WORK_DONE)
				HM_TRY(handle(keeper, &keeper->works[i]));
		HM_TRY(fold(keeper));
		for (uint32_t i = 0; i < keeper->work_count; i++)
			if (keeper->works[i].step == WORK_LATER)
				again = true;
	}
	return HM_OK;
}

/* ---- the transaction ---- */

static void
fail_all(struct keeper *keeper, hm_err err)
{
	for (uint32_t i = 0; i < keeper->work_count; i++) {
		keeper->works[i].step = WORK_DONE;
		keeper->works[i].err = err;
	}
}

static void
run(struct keeper *keeper)
{
	struct keeper_txn txn;
	hm_err err;

	sign_begin(&keeper->signer);
	err = keeper_begin(keeper, &txn);
	if (err != HM_OK) {
		keeper->database = err;
		fail_all(keeper, err);
		return;
	}
	err = run_rounds(keeper);
	if (err == HM_OK) {
		err = keeper_commit(keeper, &txn);
	} else {
		/* Jobs that are out point into the works: let them come. */
		sign_collect(&keeper->signer);
		keeper_fail(keeper, &txn, err, NULL);
	}
	if (err != HM_OK)
		fail_all(keeper, err);
}

/* ---- answers ---- */

/* tail = what the family gave, the leaf, its receipt */
static hm_err
prove(struct keeper *keeper, struct work *work)
{
	size_t stamp = work->out.len, before = stamp + work->entry.len;

	HM_TRY(buf_add(&work->out, buf_bytes(&work->entry)));
	HM_TRY(record_receipt(&keeper->record, work->index, &work->out));
	if (work->head.kind == ASK_ISSUE) {
		work->answer.issue.stamp_len = (uint32_t)stamp;
		work->answer.issue.entry_len = (uint32_t)work->entry.len;
		work->answer.issue.receipt_len =
		    (uint32_t)(work->out.len - before);
	} else {
		work->answer.entry.entry_len = (uint32_t)work->entry.len;
		work->answer.entry.receipt_len =
		    (uint32_t)(work->out.len - before);
	}
	return HM_OK;
}

static hm_err
write_answer(const struct work *work, struct buf *ret)
{
	const struct ask_rule *rule = ask_rule(work->head.kind);
	struct hm_bytes tail = { 0 };
	struct hm_span room = { 0 };
	bool good = work->err == HM_OK;

	if (good)
		tail = buf_bytes(&work->out);
	buf_clear(ret);
	room.len = sizeof(struct ask_head) + rule->answer_len + tail.len;
	HM_TRY(buf_reserve(ret, room.len, &room.ptr));
	return ask_answer(&work->head, work->err, good ? &work->answer : NULL,
	    tail, room, &ret->len);
}

/* What is signed for an answer is signed after the commit. */
static hm_err
sign_answer(struct keeper *keeper, struct work *work)
{
	const struct ask_growth *ask = work->body;

	if (work->head.kind == ASK_GROWTH)
		return record_growth(&keeper->record, ask->from, &work->out);
	return prove(keeper, work);
}

static hm_err
answer(struct keeper *keeper, struct work *work, struct buf *ret)
{
	if (work->err == HM_OK &&
	    (work->index != NO_LEAF || work->head.kind == ASK_GROWTH)) {
		work->err = sign_answer(keeper, work);
		keeper->token =
		    sign_is_breakdown(work->err) ? work->err : HM_OK;
	}
	return write_answer(work, ret);
}

hm_err
keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s)
{
	hm_assert(count <= KEEPER_BATCH_MAX);

	HM_TRY(take(keeper, asks, count, now_s));
	run(keeper);
	for (size_t i = 0; i < count; i++)
		HM_TRY(answer(keeper, &keeper->works[i], &answers[i]));
	keeper->work_count = 0;
	return HM_OK;
}
