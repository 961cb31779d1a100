/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * crew_parts - what crew.c, worker.c and hang.c share; nobody else includes it
 *
 * `since_us` of a worker says since when it works, and is the one thing that
 * both it and the main thread decide about: whoever exchanges it first, the
 * worker for 0 or the main thread for LOST, answers the ask. The rest is under
 * the lock, but for what is atomic or said to be the main thread's.
 *
 * While calls of the token let threads wait, all of them listen. Else one does;
 * when it takes an ask, another one takes its place only if more asks wait and
 * a processor may be free: nobody is woken for an ask that the thread at work
 * takes next. Who went to rest last is woken first, because its memory is still
 * in the caches.
 */
#include "server/signer/crew.h"

#define LOST UINT64_MAX
#define PROBING UINT64_MAX
#define MS UINT64_C(1000) /* in microseconds */
#define PROBE_US (1000 * MS)
#define AGAIN_US (1000 * MS) /* after one that could not begin */
#define QUIET_US (100 * MS)  /* no ask for so long: it is idle */
#define STALL_US (50 * MS)   /* then another thread listens in any case */

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
	bool rests; /* waits for `woken`; on crew->resting. Under the lock */
	struct worker *below;
	pthread_cond_t woken;
	uint8_t *room; /* ASK_MESSAGE_MAX; owned */
	struct reply reply;
};

struct crew {
	struct crew_options options;
	int wake; /* eventfd: something happened that main must see */
	atomic_bool leaving;
	/* Since when the token hangs, if it has not answered after that. */
	_Atomic uint64_t hangs_us;
	uint64_t probe_pause_us;   /* main's */
	_Atomic uint64_t asked_us; /* when an ask was last taken */
	uint32_t processors;
	pthread_mutex_t lock;
	pthread_cond_t probed;
	struct worker *resting; /* the last one first */
	uint64_t probe_us;      /* when an ask may try it; PROBING: one does */
	uint32_t listeners;     /* threads that wait for asks ... */
	uint32_t idle;          /* ... and for the place of one: they rest */
	uint32_t count[ENDED + 1]; /* of workers, by place */
	uint32_t wanted;
	hm_err err;       /* why all of them end; HM_OK: they do not */
	hm_err begin_err; /* why one could not begin */
	struct worker workers[CREW_MAX];
};

void crew_lock(struct crew *crew);
void crew_unlock(struct crew *crew);
void crew_tell_main(struct crew *crew);
/* The channel is of no use any more: everybody ends. */
void crew_end_all(struct crew *crew, hm_err err);
/* Under the lock: let the one listen that went to rest last, if there is one.
 */
void crew_wake_one(struct crew *crew);
/* Under the lock. */
void worker_put(struct worker *worker, place where);

/* worker.c: the thread of a struct worker */
void *worker_run(void *context);
HM_MUST hm_err worker_send(struct worker *worker, hm_err err);
void worker_forget(struct reply *reply);

/* hang.c: no call of the token has come back since one was given up. */
bool hang_is_on(struct crew *crew);
/* May the worker's ask go to the token, as the one that tries or because all
 * may? Waits for the outcome if another one tries. */
bool hang_may_try(struct worker *worker);
/* The one that tried has an answer; the next one may try from then on. */
void hang_end_probe(struct crew *crew, uint64_t next_us);
/* Main: an ask that began at `since_us` was given up. */
void hang_note(
    struct crew *crew, uint64_t since_us, bool was_probe, uint64_t now_us);
