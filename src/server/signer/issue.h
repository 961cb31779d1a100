/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * issue - one device: judge, verify, certify, seal, stamp
 *
 * Everything follows from the order, its product, the number and the evidence;
 * see struct ask_sign_issue.
 */

#include "server/signer/keys.h"
#include "server/signer/objects.h"

/* The keeper's clock may differ from ours by this. */
#define ISSUE_CLOCK_S 300

/* What the signer issues with; borrowed. */
struct issue_with {
	struct signer_keys *keys;
	struct objects *objects;
	struct hm_bytes origin; /* of the log, named in every stamp */
};

/*
 * On success the stamp is appended to `stamp`.
 * HM_E_NO_ORDER, HM_E_QUOTA (number beyond the order), HM_E_CLOCK,
 * HM_E_NOT_YET, HM_E_EXPIRED, what attest_judge(), attest_verify() and
 * secrets_seal() refuse, HM_E_TOKEN_*
 */
HM_MUST hm_err issue_make(const struct issue_with *with, uint64_t now_s,
    const struct ask_sign_issue *ask, struct ask_sign_issue_answer *ret,
    struct buf *stamp);
