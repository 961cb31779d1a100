/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop takes what waits on all channels, up to a batch, without a pause for
 * more to come: a lone ask is not delayed, and under load a batch forms while
 * the last one is committed.
 */
#include "server/keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "server/ask.h"
#include "server/life.h"

#define LOOK_MS 1000      /* time-outs are looked for that often */
#define QUIET_MS 20       /* without asks: then tiles are written */
#define SETTLE_US 250000  /* under load: not later than that */
#define ANSWER_US 5000000 /* for all of a batch: who reads slower is dead */

/* What came in, and the answers to it. */
struct inbox {
	struct buf asks[KEEPER_BATCH_MAX], answers[KEEPER_BATCH_MAX];
	struct hm_bytes messages[KEEPER_BATCH_MAX]; /* borrow from asks */
	int from[KEEPER_BATCH_MAX];
	size_t count;
	struct buf room; /* of one message */
	uint32_t turn;   /* the front that is read first */
};

struct loop_state {
	const struct keeper_options *options;
	struct keeper *keeper;
	struct inbox *inbox;
	struct pollfd *watch; /* fronts, then parent, then signer */
	bool stopping, unsettled;
	uint64_t settled_us;
};

static struct inbox *
inbox_new(void)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (inbox == NULL)
		return NULL;
	buf_init(&inbox->room, ASK_MESSAGE_MAX);
	for (size_t i = 0; i < KEEPER_BATCH_MAX; i++) {
		buf_init(&inbox->asks[i], ASK_MESSAGE_MAX);
		buf_init(&inbox->answers[i], ASK_MESSAGE_MAX);
	}
	return inbox;
}

static void
inbox_free(struct inbox *inbox)
{
	if (inbox == NULL)
		return;
	buf_done(&inbox->room);
	for (size_t i = 0; i < KEEPER_BATCH_MAX; i++) {
		buf_done(&inbox->asks[i]);
		buf_done(&inbox->answers[i]);
	}
	free(inbox);
}

/* ---- the channel to the signer ---- */

static hm_err
send_signer(void *context, struct hm_bytes message, uint64_t deadline_us)
{
	const int *fd = context;

	return channel_send(*fd, message, deadline_us, NULL);
}

static hm_err
receive_signer(
    void *context, struct hm_span room, uint64_t deadline_us, size_t *ret_len)
{
	const int *fd = context;

	return channel_recv(*fd, room, deadline_us, ret_len, NULL);
}

/* ---- one turn ---- */

/* One ask of a front, if there is one. HM_E_WORKER: the front is gone. */
static hm_err
take_one(struct inbox *inbox, int fd, bool *ret_taken)
{
	struct hm_span room = { NULL, ASK_MESSAGE_MAX };
	struct buf *ask = &inbox->asks[inbox->count];
	size_t len;
	hm_err err;

	*ret_taken = false;
	buf_clear(&inbox->room);
	HM_TRY(buf_reserve(&inbox->room, room.len, &room.ptr));
	err = channel_recv(fd, room, 0, &len, NULL);
	if (err == HM_E_TIMEOUT)
		return HM_OK;
	HM_TRY(err);
	buf_clear(ask);
	HM_TRY(buf_add(ask, (struct hm_bytes){ room.ptr, len }));
	inbox->from[inbox->count++] = fd;
	*ret_taken = true;
	return HM_OK;
}

/* What waits at one front. One that is gone is not looked at again: the parent
 * decides what becomes of the others. */
static hm_err
take_from(struct inbox *inbox, struct pollfd *front)
{
	bool taken = true;
	hm_err err;

	while (taken && inbox->count < KEEPER_BATCH_MAX) {
		err = take_one(inbox, front->fd, &taken);
		if (err == HM_E_WORKER) {
			front->fd = -1;
			return HM_OK;
		}
		HM_TRY(err);
	}
	return HM_OK;
}

/* Everything that waits, front by front, up to a batch. */
static hm_err
take_all(struct loop_state *loop)
{
	uint32_t count = loop->options->front_count;
	struct inbox *inbox = loop->inbox;

	inbox->count = 0;
	inbox->turn++;
	for (uint32_t i = 0; i < count; i++) {
		struct pollfd *front = &loop->watch[(inbox->turn + i) % count];

		if (front->fd >= 0 && front->revents != 0)
			HM_TRY(take_from(inbox, front));
	}
	return HM_OK;
}

/* One answer; sent or not to be sent any more, it counts as gone. */
static hm_err
send_answer(struct inbox *inbox, size_t i, uint64_t deadline_us)
{
	hm_err err = channel_send(
	    inbox->from[i], buf_bytes(&inbox->answers[i]), deadline_us, NULL);

	if (err == HM_OK || err == HM_E_WORKER) /* it will ask again */
		inbox->from[i] = -1;
	return err == HM_E_WORKER ? HM_OK : err;
}

/* First to those who read, then to those who must be waited for: a front that
 * was taken over must not keep answers from the others. */
static hm_err
send_answers(struct inbox *inbox)
{
	uint64_t deadline_us = clock_mono_us() + ANSWER_US;

	for (size_t i = 0; i < inbox->count; i++) {
		hm_err err = send_answer(inbox, i, 0);

		if (err != HM_E_TIMEOUT)
			HM_TRY(err);
	}
	for (size_t i = 0; i < inbox->count; i++)
		if (inbox->from[i] >= 0)
			HM_TRY(send_answer(inbox, i, deadline_us));
	return HM_OK;
}

static hm_err
do_batch(struct loop_state *loop)
{
	struct inbox *inbox = loop->inbox;

	if (inbox->count == 0)
		return HM_OK;
	for (size_t i = 0; i < inbox->count; i++)
		inbox->messages[i] = buf_bytes(&inbox->asks[i]);
	HM_TRY(keeper_batch(loop->keeper, inbox->messages, inbox->answers,
	    inbox->count, clock_now_s()));
	loop->unsettled = true;
	return send_answers(inbox);
}

static bool
must_stop(const struct loop_state *loop)
{
	const struct pollfd *parent = &loop->watch[loop->options->front_count];
	life_word word;

	if (parent->revents == 0)
		return false;
	word = life_poll(loop->options->parent);
	return word == LIFE_STOP || word == LIFE_GONE;
}

/* When nothing waits, or when it has waited long enough itself. */
static void
settle(struct loop_state *loop, bool idle)
{
	uint64_t now_us = clock_mono_us();

	if (!idle && now_us < loop->settled_us + SETTLE_US)
		return;
	keeper_settle(loop->keeper, clock_now_s());
	loop->unsettled = false;
	if (idle)
		keeper_idle(loop->keeper);
	loop->settled_us = clock_mono_us();
}

static hm_err
turn(struct loop_state *loop)
{
	nfds_t count = loop->options->front_count + 2;
	int ready =
	    poll(loop->watch, count, loop->unsettled ? QUIET_MS : LOOK_MS);

	if (ready < 0)
		return errno == EINTR ? HM_OK : HM_E_IO;
	loop->stopping = must_stop(loop);
	HM_TRY(take_all(loop));
	HM_TRY(do_batch(loop));
	settle(loop, ready == 0 || loop->stopping);
	if (loop->stopping)
		return HM_OK;
	return loop->watch[count - 1].revents != 0 ? HM_E_WORKER : HM_OK;
}

static hm_err
serve(struct loop_state *loop)
{
	const struct keeper_options *options = loop->options;
	uint32_t fronts = options->front_count;
	hm_err err = HM_OK;

	loop->watch = calloc(fronts + 2, sizeof(*loop->watch));
	loop->inbox = inbox_new();
	if (loop->watch == NULL || loop->inbox == NULL)
		err = HM_E_NO_MEMORY;
	for (uint32_t i = 0; err == HM_OK && i < fronts; i++)
		loop->watch[i] =
		    (struct pollfd){ options->fronts[i], POLLIN, 0 };
	if (err == HM_OK) {
		loop->watch[fronts] =
		    (struct pollfd){ options->parent, POLLIN, 0 };
		/* It says nothing unasked: only that it is gone. */
		loop->watch[fronts + 1] =
		    (struct pollfd){ options->signer, 0, 0 };
	}
	while (err == HM_OK && !loop->stopping)
		err = turn(loop);
	inbox_free(loop->inbox);
	free(loop->watch);
	return err;
}

hm_err
keeper_run(const struct keeper_options *options, struct why *why)
{
	struct loop_state loop = { .options = options };
	struct jail jail = options->jail;
	int signer = options->signer;
	struct keeper_config config = { .state = options->state,
		.signer = { &signer, send_signer, receive_signer },
		.lock_within_ms = KEEPER_LOCK_MS };
	hm_err err;

	memcpy(config.authority, options->authority, HM_POINT_LEN);
	jail.role = JAIL_KEEPER;
	jail.writable[0] = options->state;
	jail.writable[1] = NULL;
	HM_TRY(jail_folder(options->state, jail.user, why));
	HM_TRY(jail_enter(&jail, why));
	HM_TRY(keeper_open(&config, clock_now_s(), &loop.keeper, why));
	settle(&loop, true);
	err = life_ready(options->parent);
	if (err == HM_OK) {
		log_event(LOG_INFO, "ready", "jail", jail_describe(), NULL);
		err = serve(&loop);
	}
	keeper_close(loop.keeper);
	return err;
}
