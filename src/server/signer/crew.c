/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/crew_parts.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "core/check.h"

#define DESERTED_US (60000 * MS)
#define STACK_LEN (2 * 1024 * 1024) /* modules of tokens may want much */
#define TIDY_US (1000 * MS)
#define REFUSAL_LEN 1024 /* an answer without a tail */

_Static_assert(
    sizeof(((struct reply *)0)->body) + sizeof(struct ask_head) < REFUSAL_LEN,
    "a refusal fits its room");

void
crew_lock(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
}

void
crew_unlock(struct crew *crew)
{
	pthread_mutex_unlock(&crew->lock);
}

void
crew_tell_main(struct crew *crew)
{
	uint64_t one = 1;

	(void)!write(crew->wake, &one, sizeof(one)); /* it cannot overflow */
}

void
crew_end_all(struct crew *crew, hm_err err)
{
	crew_lock(crew);
	if (crew->err == HM_OK)
		crew->err = err;
	crew_unlock(crew);
	crew_tell_main(crew);
}

void
worker_put(struct worker *worker, place where)
{
	worker->crew->count[worker->place]--;
	worker->crew->count[where]++;
	worker->place = where;
}

/* ---- main: coming and going ---- */

static void
worker_done(struct worker *worker)
{
	if (worker->room != NULL)
		hm_wipe(worker->room, ASK_MESSAGE_MAX);
	free(worker->room);
	worker->room = NULL;
	worker_forget(&worker->reply);
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
		failure = pthread_create(
		    &worker->thread, &attributes, worker_run, worker);
	(void)pthread_attr_destroy(&attributes);
	return failure;
}

/* Only the main thread gives a free one something else to be. */
static struct worker *
find_free(struct crew *crew)
{
	size_t i = 0;

	crew_lock(crew);
	while (i < CREW_MAX && crew->workers[i].place != FREE)
		i++;
	crew_unlock(crew);
	return i < CREW_MAX ? &crew->workers[i] : NULL;
}

static hm_err
start_one(struct crew *crew)
{
	struct worker *worker = find_free(crew);
	hm_err err;

	if (worker == NULL)
		return HM_E_BUSY;
	err = worker_init(worker, crew);
	if (err == HM_OK) {
		crew_lock(crew);
		worker_put(worker, STARTING);
		crew_unlock(crew);
		atomic_store(&worker->since_us, clock_mono_us());
		err = start_thread(worker) == 0 ? HM_OK : HM_E_NO_MEMORY;
	}
	if (err == HM_OK)
		return HM_OK;
	atomic_store(&worker->since_us, 0);
	crew_lock(crew);
	worker_put(worker, FREE);
	crew_unlock(crew);
	worker_done(worker);
	return err;
}

/* Join those that ended; how many are in a place. */
static uint32_t
collect(struct crew *crew, place where)
{
	uint32_t count;

	crew_lock(crew);
	for (size_t i = 0; i < CREW_MAX && crew->count[ENDED] > 0; i++) {
		struct worker *worker = &crew->workers[i];

		if (worker->place != ENDED)
			continue;
		/* It needs no lock any more. */
		(void)pthread_join(worker->thread, NULL);
		worker_done(worker);
		worker_put(worker, FREE);
	}
	count = crew->count[where];
	crew_unlock(crew);
	return count;
}

static bool
is_short(struct crew *crew)
{
	bool is;

	crew_lock(crew);
	is = crew->count[STARTING] + crew->count[WORKING] < crew->wanted &&
	     crew->count[GIVEN_UP] < crew->options.lost_max;
	crew_unlock(crew);
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

	crew_lock(crew);
	is_late =
	    atomic_compare_exchange_strong(&worker->since_us, &since_us, LOST);
	if (is_late) {
		head = worker->head;
		worker_put(worker, GIVEN_UP);
	}
	crew_unlock(crew);
	if (!is_late)
		return;
	hang_note(crew, since_us, atomic_load(&worker->is_probe), now_us);
	log_failure(LOG_ERROR, "token hangs", HM_E_TOKEN_BUSY, NULL, "ask",
	    head.kind == 0 ? "start" : ask_rule(head.kind)->name, NULL);
	if (head.kind != 0 && refuse(crew, &head) != HM_OK)
		crew_end_all(crew, HM_E_WORKER);
}

/* A thread that stalls does not listen: see that somebody does. While there is
 * work, look again soon. */
static uint64_t
look_on(struct crew *crew, bool stalls, uint64_t now_us, uint64_t next_us)
{
	/* It may be later than `now_us`. */
	bool is_busy = atomic_load(&crew->asked_us) + QUIET_US > now_us;
	bool somebody;

	crew_lock(crew);
	if (stalls && crew->listeners == 0)
		crew_wake_one(crew);
	somebody = crew->idle > 0;
	crew_unlock(crew);
	if (somebody && (is_busy || stalls) && next_us > now_us + STALL_US)
		return now_us + STALL_US;
	return next_us;
}

/* Give up who is late; when the next one will be. */
static uint64_t
watch(struct crew *crew, uint64_t now_us)
{
	/* Who begins after now can not be late before this. */
	uint64_t next_us = now_us + limit_us(crew, hang_is_on(crew));
	bool stalls = false;

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
		stalls = stalls || since_us + STALL_US <= now_us;
	}
	return look_on(crew, stalls, now_us, next_us);
}

/* ---- main: nobody else is left ---- */

static bool
is_deserted(struct crew *crew)
{
	bool is;

	crew_lock(crew);
	is = crew->count[WORKING] == 0 &&
	     (crew->count[STARTING] == 0 || hang_is_on(crew));
	crew_unlock(crew);
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
	return worker_send(self, err);
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

/* What the main thread knows from turn to round. */
struct round {
	uint64_t again_us;    /* not sooner: one could not begin */
	uint64_t deserted_us; /* since when; 0: it is not */
	bool gone;
	struct worker self;
};

static void
fill(struct crew *crew, struct round *round, uint64_t now_us)
{
	hm_err err;

	crew_lock(crew);
	err = crew->begin_err;
	crew->begin_err = HM_OK;
	crew_unlock(crew);
	while (err == HM_OK && now_us >= round->again_us && is_short(crew))
		err = start_one(crew);
	if (err != HM_OK)
		round->again_us = now_us + AGAIN_US;
}

/* When next. While asks come there may be something soon. */
static uint64_t
tidy(struct crew *crew, uint64_t now_us)
{
	const struct crew_options *options = &crew->options;
	uint64_t next_us, soon_us = now_us + TIDY_US;

	if (options->tidy == NULL)
		return UINT64_MAX;
	next_us = options->tidy(options->context);
	if (atomic_load(&crew->asked_us) + QUIET_US > now_us &&
	    soon_us < next_us)
		return soon_us;
	return next_us;
}

static hm_err
take_round(struct crew *crew, struct round *round)
{
	uint64_t now_us = clock_mono_us(), next_us, tidy_us;
	bool deserted;

	fill(crew, round, now_us);
	next_us = watch(crew, now_us);
	if (is_short(crew) && round->again_us < next_us)
		next_us = round->again_us;
	tidy_us = tidy(crew, now_us);
	if (tidy_us < next_us)
		next_us = tidy_us;
	deserted = is_deserted(crew);
	if (!deserted)
		round->deserted_us = 0;
	else if (round->deserted_us == 0)
		round->deserted_us = now_us;
	else if (now_us - round->deserted_us >= DESERTED_US)
		return HM_E_TOKEN_BUSY;
	if (deserted)
		HM_TRY(serve_here(crew, &round->self));
	return wait_until(crew, next_us, deserted, &round->gone);
}

static hm_err
failure_of(struct crew *crew)
{
	hm_err err;

	(void)collect(crew, FREE);
	crew_lock(crew);
	err = crew->err;
	crew_unlock(crew);
	return err;
}

hm_err
crew_run(struct crew *crew)
{
	struct round round = { 0 };
	hm_err err = worker_init(&round.self, crew);

	while (err == HM_OK && !round.gone) {
		err = take_round(crew, &round);
		if (err == HM_OK)
			err = failure_of(crew);
	}
	worker_done(&round.self);
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
	crew_lock(crew);
	crew->wanted = working + crew->count[STARTING];
	crew->begin_err = HM_OK;
	crew_unlock(crew);
	return HM_OK;
}

/* That we may run on; /sys is out of reach in a jail. */
static uint32_t
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

static void
init_locks(struct crew *crew)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&crew->lock, NULL);
	pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&crew->probed, &attributes);
	for (size_t i = 0; i < CREW_MAX; i++)
		pthread_cond_init(&crew->workers[i].woken, &attributes);
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
	crew->processors = processors();
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
	hang_end_probe(crew, PROBING);
	crew_lock(crew);
	while (crew->resting != NULL)
		crew_wake_one(crew);
	crew_unlock(crew);
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
	for (size_t i = 0; i < CREW_MAX; i++)
		pthread_cond_destroy(&crew->workers[i].woken);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
	return HM_OK;
}
