/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * objects - what the signer issues for: products, releases and orders
 *
 * Each came with the authority's signature and is found by its digest. The
 * decoded form borrows from the bytes beside it, which never move. Of an
 * enrolment only what it lists is kept.
 *
 * Any thread may load and find. What was loaded never changes and is freed at
 * the end only, so what was found may be used without a lock; the lock guards
 * the lists.
 */

#include <pthread.h>

#include "ca/ca.h"
#include "server/signer/enrolled.h"

#define OBJECTS_MAX 65536

struct loaded {
	uint8_t digest[HM_DIGEST_LEN];
	uint8_t *bytes;                /* the COSE_Sign1; owned */
	struct hm_object object;       /* borrows from bytes */
	struct ca_template *template_; /* of a product; owned */
};

struct objects {
	pthread_rwlock_t lock; /* all zeros: not held */
	struct loaded **list;  /* sorted by digest */
	uint32_t count, room;
	struct enrolled enrolled;
};

/* When no other thread uses them. */
void objects_done(struct objects *objects);

/*
 * Verify, decode and keep one object. Loaded again: fine, nothing happens.
 * Kinds that the signer does not need are refused. HM_E_SIGNATURE,
 * HM_E_BAD_INPUT, HM_E_NOT_FOUND (an order whose product or release is not
 * there), HM_E_TOO_LARGE, HM_E_NO_MEMORY
 */
HM_MUST hm_err objects_load(struct objects *objects, struct hm_bytes message,
    const uint8_t authority[static HM_POINT_LEN],
    const struct ca_issuer *issuer);

/* NULL if it is not there or of another kind. */
const struct loaded *objects_find(struct objects *objects, hm_object_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN]);

/* Was the evidence key of this digest enrolled for that product? */
bool objects_is_enrolled(struct objects *objects, struct hm_bytes product,
    const uint8_t digest[static HM_DIGEST_LEN]);
