/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sign - what the keeper asks the signer for
 *
 * Jobs go out and come back in any order while the keeper does other things: at
 * most `window` devices at once, so that a token can work on several, but few
 * enough that a checkpoint has not many before it; and what else the keeper
 * does not want to wait for. sign_call() is one question
 * that waits for its own answer and takes in jobs that come before it.
 *
 * Each job has `limit_ms`; the answer to one that had no more time is
 * dropped by its id. If the channel fails, all jobs are done with that error,
 * and so is what is asked until the next sign_begin().
 */

#include "server/ask.h"
#include "server/keeper/keeper.h"

#define SIGN_WINDOW 32 /* until the signer says how many it works on */
#define SIGN_WINDOW_MAX 96
#define SIGN_OUT_MAX (SIGN_WINDOW_MAX + 4)

/* One question under way. Where the answer goes is borrowed. */
struct sign_job {
	uint64_t id; /* 0: none under way */
	uint64_t deadline_us;
	ask_kind kind;
	hm_err err;
	void *body;       /* struct of the answer, or NULL */
	struct buf *tail; /* gets the tail in place of its content */
};

struct signer {
	struct keeper_link link;
	uint32_t limit_ms;
	uint64_t last_id;
	uint32_t window;
	struct sign_job *out[SIGN_OUT_MAX]; /* borrowed */
	uint32_t out_count;
	hm_err down;   /* HM_OK: it is up */
	uint8_t *room; /* ASK_MESSAGE_MAX, owned */
};

/* `limit_ms` 0: KEEPER_SIGN_MS */
HM_MUST hm_err signer_init(
    struct signer *signer, const struct keeper_link *link, uint32_t limit_ms);
void signer_done(struct signer *signer);
/* It works on so many at once; 0: it did not say. */
void sign_set_sessions(struct signer *signer, uint32_t sessions);

/* Whatever happened before, it may be asked again. */
void sign_begin(struct signer *signer);

/* May one more device go out? */
bool sign_has_room(const struct signer *signer);
/* Hand out one job. If it cannot be sent, job->err says why and it is done. */
void sign_send(struct signer *signer, ask_kind kind, const void *ask,
    struct sign_job *job);
/* Take in what has come, end what has no more time. A job whose id is 0 is
 * done, job->err its outcome. */
void sign_poll(struct signer *signer);
/* The same, but wait for one answer if jobs are out. */
void sign_wait(struct signer *signer);
/* When the first job has no more time; UINT64_MAX: none is out. */
uint64_t sign_deadline_us(const struct signer *signer);
/* Its answer is of no interest any more. */
void sign_forget(struct signer *signer, struct sign_job *job);

/*
 * Ask and wait. `ret_body` (may be NULL) gets the struct of the answer, the
 * tail replaces the content of `ret_tail` (may be NULL). The signer's error,
 * HM_E_TIMEOUT, HM_E_WORKER, HM_E_BAD_INPUT
 */
HM_MUST hm_err sign_call(struct signer *signer, ask_kind kind, const void *body,
    struct hm_bytes tail, void *ret_body, struct buf *ret_tail);

/* Did the signer fail, as opposed to refuse? */
bool sign_is_breakdown(hm_err err);
