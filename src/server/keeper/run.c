/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop takes what waits on all channels without a pause for more to come: a
 * lone ask is not delayed, and under load groups form (group.c).
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
#define SETTLE_US 1000000 /* under load: not later than that */
#define ANSWER_US 5000000 /* who does not read for so long is dead */
#define FINISH_US 8000000 /* for what is under way when it must stop */

/* A front as the loop sees it. */
struct seat {
	uint32_t under_way; /* asks that were taken from it */
	bool stalled;       /* it has to read before it gets more */
};

struct loop_state {
	const struct keeper_options *options;
	struct keeper *keeper;
	uint8_t *room; /* of one message, ASK_MESSAGE_MAX */
	struct seat *seats;
	uint32_t share;       /* asks of one front under way, at most */
	uint32_t first;       /* the front that is read first */
	struct pollfd *watch; /* fronts, then parent, then signer */
	bool stopping, unsettled;
	uint64_t settled_us;
	uint64_t stalled_us; /* since when a front does not read; 0: all do */
};

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

/* ---- asks and answers ---- */

/* What waits at one front, while it has a share. One that is gone is not looked
 * at again: the parent decides what becomes of the others. */
static hm_err
take_from(struct loop_state *loop, uint32_t front)
{
	struct hm_span room = { loop->room, ASK_MESSAGE_MAX };
	struct seat *seat = &loop->seats[front];
	size_t len;
	hm_err err;

	while (seat->under_way < loop->share) {
		err = channel_recv(loop->watch[front].fd, room, 0, &len, NULL);
		if (err == HM_E_TIMEOUT)
			return HM_OK;
		if (err == HM_E_WORKER) {
			loop->watch[front].fd = -1;
			return HM_OK;
		}
		HM_TRY(err);
		HM_TRY(keeper_take(
		    loop->keeper, (struct hm_bytes){ room.ptr, len }, front));
		seat->under_way++;
	}
	return HM_OK;
}

/* Everything that waits, front by front. */
static hm_err
take_all(struct loop_state *loop)
{
	uint32_t count = loop->options->front_count;

	loop->first++;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t front = (loop->first + i) % count;

		if (loop->watch[front].fd >= 0 &&
		    (loop->watch[front].revents & ~POLLOUT) != 0)
			HM_TRY(take_from(loop, front));
	}
	return HM_OK;
}

/* A front that was taken over must not keep answers from the others: nobody is
 * waited for here. */
static hm_err
answer(void *context, uint64_t front, struct hm_bytes message)
{
	struct loop_state *loop = context;
	struct seat *seat = &loop->seats[front];
	hm_err err = HM_E_TIMEOUT;

	if (!seat->stalled)
		err = channel_send(
		    loop->options->fronts[front], message, 0, NULL);
	seat->stalled = err == HM_E_TIMEOUT;
	if (seat->stalled)
		return HM_E_BUSY;
	seat->under_way--;
	return err == HM_E_WORKER ? HM_OK : err; /* it will ask again */
}

/* HM_E_TIMEOUT: one does not read. */
static hm_err
look_at_stalled(struct loop_state *loop)
{
	bool any = false;

	for (uint32_t i = 0; i < loop->options->front_count; i++)
		any = any || loop->seats[i].stalled;
	if (!any)
		loop->stalled_us = 0;
	else if (loop->stalled_us == 0)
		loop->stalled_us = clock_mono_us();
	else if (clock_mono_us() > loop->stalled_us + ANSWER_US)
		return HM_E_TIMEOUT;
	return HM_OK;
}

static hm_err
do_turn(struct loop_state *loop)
{
	struct keeper_outlet outlet = { loop, answer };

	for (uint32_t i = 0; i < loop->options->front_count; i++)
		loop->seats[i].stalled = loop->seats[i].stalled &&
					 loop->watch[i].fd >= 0 &&
					 loop->watch[i].revents == 0;
	HM_TRY(keeper_turn(loop->keeper, clock_now_s(), &outlet));
	loop->unsettled = true;
	return look_at_stalled(loop);
}

/* ---- one turn ---- */

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

/* When it is quiet, or when it has waited long enough itself. */
static void
settle(struct loop_state *loop, bool quiet)
{
	bool idle = quiet && !keeper_is_busy(loop->keeper);

	if (!idle && clock_mono_us() < loop->settled_us + SETTLE_US)
		return;
	keeper_settle(loop->keeper, clock_now_s());
	loop->unsettled = false;
	if (idle)
		keeper_idle(loop->keeper);
	loop->settled_us = clock_mono_us();
}

static int
wait_ms(const struct loop_state *loop)
{
	uint64_t due_us = keeper_due_us(loop->keeper), now_us;

	if (due_us != UINT64_MAX) {
		now_us = clock_mono_us();
		if (due_us <= now_us)
			return 0;
		if (due_us - now_us < LOOK_MS * UINT64_C(1000))
			return (int)((due_us - now_us + 999) / 1000);
	}
	return loop->unsettled ? QUIET_MS : LOOK_MS;
}

/* Who cannot be served is not listened to. */
static void
watch_fronts(struct loop_state *loop, bool listen)
{
	for (uint32_t i = 0; i < loop->options->front_count; i++) {
		const struct seat *seat = &loop->seats[i];
		bool room = listen && seat->under_way < loop->share;

		loop->watch[i].events = (short)((room ? POLLIN : 0) |
						(seat->stalled ? POLLOUT : 0));
		loop->watch[i].revents = 0;
	}
}

static hm_err
wait_for_news(struct loop_state *loop, int *ret_ready)
{
	nfds_t count = loop->options->front_count + 2;

	*ret_ready = poll(loop->watch, count, wait_ms(loop));
	if (*ret_ready < 0 && errno != EINTR)
		return HM_E_IO;
	if (*ret_ready < 0)
		return HM_OK;
	return (loop->watch[count - 1].revents & ~POLLIN) != 0 ? HM_E_WORKER
							       : HM_OK;
}

static hm_err
turn(struct loop_state *loop)
{
	int ready;

	watch_fronts(loop, true);
	HM_TRY(wait_for_news(loop, &ready));
	if (ready < 0)
		return HM_OK;
	loop->stopping = must_stop(loop);
	HM_TRY(take_all(loop));
	if (keeper_is_busy(loop->keeper))
		HM_TRY(do_turn(loop));
	settle(loop, ready == 0);
	return HM_OK;
}

/* Before it stops: what was taken is answered. */
static hm_err
finish(struct loop_state *loop)
{
	uint64_t end_us = clock_mono_us() + FINISH_US;
	int ready;

	/* The parent has said what it had to say. */
	loop->watch[loop->options->front_count].fd = -1;
	while (keeper_is_busy(loop->keeper) && clock_mono_us() < end_us) {
		watch_fronts(loop, false);
		HM_TRY(wait_for_news(loop, &ready));
		HM_TRY(do_turn(loop));
	}
	settle(loop, true);
	return HM_OK;
}

static hm_err
serve(struct loop_state *loop)
{
	const struct keeper_options *options = loop->options;
	uint32_t fronts = options->front_count;
	hm_err err = HM_OK;

	loop->watch = calloc(fronts + 2, sizeof(*loop->watch));
	loop->room = malloc(ASK_MESSAGE_MAX);
	loop->seats = calloc(fronts, sizeof(*loop->seats));
	loop->share = KEEPER_ASKS_MAX / fronts;
	if (loop->watch == NULL || loop->room == NULL || loop->seats == NULL)
		err = HM_E_NO_MEMORY;
	for (uint32_t i = 0; err == HM_OK && i < fronts; i++)
		loop->watch[i] =
		    (struct pollfd){ options->fronts[i], POLLIN, 0 };
	if (err == HM_OK) {
		loop->watch[fronts] =
		    (struct pollfd){ options->parent, POLLIN, 0 };
		loop->watch[fronts + 1] =
		    (struct pollfd){ options->signer, POLLIN, 0 };
	}
	while (err == HM_OK && !loop->stopping)
		err = turn(loop);
	if (err == HM_OK)
		err = finish(loop);
	free(loop->room);
	free(loop->seats);
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
		.lock_within_ms = KEEPER_LOCK_MS,
		.sign_ms = options->sign_ms };
	hm_err err;

	memcpy(config.authority, options->authority, HM_POINT_LEN);
	config.approvers = options->approvers;
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
