/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "core/check.h"

#define BUSY_MS 5000
#define WAL_MAX (64 * 1024 * 1024)
#define IDLE_PAGES 1000 /* less is not worth the two syncs of a checkpoint */

bool
db_is_lost(const struct db *db)
{
	return db->depth > 0 && sqlite3_get_autocommit(db->raw);
}

/* "UNIQUE constraint failed: device.id, device.key" -> the columns */
static hm_err
note_twice(struct db *db, struct why *why)
{
	const char *text = sqlite3_errmsg(db->raw);
	const char *columns = strstr(text, ": ");

	snprintf(
	    db->twice, sizeof db->twice, "%s", columns ? columns + 2 : text);
	return WHY(
	    why, HM_E_TWICE, "there is one already with this %s", db->twice);
}

static hm_err
io_error(struct db *db, int rc, struct why *why)
{
	int system = sqlite3_system_errno(db->raw);

	WHY(why, HM_E_IO, "%s%s%s", sqlite3_errstr(rc & 0xff),
	    system ? ": " : "", system ? strerror(system) : "");
	why_where(why, "%s", db->path);
	if ((rc & 0xff) == SQLITE_FULL || system == ENOSPC)
		why_do(why, "make room on the disk; nothing was changed");
	return HM_E_IO;
}

hm_err
db_error(struct db *db, int rc, struct why *why)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return HM_OK;
	case SQLITE_NOMEM:
		return WHY(why, HM_E_NO_MEMORY, "out of memory");
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return WHY(why, HM_E_NO_MEMORY, "out of memory");
		return io_error(db, rc, why);
	case SQLITE_FULL:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return io_error(db, rc, why);
	case SQLITE_CONSTRAINT:
		if (rc == SQLITE_CONSTRAINT_UNIQUE ||
		    rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		    rc == SQLITE_CONSTRAINT_ROWID)
			return note_twice(db, why);
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		WHY(why, HM_E_DATABASE, "another process uses the database");
		why_where(why, "%s", db->path);
		return HM_E_DATABASE;
	default:
		break;
	}
	WHY(why, HM_E_DATABASE, "%s", sqlite3_errmsg(db->raw));
	why_where(why, "%s", db->path);
	return HM_E_DATABASE;
}

hm_err
db_exec(struct db *db, const char *sql, struct why *why)
{
	if (db_is_lost(db))
		return WHY(why, HM_E_DATABASE,
		    "the transaction was rolled back before");
	return db_error(db, sqlite3_exec(db->raw, sql, NULL, NULL, NULL), why);
}

const char *
db_twice_columns(const struct db *db)
{
	return db->twice;
}

int64_t
db_last_rowid(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->raw);
}

int64_t
db_changes(const struct db *db)
{
	return sqlite3_changes64(db->raw);
}

unsigned
db_version(const struct db *db)
{
	return db->version;
}

/* Transactions. */

hm_err
db_begin(struct db *db, struct db_txn *ret, struct why *why)
{
	HM_TRY(
	    db_run_sql(db, db->depth ? "SAVEPOINT s" : "BEGIN IMMEDIATE", why));
	db->depth++;
	*ret = (struct db_txn){ .db = db, .depth = db->depth };
	return HM_OK;
}

void
db_txn_done(struct db_txn *txn)
{
	struct db *db = txn->db;
	const char *undo = "ROLLBACK TO s; RELEASE s";

	if (!db)
		return;
	hm_assert(db->depth == txn->depth);
	if (db->depth == 1)
		undo = "ROLLBACK";
	/* Fails only if SQLite has rolled back all of it already. */
	if (!sqlite3_get_autocommit(db->raw))
		(void)sqlite3_exec(db->raw, undo, NULL, NULL, NULL);
	db->depth--;
	*txn = (struct db_txn){ 0 };
}

static void
checkpoint(struct db *db)
{
	int log = 0, moved = 0;

	/* What cannot be moved now (a reader, an error) stays in the WAL, which
	 * is as durable; the next commit meets a lasting error anyway. */
	if (sqlite3_wal_checkpoint_v2(db->raw, NULL, SQLITE_CHECKPOINT_PASSIVE,
		&log, &moved) == SQLITE_OK &&
	    log >= moved && moved >= 0)
		db->wal_pages = (uint64_t)(log - moved);
}

hm_err
db_commit(struct db_txn *txn, struct why *why)
{
	struct db *db = txn->db;
	hm_err err;

	hm_assert(db != NULL);
	hm_assert(db->depth == txn->depth);
	err = db_run_sql(db, db->depth == 1 ? "COMMIT" : "RELEASE s", why);
	if (err != HM_OK) {
		db_txn_done(txn);
		return err;
	}
	db->depth--;
	*txn = (struct db_txn){ 0 };
	return HM_OK;
}

uint64_t
db_wal_size(const struct db *db)
{
	return db->wal_pages * db->page_size;
}

bool
db_idle(struct db *db)
{
	if (db->depth || db->wal_pages < IDLE_PAGES)
		return false;
	checkpoint(db);
	return true;
}

static int
on_commit(void *context, sqlite3 *raw, const char *name, int pages)
{
	struct db *db = context;

	(void)raw;
	(void)name;
	db->wal_pages = (uint64_t)pages;
	if (db_wal_size(db) > db->wal_max)
		checkpoint(db);
	return SQLITE_OK;
}

/* Opening. */

static void
db_done(struct db **db)
{
	db_close(*db);
}

void
db_close(struct db *db)
{
	if (!db)
		return;
	db_forget_statements(db);
	/* Checkpoints and removes the WAL; rolls back what is open. */
	hm_assert(sqlite3_close(db->raw) == SQLITE_OK);
	free(db);
}

/* A new database is for its owner only; the WAL takes the mode over. */
static hm_err
create(const char *path, struct why *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		WHY(why, HM_E_FILE, "cannot open the database: %s",
		    strerror(errno));
		why_where(why, "%s", path);
		return HM_E_FILE;
	}
	close(fd);
	return HM_OK;
}

static hm_err
sync_folder(const char *path, struct why *why)
{
	char folder[512];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= sizeof folder)
		return WHY(why, HM_E_TOO_LARGE, "path too long");
	if (!slash)
		return file_sync_dir(".", why);
	memcpy(folder, path, n);
	folder[n] = '\0';
	return file_sync_dir(n ? folder : "/", why);
}

/* Everything that is said to a connection before its first use. */
static hm_err
set_up(struct db *db, const struct db_options *options, struct why *why)
{
	int64_t page_size = 0;

	sqlite3_extended_result_codes(db->raw, 1);
	sqlite3_busy_timeout(
	    db->raw, (int)(options->busy_ms ? options->busy_ms : BUSY_MS));
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	if (options->exclusive)
		HM_TRY(db_exec(db, "PRAGMA locking_mode = EXCLUSIVE", why));
	if (!options->read_only)
		HM_TRY(db_exec(db, "PRAGMA journal_mode = WAL", why));
	HM_TRY(db_exec(db,
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA foreign_keys = ON;"
	    "PRAGMA trusted_schema = OFF;"
	    "PRAGMA cell_size_check = ON;"
	    "PRAGMA temp_store = MEMORY",
	    why));
	/* Also replaces the automatic checkpoint. */
	sqlite3_wal_hook(db->raw, on_commit, db);
	HM_TRY(db_ask(db, "PRAGMA page_size", &page_size, why));
	db->page_size = (uint64_t)page_size;
	return HM_OK;
}

/* One script after the other, within a transaction. */
static hm_err
migrate(struct db *db, const struct db_options *options, struct why *why)
{
	char pragma[48];

	for (unsigned n = db->version; n < options->migrations_count; n++) {
		struct why words = { 0 };
		hm_err err = db_exec(db, options->migrations[n], &words);

		if (err == HM_E_TWICE)
			err = HM_E_DATABASE;
		if (err != HM_OK) {
			WHY(why, err, "to schema version %u: %s", n + 1,
			    words.text);
			why_where(why, "%s", db->path);
			return err;
		}
	}
	snprintf(pragma, sizeof pragma, "PRAGMA user_version = %u",
	    options->migrations_count);
	return db_exec(db, pragma, why);
}

static hm_err
read_version(struct db *db, unsigned newest, struct why *why)
{
	int64_t version = 0;

	HM_TRY(db_ask(db, "PRAGMA user_version", &version, why));
	if (version < 0 || version > newest) {
		WHY(why, HM_E_VERSION,
		    "the database has schema version %lld, this program knows "
		    "%u",
		    (long long)version, newest);
		why_where(why, "%s", db->path);
		return HM_E_VERSION;
	}
	db->version = (unsigned)version;
	return HM_OK;
}

static hm_err
bring_up_to_date(
    struct db *db, const struct db_options *options, struct why *why)
{
	unsigned newest = options->migrations_count;
	AUTO(db_txn) struct db_txn txn = { 0 };

	HM_TRY(read_version(db, newest, why));
	if (db->version == newest ||
	    (options->read_only && options->may_be_older))
		return HM_OK;
	if (options->read_only)
		return WHY(why, HM_E_VERSION,
		    "the database has schema version %u, %u is needed",
		    db->version, newest);
	HM_TRY(db_begin(db, &txn, why));
	HM_TRY(read_version(db, newest, why)); /* another may have done it */
	HM_TRY(migrate(db, options, why));
	HM_TRY(db_commit(&txn, why));
	db->version = newest;
	return HM_OK;
}

/*
 * A process that was killed between a write and its sync left pages that only
 * the system's cache has. SQLite reads them as committed, so they are made
 * durable before anybody builds on them.
 */
static hm_err
make_durable(const char *path, struct why *why)
{
	char wal[520];

	HM_TRY(file_sync(path, why));
	if (snprintf(wal, sizeof wal, "%s-wal", path) >= (int)sizeof wal)
		return WHY(why, HM_E_TOO_LARGE, "path too long");
	if (file_exists(wal))
		HM_TRY(file_sync(wal, why));
	return sync_folder(path, why);
}

hm_err
db_open(const struct db_options *options, struct db **ret, struct why *why)
{
	AUTO(db) struct db *db = calloc(1, sizeof *db);
	int flags = options->read_only
			? SQLITE_OPEN_READONLY
			: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	bool writes = !options->vfs && !options->read_only;
	int rc;

	if (!db)
		return WHY(why, HM_E_NO_MEMORY, "out of memory");
	db->wal_max = options->wal_max ? options->wal_max : WAL_MAX;
	db->read_only = options->read_only;
	snprintf(db->path, sizeof db->path, "%s", options->path);
	if (writes)
		HM_TRY(create(options->path, why));
	if (writes)
		HM_TRY(make_durable(options->path, why));
	/* Nobody asks how much memory is in use. Later ones change nothing. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	rc = sqlite3_open_v2(options->path, &db->raw,
	    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, options->vfs);
	if (!db->raw)
		return WHY(why, HM_E_NO_MEMORY, "out of memory");
	if ((rc & 0xff) == SQLITE_CANTOPEN) {
		WHY(why, HM_E_FILE, "cannot open the database");
		why_where(why, "%s", options->path);
		return HM_E_FILE;
	}
	HM_TRY(db_error(db, rc, why));
	/* SQLite falls back to that by itself, whatever the reason was. */
	if (!options->read_only && sqlite3_db_readonly(db->raw, "main") == 1) {
		why_where(why, "%s", options->path);
		return WHY(why, HM_E_IO, "the database cannot be written");
	}
	HM_TRY(set_up(db, options, why));
	HM_TRY(bring_up_to_date(db, options, why));
	*ret = db;
	db = NULL;
	return HM_OK;
}
