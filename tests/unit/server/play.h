/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * play - a signer without process and token: real keys, real signatures
 *
 * It answers what the keeper asks as the signer would (judge, verify, certify,
 * seal, stamp; checkpoints; revocation lists). A test may have it fail.
 */
#include "ca/ca.h"
#include "crypto/p256.h"
#include "ledger/note.h"
#include "server/ask.h"
#include "server/keeper/keeper.h"

#define PLAY_ORIGIN "log.example.com/test"
#define PLAY_OBJECTS 64
#define PLAY_QUEUE 64

struct play_object {
	uint8_t digest[HM_DIGEST_LEN];
	struct buf bytes;
	struct hm_object object; /* borrows from bytes */
};

struct play {
	struct p256_pair *authority, *stamp, *issuer;
	uint8_t log_seed[32];
	struct note_key log;
	struct ca_issuer ca;
	struct play_object objects[PLAY_OBJECTS];
	size_t object_count;
	struct buf queue[PLAY_QUEUE]; /* answers under way */
	size_t head, count;
	struct buf revoked, crl; /* a list under way, and what was signed */
	/* What a test orders. */
	hm_err fail_issue, fail_checkpoint, fail_crl, fail_load;
	size_t drop; /* answers that never come: a time-out */
	bool dead;   /* the channel is closed */
	bool busy;   /* devices are not done yet; all else is answered */
	/* What a test looks at. */
	void (*on_checkpoint)(void *context, uint64_t size,
	    const uint8_t *root); /* is signed; may be NULL */
	void *context;
	size_t issues, checkpoints, most_out, out;
	uint64_t deadline_us; /* of what was sent last */
};

void play_init(struct play *play);
void play_done(struct play *play);
/* It was started again: objects and answers under way are gone. */
void play_restart(struct play *play);
struct keeper_link play_link(struct play *play);
/* Another stamp key, as if the token were another. */
void play_change_stamp_key(struct play *play);
