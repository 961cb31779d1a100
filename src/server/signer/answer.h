/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * answer - what the signer knows, and its answer to each kind of ask
 *
 * Any thread may answer any ask, several at a time (crew.h): keys and the name
 * of the log never change, objects have a lock of their own, and the one list
 * of revoked certificates that is under way has one too.
 */

#include <pthread.h>

#include "ledger/note.h"
#include "server/signer/keys.h"
#include "server/signer/objects.h"

struct signer {
	const struct signer_options *options; /* borrowed */
	struct signer_keys keys;
	struct objects objects;
	struct note_key log_name;
	pthread_mutex_t list; /* guards what follows; all zeros: not held */
	struct buf revoked;   /* parts of a list under way */
	uint32_t parts;       /* parts of it that came */
	struct buf crl;       /* the list that was signed last */
};

/* Open token and keys; `pin` is wiped. What signer_keys_open() says. After a
 * failure too: answer_close(). It must not move. */
HM_MUST hm_err answer_open(const struct signer_options *options,
    struct secret *pin, struct signer *ret, struct why *why);
/* When no thread uses it. */
void answer_close(struct signer *signer);

/* What an answer consists of beside its error. */
struct reply {
	uint8_t body[512]; /* struct of the answer */
	struct buf tail;
};

/* The first and the last of each thread that answers. `context` is a struct
 * signer. What crypto_init() says */
HM_MUST hm_err answer_begin(void *context);
void answer_end(void *context);
/* Wipe what was kept for long enough; when to come again. */
uint64_t answer_tidy(void *context);

/* Does the answer to that kind depend on the token? */
bool answer_needs_token(uint32_t kind);
/* Answer an ask that obeys its rule; `context` is a struct signer. A breakdown
 * is logged. What the handlers say; *ret is of use after HM_OK only. */
hm_err answer_make(void *context, uint32_t kind, const void *body,
    struct hm_bytes tail, struct reply *ret);
