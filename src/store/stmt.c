/* SPDX-License-Identifier: Apache-2.0 */
#include "store/inside.h"

#include <string.h>

#include "core/check.h"

/* Where the search for a literal starts. */
static unsigned
place_of(const char *sql)
{
	return (unsigned)(((uintptr_t)sql * 0x9e3779b97f4a7c15u) >> 40);
}

/* The slot of `sql`, or a free one; NULL if all are taken by others. */
static struct slot *
find_slot(struct db *db, const char *sql)
{
	unsigned at = place_of(sql);

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &db->slots[(at + i) % SLOTS];
		if (!slot->sql || slot->sql == sql)
			return slot;
	}
	return NULL;
}

static hm_err
prepare(struct db *db, const char *sql, sqlite3_stmt **ret, struct why *why)
{
	const char *rest;
	int rc = sqlite3_prepare_v3(
	    db->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, &rest);

	if (rc != SQLITE_OK)
		return db_error(db, rc, why);
	if (!*ret || rest[strspn(rest, " \t\r\n;")]) {
		sqlite3_finalize(*ret);
		*ret = NULL;
		return WHY(why, HM_E_DATABASE, "not one statement: %.80s", sql);
	}
	return HM_OK;
}

hm_err
db_prepare(struct db *db, const char *sql, struct db_stmt *ret, struct why *why)
{
	struct slot *slot = find_slot(db, sql);
	sqlite3_stmt *raw = NULL;

	if (slot && slot->sql && !slot->busy) {
		const char *text = sqlite3_sql(slot->raw);

		/* A buffer that was used for several texts is no literal. */
		hm_assert(strncmp(text, sql, strlen(text)) == 0);
		slot->busy = true;
		*ret = (struct db_stmt){ .db = db,
			.raw = slot->raw,
			.slot = (unsigned)(slot - db->slots) + 1 };
		return HM_OK;
	}
	HM_TRY(prepare(db, sql, &raw, why));
	*ret = (struct db_stmt){ .db = db, .raw = raw };
	if (slot && !slot->sql) {
		*slot = (struct slot){ .sql = sql, .raw = raw, .busy = true };
		ret->slot = (unsigned)(slot - db->slots) + 1;
	}
	return HM_OK;
}

void
db_rewind(struct db_stmt *stmt)
{
	/* The result repeats an error that db_step has told already. */
	(void)sqlite3_reset(stmt->raw);
	(void)sqlite3_clear_bindings(stmt->raw);
	stmt->err = HM_OK;
}

void
db_stmt_done(struct db_stmt *stmt)
{
	if (!stmt->db)
		return;
	db_rewind(stmt);
	if (stmt->slot)
		stmt->db->slots[stmt->slot - 1].busy = false;
	else
		sqlite3_finalize(stmt->raw);
	*stmt = (struct db_stmt){ 0 };
}

void
db_forget_statements(struct db *db)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		hm_assert(!db->slots[i].busy);
		sqlite3_finalize(db->slots[i].raw);
		db->slots[i] = (struct slot){ 0 };
	}
}

static void
note(struct db_stmt *stmt, int rc)
{
	if (rc != SQLITE_OK && stmt->err == HM_OK)
		stmt->err = db_error(stmt->db, rc, NULL);
}

void
db_bind_int(struct db_stmt *stmt, int at, int64_t value)
{
	note(stmt, sqlite3_bind_int64(stmt->raw, at, value));
}

void
db_bind_uint(struct db_stmt *stmt, int at, uint64_t value)
{
	if (value > INT64_MAX)
		note(stmt, SQLITE_RANGE);
	else
		db_bind_int(stmt, at, (int64_t)value);
}

void
db_bind_bytes(struct db_stmt *stmt, int at, struct hm_bytes value)
{
	/* A NULL pointer would become NULL instead of no bytes. */
	note(stmt, sqlite3_bind_blob64(stmt->raw, at,
		       value.len ? (const void *)value.ptr : "", value.len,
		       SQLITE_STATIC));
}

void
db_bind_text(struct db_stmt *stmt, int at, struct hm_bytes utf8)
{
	note(stmt, sqlite3_bind_text64(stmt->raw, at,
		       utf8.len ? (const char *)utf8.ptr : "", utf8.len,
		       SQLITE_STATIC, SQLITE_UTF8));
}

void
db_bind_null(struct db_stmt *stmt, int at)
{
	note(stmt, sqlite3_bind_null(stmt->raw, at));
}

hm_err
db_step(struct db_stmt *stmt, bool *ret_row, struct why *why)
{
	struct db *db = stmt->db;
	hm_err err;
	int rc;

	if (stmt->err != HM_OK)
		return WHY(why, stmt->err, "a value does not fit: %.80s",
		    sqlite3_sql(stmt->raw));
	/* In autocommit mode the statement would stand alone, and last. */
	if (db_is_lost(db))
		return WHY(why, HM_E_DATABASE,
		    "the transaction was rolled back before");
	rc = sqlite3_step(stmt->raw);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
		*ret_row = rc == SQLITE_ROW;
		return HM_OK;
	}
	err = db_error(db, rc, why);
	(void)sqlite3_reset(stmt->raw); /* tells the same again */
	return err;
}

hm_err
db_run(struct db_stmt *stmt, struct why *why)
{
	bool row = false;
	hm_err err;

	(void)sqlite3_reset(stmt->raw); /* told already */
	err = db_step(stmt, &row, why);
	if (err == HM_OK && row)
		err = WHY(why, HM_E_DATABASE, "there are rows: %.80s",
		    sqlite3_sql(stmt->raw));
	db_rewind(stmt);
	return err;
}

hm_err
db_run_sql(struct db *db, const char *sql, struct why *why)
{
	AUTO(db_stmt) struct db_stmt stmt = { 0 };

	HM_TRY(db_prepare(db, sql, &stmt, why));
	return db_run(&stmt, why);
}

hm_err
db_ask(struct db *db, const char *sql, int64_t *ret, struct why *why)
{
	AUTO(db_stmt) struct db_stmt stmt = { 0 };
	bool row = false;

	HM_TRY(db_prepare(db, sql, &stmt, why));
	HM_TRY(db_step(&stmt, &row, why));
	if (!row)
		return WHY(why, HM_E_DATABASE, "no answer: %.80s", sql);
	*ret = db_int(&stmt, 0);
	return HM_OK;
}

static bool
is_type(const struct db_stmt *stmt, int column, int type)
{
	return sqlite3_column_type(stmt->raw, column) == type;
}

int64_t
db_int(const struct db_stmt *stmt, int column)
{
	return is_type(stmt, column, SQLITE_INTEGER)
		   ? sqlite3_column_int64(stmt->raw, column)
		   : 0;
}

uint64_t
db_uint(const struct db_stmt *stmt, int column)
{
	int64_t value = db_int(stmt, column);

	return value < 0 ? 0 : (uint64_t)value;
}

struct hm_bytes
db_bytes(const struct db_stmt *stmt, int column)
{
	struct hm_bytes bytes = { 0 };

	if (is_type(stmt, column, SQLITE_BLOB) ||
	    is_type(stmt, column, SQLITE_TEXT)) {
		bytes.ptr = sqlite3_column_blob(stmt->raw, column);
		bytes.len = (size_t)sqlite3_column_bytes(stmt->raw, column);
	}
	return bytes;
}

const char *
db_text(const struct db_stmt *stmt, int column)
{
	const unsigned char *text = NULL;

	if (is_type(stmt, column, SQLITE_TEXT))
		text = sqlite3_column_text(stmt->raw, column);
	return text ? (const char *)text : "";
}

bool
db_is_null(const struct db_stmt *stmt, int column)
{
	return is_type(stmt, column, SQLITE_NULL);
}

hm_err
db_fixed(const struct db_stmt *stmt, int column, uint8_t *ret, size_t len)
{
	struct hm_bytes bytes = db_bytes(stmt, column);

	if (bytes.len != len)
		return HM_E_DATABASE;
	if (len)
		memcpy(ret, bytes.ptr, len);
	return HM_OK;
}
