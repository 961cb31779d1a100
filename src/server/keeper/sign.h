/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sign - what the keeper asks the signer for
 *
 * Devices go out as jobs, at most SIGN_WINDOW at once, and are collected when
 * the asker has nothing else to do; everything else is one call that waits for
 * its own answer and takes in jobs that come before it. One time limit holds
 * for a whole batch: once it has passed or the channel has failed, the signer
 * counts as down until the next sign_begin(), and what is asked of it fails at
 * once. Answers that come too late are dropped by their id.
 */

#include "server/ask.h"
#include "server/keeper/keeper.h"

#define SIGN_WINDOW 32

struct sign_job {
	uint64_t id; /* 0: none under way */
	hm_err err;
	struct ask_sign_issue_answer answer;
	struct buf *stamp; /* borrowed; gets the stamp */
};

struct signer {
	struct keeper_link link;
	uint64_t last_id, deadline_us;
	struct sign_job *out[SIGN_WINDOW]; /* borrowed */
	uint32_t out_count;
	hm_err down;   /* HM_OK: it is up */
	uint8_t *room; /* ASK_MESSAGE_MAX, owned */
};

HM_MUST hm_err signer_init(
    struct signer *signer, const struct keeper_link *link);
void signer_done(struct signer *signer);

/* A new batch: the time starts again. */
void sign_begin(struct signer *signer);

/* Hand out one device. If it cannot be sent, job->err says why and it is done.
 */
void sign_send(struct signer *signer, const struct ask_sign_issue *ask,
    struct sign_job *job);
/* Until every job is done. job->id is then 0, job->err the outcome. */
void sign_collect(struct signer *signer);

/*
 * Ask and wait. `ret_body` (may be NULL) gets the struct of the answer, the
 * tail replaces the content of `ret_tail` (may be NULL). The signer's error,
 * HM_E_TIMEOUT, HM_E_WORKER, HM_E_BAD_INPUT
 */
HM_MUST hm_err sign_call(struct signer *signer, ask_kind kind, const void *body,
    struct hm_bytes tail, void *ret_body, struct buf *ret_tail);

/* Did the signer fail, as opposed to refuse? */
bool sign_is_breakdown(hm_err err);
