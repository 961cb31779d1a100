/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/backup_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/tiles.h"
#include "ledger/walk.h"
#include "server/keeper/schema.h"

#define PART ".part"
#define CONFIG_MAX 1048576             /* bytes of one file of config/ */
#define FLUSH_LEAVES (64 * TILE_WIDTH) /* written at once */

/* ---- reading ---- */

hm_err
backup_database(const char *folder, struct db **ret, struct why *why)
{
	char path[FILE_PATH_MAX];
	struct db_options options = { .path = path,
		.read_only = true,
		.may_be_older = true,
		.migrations = keeper_migrations,
		.migrations_count = keeper_migrations_count };

	HM_TRY(path_join(path, sizeof(path), folder, BACKUP_DATABASE));
	return db_open(&options, ret, why);
}

hm_err
backup_leaves(struct db *db, backup_visitor visitor, void *context,
    uint64_t *ret_count, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	uint64_t count = 0;
	bool row;

	HM_TRY(db_prepare(
	    db, "SELECT idx, entry FROM leaf ORDER BY idx", &q, why));
	for (;;) {
		HM_TRY(db_step(&q, &row, why));
		if (!row)
			break;
		if (db_uint(&q, 0) != count)
			return WHY(why, HM_E_LOG,
			    "the table of leaves has no number %" PRIu64,
			    count);
		HM_TRY(visitor(context, db_bytes(&q, 1)));
		count++;
	}
	*ret_count = count;
	return HM_OK;
}

hm_err
backup_checkpoint(const char *folder, struct buf *ret_note,
    struct checkpoint *ret, struct why *why)
{
	char path[FILE_PATH_MAX];
	struct hm_bytes text;

	HM_TRY(
	    path_join(path, sizeof(path), folder, BACKUP_LEDGER "/checkpoint"));
	HM_TRY(file_read(path, BACKUP_NOTE_MAX, ret_note, why));
	if (note_text(buf_bytes(ret_note), &text) == HM_OK &&
	    checkpoint_parse(text, ret) == HM_OK &&
	    ret->origin.len <= HM_ORIGIN_MAX)
		return HM_OK;
	why_where(why, "%s", path);
	return WHY(why, HM_E_LOG, "this is no checkpoint");
}

/* ---- the ledger, made again from the copied leaves ---- */

struct making {
	struct tiles *tiles; /* owned */
	struct tree all;
	uint64_t published; /* so far go the tiles */
	struct why *why;
};

static void
making_done(struct making *making)
{
	tiles_free(making->tiles);
}

static hm_err
take_leaf(void *context, struct hm_bytes leaf)
{
	struct making *making = context;
	struct tree_hash hash;

	tree_leaf(leaf, &hash);
	tree_add(&making->all, &hash);
	if (making->all.size > making->published)
		return HM_OK;
	HM_TRY(tiles_add(making->tiles, leaf));
	return making->all.size % FLUSH_LEAVES == 0
		   ? tiles_flush(making->tiles, making->why)
		   : HM_OK;
}

/* The root of all leaves; tiles up to the checkpoint, whose root must fit. */
static hm_err
make_ledger(const char *folder, struct hm_bytes note,
    const struct checkpoint *published, struct tree_hash *ret_root,
    uint64_t *ret_entries, struct why *why)
{
	AUTO(making)
	struct making making = { .published = published->size, .why = why };
	static char path[FILE_PATH_MAX]; /* one thread; a tree is large */
	struct db *db;
	hm_err err;

	HM_TRY(path_join(path, sizeof(path), folder, BACKUP_LEDGER));
	HM_TRY(tiles_open(path, &making.tiles, why));
	HM_TRY(backup_database(folder, &db, why));
	err = backup_leaves(db, take_leaf, &making, ret_entries, why);
	db_close(db);
	HM_TRY(err);
	if (*ret_entries < published->size)
		return WHY(why, HM_E_LOG_ROLLBACK,
		    "a checkpoint over %" PRIu64
		    " entries was signed, the database has %" PRIu64,
		    published->size, *ret_entries);
	HM_TRY(tiles_flush(making.tiles, why));
	HM_TRY(tiles_publish(making.tiles, note, why));
	tree_root(&making.all, ret_root);
	return HM_OK;
}

/* ---- the parts ---- */

static hm_err
copy_database(const char *state, const char *folder, struct why *why)
{
	static char path[FILE_PATH_MAX];
	struct db *db;
	hm_err err;

	HM_TRY(path_join(path, sizeof(path), folder, BACKUP_DATABASE));
	HM_TRY(backup_database(state, &db, why));
	err = db_backup(db, path, why);
	db_close(db);
	return err;
}

static hm_err
copy_config(const char *folder, const struct backup_plan *plan, struct why *why)
{
	static char below[FILE_PATH_MAX], path[FILE_PATH_MAX];

	HM_TRY(path_join(below, sizeof(below), folder, BACKUP_CONFIG));
	HM_TRY(file_mkdir(below, 0700, why));
	for (size_t i = 0; i < plan->file_count; i++) {
		AUTO(buf) struct buf content = { 0 };

		HM_TRY(
		    path_join(path, sizeof(path), below, plan->files[i].name));
		HM_TRY(
		    file_read(plan->files[i].path, CONFIG_MAX, &content, why));
		HM_TRY(file_create(path, buf_bytes(&content), 0600, why));
	}
	return HM_OK;
}

/* First the checkpoint: what it covers was committed before it was signed. */
static hm_err
fill(const char *part, const struct backup_plan *plan, struct backup_info *info,
    struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	struct checkpoint published;
	struct tree_hash root;

	HM_TRY(backup_checkpoint(plan->state, &note, &published, why));
	HM_TRY(copy_database(plan->state, part, why));
	HM_TRY(make_ledger(
	    part, buf_bytes(&note), &published, &root, &info->entries, why));
	HM_TRY(copy_config(part, plan, why));
	info->published = published.size;
	memcpy(info->origin, published.origin.ptr, published.origin.len);
	info->origin[published.origin.len] = '\0';
	return manifest_make(part, plan, &root, info, why);
}

/* ---- the folder ---- */

static hm_err
failed(const char *what, const char *path, struct why *why)
{
	why_where(why, "%s", path);
	return WHY(why, errno == EEXIST ? HM_E_EXISTS : HM_E_IO,
	    "cannot %s: %s", what, strerror(errno));
}

static hm_err
remove_file(void *context, const char *path, struct why *why)
{
	char whole[FILE_PATH_MAX];

	HM_TRY(path_join(whole, sizeof(whole), context, path));
	return unlink(whole) == 0 ? HM_OK : failed("remove", whole, why);
}

/* Files of an attempt that was cut short; folders may stay. */
static hm_err
empty(char *folder, struct why *why)
{
	return walk(folder, "", remove_file, folder, why);
}

/* A folder that is ours as long as *ret_fd is open. */
static hm_err
take_part(char *part, int *ret_fd, struct why *why)
{
	int fd;

	HM_TRY(file_mkdir(part, 0700, why));
	fd = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed("open", part, why);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		why_where(why, "%s", part);
		return WHY(why, HM_E_BUSY, "another backup is being made");
	}
	*ret_fd = fd;
	return HM_OK;
}

/* Give it its name; the folder above is synced. */
static hm_err
appear(const char *part, const char *to, struct why *why)
{
	static char above[FILE_PATH_MAX];
	const char *slash = strrchr(to, '/');

	if (renameat2(AT_FDCWD, part, AT_FDCWD, to, RENAME_NOREPLACE) != 0)
		return failed("rename to it", to, why);
	(void)snprintf(above, sizeof(above), "%.*s",
	    slash == NULL ? 1 : (int)(slash - to) + 1,
	    slash == NULL ? "." : to);
	return file_sync_dir(above, why);
}

static hm_err
make_in(char *part, const char *to, const struct backup_plan *plan,
    struct backup_info *info, struct why *why)
{
	struct backup_info back;
	int fd = -1;
	hm_err err;

	HM_TRY(take_part(part, &fd, why));
	err = empty(part, why);
	if (err == HM_OK)
		err = fill(part, plan, info, why);
	if (err == HM_OK)
		err = backup_check(part, NULL, &back, why);
	if (err == HM_OK)
		err = appear(part, to, why);
	if (err != HM_OK)
		HM_LOSE(empty(part, NULL)); /* the next attempt does it too */
	close(fd);
	return err;
}

hm_err
backup_make(const char *to, const struct backup_plan *plan, uint64_t now_s,
    struct backup_info *ret, struct why *why)
{
	static char name[FILE_PATH_MAX], part[FILE_PATH_MAX]; /* one thread */
	struct backup_info info = { .made_s = now_s };
	size_t len = strlen(to);

	while (len > 1 && to[len - 1] == '/')
		len--;
	if (len == 0 || len + sizeof(PART) > sizeof(part))
		return WHY(
		    why, HM_E_TOO_LARGE, "the path is empty or too long");
	memcpy(name, to, len);
	name[len] = '\0';
	memcpy(part, to, len);
	memcpy(part + len, PART, sizeof(PART));
	if (file_exists(name)) {
		why_where(why, "%s", name);
		return WHY(why, HM_E_EXISTS, "nothing is overwritten");
	}
	HM_TRY(make_in(part, name, plan, &info, why));
	*ret = info;
	return HM_OK;
}

/* ---- reading it back ---- */

struct recount {
	struct tree tree;
	const struct checkpoint *published;
	bool differs;
};

static hm_err
recount_leaf(void *context, struct hm_bytes leaf)
{
	struct recount *recount = context;
	struct tree_hash hash;

	tree_leaf(leaf, &hash);
	tree_add(&recount->tree, &hash);
	if (recount->tree.size != recount->published->size)
		return HM_OK;
	tree_root(&recount->tree, &hash);
	recount->differs = memcmp(hash.bytes, recount->published->root.bytes,
			       sizeof(hash.bytes)) != 0;
	return HM_OK;
}

static hm_err
check_database(const char *folder, const struct checkpoint *published,
    const struct backup_info *info, const struct tree_hash *root,
    struct why *why)
{
	struct recount recount = { .published = published };
	struct tree_hash now;
	uint64_t entries = 0;
	struct db *db;
	hm_err err;

	HM_TRY(backup_database(folder, &db, why));
	err = db_check(db, why);
	if (err == HM_OK)
		err = backup_leaves(db, recount_leaf, &recount, &entries, why);
	db_close(db);
	HM_TRY(err);
	tree_root(&recount.tree, &now);
	if (!recount.differs && entries >= published->size &&
	    entries == info->entries &&
	    memcmp(now.bytes, root->bytes, sizeof(now.bytes)) == 0)
		return HM_OK;
	why_where(why, "%s", folder);
	if (recount.differs || entries < published->size)
		return WHY(why, HM_E_LOG,
		    "the database does not have what the checkpoint signs");
	return WHY(
	    why, HM_E_LOG, "the database is not the one of the manifest");
}

static hm_err
check_signature(
    struct hm_bytes note, const struct note_key *log_key, struct why *why)
{
	struct note_policy policy = { .log = log_key };
	struct checkpoint checkpoint;

	if (log_key == NULL ||
	    checkpoint_open(note, &policy, &checkpoint, NULL) == HM_OK)
		return HM_OK;
	return WHY(why, HM_E_LOG_PROOF, "the checkpoint is not signed by %s",
	    log_key->name);
}

hm_err
backup_check(const char *folder, const struct note_key *log_key,
    struct backup_info *ret, struct why *why)
{
	AUTO(buf) struct buf note = { 0 };
	struct backup_info info = { 0 };
	struct checkpoint published;
	struct tree_hash root;

	HM_TRY(manifest_check(folder, &info, &root, why));
	HM_TRY(backup_checkpoint(folder, &note, &published, why));
	HM_TRY(check_signature(buf_bytes(&note), log_key, why));
	HM_TRY(check_database(folder, &published, &info, &root, why));
	*ret = info;
	return HM_OK;
}
