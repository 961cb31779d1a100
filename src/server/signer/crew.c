/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `since_us` of a worker says since when it works, and is the one thing that
 * both it and the main thread decide about: whoever exchanges it first, the
 * worker for 0 or the main thread for LOST, answers the ask. Everything else
 * that they share is under the lock, which nobody takes for an ask that ends in
 * time.
 */
#include "server/signer/crew.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "base/log.h"
#include "base/process.h"
#include "core/check.h"

#define LOST UINT64_MAX
#define PROBING UINT64_MAX
#define MS UINT64_C(1000) /* in microseconds */
#define PROBE_US (1000 * MS)
#define PROBE_PAUSE_MAX_US (30000 * MS)
#define AGAIN_US (1000 * MS) /* after one that could not begin */
#define DESERTED_US (60000 * MS)
#define STACK_LEN (2 * 1024 * 1024) /* modules of tokens may want much */
#define REFUSAL_LEN 1024            /* an answer without a tail */

typedef enum place {
	FREE = 0, /* no thread */
	STARTING,
	WORKING,
	GIVEN_UP,
	ENDED, /* to be joined */
} place;

struct worker {
	struct crew *crew;
	pthread_t thread;
	place place; /* under the lock */
	_Atomic uint64_t since_us;
	struct ask_head head; /* of the ask under way; kind 0: it starts */
	atomic_bool is_probe;
	uint8_t *room; /* ASK_MESSAGE_MAX; owned */
	struct reply reply;
};

struct crew {
	struct crew_options options;
	int wake; /* eventfd: something happened that main must see */
	atomic_bool leaving;
	/* Since when the token hangs, if it has not answered after that. */
	_Atomic uint64_t hangs_us;
	uint64_t probe_pause_us; /* main's */
	pthread_mutex_t lock;
	pthread_cond_t probed;
	uint64_t probe_us; /* when an ask may try it; PROBING: one does */
	uint32_t count[ENDED + 1]; /* of workers, by place */
	uint32_t wanted;
	hm_err err;       /* why all of them end; HM_OK: they do not */
	hm_err begin_err; /* why one could not begin */
	struct worker workers[CREW_MAX];
};

_Static_assert(
    sizeof(((struct reply *)0)->body) + sizeof(struct ask_head) < REFUSAL_LEN,
    "a refusal fits its room");

static void
tell_main(struct crew *crew)
{
	uint64_t one = 1;

	(void)!write(crew->wake, &one, sizeof(one)); /* it cannot overflow */
}

/* Under the lock. */
static void
put(struct worker *worker, place where)
{
	worker->crew->count[worker->place]--;
	worker->crew->count[where]++;
	worker->place = where;
}

static void
lock(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
}

static void
unlock(struct crew *crew)
{
	pthread_mutex_unlock(&crew->lock);
}

/* ---- a token that does not come back ---- */

static bool
is_hanging(struct crew *crew)
{
	return atomic_load(crew->options.answered_us) <
	       atomic_load(&crew->hangs_us);
}

/* Under the lock: wait for the outcome of the ask that tries, if one does. */
static void
await_probe(struct crew *crew)
{
	uint64_t end_us = clock_mono_us() + PROBE_US + AGAIN_US;
	struct timespec end = { (time_t)(end_us / 1000000),
		(long)(end_us % 1000000) * 1000 };
	int failure = 0;

	while (failure == 0 && is_hanging(crew) && crew->probe_us == PROBING &&
	       !atomic_load(&crew->leaving))
		failure =
		    pthread_cond_timedwait(&crew->probed, &crew->lock, &end);
}

/* May its ask go to the token? As the one that tries, or because all may. */
static bool
may_try(struct worker *worker)
{
	struct crew *crew = worker->crew;
	bool hangs = is_hanging(crew), tries = false;

	if (hangs) {
		lock(crew);
		await_probe(crew);
		hangs = is_hanging(crew);
		tries = hangs && crew->probe_us <= clock_mono_us();
		if (tries)
			crew->probe_us = PROBING;
		unlock(crew);
	}
	atomic_store(&worker->is_probe, tries);
	return tries || !hangs;
}

/* The next one may try then. */
static void
end_probe(struct crew *crew, uint64_t next_us)
{
	lock(crew);
	crew->probe_us = next_us;
	pthread_cond_broadcast(&crew->probed);
	unlock(crew);
}

/* Main: an ask of then did not come back. */
static void
note_hang(struct crew *crew, uint64_t since_us, bool was_probe, uint64_t now_us)
{
	uint64_t pause_us = 0;

	if (was_probe) {
		pause_us = 2 * crew->probe_pause_us;
		if (pause_us > PROBE_PAUSE_MAX_US)
			pause_us = PROBE_PAUSE_MAX_US;
		crew->probe_pause_us = pause_us;
	} else if (is_hanging(crew) ||
		   atomic_load(crew->options.answered_us) >= since_us) {
		return; /* known, or others got their answers meanwhile */
	} else {
		crew->probe_pause_us = PROBE_US / 2;
	}
	atomic_store(&crew->hangs_us, now_us);
	end_probe(crew, now_us + pause_us);
}

/* ---- a worker ---- */

/* The channel is of no use any more. */
static void
end_all(struct crew *crew, hm_err err)
{
	lock(crew);
	if (crew->err == HM_OK)
		crew->err = err;
	unlock(crew);
	tell_main(crew);
}

static void
forget(struct reply *reply)
{
	hm_wipe(reply->body, sizeof(reply->body));
	buf_wipe(&reply->tail);
}

/* It was given up and is back. Is there work for it? */
static bool
comes_back(struct worker *worker)
{
	struct crew *crew = worker->crew;
	uint32_t others;
	bool stays;

	forget(&worker->reply);
	lock(crew);
	others = crew->count[STARTING] + crew->count[WORKING];
	stays = others < crew->wanted && !atomic_load(&crew->leaving);
	if (stays) {
		put(worker, WORKING);
		atomic_store(&worker->since_us, 0);
	}
	unlock(crew);
	log_event(LOG_WARN, "token came back late", "ask",
	    worker->head.kind == 0 ? "start"
				   : ask_rule(worker->head.kind)->name,
	    NULL);
	tell_main(crew);
	return stays;
}

/* The work is done: was that in time? */
static bool
ends_in_time(struct worker *worker, uint64_t since_us)
{
	return atomic_compare_exchange_strong(&worker->since_us, &since_us, 0);
}

static hm_err
send_answer(struct worker *worker, hm_err err)
{
	struct hm_span space = { worker->room, ASK_MESSAGE_MAX };
	struct hm_bytes message = { worker->room, 0 }, tail = { 0 };
	const struct reply *reply = &worker->reply;

	if (err == HM_OK)
		tail = buf_bytes(&reply->tail);
	HM_TRY(ask_answer(&worker->head, err, err == HM_OK ? reply->body : NULL,
	    tail, space, &message.len));
	return channel_send(
	    worker->crew->options.channel, message, CHANNEL_FOREVER, NULL);
}

/* One ask in, one answer out; *ret_stays: and then the next one. */
static hm_err
serve_one(struct worker *worker, bool *ret_stays)
{
	const struct crew_options *options = &worker->crew->options;
	struct hm_span space = { worker->room, ASK_MESSAGE_MAX };
	struct hm_bytes message = { worker->room, 0 }, tail;
	hm_err err = HM_E_TOKEN_BUSY;
	uint64_t since_us;
	const void *body;

	HM_TRY(channel_recv(
	    options->channel, space, CHANNEL_FOREVER, &message.len, NULL));
	HM_TRY(ask_check_request(
	    message, ASK_BY_KEEPER, &worker->head, &body, &tail));
	if (options->needs_token(worker->head.kind) && !may_try(worker))
		return send_answer(worker, err);

	since_us = clock_mono_us();
	atomic_store(&worker->since_us, since_us);
	err = options->answer(
	    options->context, worker->head.kind, body, tail, &worker->reply);
	if (!ends_in_time(worker, since_us)) {
		*ret_stays = comes_back(worker);
		return HM_OK;
	}
	/* Or it was refused before it came to the token. */
	if (atomic_load(&worker->is_probe))
		end_probe(worker->crew, since_us);
	return send_answer(worker, err);
}

/* May it work from now on? */
static bool
begins(struct worker *worker, hm_err err)
{
	struct crew *crew = worker->crew;
	bool in_time;

	lock(crew);
	if (err != HM_OK)
		crew->begin_err = err;
	in_time = worker->place == STARTING;
	if (err == HM_OK && in_time) {
		put(worker, WORKING);
		atomic_store(&worker->since_us, 0);
	}
	unlock(crew);
	tell_main(crew);
	return err == HM_OK && (in_time || comes_back(worker));
}

static void *
work(void *context)
{
	struct worker *worker = context;
	struct crew *crew = worker->crew;
	hm_err begun = crew->options.begin(crew->options.context);
	bool stays = begins(worker, begun);
	hm_err err = HM_OK;

	while (stays && err == HM_OK && !atomic_load(&crew->leaving))
		err = serve_one(worker, &stays);
	if (err != HM_OK)
		end_all(crew, err);
	if (begun == HM_OK)
		crew->options.end(crew->options.context);
	lock(crew);
	put(worker, ENDED);
	atomic_store(&worker->since_us, 0);
	unlock(crew);
	tell_main(crew);
	return NULL;
}

/* ---- main: coming and going ---- */

static void
worker_done(struct worker *worker)
{
	if (worker->room != NULL)
		hm_wipe(worker->room, ASK_MESSAGE_MAX);
	free(worker->room);
	worker->room = NULL;
	forget(&worker->reply);
}

static hm_err
worker_init(struct worker *worker, struct crew *crew)
{
	worker->crew = crew;
	worker->head = (struct ask_head){ 0 };
	atomic_store(&worker->is_probe, false);
	buf_init(&worker->reply.tail, ASK_TAIL_MAX);
	worker->room = malloc(ASK_MESSAGE_MAX);
	return worker->room == NULL ? HM_E_NO_MEMORY : HM_OK;
}

static int
start_thread(struct worker *worker)
{
	pthread_attr_t attributes;
	int failure = pthread_attr_init(&attributes);

	if (failure == 0)
		failure = pthread_attr_setstacksize(&attributes, STACK_LEN);
	if (failure == 0)
		failure =
		    pthread_create(&worker->thread, &attributes, work, worker);
	(void)pthread_attr_destroy(&attributes);
	return failure;
}

static hm_err
start_one(struct crew *crew)
{
	struct worker *worker = crew->workers;
	hm_err err;

	/* Its place is the main thread's to change. */
	while (worker < crew->workers + CREW_MAX && worker->place != FREE)
		worker++;
	if (worker == crew->workers + CREW_MAX)
		return HM_E_BUSY;
	err = worker_init(worker, crew);
	if (err == HM_OK) {
		lock(crew);
		put(worker, STARTING);
		unlock(crew);
		atomic_store(&worker->since_us, clock_mono_us());
		err = start_thread(worker) == 0 ? HM_OK : HM_E_NO_MEMORY;
	}
	if (err == HM_OK)
		return HM_OK;
	atomic_store(&worker->since_us, 0);
	lock(crew);
	put(worker, FREE);
	unlock(crew);
	worker_done(worker);
	return err;
}

/* Join those that ended; how many are in a place. */
static uint32_t
collect(struct crew *crew, place where)
{
	uint32_t count;

	lock(crew);
	for (size_t i = 0; i < CREW_MAX && crew->count[ENDED] > 0; i++) {
		struct worker *worker = &crew->workers[i];

		if (worker->place != ENDED)
			continue;
		/* It needs no lock any more. */
		(void)pthread_join(worker->thread, NULL);
		worker_done(worker);
		put(worker, FREE);
	}
	count = crew->count[where];
	unlock(crew);
	return count;
}

static bool
is_short(struct crew *crew)
{
	bool is;

	lock(crew);
	is = crew->count[STARTING] + crew->count[WORKING] < crew->wanted &&
	     crew->count[GIVEN_UP] < crew->options.lost_max;
	unlock(crew);
	return is;
}

/* ---- main: watching ---- */

static uint64_t
limit_us(const struct crew *crew, bool is_probe)
{
	uint64_t limit = crew->options.limit_ms * MS;

	return is_probe && limit > PROBE_US ? PROBE_US : limit;
}

/* The answer of the main thread to an ask that needs the token. */
static hm_err
refuse(struct crew *crew, const struct ask_head *head)
{
	uint8_t room[REFUSAL_LEN];
	struct hm_span space = { room, sizeof(room) };
	struct hm_bytes message = { room, 0 }, none = { 0 };

	HM_TRY(
	    ask_answer(head, HM_E_TOKEN_BUSY, NULL, none, space, &message.len));
	return channel_send(
	    crew->options.channel, message, CHANNEL_FOREVER, NULL);
}

static void
give_up(struct worker *worker, uint64_t since_us, uint64_t now_us)
{
	struct crew *crew = worker->crew;
	struct ask_head head = { 0 };
	bool is_late;

	lock(crew);
	is_late =
	    atomic_compare_exchange_strong(&worker->since_us, &since_us, LOST);
	if (is_late) {
		head = worker->head;
		put(worker, GIVEN_UP);
	}
	unlock(crew);
	if (!is_late)
		return;
	note_hang(crew, since_us, atomic_load(&worker->is_probe), now_us);
	log_failure(LOG_ERROR, "token hangs", HM_E_TOKEN_BUSY, NULL, "ask",
	    head.kind == 0 ? "start" : ask_rule(head.kind)->name, NULL);
	if (head.kind != 0 && refuse(crew, &head) != HM_OK)
		end_all(crew, HM_E_WORKER);
}

/* Give up who is late; when the next one will be. */
static uint64_t
watch(struct crew *crew, uint64_t now_us)
{
	/* Who begins after now can not be late before this. */
	uint64_t next_us = now_us + limit_us(crew, is_hanging(crew));

	for (size_t i = 0; i < CREW_MAX; i++) {
		struct worker *worker = &crew->workers[i];
		uint64_t since_us = atomic_load(&worker->since_us), due_us;

		if (since_us == 0 || since_us == LOST)
			continue;
		due_us =
		    since_us + limit_us(crew, atomic_load(&worker->is_probe));
		if (due_us <= now_us)
			give_up(worker, since_us, now_us);
		else if (due_us < next_us)
			next_us = due_us;
	}
	return next_us;
}

/* ---- main: nobody else is left ---- */

static bool
is_deserted(struct crew *crew)
{
	bool is;

	lock(crew);
	is = crew->count[WORKING] == 0 &&
	     (crew->count[STARTING] == 0 || is_hanging(crew));
	unlock(crew);
	return is;
}

/* What waits, without the token. */
static hm_err
serve_here(struct crew *crew, struct worker *self)
{
	const struct crew_options *options = &crew->options;
	struct hm_span space = { self->room, ASK_MESSAGE_MAX };
	struct hm_bytes message = { self->room, 0 }, tail;
	const void *body;
	hm_err err =
	    channel_recv(options->channel, space, 0, &message.len, NULL);

	if (err == HM_E_TIMEOUT)
		return HM_OK;
	HM_TRY(err);
	HM_TRY(ask_check_request(
	    message, ASK_BY_KEEPER, &self->head, &body, &tail));
	if (options->needs_token(self->head.kind))
		return refuse(crew, &self->head);
	err = options->answer(
	    options->context, self->head.kind, body, tail, &self->reply);
	return send_answer(self, err);
}

/* ---- main ---- */

/* Until something happens or the time has come. *ret_gone: the keeper is. */
static hm_err
wait_until(struct crew *crew, uint64_t until_us, bool listen, bool *ret_gone)
{
	struct pollfd fds[] = { { .fd = crew->options.channel,
				    .events = listen ? POLLIN : 0 },
		{ .fd = crew->wake, .events = POLLIN } };
	uint64_t now_us = clock_mono_us(), count;
	int ms = 0;

	if (until_us > now_us)
		ms = (int)((until_us - now_us) / MS + 1);
	if (poll(fds, 2, ms) < 0)
		return errno == EINTR ? HM_OK : HM_E_IO;
	if (fds[1].revents != 0)
		(void)!read(crew->wake, &count, sizeof(count));
	*ret_gone = (fds[0].revents & (POLLHUP | POLLERR)) != 0;
	return HM_OK;
}

/* What the main thread knows from turn to turn. */
struct turn {
	uint64_t again_us;    /* not sooner: one could not begin */
	uint64_t deserted_us; /* since when; 0: it is not */
	bool gone;
	struct worker self;
};

static void
fill(struct crew *crew, struct turn *turn, uint64_t now_us)
{
	hm_err err;

	lock(crew);
	err = crew->begin_err;
	crew->begin_err = HM_OK;
	unlock(crew);
	while (err == HM_OK && now_us >= turn->again_us && is_short(crew))
		err = start_one(crew);
	if (err != HM_OK)
		turn->again_us = now_us + AGAIN_US;
}

static hm_err
take_turn(struct crew *crew, struct turn *turn)
{
	uint64_t now_us = clock_mono_us(), next_us;
	bool deserted;

	fill(crew, turn, now_us);
	next_us = watch(crew, now_us);
	if (is_short(crew) && turn->again_us < next_us)
		next_us = turn->again_us;
	deserted = is_deserted(crew);
	if (!deserted)
		turn->deserted_us = 0;
	else if (turn->deserted_us == 0)
		turn->deserted_us = now_us;
	else if (now_us - turn->deserted_us >= DESERTED_US)
		return HM_E_TOKEN_BUSY;
	if (deserted)
		HM_TRY(serve_here(crew, &turn->self));
	return wait_until(crew, next_us, deserted, &turn->gone);
}

static hm_err
failure_of(struct crew *crew)
{
	hm_err err;

	(void)collect(crew, FREE);
	lock(crew);
	err = crew->err;
	unlock(crew);
	return err;
}

hm_err
crew_run(struct crew *crew)
{
	struct turn turn = { 0 };
	hm_err err = worker_init(&turn.self, crew);

	while (err == HM_OK && !turn.gone) {
		err = take_turn(crew, &turn);
		if (err == HM_OK)
			err = failure_of(crew);
	}
	worker_done(&turn.self);
	return err == HM_E_WORKER ? HM_OK : err;
}

/* Those who begin are waited for, but not longer than for an ask. */
static hm_err
await_start(struct crew *crew)
{
	uint64_t end_us = clock_mono_us() + limit_us(crew, false);
	bool gone = false;
	uint32_t working;

	while (collect(crew, STARTING) > 0 && clock_mono_us() < end_us && !gone)
		HM_TRY(wait_until(crew, end_us, false, &gone));
	working = collect(crew, WORKING);
	if (working == 0)
		return crew->begin_err != HM_OK ? crew->begin_err
						: HM_E_TOKEN_BUSY;
	lock(crew);
	crew->wanted = working + crew->count[STARTING];
	crew->begin_err = HM_OK;
	unlock(crew);
	return HM_OK;
}

static void
init_locks(struct crew *crew)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&crew->lock, NULL);
	pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&crew->probed, &attributes);
	pthread_condattr_destroy(&attributes);
}

hm_err
crew_start(const struct crew_options *options, struct crew **ret)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	hm_err err = HM_OK;

	hm_assert(options->workers > 0 &&
		  options->workers <= SIGNER_WORKERS(SIGNER_SESSIONS_MAX) &&
		  options->lost_max <= SIGNER_LOST_MAX);

	if (crew == NULL)
		return HM_E_NO_MEMORY;
	crew->options = *options;
	crew->wanted = options->workers;
	crew->count[FREE] = CREW_MAX;
	crew->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (crew->wake < 0) {
		free(crew);
		return HM_E_IO;
	}
	init_locks(crew);
	*ret = crew;
	for (uint32_t i = 0; err == HM_OK && i < options->workers; i++)
		err = start_one(crew);
	return err == HM_OK ? await_start(crew) : err;
}

uint32_t
crew_size(struct crew *crew)
{
	return collect(crew, WORKING);
}

uint32_t
crew_lost(struct crew *crew)
{
	return collect(crew, GIVEN_UP);
}

hm_err
crew_stop(struct crew *crew, uint32_t within_ms)
{
	uint64_t end_us = clock_mono_us() + within_ms * MS;

	atomic_store(&crew->leaving, true);
	end_probe(crew, PROBING);
	channel_shut(crew->options.channel);
	while (collect(crew, FREE) < CREW_MAX) {
		struct pollfd wake = { .fd = crew->wake, .events = POLLIN };
		uint64_t now_us = clock_mono_us(), count;

		if (now_us >= end_us)
			return HM_E_TIMEOUT;
		(void)poll(&wake, 1, (int)((end_us - now_us) / MS + 1));
		(void)!read(crew->wake, &count, sizeof(count));
	}
	close(crew->wake);
	pthread_cond_destroy(&crew->probed);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
	return HM_OK;
}
