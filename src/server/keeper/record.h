/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * record - the ledger as the keeper writes it: leaves, checkpoints, receipts
 *
 * A leaf is added to the table and to the tree in memory within a transaction.
 * record_seal() puts the size and root that the transaction ends with beside
 * it. After the commit that checkpoint, and no other of its size, may be
 * signed. The receipt of a leaf is always made against the first checkpoint
 * after it: so it is the same bytes whenever it is asked for (decision 0002).
 */

#include "ledger/note.h"
#include "ledger/tiles.h"
#include "server/keeper/sign.h"
#include "store/db.h"

struct record {
	struct db *db;         /* borrowed */
	struct signer *signer; /* borrowed */
	struct tiles *tiles;   /* owned */
	char folder[KEEPER_PATH_MAX - 128];
	struct note_key key;
	char origin[HM_ORIGIN_MAX + 1];
	uint64_t size;          /* committed leaves */
	uint64_t flushed;       /* leaves that the files have */
	uint64_t published;     /* size of the checkpoint file */
	struct checkpoint last; /* of the last transaction that added leaves */
	uint64_t last_from;     /* the first of these */
	struct buf note;        /* a signed checkpoint, of note_size */
	uint64_t note_size;
	struct buf scratch;
};

/*
 * Open the tiles and bring them up to the database. HM_E_LOG_ROLLBACK: they
 * know more than it; HM_E_LOG: they differ.
 */
HM_MUST hm_err record_open(struct record *record, const char *folder,
    struct db *db, struct signer *signer, struct why *why);
void record_done(struct record *record);
/* Who signs the checkpoints; the published one must be of this log and fit the
 * database. HM_E_LOG, HM_E_LOG_ROLLBACK, HM_E_BAD_INPUT (a bad origin) */
HM_MUST hm_err record_name(struct record *record, struct hm_bytes origin,
    const uint8_t key[static 32], struct why *why);

/* Within a transaction. The encoded leaf is appended to `ret_entry` if that is
 * not NULL. */
HM_MUST hm_err record_add(struct record *record, const struct hm_entry *entry,
    uint64_t *ret_index, struct buf *ret_entry);
/* Before a commit. */
HM_MUST hm_err record_seal(struct record *record);
/* After it; or after it failed. HM_E_DATABASE: tree and table differ, go no
 * further. */
void record_committed(struct record *record);
HM_MUST hm_err record_rolled_back(struct record *record);

/* Append leaf `index`. HM_E_NOT_FOUND */
HM_MUST hm_err record_entry(
    struct record *record, uint64_t index, struct buf *ret);
/* Have the checkpoint of the last commit signed, for the receipts of what it
 * added; `job` is done at once if it is there. When it is done: took. */
void record_want_note(struct record *record, struct sign_job *job);
void record_took_note(struct record *record, const struct sign_job *job);
/* Append the receipt of a committed leaf. HM_E_NOT_FOUND, the signer's error */
HM_MUST hm_err record_receipt(
    struct record *record, uint64_t index, struct buf *ret);
/* Append the proof that the committed log has grown from its first `from`
 * leaves; without hashes if it never had so many. The signer's error */
HM_MUST hm_err record_growth(
    struct record *record, uint64_t from, struct buf *ret);
/* Write tiles, then the checkpoint. */
HM_MUST hm_err record_publish(struct record *record, struct why *why);
