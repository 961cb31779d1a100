/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crew - the threads that answer the keeper, and who watches them
 *
 *   keeper ==channel==> any thread that is free: answer() ==channel==> keeper
 *                       main: sees who takes too long
 *
 * Every thread takes asks from the channel itself and sends its answer, so
 * nothing is handed over; there are no more threads at work than processors and
 * a token that lets them wait give reason to. Answers come in any order, each
 * with the id of its ask. A call of a token can hang and cannot be broken off.
 * The main thread therefore looks after the time: an ask that takes longer than
 * `limit_ms` is answered with HM_E_TOKEN_BUSY, its thread counts as lost, and
 * another one takes its place while there are less than `lost_max`. What a lost
 * thread brings in the end is wiped and thrown away; then it works again, if
 * there is a place.
 *
 * While no call of the token comes back at all, asks that need it are answered
 * with HM_E_TOKEN_BUSY at once, but for one now and then that tries, for no
 * more than 1 s, while the others wait for its outcome: at first at once, then
 * after 1 s, 2 s and so on up to 30 s. If nobody is left to
 * answer, the main thread does, without the token; if that lasts for a minute,
 * crew_run() ends, so that the parent starts everything again.
 */

#include <stdatomic.h>

#include "server/signer/answer.h"

#define CREW_MAX SIGNER_THREADS_MAX
#define CREW_BLOCKING SIGNER_BLOCKING

struct crew_options {
	int channel;       /* to the keeper; borrowed */
	uint32_t workers;  /* 1 to SIGNER_WORKERS(SIGNER_SESSIONS_MAX) */
	uint32_t lost_max; /* besides, 0 to SIGNER_LOST_MAX */
	uint32_t limit_ms; /* of one ask */
	/* When the token last came back with whatever it said. */
	const _Atomic uint64_t *answered_us;
	/* How often its calls let a thread wait: 0 never, CREW_BLOCKING always.
	 */
	const _Atomic uint32_t *blocking;
	void *context; /* of all that follows */
	/* Each thread's first and last: whoever cannot begin does not work. */
	hm_err (*begin)(void *context);
	void (*end)(void *context);
	/* The main thread's, now and then, and at the time (clock_mono_us) that
	 * it returned the last time; or NULL. */
	uint64_t (*tidy)(void *context);
	/* As in answer.h. */
	bool (*needs_token)(uint32_t kind);
	hm_err (*answer)(void *context, uint32_t kind, const void *body,
	    struct hm_bytes tail, struct reply *ret);
};

struct crew; /* opaque, heap */

/* Start the threads. Who of them could not begin is not missed: see
 * crew_size(). What begin() said if nobody could, HM_E_NO_MEMORY, HM_E_IO */
HM_MUST hm_err crew_start(
    const struct crew_options *options, struct crew **ret);
/* Threads that answer asks now, and those that hang. */
uint32_t crew_size(struct crew *crew);
uint32_t crew_lost(struct crew *crew);
/* Watch them until the keeper is gone: HM_OK. HM_E_TOKEN_BUSY: nobody could
 * answer for a minute. HM_E_BAD_INPUT, HM_E_RIGHTS: an ask broke the rules. */
HM_MUST hm_err crew_run(struct crew *crew);
/*
 * Shut the channel, wait up to `within_ms` for the threads, and free the crew.
 * HM_E_TIMEOUT: some still hang, and the crew stays; what they use must stay
 * too, but it may be tried again.
 */
HM_MUST hm_err crew_stop(struct crew *crew, uint32_t within_ms);
