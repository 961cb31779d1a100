/* SPDX-License-Identifier: Apache-2.0 */
/* store/db: real files, real kills, real lack of room */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "store/db.h"

static const char *const schema[] = {
	"CREATE TABLE owner (name TEXT PRIMARY KEY) STRICT;"
	"CREATE TABLE device (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
	" site TEXT, mac INTEGER, owner TEXT REFERENCES owner (name),"
	" UNIQUE (site, mac)) STRICT",
	"ALTER TABLE device ADD COLUMN note TEXT",
};

static const char insert[] = "INSERT INTO device (n, id) VALUES (?, ?)";
static const char count[] = "SELECT count(*), max(n) FROM device";

struct fixture {
	char folder[64], path[80], copy[80];
	struct db_options options;
};

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .folder = "/tmp/hallmark-store-XXXXXX" };
	if (!mkdtemp(f.folder))
		return -1;
	snprintf(f.path, sizeof f.path, "%s/db", f.folder);
	snprintf(f.copy, sizeof f.copy, "%s/copy", f.folder);
	f.options = (struct db_options){ .path = f.path,
		.migrations = schema,
		.migrations_count = 2,
		.busy_ms = 20 };
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "db", "db-wal", "db-shm", "copy",
		"copy.part" };
	struct fixture *f = *state;
	char path[128];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
		unlink(path);
	}
	return rmdir(f->folder);
}

static void
db_done(struct db **db)
{
	db_close(*db);
}

static struct db *
opened(const struct fixture *f)
{
	struct db *db = NULL;
	struct why why = { 0 };

	if (db_open(&f->options, &db, &why) != HM_OK)
		fail_msg("%s (%s)", why.text, why.where);
	return db;
}

static hm_err
add(struct db *db, int64_t n, struct why *why)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };

	HM_TRY(db_prepare(db, insert, &q, why));
	db_bind_int(&q, 1, n);
	db_bind_bytes(&q, 2, (struct hm_bytes){ (uint8_t *)&n, sizeof n });
	return db_run(&q, why);
}

static hm_err
add_durably(struct db *db, int64_t n, struct why *why)
{
	AUTO(db_txn) struct db_txn txn = { 0 };

	HM_TRY(db_begin(db, &txn, why));
	HM_TRY(add(db, n, why));
	return db_commit(&txn, why);
}

static int64_t
rows(struct db *db, int64_t *ret_max)
{
	AUTO(db_stmt) struct db_stmt q = { 0 };
	bool row = false;

	assert_int_equal(db_prepare(db, count, &q, NULL), HM_OK);
	assert_int_equal(db_step(&q, &row, NULL), HM_OK);
	assert_true(row);
	if (ret_max)
		*ret_max = db_int(&q, 1);
	return db_int(&q, 0);
}

/* Runs `work` in a process of its own that ends by kill -9 after it has said
 * so, or by itself with status 0. */
static pid_t
start(void (*work)(const struct fixture *, int say), const struct fixture *f,
    int *ret_hear)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		work(f, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	*ret_hear = ends[0];
	return pid;
}

static void
must(bool ok)
{
	if (!ok)
		_exit(9);
}

static void
commit_20_and_begin_another(const struct fixture *f, int say)
{
	struct db *db = NULL;
	struct db_txn txn;

	must(db_open(&f->options, &db, NULL) == HM_OK);
	for (int64_t n = 0; n < 20; n++)
		must(add_durably(db, n, NULL) == HM_OK);
	must(db_begin(db, &txn, NULL) == HM_OK);
	for (int64_t n = 20; n < 2000; n++)
		must(add(db, n, NULL) == HM_OK);
	must(write(say, "x", 1) == 1);
	pause();
}

static void
keeps_what_was_committed_and_nothing_else_after_kill_9(void **state)
{
	struct fixture *f = *state;

	for (int exclusive = 0; exclusive < 2; exclusive++) {
		AUTO(db) struct db *db = NULL;
		int64_t max = 0;
		int hear, status;
		pid_t pid;
		char c;

		unlink(f->path);
		f->options.exclusive = exclusive;
		pid = start(commit_20_and_begin_another, f, &hear);
		assert_int_equal(read(hear, &c, 1), 1);
		close(hear);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		db = opened(f);
		assert_int_equal(rows(db, &max), 20);
		assert_int_equal(max, 19);
		assert_int_equal(db_check(db, NULL), HM_OK);
	}
}

static void
brings_an_older_schema_up_and_keeps_its_rows(void **state)
{
	struct fixture *f = *state;
	struct db *db;

	f->options.migrations_count = 1;
	db = opened(f);
	assert_int_equal(db_version(db), 1);
	assert_int_equal(add_durably(db, 7, NULL), HM_OK);
	db_close(db);
	f->options.migrations_count = 2;
	db = opened(f);
	assert_int_equal(db_version(db), 2);
	assert_int_equal(
	    db_exec(db, "UPDATE device SET note = 'x'", NULL), HM_OK);
	assert_int_equal(db_changes(db), 1);
	db_close(db);
}

static void
refuses_a_newer_schema_and_an_older_one_it_may_not_mend(void **state)
{
	struct fixture *f = *state;
	struct why why = { 0 };
	struct db *db;

	f->options.migrations_count = 1;
	db_close(opened(f));
	f->options.migrations_count = 2;
	f->options.read_only = true;
	db = NULL;
	assert_int_equal(db_open(&f->options, &db, NULL), HM_E_VERSION);
	f->options.read_only = false;
	db_close(opened(f));
	f->options.migrations_count = 1;
	assert_int_equal(db_open(&f->options, &db, &why), HM_E_VERSION);
	assert_null(db);
	assert_non_null(strstr(why.text, "version 2"));
	f->options.migrations_count = 2;
	f->options.read_only = true;
	db_close(opened(f));
}

static void
leaves_the_schema_alone_if_a_script_fails(void **state)
{
	static const char *const bad[] = { "CREATE TABLE a (x INT) STRICT",
		"CREATE TABLE b (x INT) STRICT; CREATE TABEL c" };
	static const char *const good[] = { "CREATE TABLE a (x INT) STRICT",
		"CREATE TABLE b (x INT) STRICT" };
	struct fixture *f = *state;
	struct why why = { 0 };
	struct db *db = NULL;

	f->options.migrations = bad;
	assert_int_equal(db_open(&f->options, &db, &why), HM_E_DATABASE);
	assert_null(db);
	assert_non_null(strstr(why.text, "version 2"));
	f->options.migrations = good; /* fails if a or b were there */
	db_close(opened(f));
}

static void
names_the_columns_that_exist_twice(void **state)
{
	AUTO(db) struct db *db = opened(*state);
	AUTO(db_txn) struct db_txn txn = { 0 };
	struct why why = { 0 };

	assert_int_equal(db_begin(db, &txn, NULL), HM_OK);
	assert_int_equal(add(db, 1, NULL), HM_OK);
	assert_int_equal(add(db, 1, &why), HM_E_TWICE);
	assert_string_equal(db_twice_columns(db), "device.n");
	assert_int_equal(why.err, HM_E_TWICE);
	assert_int_equal(db_exec(db,
			     "INSERT INTO device (n, id) "
			     "SELECT 2, id FROM device",
			     NULL),
	    HM_E_TWICE);
	assert_string_equal(db_twice_columns(db), "device.id");
	assert_int_equal(db_exec(db,
			     "INSERT INTO device (n, id, site, mac) VALUES "
			     "(3, x'03', 'a', 1), (4, x'04', 'a', 1)",
			     NULL),
	    HM_E_TWICE);
	assert_string_equal(db_twice_columns(db), "device.site, device.mac");
	assert_int_equal(rows(db, NULL), 1);
	assert_int_equal(db_commit(&txn, NULL), HM_OK);
	assert_int_equal(rows(db, NULL), 1);
}

static void
calls_other_constraints_a_failure_of_the_database(void **state)
{
	AUTO(db) struct db *db = opened(*state);

	assert_int_equal(db_exec(db, "INSERT INTO device (n) VALUES (1)", NULL),
	    HM_E_DATABASE); /* NOT NULL */
	assert_int_equal(
	    db_exec(db, "INSERT INTO device (id) VALUES ('text')", NULL),
	    HM_E_DATABASE); /* STRICT */
	assert_int_equal(
	    db_exec(db, "INSERT INTO device (id, owner) VALUES (x'01', 'no')",
		NULL),
	    HM_E_DATABASE); /* foreign key */
	assert_int_equal(
	    db_exec(db, "SELECT \"no such column\"", NULL), HM_E_DATABASE);
	assert_int_equal(rows(db, NULL), 0);
}

static hm_err
add_pair(struct db *db, int64_t a, int64_t b)
{
	AUTO(db_txn) struct db_txn txn = { 0 };

	HM_TRY(db_begin(db, &txn, NULL));
	HM_TRY(add(db, a, NULL));
	HM_TRY(add(db, b, NULL));
	return db_commit(&txn, NULL);
}

static void
lets_one_member_of_a_batch_fail_alone(void **state)
{
	AUTO(db) struct db *db = opened(*state);
	AUTO(db_txn) struct db_txn txn = { 0 };

	assert_int_equal(db_begin(db, &txn, NULL), HM_OK);
	assert_int_equal(add_pair(db, 1, 2), HM_OK);
	assert_int_equal(add_pair(db, 3, 2), HM_E_TWICE); /* 3 goes too */
	assert_int_equal(add_pair(db, 4, 5), HM_OK);
	assert_int_equal(db_commit(&txn, NULL), HM_OK);
	assert_int_equal(rows(db, NULL), 4);
}

static void
rolls_back_what_is_not_committed(void **state)
{
	AUTO(db) struct db *db = opened(*state);
	struct db_txn outer = { 0 };

	assert_int_equal(db_begin(db, &outer, NULL), HM_OK);
	assert_int_equal(add_pair(db, 1, 2), HM_OK);
	db_txn_done(&outer);
	db_txn_done(&outer);
	assert_int_equal(rows(db, NULL), 0);
}

static void
does_nothing_more_in_a_transaction_that_sqlite_gave_up(void **state)
{
	AUTO(db) struct db *db = opened(*state);
	AUTO(db_txn) struct db_txn txn = { 0 };
	struct why why = { 0 };

	assert_int_equal(db_begin(db, &txn, NULL), HM_OK);
	assert_int_equal(add(db, 1, NULL), HM_OK);
	assert_int_equal(
	    db_exec(db,
		"INSERT OR ROLLBACK INTO device (n, id) VALUES (1, x'00')",
		NULL),
	    HM_E_TWICE);
	assert_int_equal(add(db, 2, &why), HM_E_DATABASE);
	assert_non_null(strstr(why.text, "rolled back"));
	assert_int_equal(db_exec(db, "DELETE FROM owner", NULL), HM_E_DATABASE);
	assert_int_equal(db_commit(&txn, NULL), HM_E_DATABASE);
	assert_int_equal(rows(db, NULL), 0);
	assert_int_equal(add_durably(db, 3, NULL), HM_OK);
}

static void
run_out_of_room(const struct fixture *f, int say)
{
	const struct rlimit little = { 300 * 1024, RLIM_INFINITY },
			    plenty = { RLIM_INFINITY, RLIM_INFINITY };
	struct db *db = NULL;
	struct why why = { 0 };
	hm_err err = HM_OK;
	int64_t n, max;

	signal(SIGXFSZ, SIG_IGN);
	must(db_open(&f->options, &db, NULL) == HM_OK);
	must(setrlimit(RLIMIT_FSIZE, &little) == 0);
	for (n = 0; err == HM_OK && n < 1000; n++)
		err = add_durably(db, n, &why);
	must(err == HM_E_IO && why.err == HM_E_IO && n > 1);
	must(rows(db, &max) == n - 1 && max == n - 2);
	must(setrlimit(RLIMIT_FSIZE, &plenty) == 0);
	must(add_durably(db, 5000, NULL) == HM_OK);
	must(rows(db, NULL) == n);
	must(db_check(db, NULL) == HM_OK);
	must(write(say, "x", 1) == 1);
	db_close(db);
}

static void
refuses_without_room_and_goes_on_when_there_is_some(void **state)
{
	int hear, status;
	pid_t pid = start(run_out_of_room, *state, &hear);
	char c = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(hear, &c, 1), 1);
	close(hear);
	assert_int_equal(status, 0);
}

static void
write_until_killed(const struct fixture *f, int say)
{
	struct db *db = NULL;

	must(db_open(&f->options, &db, NULL) == HM_OK);
	for (int64_t n = 0;; n++) {
		must(add_durably(db, n, NULL) == HM_OK);
		if (n == 200)
			must(write(say, "x", 1) == 1);
	}
}

static void
copies_one_moment_while_another_process_writes(void **state)
{
	struct fixture *f = *state;
	struct fixture of_copy;
	int hear, status;
	int64_t max = 0, n;
	struct stat st;
	char c;
	pid_t pid;

	f->options.busy_ms = 5000;
	pid = start(write_until_killed, f, &hear);
	assert_int_equal(read(hear, &c, 1), 1);
	close(hear);
	for (int i = 0; i < 3; i++) {
		AUTO(db) struct db *db = opened(f);
		struct why why = { 0 };

		if (db_backup(db, f->copy, &why) != HM_OK)
			fail_msg("%s (%s)", why.text, why.where);
	}
	assert_int_equal(kill(pid, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(stat(f->copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	of_copy = *f;
	of_copy.options.path = f->copy;
	of_copy.options.exclusive = true; /* leaves no -shm behind */
	AUTO(db) struct db *copy = opened(&of_copy);
	n = rows(copy, &max);
	assert_true(n > 200);
	assert_int_equal(max, n - 1); /* no gap: one moment */
	assert_int_equal(db_check(copy, NULL), HM_OK);
}

static void
keeps_the_older_backup_if_a_new_one_fails(void **state)
{
	struct fixture *f = *state;
	AUTO(db) struct db *db = opened(f);
	char part[96], inside[160];
	struct why why = { 0 };

	assert_int_equal(db_backup(db, f->copy, NULL), HM_OK);
	snprintf(part, sizeof part, "%s.part", f->copy);
	assert_int_equal(mkdir(part, 0700), 0); /* in the way */
	assert_int_equal(db_backup(db, f->copy, &why), HM_E_IO);
	assert_string_equal(why.where, part);
	assert_int_equal(rmdir(part), 0);
	assert_true(file_exists(f->copy));
	snprintf(inside, sizeof inside, "%s/none/copy", f->folder);
	assert_int_equal(db_backup(db, inside, NULL), HM_E_IO);
	assert_false(file_exists(inside));
}

static void
lets_nobody_else_in_if_exclusive(void **state)
{
	struct fixture *f = *state;
	struct why why = { 0 };
	struct db *second = NULL;

	f->options.exclusive = true;
	AUTO(db) struct db *db = opened(f);
	f->options.exclusive = false;
	assert_int_equal(db_open(&f->options, &second, &why), HM_E_DATABASE);
	assert_null(second);
	assert_non_null(strstr(why.text, "another process"));
	assert_int_equal(add_durably(db, 1, NULL), HM_OK);
}

static void
waits_no_longer_than_it_may_for_another_writer(void **state)
{
	AUTO(db) struct db *one = opened(*state);
	AUTO(db) struct db *two = opened(*state);
	AUTO(db_txn) struct db_txn txn = { 0 };
	struct db_txn other = { 0 };

	assert_int_equal(db_begin(one, &txn, NULL), HM_OK);
	assert_int_equal(db_begin(two, &other, NULL), HM_E_DATABASE);
	assert_null(other.db);
	assert_int_equal(rows(two, NULL), 0); /* reading is free */
}

static void
refuses_what_is_not_a_database_and_leaves_it_alone(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) struct buf text;
	struct db *db = NULL;
	char words[2048];

	memset(words, 'x', sizeof words);
	buf_init(&text, sizeof words);
	assert_int_equal(
	    file_write(f->path, HM_BYTES(words), 0600, NULL), HM_OK);
	assert_int_equal(db_open(&f->options, &db, NULL), HM_E_DATABASE);
	assert_int_equal(file_read(f->path, sizeof words, &text, NULL), HM_OK);
	assert_true(hm_bytes_equal(buf_bytes(&text), HM_BYTES(words)));
	f->options.path = "/nowhere/db";
	assert_int_equal(db_open(&f->options, &db, NULL), HM_E_FILE);
	f->options.path = f->path;
	f->options.vfs = "nobody";
	assert_true(db_open(&f->options, &db, NULL) != HM_OK);
	assert_null(db);
}

static void
opens_through_another_vfs(void **state)
{
	struct fixture *f = *state;

	f->options.vfs = "unix-excl"; /* one that SQLite brings along */
	AUTO(db) struct db *db = opened(f);
	assert_int_equal(add_durably(db, 1, NULL), HM_OK);
	assert_int_equal(rows(db, NULL), 1);
}

static void
moves_the_wal_when_idle_and_keeps_it_within_its_bound(void **state)
{
	static const char large[] =
	    "INSERT INTO device (id) VALUES (randomblob(700000))";
	struct fixture *f = *state;
	uint64_t largest = 0;

	f->options.exclusive = true;
	f->options.wal_max = 1024 * 1024;
	AUTO(db) struct db *db = opened(f);
	assert_false(db_idle(db));
	for (int n = 0; n < 8; n++) {
		assert_int_equal(db_exec(db, large, NULL), HM_OK);
		assert_int_equal(add_durably(db, 1000 * (n + 1), NULL), HM_OK);
		if (db_wal_size(db) > largest)
			largest = db_wal_size(db);
	}
	assert_true(largest > 0 && largest <= 1024 * 1024);
	db_close(db);
	f->options.wal_max = 0;
	db = opened(f);
	for (int n = 0; n < 8; n++)
		assert_int_equal(db_exec(db, large, NULL), HM_OK);
	assert_true(db_wal_size(db) > 4 * 1024 * 1024);
	assert_true(db_idle(db));
	assert_int_equal(db_wal_size(db), 0);
	assert_false(db_idle(db));
	assert_int_equal(rows(db, NULL), 24);
}

static void
finds_a_damaged_page(void **state)
{
	struct fixture *f = *state;
	struct why why = { 0 };
	struct stat st;
	FILE *file;
	struct db *db = opened(f);
	struct db_txn txn;

	assert_int_equal(db_begin(db, &txn, NULL), HM_OK);
	for (int64_t n = 0; n < 500; n++)
		assert_int_equal(add(db, n, NULL), HM_OK);
	assert_int_equal(db_commit(&txn, NULL), HM_OK);
	db_close(db);
	assert_int_equal(stat(f->path, &st), 0);
	file = fopen(f->path, "r+");
	for (long at = 4096 * 2 + 100; at < st.st_size; at += 4096) {
		fseek(file, at, SEEK_SET);
		fputs("\xff\xff\xff\xff\xff\xff\xff\xff", file);
		fseek(file, at - 100 + 8, SEEK_SET);
		fputs("\x7f\x7f\x7f\x7f", file);
	}
	fclose(file);
	db = opened(f);
	assert_int_equal(db_check(db, &why), HM_E_DATABASE);
	assert_string_equal(why.where, f->path);
	assert_int_equal(db_backup(db, f->copy, NULL), HM_E_DATABASE);
	assert_false(file_exists(f->copy));
	db_close(db);
}

static void
finds_a_reference_to_nothing(void **state)
{
	AUTO(db) struct db *db = opened(*state);
	struct why why = { 0 };

	assert_int_equal(
	    db_exec(db,
		"PRAGMA foreign_keys = OFF;"
		"INSERT INTO device (id, owner) VALUES (x'01', 'nobody')",
		NULL),
	    HM_OK);
	assert_int_equal(db_check(db, &why), HM_E_DATABASE);
	assert_non_null(strstr(why.text, "owner"));
}

static void
keeps_statements_apart_and_forgets_their_values(void **state)
{
	static const char sql[] = "SELECT ?, ?, ?";
	AUTO(db) struct db *db = opened(*state);
	AUTO(db_stmt) struct db_stmt a = { 0 };
	AUTO(db_stmt) struct db_stmt b = { 0 };
	bool row = false;
	uint8_t fixed[2] = { 7, 7 };

	assert_int_equal(db_prepare(db, sql, &a, NULL), HM_OK);
	assert_int_equal(db_prepare(db, sql, &b, NULL), HM_OK);
	db_bind_int(&a, 1, -5);
	db_bind_bytes(&a, 2, (struct hm_bytes){ NULL, 0 });
	db_bind_text(&a, 3, HM_LITERAL("zwei"));
	assert_int_equal(db_step(&a, &row, NULL), HM_OK);
	assert_true(row);
	assert_int_equal(db_step(&b, &row, NULL), HM_OK);
	assert_true(db_is_null(&b, 0) && db_is_null(&b, 2));
	assert_int_equal(db_int(&a, 0), -5);
	assert_int_equal(db_uint(&a, 0), 0);
	assert_false(db_is_null(&a, 1)); /* no bytes are not NULL */
	assert_int_equal(db_bytes(&a, 1).len, 0);
	assert_string_equal(db_text(&a, 2), "zwei");
	assert_string_equal(db_text(&a, 0), "");
	assert_int_equal(db_int(&a, 2), 0);
	assert_int_equal(db_fixed(&a, 2, fixed, 2), HM_E_DATABASE);
	assert_int_equal(fixed[0], 7);
	db_stmt_done(&a);
	db_stmt_done(&a);
	assert_int_equal(db_prepare(db, sql, &a, NULL), HM_OK);
	assert_int_equal(db_step(&a, &row, NULL), HM_OK);
	assert_true(db_is_null(&a, 0));
}

static void
tells_bad_values_and_bad_sql(void **state)
{
	AUTO(db) struct db *db = opened(*state);
	AUTO(db_stmt) struct db_stmt q = { 0 };
	struct db_stmt none = { 0 };
	bool row = true;

	assert_int_equal(
	    db_prepare(db, "SELECT 1; SELECT 2", &none, NULL), HM_E_DATABASE);
	assert_int_equal(db_prepare(db, " ", &none, NULL), HM_E_DATABASE);
	assert_int_equal(
	    db_prepare(db, "SELEKT 1", &none, NULL), HM_E_DATABASE);
	assert_null(none.db);
	assert_int_equal(db_prepare(db, "SELECT ?", &q, NULL), HM_OK);
	db_bind_uint(&q, 1, UINT64_MAX);
	db_bind_int(&q, 1, 1);
	assert_int_equal(db_step(&q, &row, NULL), HM_E_DATABASE);
	assert_true(row);
	db_rewind(&q);
	db_bind_uint(&q, 1, INT64_MAX);
	assert_int_equal(db_step(&q, &row, NULL), HM_OK);
	assert_int_equal(db_uint(&q, 0), INT64_MAX);
	db_rewind(&q);
	db_bind_int(&q, 2, 1); /* there is no second one */
	assert_int_equal(db_step(&q, &row, NULL), HM_E_DATABASE);
	db_rewind(&q);
	assert_int_equal(db_run(&q, NULL), HM_E_DATABASE); /* has a row */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keeps_what_was_committed_and_nothing_else_after_kill_9),
		TEST(brings_an_older_schema_up_and_keeps_its_rows),
		TEST(refuses_a_newer_schema_and_an_older_one_it_may_not_mend),
		TEST(leaves_the_schema_alone_if_a_script_fails),
		TEST(names_the_columns_that_exist_twice),
		TEST(calls_other_constraints_a_failure_of_the_database),
		TEST(lets_one_member_of_a_batch_fail_alone),
		TEST(rolls_back_what_is_not_committed),
		TEST(does_nothing_more_in_a_transaction_that_sqlite_gave_up),
		TEST(refuses_without_room_and_goes_on_when_there_is_some),
		TEST(copies_one_moment_while_another_process_writes),
		TEST(keeps_the_older_backup_if_a_new_one_fails),
		TEST(lets_nobody_else_in_if_exclusive),
		TEST(waits_no_longer_than_it_may_for_another_writer),
		TEST(refuses_what_is_not_a_database_and_leaves_it_alone),
		TEST(opens_through_another_vfs),
		TEST(moves_the_wal_when_idle_and_keeps_it_within_its_bound),
		TEST(finds_a_damaged_page),
		TEST(finds_a_reference_to_nothing),
		TEST(keeps_statements_apart_and_forgets_their_values),
		TEST(tells_bad_values_and_bad_sql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
