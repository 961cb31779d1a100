/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * backup - a copy of a running server's state, and the way back
 *
 *   MANIFEST.json       what is here: size and SHA-256 of each file
 *   hallmark.db         the database, one moment of it, one file
 *   ledger/             the published log as of that moment, or a little less:
 *                       checkpoint and tiles, fit for `hallmark audit verify`
 *   config/             configuration and certificates
 *
 * The database is copied through its own door while the keeper writes: a reader
 * of the WAL stops nobody. Tiles are not copied: they are made again from the
 * copied leaves and must have the root that the log has signed, so a backup
 * that could not prove its own past never comes to be. It appears under its
 * name when it is complete, synced and read back. No key, no PIN and no token
 * is in it; the manifest names what is missing.
 *
 * A restored server has forgotten what came after its backup. It may go on as
 * the same log only if nobody has seen more of it; else it is a log of another
 * name that follows the old one (docs/decisions/0006-backup-and-rollback.md).
 *
 * The manifest finds decay and missing files. Whoever can write the backup can
 * write the manifest too: against him stand the signed checkpoint, receipts,
 * stations and witnesses.
 */

#include "base/why.h"
#include "ledger/note.h"
#include "wire/limits.h"

#define BACKUP_SEEN_MAX 100000 /* checkpoints and receipts of one restore */

struct backup_file {
	const char *name; /* below config/, or a word of the manifest */
	const char *path;
};

struct backup_plan {
	const char *state; /* the server's folder */
	const struct backup_file *files;
	size_t file_count;
	const struct backup_file *absent; /* named in the manifest only */
	size_t absent_count;
};

struct backup_info {
	char origin[HM_ORIGIN_MAX + 1];
	uint64_t made_s;
	uint64_t entries;   /* leaves in the database */
	uint64_t published; /* of which the checkpoint covers so many */
	uint64_t bytes;     /* of all files */
	uint32_t files;
	uint8_t manifest[32]; /* SHA-256 of MANIFEST.json */
};

/*
 * Make the backup `to`, a new folder. HM_E_EXISTS (it is there), HM_E_BUSY
 * (another backup to this name is under way), HM_E_LOG_ROLLBACK, HM_E_LOG (the
 * database does not have what the log has signed), HM_E_FILE, HM_E_IO,
 * HM_E_DATABASE. On failure there is no `to`.
 */
HM_MUST hm_err backup_make(const char *to, const struct backup_plan *plan,
    uint64_t now_s, struct backup_info *ret, struct why *why);

/*
 * Read a backup back: manifest, digests, every page and leaf of the database,
 * the root that was signed. `log_key` may be NULL: then the signature is not
 * looked at. HM_E_LOG (it is not what its manifest or its checkpoint says),
 * HM_E_LOG_PROOF, HM_E_FILE, HM_E_IO, HM_E_DATABASE
 */
HM_MUST hm_err backup_check(const char *folder, const struct note_key *log_key,
    struct backup_info *ret, struct why *why);

struct backup_way {
	const struct note_key *log_key;
	const char *const *seen; /* files: checkpoints, *.tlog-proof */
	size_t seen_count;
	const char *successor; /* name of the log that follows, or NULL */
};

/* What is known to be lost. */
struct backup_loss {
	uint64_t seen;    /* entries that somebody has seen; 0: nobody said */
	const char *path; /* who, of `seen`; NULL: nobody */
};

/*
 * Make the state folder `state`, which is new or empty. Without a successor
 * something must have been seen, and all of it must be in the backup:
 * HM_E_LOG_ROLLBACK, HM_E_LOG. With one, all orders are closed, and the first
 * new leaf will say so. As root, what is made belongs to the folder's owner.
 * HM_E_EXISTS (not empty), HM_E_USAGE; as backup_check
 */
HM_MUST hm_err backup_restore(const char *folder, const char *state,
    const struct backup_way *way, struct backup_info *ret,
    struct backup_loss *ret_loss, struct why *why);
