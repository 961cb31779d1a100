/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "server/signer/crew_parts.h"

void
worker_forget(struct reply *reply)
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

	worker_forget(&worker->reply);
	crew_lock(crew);
	others = crew->count[STARTING] + crew->count[WORKING];
	stays = others < crew->wanted && !atomic_load(&crew->leaving);
	if (stays) {
		worker_put(worker, WORKING);
		atomic_store(&worker->since_us, 0);
	}
	crew_unlock(crew);
	log_event(LOG_WARN, "token came back late", "ask",
	    worker->head.kind == 0 ? "start"
				   : ask_rule(worker->head.kind)->name,
	    NULL);
	crew_tell_main(crew);
	return stays;
}

/* The work is done: was that in time? */
static bool
ends_in_time(struct worker *worker, uint64_t since_us)
{
	return atomic_compare_exchange_strong(&worker->since_us, &since_us, 0);
}

hm_err
worker_send(struct worker *worker, hm_err err)
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

/* ---- listening ---- */

static bool
all_listen(struct crew *crew)
{
	return atomic_load(crew->options.blocking) > CREW_BLOCKING / 2 ||
	       hang_is_on(crew);
}

void
crew_wake_one(struct crew *crew)
{
	struct worker *worker = crew->resting;

	if (worker == NULL)
		return;
	crew->resting = worker->below;
	crew->idle--;
	worker->rests = false;
	pthread_cond_signal(&worker->woken);
}

/* Under the lock: until somebody wakes it. */
static void
rest(struct worker *worker)
{
	struct crew *crew = worker->crew;

	worker->below = crew->resting;
	worker->rests = true;
	crew->resting = worker;
	crew->idle++;
	while (worker->rests)
		pthread_cond_wait(&worker->woken, &crew->lock);
}

static void
begin_listening(struct worker *worker)
{
	struct crew *crew = worker->crew;

	crew_lock(crew);
	while (crew->listeners > 0 && !all_listen(crew) &&
	       !atomic_load(&crew->leaving))
		rest(worker);
	crew->listeners++;
	crew_unlock(crew);
}

/* Is it of use that another thread listens now? Under the lock. */
static bool
wants_another(struct crew *crew, bool was_quiet)
{
	const struct crew_options *options = &crew->options;

	if (crew->idle == 0)
		return false;
	if (was_quiet || all_listen(crew))
		return true;
	return crew->count[WORKING] - crew->idle < crew->processors &&
	       channel_has_more(options->channel);
}

/* An ask was taken, or there will be none. */
static void
end_listening(struct crew *crew)
{
	uint64_t now_us = clock_mono_us();
	bool was_quiet =
	    atomic_exchange(&crew->asked_us, now_us) + QUIET_US < now_us;

	crew_lock(crew);
	crew->listeners--;
	if (wants_another(crew, was_quiet))
		crew_wake_one(crew);
	crew_unlock(crew);
	/* It did not look after us while there was nothing to be seen. */
	if (was_quiet)
		crew_tell_main(crew);
}

static hm_err
listen(struct worker *worker, struct hm_bytes *ret)
{
	struct crew *crew = worker->crew;
	struct hm_span space = { worker->room, ASK_MESSAGE_MAX };
	hm_err err;

	begin_listening(worker);
	ret->ptr = worker->room;
	err = channel_recv(
	    crew->options.channel, space, CHANNEL_FOREVER, &ret->len, NULL);
	end_listening(crew);
	return err;
}

/* One ask in, one answer out; *ret_stays: and then the next one. */
static hm_err
serve_one(struct worker *worker, bool *ret_stays)
{
	const struct crew_options *options = &worker->crew->options;
	hm_err err = HM_E_TOKEN_BUSY;
	struct hm_bytes message, tail;
	uint64_t since_us;
	const void *body;

	HM_TRY(listen(worker, &message));
	HM_TRY(ask_check_request(
	    message, ASK_BY_KEEPER, &worker->head, &body, &tail));
	if (options->needs_token(worker->head.kind) && !hang_may_try(worker))
		return worker_send(worker, err);

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
		hang_end_probe(worker->crew, since_us);
	return worker_send(worker, err);
}

/* May it work from now on? */
static bool
begins(struct worker *worker, hm_err err)
{
	struct crew *crew = worker->crew;
	bool in_time;

	crew_lock(crew);
	if (err != HM_OK)
		crew->begin_err = err;
	in_time = worker->place == STARTING;
	if (err == HM_OK && in_time) {
		worker_put(worker, WORKING);
		atomic_store(&worker->since_us, 0);
	}
	crew_unlock(crew);
	crew_tell_main(crew);
	return err == HM_OK && (in_time || comes_back(worker));
}

void *
worker_run(void *context)
{
	struct worker *worker = context;
	struct crew *crew = worker->crew;
	hm_err begun = crew->options.begin(crew->options.context);
	bool stays = begins(worker, begun);
	hm_err err = HM_OK;

	while (stays && err == HM_OK && !atomic_load(&crew->leaving))
		err = serve_one(worker, &stays);
	if (err != HM_OK)
		crew_end_all(crew, err);
	if (begun == HM_OK)
		crew->options.end(crew->options.context);
	crew_lock(crew);
	worker_put(worker, ENDED);
	atomic_store(&worker->since_us, 0);
	crew_unlock(crew);
	crew_tell_main(crew);
	return NULL;
}
