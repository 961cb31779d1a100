/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * people - who may do what: the credentials that the authority signed
 *
 * A credential is recognised by the key of its TLS certificate and nothing
 * else. All are held in memory; the table is the record. Some hundred
 * credentials are expected, so they are searched from front to back.
 */

#include "server/ask.h"
#include "store/db.h"

struct person {
	ask_name name;
	hm_role role;
	uint8_t key[HM_POINT_LEN];
	uint64_t not_after_s;
	bool revoked;
	ask_name bound; /* of a device: its order; else empty */
};

struct people {
	struct person *list; /* owned */
	uint32_t count, room;
};

void people_done(struct people *people);
/* Read all from the database, in place of what is there. */
HM_MUST hm_err people_load(struct people *people, struct db *db);

/* NULL if there is none. */
struct person *people_by_name(struct people *people, struct hm_bytes name);
/* Who has this key, and may come in now? HM_E_UNKNOWN_PEER, HM_E_EXPIRED */
HM_MUST hm_err people_admit(struct people *people,
    const uint8_t key[static HM_POINT_LEN], uint64_t now_s,
    const struct person **ret);

/* The approver whose key has this id, whatever became of the person; NULL if
 * there is none. */
const struct person *people_approver(
    const struct people *people, struct hm_bytes kid);

/* A name or key is given once, for a time that can be kept. HM_E_TWICE,
 * HM_E_TWICE_KEY, HM_E_BAD_INPUT */
HM_MUST hm_err people_check_new(
    struct people *people, const struct hm_credential *credential);
HM_MUST hm_err people_add(struct people *people, struct db *db,
    const struct hm_credential *credential);
HM_MUST hm_err people_revoke(struct db *db, struct person *person);
