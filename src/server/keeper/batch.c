/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/group.h"

#include <string.h>

#include "core/check.h"

#define KEEP_MAX 20480 /* bytes of a buffer */

/* ---- in ---- */

bool
keeper_is_busy(const struct keeper *keeper)
{
	return keeper->idle.count < KEEPER_ASKS_MAX;
}

static hm_err
fill(struct work *work, struct hm_bytes ask)
{
	buf_clear(&work->ask);
	HM_TRY(buf_add(&work->ask, ask));
	HM_TRY(ask_check_request(buf_bytes(&work->ask), ASK_BY_FRONT,
	    &work->head, &work->body, &work->tail));
	work->err = HM_OK;
	work->index = NO_LEAF;
	memset(&work->answer, 0, sizeof(work->answer));
	buf_clear(&work->out);
	buf_clear(&work->entry);
	return HM_OK;
}

/* Memory for what a device needs is kept; what an object needed is not. */
static void
trim(struct buf *buf)
{
	if (buf->room > KEEP_MAX)
		buf_done(buf);
}

/* The last one used is used next: few are ever warm. */
static void
put_back(struct keeper *keeper, struct work *work)
{
	trim(&work->ask);
	trim(&work->out);
	trim(&work->entry);
	queue_push(&keeper->idle, work);
}

hm_err
keeper_take(struct keeper *keeper, struct hm_bytes ask, uint64_t tag)
{
	struct work *work = queue_pop(&keeper->idle);
	hm_err err;

	if (work == NULL)
		return HM_E_BUSY;
	work->tag = tag;
	err = fill(work, ask);
	if (err == HM_OK)
		queue_add(&keeper->fresh, work);
	else
		put_back(keeper, work);
	return err;
}

/* ---- out ---- */

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

static hm_err
send_ready(struct keeper *keeper, const struct keeper_outlet *outlet)
{
	struct queue stuck = { 0 };
	struct work *work;
	hm_err err = HM_OK;

	while (err == HM_OK && (work = queue_pop(&keeper->ready)) != NULL) {
		err = write_answer(work, &keeper->answer);
		if (err == HM_OK)
			err = outlet->answer(outlet->context, work->tag,
			    buf_bytes(&keeper->answer));
		if (err != HM_E_BUSY) {
			put_back(keeper, work);
			continue;
		}
		queue_add(&stuck, work);
		err = HM_OK;
	}
	queue_join(&keeper->ready, &stuck);
	return err;
}

/* ---- a turn ---- */

/* What was put off comes before a new group; false: its time is yet to come. */
static bool
catch_up(struct keeper *keeper, uint64_t now_s)
{
	if (!keeper->settle_due || keeper->group.open)
		return true;
	if (keeper->proving.count > 0)
		return false;
	keeper_settle(keeper, now_s);
	return true;
}

hm_err
keeper_turn(
    struct keeper *keeper, uint64_t now_s, const struct keeper_outlet *outlet)
{
	hm_err err = HM_OK;

	sign_begin(&keeper->signer);
	sign_poll(&keeper->signer);
	group_prove(keeper);
	if (catch_up(keeper, now_s))
		err = group_run(keeper, now_s);
	if (err != HM_OK)
		group_take_back(keeper, err);
	else if (group_is_due(keeper))
		group_commit(keeper);
	return send_ready(keeper, outlet);
}

uint64_t
keeper_due_us(const struct keeper *keeper)
{
	uint64_t group_us = group_due_us(keeper);
	uint64_t sign_us = sign_deadline_us(&keeper->signer);

	return group_us < sign_us ? group_us : sign_us;
}

/* ---- several asks at once ---- */

struct gather {
	struct buf *answers;
	size_t left;
};

static hm_err
gather(void *context, uint64_t tag, struct hm_bytes message)
{
	struct gather *in = context;

	in->left--;
	buf_clear(&in->answers[tag]);
	return buf_add(&in->answers[tag], message);
}

static void
drop_fresh(struct keeper *keeper)
{
	queue_join(&keeper->idle, &keeper->fresh);
}

hm_err
keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s)
{
	struct gather in = { answers, count };
	struct keeper_outlet outlet = { &in, gather };

	hm_assert(count <= KEEPER_BATCH_MAX && !keeper_is_busy(keeper));

	for (size_t i = 0; i < count; i++) {
		hm_err err = keeper_take(keeper, asks[i], i);

		if (err != HM_OK) {
			drop_fresh(keeper);
			return err;
		}
	}
	while (in.left > 0) {
		HM_TRY(keeper_turn(keeper, now_s, &outlet));
		if (in.left > 0)
			sign_wait(&keeper->signer);
	}
	return HM_OK;
}
