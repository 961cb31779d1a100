/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is committed together. A group opens with the first ask that touches the
 * database, takes in whatever is done while devices are with the signer, and
 * is committed when none is out any more, when it is full, or when its first
 * work has waited for hold_us: so a slow token delays nobody but those that it
 * works for, and a busy server shares one commit and one checkpoint among many.
 * While the checkpoint is being signed the next group forms; it is committed
 * when the answers of the last one are out.
 *
 * A commit and its checkpoint cost as much as a device. So where many come, a
 * group waits for as many as the last one had, even if none is out, but not
 * longer than hold_us after answers were out: those who got them come again.
 * Now and then it waits for one more, so that groups grow until all who work at
 * the same time are in one.
 */
#include "server/keeper/group.h"

#include <string.h>

#include "base/clock.h"

#define CROWD 4   /* works in a group: from then on many come */
#define PATIENT 8 /* times before it waits for one more */

static const struct row {
	ask_kind kind;
	keeper_handler handle;
	bool quick; /* says nothing that a commit must keep */
} rows[] = {
	{ ASK_PEER, keeper_peer, true },
	{ ASK_CHALLENGE, keeper_challenge, true },
	{ ASK_ISSUE, keeper_issue, false },
	{ ASK_CONFIRM, keeper_confirm, false },
	{ ASK_VOID, keeper_void, false },
	{ ASK_OBJECT, keeper_object, false },
	{ ASK_ORDER, keeper_order, false },
	{ ASK_RELEASE, keeper_release, false },
	{ ASK_DEVICE, keeper_device, false },
	{ ASK_QUARANTINE, keeper_quarantine, false },
	{ ASK_CRL, keeper_crl, false },
	{ ASK_FILE, keeper_file, true },
	{ ASK_HEALTH, keeper_health, true },
	{ ASK_GROWTH, keeper_growth, false },
};

/* Every kind that ask_check_request() lets a front ask is there. */
static const struct row *
row_of(uint32_t kind)
{
	size_t i = 0;

	while ((uint32_t)rows[i].kind != kind)
		i++;
	return &rows[i];
}

/* After these nobody knows what was written: the whole group goes back. */
static bool
is_fatal(hm_err err)
{
	return err == HM_E_DATABASE || err == HM_E_IO ||
	       err == HM_E_NO_MEMORY || err == HM_E_LOG ||
	       err == HM_E_NO_ROOM || err == HM_E_BUG;
}

/* ---- the transaction ---- */

static hm_err
open_group(struct keeper *keeper)
{
	struct group *group = &keeper->group;
	hm_err err;

	if (group->open)
		return HM_OK;
	err = keeper_begin(keeper, &group->txn);
	if (err != HM_OK) {
		keeper->database = err;
		return err;
	}
	group->open = true;
	group->rules = false;
	return HM_OK;
}

static void
end_queue(struct keeper *keeper, struct queue *queue, hm_err err)
{
	for (struct work *work = queue->first; work != NULL; work = work->next)
		work->err = err;
	queue_join(&keeper->ready, queue);
}

void
keeper_forget_out(struct keeper *keeper, hm_err err)
{
	for (struct work *work = keeper->out.first; work != NULL;
	     work = work->next)
		sign_forget(&keeper->signer, &work->job.sign);
	end_queue(keeper, &keeper->out, err);
}

void
group_take_back(struct keeper *keeper, hm_err err)
{
	if (keeper->group.open)
		keeper_fail(keeper, &keeper->group.txn, err, NULL);
	keeper->group.open = false;
	keeper_forget_out(keeper, err);
	end_queue(keeper, &keeper->done, err);
	end_queue(keeper, &keeper->later, err);
	end_queue(keeper, &keeper->fresh, err);
}

/* ---- handling ---- */

static void
add_done(struct keeper *keeper, struct work *work)
{
	work->step = WORK_DONE;
	if (keeper->done.count == 0)
		keeper->group.since_us = clock_mono_us();
	queue_add(&keeper->done, work);
}

static void
place(struct keeper *keeper, struct work *work, bool quick)
{
	if (work->step == WORK_OUT)
		queue_add(&keeper->out, work);
	else if (work->step == WORK_LATER)
		queue_add(&keeper->later, work);
	else if (keeper->group.open && (!quick || keeper->group.rules))
		add_done(keeper, work);
	else
		queue_add(&keeper->ready, work);
}

static hm_err
attempt(struct keeper *keeper, struct work *work, const struct row *row)
{
	if (!row->quick || keeper->stale)
		HM_TRY(open_group(keeper));
	work->err = row->handle(keeper, work);
	return is_fatal(work->err) ? work->err : HM_OK;
}

static hm_err
handle(struct keeper *keeper, struct work *work, uint64_t now_s)
{
	const struct row *row = row_of(work->head.kind);
	hm_err err;

	work->step = WORK_NEW;
	work->now_s = now_s;
	err = attempt(keeper, work, row);
	if (err != HM_OK) {
		queue_add(&keeper->later, work);
		return err;
	}
	if (work->err != HM_OK || work->step == WORK_NEW)
		work->step = WORK_DONE;
	if (work->head.kind == ASK_OBJECT)
		keeper->group.rules = true;
	place(keeper, work, row->quick);
	return HM_OK;
}

static bool
must_wait(const struct keeper *keeper, const struct work *work)
{
	return work->head.kind == ASK_ISSUE &&
	       (keeper->draining || !sign_has_room(&keeper->signer));
}

static hm_err
handle_fresh(struct keeper *keeper, uint64_t now_s)
{
	struct work *work;

	while ((work = queue_pop(&keeper->fresh)) != NULL)
		if (must_wait(keeper, work))
			queue_add(&keeper->later, work);
		else
			HM_TRY(handle(keeper, work, now_s));
	return HM_OK;
}

/* ---- what came back from the signer ---- */

static hm_err
fold_one(struct keeper *keeper, struct work *work)
{
	hm_err err = work->job.sign.err;

	queue_remove(&keeper->out, work);
	add_done(keeper, work);
	keeper->token = sign_is_breakdown(err) ? err : HM_OK;
	HM_TRY(open_group(keeper));
	return keeper_issued(keeper, work);
}

static hm_err
fold(struct keeper *keeper, bool *ret_any)
{
	struct work *next;

	*ret_any = false;
	for (struct work *work = keeper->out.first; work != NULL; work = next) {
		next = work->next;
		if (work->job.sign.id != 0)
			continue;
		*ret_any = true;
		HM_TRY(fold_one(keeper, work));
	}
	return HM_OK;
}

static void
retry_later(struct keeper *keeper)
{
	queue_join(&keeper->later, &keeper->fresh);
	queue_join(&keeper->fresh, &keeper->later);
}

hm_err
group_run(struct keeper *keeper, uint64_t now_s)
{
	bool back, retry = keeper->out.count == 0;

	do {
		HM_TRY(fold(keeper, &back));
		if (back || retry)
			retry_later(keeper);
		retry = false;
		HM_TRY(handle_fresh(keeper, now_s));
	} while (back);
	return HM_OK;
}

/* ---- the commit ---- */

static bool
is_full(const struct keeper *keeper)
{
	return keeper->done.count >= KEEPER_BATCH_MAX ||
	       keeper->idle.count == 0;
}

/* UINT32_MAX, for tests: the clock decides nothing. */
static bool
expects_more(const struct keeper *keeper)
{
	const struct group *group = &keeper->group;

	return keeper->hold_us != UINT32_MAX && group->wanted >= CROWD &&
	       keeper->done.count > 0 && keeper->done.count < group->wanted;
}

bool
group_is_due(const struct keeper *keeper)
{
	if (!keeper->group.open || keeper->proving.count > 0)
		return false;
	if (keeper->out.count == 0 && !expects_more(keeper))
		return true;
	return keeper->done.count > 0 &&
	       (is_full(keeper) || clock_mono_us() >= group_due_us(keeper));
}

uint64_t
group_due_us(const struct keeper *keeper)
{
	if (!keeper->group.open || keeper->done.count == 0 ||
	    keeper->proving.count > 0)
		return UINT64_MAX;
	return keeper->group.since_us + keeper->hold_us;
}

/* What is signed for an answer is signed after the commit. */
static bool
needs_proof(const struct work *work)
{
	return work->err == HM_OK &&
	       (work->index != NO_LEAF || work->head.kind == ASK_GROWTH);
}

/* What the next group should have. */
static void
learn(struct group *group, uint32_t count)
{
	bool came = count >= group->wanted;

	group->reached = came ? group->reached + 1 : 0;
	group->wanted = count;
	if (group->reached % PATIENT == PATIENT - 1)
		group->wanted++;
}

void
group_commit(struct keeper *keeper)
{
	hm_err err;
	struct work *work;

	learn(&keeper->group, keeper->done.count);
	err = keeper_commit(keeper, &keeper->group.txn);
	keeper->group.open = false;
	if (err != HM_OK) {
		end_queue(keeper, &keeper->done, err);
		return;
	}
	while ((work = queue_pop(&keeper->done)) != NULL)
		if (needs_proof(work))
			queue_add(&keeper->proving, work);
		else
			queue_add(&keeper->ready, work);
	if (keeper->proving.count > 0)
		record_want_note(&keeper->record, &keeper->note);
}

/* ---- the proof ---- */

static hm_err
prove_growth(struct keeper *keeper, struct work *work)
{
	const struct ask_growth *ask = work->body;

	return record_growth(&keeper->record, ask->from, &work->out);
}

/* tail = what the family gave, the leaf, its receipt */
static hm_err
prove(struct keeper *keeper, struct work *work)
{
	size_t stamp = work->out.len, before = stamp + work->entry.len;

	if (work->head.kind == ASK_GROWTH)
		return prove_growth(keeper, work);
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

void
group_prove(struct keeper *keeper)
{
	struct work *work;
	hm_err err;

	if (keeper->proving.count == 0 || keeper->note.id != 0)
		return;
	err = keeper->note.err;
	record_took_note(&keeper->record, &keeper->note);
	while ((work = queue_pop(&keeper->proving)) != NULL) {
		work->err = err == HM_OK ? prove(keeper, work) : err;
		keeper->token =
		    sign_is_breakdown(work->err) ? work->err : HM_OK;
		queue_add(&keeper->ready, work);
	}
	if (keeper->group.wanted >= CROWD)
		keeper->group.since_us = clock_mono_us();
}
