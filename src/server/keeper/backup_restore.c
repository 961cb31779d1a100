/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/backup_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/receipt.h"
#include "ledger/walk.h"
#include "server/keeper/schema.h"

#define TILE_FILE_MAX (256 * (2 + 65535))
#define RECEIPT_END ".tlog-proof"

/* ---- what others have seen ---- */

struct mark {
	uint64_t size;
	struct tree_hash root;
	const char *path; /* borrowed */
};

struct marks {
	struct mark *list; /* owned; sorted by size */
	size_t count, next;
	struct tree tree; /* of the backup's leaves so far */
	const char *rewritten;
};

static void
marks_done(struct marks *marks)
{
	free(marks->list);
}

static bool
is_receipt(const char *path)
{
	size_t len = strlen(path), tail = strlen(RECEIPT_END);

	return len > tail && strcmp(path + len - tail, RECEIPT_END) == 0;
}

/* Of a receipt the checkpoint counts, not what it proves. */
static hm_err
read_mark(const struct note_key *log_key, const char *path, struct mark *ret,
    struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	struct note_policy policy = { .log = log_key };
	struct checkpoint checkpoint;
	struct hm_bytes note;
	hm_err err = HM_OK;

	HM_TRY(file_read(path, NOTE_MAX, &text, why));
	note = buf_bytes(&text);
	if (is_receipt(path))
		err = receipt_note(note, &note);
	if (err == HM_OK)
		err = checkpoint_open(note, &policy, &checkpoint, NULL);
	if (err != HM_OK) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_LOG_PROOF, "nothing that %s has signed",
		    log_key->name);
	}
	*ret = (struct mark){ checkpoint.size, checkpoint.root, path };
	return HM_OK;
}

static int
compare(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

static hm_err
read_marks(const struct backup_way *way, struct marks *ret, struct why *why)
{
	if (way->seen_count == 0)
		return HM_OK;
	if (way->seen_count > BACKUP_SEEN_MAX)
		return WHY(why, HM_E_TOO_LARGE, "more than %d have seen it",
		    BACKUP_SEEN_MAX);
	ret->list = calloc(way->seen_count, sizeof(*ret->list));
	if (ret->list == NULL)
		return HM_E_NO_MEMORY;
	for (size_t i = 0; i < way->seen_count; i++)
		HM_TRY(
		    read_mark(way->log_key, way->seen[i], &ret->list[i], why));
	ret->count = way->seen_count;
	qsort(ret->list, ret->count, sizeof(*ret->list), compare);
	return HM_OK;
}

static hm_err
pass_leaf(void *context, struct hm_bytes leaf)
{
	struct marks *marks = context;
	struct tree_hash hash;

	tree_leaf(leaf, &hash);
	tree_add(&marks->tree, &hash);
	if (marks->next == marks->count ||
	    marks->list[marks->next].size != marks->tree.size)
		return HM_OK;
	tree_root(&marks->tree, &hash);
	for (; marks->next < marks->count &&
	       marks->list[marks->next].size == marks->tree.size;
	     marks->next++)
		if (memcmp(hash.bytes, marks->list[marks->next].root.bytes,
			sizeof(hash.bytes)) != 0)
			marks->rewritten = marks->list[marks->next].path;
	return HM_OK;
}

/* Is all that was seen in the backup? What is not is in *ret. */
static hm_err
find_loss(const char *folder, struct marks *marks, struct backup_loss *ret,
    struct why *why)
{
	uint64_t entries;
	struct db *db;
	hm_err err;

	if (marks->count > 0) {
		ret->seen = marks->list[marks->count - 1].size;
		ret->path = marks->list[marks->count - 1].path;
	}
	HM_TRY(backup_database(folder, &db, why));
	err = backup_leaves(db, pass_leaf, marks, &entries, why);
	db_close(db);
	HM_TRY(err);
	if (marks->rewritten == NULL)
		return HM_OK;
	why_where(why, "%s", marks->rewritten);
	return WHY(why, HM_E_LOG,
	    "the log of the backup is another than the one that was seen");
}

static hm_err
judge_loss(const struct backup_way *way, const struct backup_info *info,
    const struct backup_loss *loss, struct why *why)
{
	if (way->successor != NULL) {
		if (strcmp(way->successor, info->origin) != 0)
			return HM_OK;
		return WHY(why, HM_E_USAGE,
		    "the log that follows needs another name than %s",
		    info->origin);
	}
	if (loss->path == NULL) {
		why_do(why, "give the newest checkpoints and receipts of "
			    "stations, witnesses and auditors with --seen, or "
			    "begin a log that follows with --successor");
		return WHY(
		    why, HM_E_USAGE, "nobody says how far the log had come");
	}
	if (loss->seen <= info->entries)
		return HM_OK;
	why_where(why, "%s", loss->path);
	why_do(why, "restore a newer backup, or begin a log that follows "
		    "with --successor; see operations.md, Roll-back");
	return WHY(why, HM_E_LOG_ROLLBACK,
	    "%" PRIu64 " entries were seen, the backup has %" PRIu64,
	    loss->seen, info->entries);
}

/* ---- the folder ---- */

static hm_err
find_any(void *context, const char *path, struct why *why)
{
	(void)context;
	(void)path;
	return WHY(why, HM_E_EXISTS, "the folder is not empty");
}

static hm_err
take_folder(const char *state, struct why *why)
{
	hm_err err;

	HM_TRY(file_mkdir(state, 0700, why));
	err = walk(state, "", find_any, NULL, why);
	if (err == HM_E_EXISTS)
		why_where(why, "%s", state);
	return err;
}

struct copying {
	const char *from, *to; /* folders */
};

static hm_err
copy_file(void *context, const char *path, struct why *why)
{
	AUTO(buf) struct buf content = { 0 };
	const struct copying *copying = context;
	static char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
	char *slash;

	HM_TRY(path_join(from, sizeof(from), copying->from, path));
	HM_TRY(path_join(to, sizeof(to), copying->to, path));
	HM_TRY(file_read(from, TILE_FILE_MAX, &content, why));
	slash = strrchr(to, '/');
	*slash = '\0';
	HM_TRY(file_mkdir(to, 0755, why));
	*slash = '/';
	return file_create(to, buf_bytes(&content), 0644, why);
}

static hm_err
copy_ledger(const char *folder, const char *state, struct why *why)
{
	static char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
	struct copying copying = { from, to };

	HM_TRY(path_join(from, sizeof(from), folder, BACKUP_LEDGER));
	HM_TRY(path_join(to, sizeof(to), state, BACKUP_LEDGER));
	return walk(from, "", copy_file, &copying, why);
}

/* ---- the database ---- */

/* From the leaf that comes next on it is another log; the orders of the old one
 * may have been used up meanwhile, so nothing more is made of them. */
static hm_err
declare_successor(struct db *db, const struct backup_info *info,
    const struct backup_way *way, const struct backup_loss *loss,
    struct why *why)
{
	AUTO(db_txn) struct db_txn txn = { 0 };
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_begin(db, &txn, why));
	HM_TRY(db_prepare(db,
	    "INSERT INTO succession (idx, origin, seen) VALUES (?, ?, ?)", &q,
	    why));
	db_bind_uint(&q, 1, info->entries);
	db_bind_text(&q, 2, hm_bytes_of(way->successor));
	db_bind_uint(&q, 3, loss->seen);
	HM_TRY(db_run(&q, why));
	HM_TRY(db_exec(db, "UPDATE book SET closed = 1", why));
	return db_commit(&txn, why);
}

static hm_err
change_database(const char *path, const struct backup_info *info,
    const struct backup_way *way, const struct backup_loss *loss,
    struct why *why)
{
	struct db_options options = { .path = path,
		.migrations = keeper_migrations,
		.migrations_count = keeper_migrations_count };
	struct db *db;
	hm_err err;

	HM_TRY(db_open(&options, &db, why));
	err = declare_successor(db, info, way, loss, why);
	db_close(db);
	return err;
}

/* It gets its name last: without it the server does not start on what is
 * there. */
static hm_err
put_database(const char *folder, const char *state,
    const struct backup_info *info, const struct backup_way *way,
    const struct backup_loss *loss, struct why *why)
{
	static char path[FILE_PATH_MAX], early[FILE_PATH_MAX];
	struct db *db;
	hm_err err;

	HM_TRY(path_join(path, sizeof(path), state, BACKUP_DATABASE));
	HM_TRY(
	    path_join(early, sizeof(early), state, BACKUP_DATABASE ".early"));
	HM_TRY(backup_database(folder, &db, why));
	err = db_backup(db, early, why);
	db_close(db);
	HM_TRY(err);
	if (way->successor != NULL)
		HM_TRY(change_database(early, info, way, loss, why));
	if (rename(early, path) == 0)
		return file_sync_dir(state, why);
	why_where(why, "%s", path);
	return WHY(why, HM_E_IO, "cannot rename to it: %s", strerror(errno));
}

/* ---- whose it is ---- */

struct giving {
	const char *state;
	struct stat owner;
};

/* The file, and the folders that lead to it. */
static hm_err
give_file(void *context, const char *path, struct why *why)
{
	const struct giving *giving = context;
	char whole[FILE_PATH_MAX], *slash;
	size_t top = strlen(giving->state);

	HM_TRY(path_join(whole, sizeof(whole), giving->state, path));
	do {
		if (lchown(whole, giving->owner.st_uid, giving->owner.st_gid) !=
		    0) {
			why_where(why, "%s", whole);
			return WHY(why, HM_E_IO, "cannot give it away: %s",
			    strerror(errno));
		}
		slash = strrchr(whole, '/');
		if (slash != NULL)
			*slash = '\0';
	} while (slash != NULL && strlen(whole) > top);
	return HM_OK;
}

/* What root made belongs to whom the folder belongs. */
static hm_err
give_away(const char *state, struct why *why)
{
	struct giving giving = { .state = state };

	if (geteuid() != 0)
		return HM_OK;
	if (stat(state, &giving.owner) != 0) {
		why_where(why, "%s", state);
		return WHY(
		    why, HM_E_IO, "cannot look at it: %s", strerror(errno));
	}
	return walk(state, "", give_file, &giving, why);
}

hm_err
backup_restore(const char *folder, const char *state,
    const struct backup_way *way, struct backup_info *ret,
    struct backup_loss *ret_loss, struct why *why)
{
	AUTO(marks) struct marks marks = { 0 };
	struct backup_info info;
	struct backup_loss loss = { 0 };

	HM_TRY(backup_check(folder, way->log_key, &info, why));
	HM_TRY(read_marks(way, &marks, why));
	HM_TRY(find_loss(folder, &marks, &loss, why));
	HM_TRY(judge_loss(way, &info, &loss, why));
	HM_TRY(take_folder(state, why));
	if (way->successor == NULL)
		HM_TRY(copy_ledger(folder, state, why));
	HM_TRY(put_database(folder, state, &info, way, &loss, why));
	HM_TRY(give_away(state, why));
	*ret = info;
	*ret_loss = loss;
	return HM_OK;
}
