/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth_keeper - the keeper's process, and another of its calls that fails
 *
 * plant.c drives a keeper in its own process. Here the linker puts a process
 * behind keeper_open(), keeper_batch() and the rest: what is asked goes to it
 * through a channel as from a front, the signer is played on this side, and
 * what was refused for a breakdown is asked again. Without jail, in which no
 * search for leaks can run (base/jail.c).
 */
#include <poll.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "core/check.h"
#include "course.h"
#include "crypto/init.h"
#include "fault.h"
#include "server/life.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define TRIES 4

static struct plant plant;
static int front[2], signer[2], life[2]; /* [0]: ours, [1]: the keeper's */
static pid_t process;                    /* 0: none */
static bool in_process;                  /* we are it */

static uint64_t
soon(void)
{
	return clock_mono_us() + 30000000;
}

/* ---- the process ---- */

static hm_err
be_keeper(void *context)
{
	const struct keeper_config *config = context;
	struct keeper_options options = { .state = config->state,
		.fronts = &front[1],
		.front_count = 1,
		.signer = signer[1],
		.parent = life[1] };
	struct why why = { 0 };
	hm_err err;

	in_process = true;
	memcpy(options.authority, config->authority, HM_POINT_LEN);
	close(front[0]);
	close(signer[0]);
	close(life[0]);
	err = keeper_run(&options, &why);
	if (err != HM_OK)
		log_failure(LOG_ERROR, "end", err, &why, NULL);
	return err;
}

/* Signer's answers, as long as the keeper asks for them. */
static void
play_once(void)
{
	static alignas(8) uint8_t room[ASK_MESSAGE_MAX];
	struct hm_span space = { room, sizeof(room) };
	struct keeper_link link = play_link(&plant.play);
	struct hm_bytes message = { room, 0 };

	if (channel_recv(signer[0], space, soon(), &message.len, NULL) != HM_OK)
		return; /* it has gone */
	MUST(link.send(link.context, message, 0));
	MUST(link.receive(link.context, space, 0, &message.len));
	/* Nobody to hear it is found out elsewhere. */
	HM_LOSE(channel_send(signer[0], message, soon(), NULL));
}

/* Play the signer until `fd` says something. */
static void
serve_until(int fd)
{
	struct pollfd watch[2] = { { fd, POLLIN, 0 },
		{ signer[0], POLLIN, 0 } };

	for (;;) {
		hm_assert(poll(watch, 2, -1) > 0);
		if (watch[0].revents != 0)
			return;
		play_once();
	}
}

static hm_err
bury(void)
{
	hm_err err = fault_reap(process);

	process = 0;
	close(front[0]);
	close(signer[0]);
	close(life[0]);
	if (err != HM_OK && !fault_fired())
		fault_lost("the keeper ended without a fault");
	return err;
}

static hm_err
start(const struct keeper_config *config)
{
	MUST(channel_pair(front, NULL));
	MUST(channel_pair(signer, NULL));
	MUST(channel_pair(life, NULL));
	play_restart(&plant.play);
	process = fault_start(be_keeper, (void *)(uintptr_t)config);
	close(front[1]);
	close(signer[1]);
	close(life[1]);
	serve_until(life[0]);
	return life_poll(life[0]) == LIFE_READY ? HM_OK : bury();
}

static struct keeper_config config;
static char state[sizeof(plant.folder)];

static void
ensure(void)
{
	for (int i = 0; process == 0; i++) {
		hm_err err = start(&config);

		if (err != HM_OK && i == TRIES)
			fault_lost("the keeper does not start: HM-%04d", err);
	}
}

static void
stop(void)
{
	if (process == 0)
		return;
	life_stop(life[0]);
	serve_until(life[0]);
	(void)bury(); /* looked at what it was */
}

/* ---- what plant.c calls ---- */

hm_err __wrap_keeper_open(const struct keeper_config *given, uint64_t now_s,
    struct keeper **ret, struct why *why);
hm_err __real_keeper_open(const struct keeper_config *given, uint64_t now_s,
    struct keeper **ret, struct why *why);
hm_err __wrap_keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s);
hm_err __real_keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s);
void __wrap_keeper_settle(struct keeper *keeper, uint64_t now_s);
void __real_keeper_settle(struct keeper *keeper, uint64_t now_s);
void __wrap_keeper_close(struct keeper *keeper);
void __real_keeper_close(struct keeper *keeper);

hm_err
__wrap_keeper_open(const struct keeper_config *given, uint64_t now_s,
    struct keeper **ret, struct why *why)
{
	static int stand_in;

	if (in_process)
		return __real_keeper_open(given, now_s, ret, why);
	config = *given;
	strcpy(state, given->state);
	config.state = state;
	ensure();
	*ret = (struct keeper *)&stand_in;
	return HM_OK;
}

/* The ask with its place as id, by which its answer is found. */
static bool
send_one(struct hm_bytes ask, uint64_t id)
{
	static uint8_t copy[ASK_MESSAGE_MAX];
	struct ask_head head;

	memcpy(copy, ask.ptr, ask.len);
	memcpy(&head, copy, sizeof(head));
	head.id = id;
	memcpy(copy, &head, sizeof(head));
	return channel_send(front[0], (struct hm_bytes){ copy, ask.len },
		   soon(), NULL) == HM_OK;
}

static bool
receive_one(struct buf *answers, const bool *asked, size_t count)
{
	static alignas(8) uint8_t room[ASK_MESSAGE_MAX];
	struct ask_head head;
	size_t len;

	serve_until(front[0]);
	if (channel_recv(front[0], (struct hm_span){ room, sizeof(room) },
		soon(), &len, NULL) != HM_OK)
		return false;
	memcpy(&head, room, sizeof(head));
	if (head.id >= count || !asked[head.id])
		fault_lost("an answer to no ask");
	buf_clear(&answers[head.id]);
	MUST(buf_add(&answers[head.id], (struct hm_bytes){ room, len }));
	return true;
}

/* Ask what has no answer yet. False: the keeper has gone. */
static bool
exchange(const struct hm_bytes *asks, struct buf *answers, size_t count)
{
	bool asked[KEEPER_BATCH_MAX];

	for (size_t i = 0; i < count; i++) {
		asked[i] = !is_answered(&answers[i]);
		if (asked[i] && !send_one(asks[i], i))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		if (asked[i] && !receive_one(answers, asked, count))
			return false;
	return true;
}

/* Ask until nothing breaks down any more: the same process once more, then one
 * that was started again. */
hm_err
__wrap_keeper_batch(struct keeper *keeper, const struct hm_bytes *asks,
    struct buf *answers, size_t count, uint64_t now_s)
{
	if (in_process)
		return __real_keeper_batch(keeper, asks, answers, count, now_s);
	for (int i = 0; i < TRIES; i++) {
		bool here;

		ensure();
		here = exchange(asks, answers, count);
		if (here && all_answered(answers, count))
			return HM_OK;
		if (!fault_fired())
			fault_lost("a breakdown without a fault");
		if (!here)
			(void)bury(); /* looked at what it was */
		else if (i > 0)
			stop();
	}
	fault_lost("it breaks down again and again");
}

/* It settles at each start and before each orderly end. */
void
__wrap_keeper_settle(struct keeper *keeper, uint64_t now_s)
{
	if (in_process) {
		__real_keeper_settle(keeper, now_s);
		return;
	}
	ensure();
	stop();
	ensure();
}

void
__wrap_keeper_close(struct keeper *keeper)
{
	if (in_process)
		__real_keeper_close(keeper);
	else
		stop();
}

static void
live(void)
{
	plant_new(&plant, COURSE_QUOTA);
	course(&plant);
	plant_done(&plant);
}

static void
prepare(void)
{
	log_init("keeper", LOG_INFO);
	MUST(crypto_init());
}

static const struct fault_class classes[] = {
	{ "malloc", NULL, 0, false },
	{ "malloc", "libsqlite3", 6, false },
	{ "malloc", "libcrypto", 0, false },
	{ "db", NULL, 0, false },
	{ "recv", NULL, 0, false },
	{ "write", NULL, 0, false },
	{ "send", NULL, 0, false },
	{ "poll", NULL, 0, false },
	{ "open", NULL, 0, false },
	{ "fsync", NULL, 0, false },
	{ "rename", NULL, 0, false },
	{ "random", NULL, 0, false },
	{ 0 },
};

int
main(int argc, char **argv)
{
	static const struct fault_part part = { .name = "keeper",
		.classes = classes,
		.life_s = 30,
		.prepare = prepare,
		.life = live };

	return fault_main(&part, argc, argv);
}
