/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* inside - what the files of this room share: the connection and its errors */
#include <sqlite3.h>

#include "store/db.h"

#define SLOTS 256 /* statements kept; a power of two */

struct slot {
	const char *sql; /* NULL: free */
	sqlite3_stmt *raw;
	bool busy;
};

struct db {
	sqlite3 *raw;
	struct slot slots[SLOTS];
	unsigned depth; /* of begun transactions */
	unsigned version;
	bool read_only;
	uint64_t wal_max, wal_pages, page_size;
	char path[512];
	char twice[160];
};

/*
 * The error for an SQLite result, with words; HM_OK for OK, ROW and DONE.
 * Notes the columns of HM_E_TWICE.
 */
hm_err db_error(struct db *db, int rc, struct why *why);
/* Run what is prepared for `sql`, without rows and values. */
HM_MUST hm_err db_run_sql(struct db *db, const char *sql, struct why *why);
/* SQLite has rolled back by itself what the caller thinks is still open. */
bool db_is_lost(const struct db *db);
/* The first column of the first row as a number; for PRAGMA. */
HM_MUST hm_err db_ask(
    struct db *db, const char *sql, int64_t *ret, struct why *why);
/* Finalize all that is kept. */
void db_forget_statements(struct db *db);
