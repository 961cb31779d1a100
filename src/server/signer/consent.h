/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * consent - who approved which release, as the signer knows it
 *
 * A keeper that was taken over may claim that a release is approved; so the
 * signer counts for itself. It holds the credentials of approvers under the
 * authority's signature and approvals under the approvers' own, and counts an
 * approval if the server's configuration has pinned the key as well (decision
 * 0008). One key counts once for a release, whatever its names are.
 *
 * An approval by a key that is no longer pinned is taken and counts nothing, so
 * that a server whose configuration changed starts and says at the issue what
 * is missing.
 *
 * The caller locks. What was counted is read without a lock.
 */
#include <stdatomic.h>

#include "server/approvers.h"
#include "wire/object.h"

#define CONSENT_APPROVALS_MAX 8 /* of one release */

struct consent_person {
	char name[HM_NAME_MAX + 1];
	uint8_t key[HM_POINT_LEN];
	bool revoked;
};

/* All that the signer knows of approvers; all zeros: nobody. */
struct consent {
	struct consent_person *people; /* owned; room for APPROVERS_MAX */
	uint32_t count;
};

/* What became of one release. */
struct consent_state {
	uint8_t by[CONSENT_APPROVALS_MAX]; /* index of the person */
	atomic_uint approvals;
	atomic_bool revoked;
};

void consent_done(struct consent *consent);

/* A credential with the role of approver. The same again is fine.
 * HM_E_TWICE, HM_E_TWICE_KEY (known otherwise, or the authority's key),
 * HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err consent_add(struct consent *consent,
    const struct hm_credential *credential,
    const uint8_t authority[static HM_POINT_LEN]);
/* The person is an approver no more; others are not for here. */
void consent_revoke(struct consent *consent, struct hm_bytes name);
/* Who has the key of that id? NULL: nobody. */
const struct consent_person *consent_find(
    const struct consent *consent, struct hm_bytes kid);
/* Note an approval that verified. Once more by the same: nothing happens.
 * `pinned` may be NULL. HM_E_UNKNOWN_PEER (revoked), HM_E_TOO_LARGE */
HM_MUST hm_err consent_note(const struct consent *consent,
    const struct consent_person *by, const struct approvers *pinned,
    struct consent_state *state);
/* May devices be made with it? HM_E_RELEASE_REVOKED, HM_E_APPROVALS */
HM_MUST hm_err consent_check(
    const struct consent_state *state, hm_channel channel);
