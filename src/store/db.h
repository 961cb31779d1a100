/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * db - rows that are still there after the power went: SQLite behind one door
 *
 * One process writes one file, in WAL mode with synchronous=FULL: db_commit()
 * returns when the transaction is on the disk, and not before. Tables are
 * expected to be STRICT; foreign keys are enforced.
 *
 * The WAL is moved into the database by db_idle(), which the caller runs when
 * it has nothing better to do: a checkpoint inside a commit costs 50 to 70 ms
 * at 3 million rows. Only a WAL that outgrew its bound is moved at a commit.
 *
 * Statements are prepared once for each SQL text and kept. Binding has a sticky
 * error that db_step() gives back, so a query reads top down:
 *
 *	AUTO(db_stmt) struct db_stmt q = { 0 };
 *	HM_TRY(db_prepare(db, "SELECT state FROM device WHERE id = ?", &q,
 *	    why));
 *	db_bind_bytes(&q, 1, id);
 *	HM_TRY(db_step(&q, &found, why));
 *	if (found)
 *		state = db_int(&q, 0);
 *
 * A begin within a transaction is a savepoint, so one member of a batch can
 * fail and leave the others alone.
 *
 * PostgreSQL will stand behind this header too, when several servers share one
 * store: SQL here keeps to what both understand, blobs are bytes, numbers are
 * int64, and nothing of sqlite3.h shows. No SQL is ever put together from
 * values. One thread for each struct db.
 */
#include "base/auto.h"
#include "base/why.h"
#include "core/bytes.h"

#define DB_COLUMNS_MAX 120

struct db;
struct sqlite3_stmt;

struct db_options {
	const char *path;  /* of the file; its folder must be writable */
	const char *vfs;   /* name of a registered VFS; NULL: the system's */
	bool exclusive;    /* nobody else may open it: no locks, no shared
			      memory, the fastest; false: readers are welcome */
	bool read_only;    /* it must exist; no migration is run */
	bool may_be_older; /* read-only, and any older schema will do */
	unsigned busy_ms;  /* wait that long for another writer; 0: 5000 */
	uint64_t wal_max;  /* bytes; beyond, a commit makes a checkpoint;
			      0: 64 MiB */
	/* Script n brings the schema from version n to n + 1; borrowed for the
	 * call. Scripts that have been released are never changed. */
	const char *const *migrations;
	unsigned migrations_count;
};

/*
 * Open or create, and bring the schema to version migrations_count, all or
 * nothing. HM_E_FILE, HM_E_IO (also: it cannot be written), HM_E_DATABASE (not
 * a database, damaged, locked by somebody else, a script failed), HM_E_VERSION
 * (written by a newer program), HM_E_NO_MEMORY
 */
HM_MUST hm_err db_open(
    const struct db_options *options, struct db **ret, struct why *why);
/* Rolls back what was begun, checkpoints, closes. All statements must be done.
 * NULL is fine. */
void db_close(struct db *db);
unsigned db_version(const struct db *db);

/* Transactions. */
struct db_txn {
	struct db *db; /* NULL: none */
	unsigned depth;
};
/* Take the write lock now, or set a savepoint within a transaction. HM_E_IO,
 * HM_E_DATABASE */
HM_MUST hm_err db_begin(struct db *db, struct db_txn *ret, struct why *why);
/*
 * Durable when it returns HM_OK (of a savepoint: when the outermost one is).
 * HM_E_IO, HM_E_DATABASE: all is rolled back; the disk has the state before,
 * or, after a power cut in this very moment, the state after.
 */
HM_MUST hm_err db_commit(struct db_txn *txn, struct why *why);
/* Back to where db_begin was; nothing if it was committed. AUTO(db_txn) */
void db_txn_done(struct db_txn *txn);

/* Statements. */
struct db_stmt {
	struct db *db; /* NULL: none */
	struct sqlite3_stmt *raw;
	hm_err err;    /* of binding */
	unsigned slot; /* of the cache, from 1; 0: none */
};
/* `sql` is one statement, a literal (its address is the key of the cache).
 * HM_E_DATABASE, HM_E_NO_MEMORY */
HM_MUST hm_err db_prepare(
    struct db *db, const char *sql, struct db_stmt *ret, struct why *why);
/* Reset, values forgotten, back to the cache. AUTO(db_stmt) */
void db_stmt_done(struct db_stmt *stmt);
/* Reset and forget the values, to run it again. */
void db_rewind(struct db_stmt *stmt);

/* Parameters count from 1. Bytes and text are borrowed until the statement is
 * rewound or done. */
void db_bind_int(struct db_stmt *stmt, int at, int64_t value);
void db_bind_uint(struct db_stmt *stmt, int at, uint64_t value); /* < 2^63 */
void db_bind_bytes(struct db_stmt *stmt, int at, struct hm_bytes value);
void db_bind_text(struct db_stmt *stmt, int at, struct hm_bytes utf8);
void db_bind_null(struct db_stmt *stmt, int at);

/*
 * The next row; *ret_row is false after the last one. HM_E_TWICE: a UNIQUE
 * constraint or primary key (db_twice_columns tells which), only this statement
 * is undone. HM_E_DATABASE, HM_E_IO (also: disk full), HM_E_NO_MEMORY: the
 * whole transaction may be gone; end it.
 */
HM_MUST hm_err db_step(struct db_stmt *stmt, bool *ret_row, struct why *why);
/* A statement that gives no rows, from its start; rewound afterwards, values
 * kept no longer. As db_step. */
HM_MUST hm_err db_run(struct db_stmt *stmt, struct why *why);

/* Columns count from 0, of the row that db_step found. Another type than asked
 * for gives 0 or empty. Bytes live until the next step, rewind or done. */
int64_t db_int(const struct db_stmt *stmt, int column);
uint64_t db_uint(const struct db_stmt *stmt, int column);
struct hm_bytes db_bytes(const struct db_stmt *stmt, int column);
const char *db_text(const struct db_stmt *stmt, int column); /* never NULL */
bool db_is_null(const struct db_stmt *stmt, int column);
/* Exactly `len` bytes into `ret`; else HM_E_DATABASE and `ret` is unchanged. */
HM_MUST hm_err db_fixed(
    const struct db_stmt *stmt, int column, uint8_t *ret, size_t len);

/* One or more statements without parameters or rows. As db_step. */
HM_MUST hm_err db_exec(struct db *db, const char *sql, struct why *why);
/* After HM_E_TWICE: "device.id" or "mac.first, mac.site"; "" otherwise. Until
 * the next HM_E_TWICE. */
const char *db_twice_columns(const struct db *db);
int64_t db_last_rowid(const struct db *db);
int64_t db_changes(const struct db *db); /* rows of the last statement */

/* Upkeep. */
/* Move a part of the WAL into the database; returns whether it did anything.
 * Call it when idle, not in a transaction. */
bool db_idle(struct db *db);
uint64_t db_wal_size(const struct db *db); /* bytes not yet moved */
/*
 * A consistent copy at `path`, one file, synced, checked, then renamed into
 * place, while the database is in use. An older file there is replaced. On
 * failure it is still there. HM_E_IO, HM_E_DATABASE
 */
HM_MUST hm_err db_backup(struct db *db, const char *path, struct why *why);
/* Read everything: pages, indexes, foreign keys. HM_E_DATABASE names the first
 * finding. */
HM_MUST hm_err db_check(struct db *db, struct why *why);
