/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * objects - what the signer issues for: products, releases and orders
 *
 * Each came with the authority's signature and is found by its digest. The
 * decoded form borrows from the bytes beside it, which never move. Of an
 * enrolment only what it lists is kept; of an approval (signed by the approver)
 * and of a revocation, that its release has it (consent.h).
 *
 * Any thread may load and find. What was loaded never changes, but for the
 * state of a release, and is freed at the end only, so what was found may be
 * used without a lock; the lock guards the lists.
 */

#include <pthread.h>

#include "ca/ca.h"
#include "server/signer/consent.h"
#include "server/signer/enrolled.h"

#define OBJECTS_MAX 65536

struct loaded {
	uint8_t digest[HM_DIGEST_LEN];
	uint8_t *bytes;                /* the COSE_Sign1; owned */
	struct hm_object object;       /* borrows from bytes */
	struct hm_bytes kid;           /* likewise; may be empty */
	struct ca_template *template_; /* of a product; owned */
	struct consent_state consent;  /* of a release */
};

/* The highest counter that was ordered of a product and channel. */
struct floor {
	char product[HM_NAME_MAX + 1];
	hm_channel channel;
	uint32_t counter;
};

struct objects {
	pthread_rwlock_t lock; /* all zeros: not held */
	struct loaded **list;  /* sorted by digest */
	uint32_t count, room;
	struct enrolled enrolled;
	struct consent consent;
	struct floor *floors; /* owned */
	uint32_t floor_count, floor_room;
};

/* Whose word counts. */
struct objects_trust {
	const uint8_t *authority;          /* HM_POINT_LEN */
	const struct approvers *approvers; /* NULL: nobody */
	const struct ca_issuer *issuer;    /* for the templates of products */
};

/* When no other thread uses them. */
void objects_done(struct objects *objects);

/*
 * Verify, decode and keep one object. Loaded again: fine, nothing happens.
 * Kinds that the signer does not need are refused. HM_E_SIGNATURE,
 * HM_E_BAD_INPUT (and what does not fit: product and release of an order),
 * HM_E_NOT_FOUND (an order whose product or release is not there, an approval
 * or revocation of no release), HM_E_CHANNEL, HM_E_COUNTER (an order below
 * another one), HM_E_PROMOTION, what consent.h says, HM_E_TOO_LARGE,
 * HM_E_NO_MEMORY
 */
HM_MUST hm_err objects_load(struct objects *objects, struct hm_bytes message,
    const struct objects_trust *trust);

/* NULL if it is not there or of another kind. */
const struct loaded *objects_find(struct objects *objects, hm_object_kind kind,
    const uint8_t digest[static HM_DIGEST_LEN]);

/* Was the evidence key of this digest enrolled for that product? */
bool objects_is_enrolled(struct objects *objects, struct hm_bytes product,
    const uint8_t digest[static HM_DIGEST_LEN]);
