/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * backup_parts - what making, checking and restoring a backup share
 *
 *   backup.c           the folder, its database and ledger
 *   backup_manifest.c  what is in it
 *   backup_restore.c   the way back
 */

#include "base/doc.h"
#include "base/file.h"
#include "server/keeper/backup.h"
#include "store/db.h"

#define BACKUP_DATABASE "hallmark.db"
#define BACKUP_LEDGER "ledger"
#define BACKUP_CONFIG "config"
#define BACKUP_MANIFEST "MANIFEST.json"
#define BACKUP_NOTE_MAX 8192 /* bytes of a signed checkpoint */

/* A database to read. As db_open. */
HM_MUST hm_err backup_database(
    const char *folder, struct db **ret, struct why *why);

/* Every leaf in its order; an error ends it. HM_E_LOG: there are gaps. */
typedef hm_err (*backup_visitor)(void *context, struct hm_bytes leaf);
HM_MUST hm_err backup_leaves(struct db *db, backup_visitor visitor,
    void *context, uint64_t *ret_count, struct why *why);

/* The checkpoint of a ledger folder, its form checked; *ret borrows. */
HM_MUST hm_err backup_checkpoint(const char *folder, struct buf *ret_note,
    struct checkpoint *ret, struct why *why);

/* backup_manifest.c: write the manifest of all that lies in `folder`; the
 * counts of `info` are filled in. */
HM_MUST hm_err manifest_make(const char *folder, const struct backup_plan *plan,
    const struct tree_hash *root, struct backup_info *info, struct why *why);
/* Read it; every file is there as it says, and no other. *ret_root: of all
 * leaves. HM_E_FILE (no backup), HM_E_LOG, HM_E_IO */
HM_MUST hm_err manifest_check(const char *folder, struct backup_info *ret,
    struct tree_hash *ret_root, struct why *why);
