/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of SQLite that fail, and those that did what they were asked and say
 * that they did not; an undo is done in any case, as SQLite does. Random
 * numbers of OpenSSL that are not to be had.
 */
#include "nth.h"

#include <dlfcn.h>
#include <openssl/rand.h>
#include <sqlite3.h>
#include <unistd.h>

#define REAL(name) (__extension__(__typeof__(&name)) real(#name))
#define FROM __builtin_return_address(0)

static void *
real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		_exit(126);
	return found;
}

int
sqlite3_prepare_v3(sqlite3 *db, const char *sql, int len, unsigned flags,
    sqlite3_stmt **ret, const char **rest)
{
	if (nth_fails("db", FROM)) {
		*ret = NULL;
		return SQLITE_NOMEM;
	}
	return REAL(sqlite3_prepare_v3)(db, sql, len, flags, ret, rest);
}

int
sqlite3_step(sqlite3_stmt *stmt)
{
	int rc;

	if (nth_fails("db", FROM))
		return SQLITE_IOERR;
	rc = REAL(sqlite3_step)(stmt);
	return nth_fails("db", FROM) ? SQLITE_FULL : rc;
}

int
sqlite3_exec(sqlite3 *db, const char *sql,
    int (*row)(void *, int, char **, char **), void *context, char **error)
{
	int rc = REAL(sqlite3_exec)(db, sql, row, context, error);

	return nth_fails("db", FROM) ? SQLITE_IOERR : rc;
}

int
sqlite3_bind_int64(sqlite3_stmt *stmt, int at, sqlite3_int64 value)
{
	return nth_fails("db", FROM)
		   ? SQLITE_NOMEM
		   : REAL(sqlite3_bind_int64)(stmt, at, value);
}

int
sqlite3_bind_blob64(sqlite3_stmt *stmt, int at, const void *value,
    sqlite3_uint64 len, void (*done)(void *))
{
	return nth_fails("db", FROM)
		   ? SQLITE_NOMEM
		   : REAL(sqlite3_bind_blob64)(stmt, at, value, len, done);
}

int
sqlite3_bind_text64(sqlite3_stmt *stmt, int at, const char *value,
    sqlite3_uint64 len, void (*done)(void *), unsigned char encoding)
{
	return nth_fails("db", FROM) ? SQLITE_NOMEM
				     : REAL(sqlite3_bind_text64)(stmt, at,
					   value, len, done, encoding);
}

int
RAND_bytes(unsigned char *to, int len)
{
	return nth_fails("random", FROM) ? 0 : REAL(RAND_bytes)(to, len);
}

int
RAND_priv_bytes(unsigned char *to, int len)
{
	return nth_fails("random", FROM) ? 0 : REAL(RAND_priv_bytes)(to, len);
}
