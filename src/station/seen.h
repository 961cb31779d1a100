/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * seen - the newest checkpoint of the ledger that a slot has seen
 *
 * A server that was started again from an older copy has forgotten devices that
 * exist. It cannot hide that from whoever remembers: the ledger must have grown
 * from every checkpoint that was ever shown. Each slot keeps the newest one
 * beside the journal (SLOT.seen, a signed note, durable), and asks for a proof
 * of growth on every new connection, before it believes an answer: a server
 * that was restarted has closed the old one.
 *
 * The file is a checkpoint like any other: `hallmark audit verify --checkpoint`
 * takes it. A log of another name (a new log_key in station.yaml) is begun
 * anew.
 */

#include "base/file.h"
#include "base/why.h"
#include "ledger/note.h"

struct seen {
	const struct note_key *log_key; /* borrowed */
	char path[FILE_PATH_MAX];
	uint64_t size; /* 0: nothing seen yet */
	struct tree_hash root;
};

/* HM_E_JOURNAL: what lies there is not a checkpoint of this log. */
HM_MUST hm_err seen_open(struct seen *ret, const char *folder, const char *slot,
    const struct note_key *log_key, struct why *why);

/* The checkpoint to ask about; its origin is empty. */
struct checkpoint seen_checkpoint(const struct seen *seen);

/*
 * What the server says to /v1/growth?from=SIZE of `asked`. What it shows now is
 * remembered if it is newer. HM_E_LOG_ROLLBACK, HM_E_LOG (see growth_verify):
 * *why has the words; HM_E_LOG_PROOF, HM_E_BAD_INPUT, HM_E_JOURNAL
 */
HM_MUST hm_err seen_judge(struct seen *seen, const struct checkpoint *asked,
    struct hm_bytes growth, struct why *why);

/*
 * A receipt that was verified. *ret_old: its checkpoint is older than what was
 * seen, so its place in the past is still to be proven (*ret_checkpoint).
 * HM_E_LOG: of this size another tree was seen. HM_E_JOURNAL
 */
HM_MUST hm_err seen_receipt(struct seen *seen, struct hm_bytes receipt,
    bool *ret_old, struct checkpoint *ret_checkpoint, struct why *why);

/* The ledger is not what it was: this slot makes no further device. */
bool seen_is_broken(hm_err err);
