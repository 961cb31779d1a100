/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the whole, and copies. */
#include "store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "core/check.h"

#define PART ".part"

hm_err
db_check(struct db *db, struct why *why)
{
	AUTO(db_stmt) struct db_stmt pages = { 0 };
	AUTO(db_stmt) struct db_stmt keys = { 0 };
	bool row = false;

	HM_TRY(db_prepare(db, "PRAGMA integrity_check(1)", &pages, why));
	HM_TRY(db_step(&pages, &row, why));
	if (!row || strcmp(db_text(&pages, 0), "ok") != 0) {
		WHY(why, HM_E_DATABASE, "%s", db_text(&pages, 0));
		why_where(why, "%s", db->path);
		return HM_E_DATABASE;
	}
	HM_TRY(db_prepare(db, "PRAGMA foreign_key_check", &keys, why));
	HM_TRY(db_step(&keys, &row, why));
	if (row) {
		WHY(why, HM_E_DATABASE,
		    "row %lld of %s refers to a row of %s that is not there",
		    (long long)db_int(&keys, 1), db_text(&keys, 0),
		    db_text(&keys, 2));
		why_where(why, "%s", db->path);
		return HM_E_DATABASE;
	}
	return HM_OK;
}

/* The copy that is being made; removed unless it becomes the backup. */
struct part {
	char path[520];
	struct db *db;
};

static void
part_done(struct part *part)
{
	db_close(part->db);
	if (part->path[0])
		(void)unlink(part->path); /* what is left is never read */
}

static hm_err
failed(const char *what, const char *path, struct why *why)
{
	WHY(why, HM_E_IO, "%s: %s", what, strerror(errno));
	why_where(why, "%s", path);
	return HM_E_IO;
}

static hm_err
open_part(struct part *part, const char *path, struct why *why)
{
	struct db *db;
	int fd, rc;

	if (snprintf(part->path, sizeof part->path, "%s" PART, path) >=
	    (int)sizeof part->path) {
		part->path[0] = '\0';
		return WHY(why, HM_E_IO, "path too long: %s", path);
	}
	(void)unlink(part->path); /* from an attempt that was cut short */
	fd = open(part->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed("cannot create", part->path, why);
	close(fd);
	db = part->db = calloc(1, sizeof *db);
	if (!db)
		return WHY(why, HM_E_NO_MEMORY, "out of memory");
	memcpy(db->path, part->path, sizeof db->path - 1);
	rc = sqlite3_open_v2(part->path, &db->raw,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	return db_error(db, rc, why);
}

/* In one read transaction of the source, so it is one moment of it. */
static hm_err
copy_pages(struct db *to, struct db *from, struct why *why)
{
	sqlite3_backup *copy =
	    sqlite3_backup_init(to->raw, "main", from->raw, "main");
	int rc;

	if (!copy)
		return db_error(to, sqlite3_errcode(to->raw), why);
	rc = sqlite3_backup_step(copy, -1);
	if (rc == SQLITE_DONE)
		rc = SQLITE_OK;
	(void)sqlite3_backup_finish(copy); /* tells `rc` again */
	return db_error(to, rc, why);
}

static hm_err
settle(struct part *part, const char *path, struct why *why)
{
	char folder[512];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	int fd;
	bool ok;

	fd = open(part->path, O_RDONLY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	if (!ok)
		return failed("cannot sync", part->path, why);
	if (rename(part->path, path) != 0)
		return failed("cannot rename to", path, why);
	part->path[0] = '\0';
	snprintf(folder, sizeof folder, "%.*s", (int)n, path);
	if (n == 0)
		snprintf(folder, sizeof folder, "%s", slash ? "/" : ".");
	return file_sync_dir(folder, why);
}

hm_err
db_backup(struct db *db, const char *path, struct why *why)
{
	__attribute__((cleanup(part_done))) struct part part = { 0 };

	hm_assert(db->depth == 0);
	HM_TRY(open_part(&part, path, why));
	HM_TRY(copy_pages(part.db, db, why));
	/* One file: the copy has taken the source's WAL mode over. */
	HM_TRY(db_exec(part.db, "PRAGMA journal_mode = DELETE", why));
	HM_TRY(db_check(part.db, why));
	db_close(part.db);
	part.db = NULL;
	return settle(&part, path, why);
}
