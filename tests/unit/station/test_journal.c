/* SPDX-License-Identifier: Apache-2.0 */
/* station/journal: round trips, damage, locks, and a crash at every call */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "station/journal.h"

static char folder[64];
static char path[160];
static const uint8_t id[HM_DEVICE_ID_LEN] = { 0xab, 1, 2, 3 };

static int
setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/hallmark-journal-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/ab010203%056d.unit", folder, 0);
	return 0;
}

static int
teardown(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	file_calls_set(NULL);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	return rmdir(folder);
}

static void
fill(struct unit *unit, station_step step)
{
	unit_init(unit);
	strcpy(unit->order, "PO-2291");
	strcpy(unit->slot, "A1");
	memcpy(unit->device_id, id, sizeof(id));
	unit->step = step;
	unit->state = UNIT_HOLD;
	unit->err = HM_E_POWER_LOST;
	unit->time_s = 1790000000;
	assert_int_equal(buf_add(&unit->issued, HM_LITERAL("issued")), HM_OK);
	assert_int_equal(buf_add(&unit->conformance, HM_LITERAL("c")), HM_OK);
}

/* The step that the journal knows, or -1. */
static int
known_step(void)
{
	struct unit unit;
	int step;

	if (journal_load(folder, id, &unit, NULL) != HM_OK)
		return -1;
	step = (int)unit.step;
	unit_done(&unit);
	return step;
}

static void
brings_a_unit_back_as_it_was(void **state)
{
	struct unit unit, back;

	(void)state;
	fill(&unit, STEP_ISSUE);
	assert_int_equal(journal_load(folder, id, &back, NULL), HM_E_NOT_FOUND);
	assert_int_equal(journal_save(folder, &unit, NULL), HM_OK);
	assert_int_equal(journal_load(folder, id, &back, NULL), HM_OK);
	assert_string_equal(back.order, "PO-2291");
	assert_string_equal(back.slot, "A1");
	assert_memory_equal(back.device_id, id, sizeof(id));
	assert_int_equal(back.step, STEP_ISSUE);
	assert_int_equal(back.state, UNIT_HOLD);
	assert_int_equal(back.err, HM_E_POWER_LOST);
	assert_int_equal(back.time_s, 1790000000);
	assert_string_equal(buf_text(&back.issued), "issued");
	assert_string_equal(buf_text(&back.conformance), "c");
	assert_int_equal(back.confirmed.len, 0);
	unit_done(&back);
	unit_done(&unit);
}

static void
calls_a_damaged_record_damaged(void **state)
{
	AUTO(buf) struct buf whole = { 0 };
	struct unit unit;

	(void)state;
	fill(&unit, STEP_STAMP);
	assert_int_equal(journal_save(folder, &unit, NULL), HM_OK);
	unit_done(&unit);
	assert_int_equal(file_read(path, 65536, &whole, NULL), HM_OK);
	for (size_t len = 0; len < whole.len; len++) {
		struct why why = { 0 };

		assert_int_equal(
		    file_write(
			path, (struct hm_bytes){ whole.ptr, len }, 0600, NULL),
		    HM_OK);
		assert_int_equal(
		    journal_load(folder, id, &unit, &why), HM_E_JOURNAL);
		assert_string_equal(why.where, path);
	}
	whole.ptr[0] ^= 1;
	assert_int_equal(
	    file_write(path, buf_bytes(&whole), 0600, NULL), HM_OK);
	assert_int_equal(journal_load(folder, id, &unit, NULL), HM_E_JOURNAL);
}

/* ---- locks ---- */

static void
gives_a_lock_to_one_at_a_time(void **state)
{
	int first, second = -7, told[2], status;
	char word;
	pid_t pid;

	(void)state;
	assert_int_equal(journal_lock(folder, id, 0, &first, NULL), HM_OK);
	assert_int_equal(
	    journal_lock(folder, id, clock_mono_us() + 30000, &second, NULL),
	    HM_E_TIMEOUT);
	assert_int_equal(second, -7);
	/* A process that waits gets it when it is given back. */
	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		close(first);
		(void)!write(told[1], "w", 1);
		_exit(journal_lock(folder, id, clock_mono_us() + 10000000,
			  &second, NULL) == HM_OK
			  ? 0
			  : 1);
	}
	assert_int_equal(read(told[0], &word, 1), 1);
	close(first);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* And one that died holds nothing. */
	assert_int_equal(journal_lock(folder, id, 0, &first, NULL), HM_OK);
	close(first);
	close(told[0]);
	close(told[1]);
}

static void
tells_of_a_folder_that_is_not_there(void **state)
{
	struct why why = { 0 };
	struct unit unit;
	int fd = -7;

	(void)state;
	assert_int_equal(
	    journal_lock("/nowhere", id, 0, &fd, &why), HM_E_JOURNAL);
	assert_int_equal(fd, -7);
	assert_int_equal(
	    journal_each("/nowhere", NULL, NULL, NULL), HM_E_JOURNAL);
	fill(&unit, STEP_ISSUE);
	assert_int_equal(journal_save("/nowhere", &unit, NULL), HM_E_JOURNAL);
	unit_done(&unit);
}

/* ---- walking ---- */

static hm_err
count(void *context, const struct unit *unit)
{
	int *seen = context;

	assert_string_equal(unit->order, "PO-2291");
	return ++*seen == 3 ? HM_E_STOPPING : HM_OK;
}

static void
visits_every_unit_until_told_to_stop(void **state)
{
	struct unit unit;
	int seen = 0, lock;

	(void)state;
	fill(&unit, STEP_DONE);
	for (uint8_t i = 0; i < 2; i++) {
		unit.device_id[0] = i;
		assert_int_equal(journal_save(folder, &unit, NULL), HM_OK);
	}
	/* A lock's file is no unit. */
	assert_int_equal(journal_lock(folder, id, 0, &lock, NULL), HM_OK);
	close(lock);
	assert_int_equal(journal_each(folder, count, &seen, NULL), HM_OK);
	assert_int_equal(seen, 2);
	unit.device_id[0] = 2;
	assert_int_equal(journal_save(folder, &unit, NULL), HM_OK);
	seen = 0;
	assert_int_equal(
	    journal_each(folder, count, &seen, NULL), HM_E_STOPPING);
	unit_done(&unit);
}

/* ---- a crash at every call ---- */

static int left; /* calls until it happens */
static bool dies;

static bool
happens(void)
{
	errno = EIO;
	if (left-- != 0)
		return false;
	if (dies)
		_exit(77); /* as a power cut: nothing is cleaned up */
	return true;
}

static int
sick_open(const char *at, int flags, unsigned mode)
{
	return happens() ? -1 : open(at, flags, mode);
}

static long
sick_write(int fd, const void *from, size_t len)
{
	return happens() ? -1 : write(fd, from, len > 5 ? len / 2 : len);
}

static int
sick_fsync(int fd)
{
	return happens() ? -1 : fsync(fd);
}

static int
sick_rename(const char *from, const char *to)
{
	return happens() ? -1 : rename(from, to);
}

static int
sick_unlink(const char *at)
{
	return happens() ? -1 : unlink(at);
}

static int
sick_close(int fd)
{
	int result = close(fd);

	return happens() ? -1 : result;
}

static const struct file_calls sick = { .open = sick_open,
	.write = sick_write,
	.fsync = sick_fsync,
	.rename = sick_rename,
	.link = link,
	.unlink = sick_unlink,
	.close = sick_close };

/* Save `unit` with the n-th call failing; true if it was not reached. */
static bool
save_failing(const struct unit *unit, int n, hm_err *ret)
{
	left = n;
	file_calls_set(&sick);
	*ret = journal_save(folder, unit, NULL);
	file_calls_set(NULL);
	return left >= 0;
}

static void
keeps_old_or_new_whichever_call_fails(void **state)
{
	struct unit old, new;
	bool through = false;
	hm_err err = HM_OK;

	(void)state;
	dies = false;
	fill(&old, STEP_ISSUE);
	fill(&new, STEP_STAMP);
	for (int n = 0; !through; n++) {
		int step;

		assert_int_equal(journal_save(folder, &old, NULL), HM_OK);
		through = save_failing(&new, n, &err);
		step = known_step();
		if (err == HM_OK)
			assert_int_equal(step, STEP_STAMP);
		else
			assert_int_equal(err, HM_E_JOURNAL);
		assert_true(step == STEP_ISSUE || step == STEP_STAMP);
		assert_true(n < 100);
	}
	assert_int_equal(err, HM_OK);
	unit_done(&old);
	unit_done(&new);
}

static void
keeps_old_or_new_whenever_power_goes(void **state)
{
	struct unit old, new;
	int status = 0, cuts = 0;

	(void)state;
	dies = true;
	fill(&old, STEP_ISSUE);
	fill(&new, STEP_STAMP);
	do {
		int step;
		pid_t pid;

		assert_int_equal(journal_save(folder, &old, NULL), HM_OK);
		pid = fork();
		if (pid == 0) {
			hm_err err;

			_exit(save_failing(&new, cuts, &err) && err == HM_OK
				  ? 0
				  : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		step = known_step();
		assert_true(step == STEP_ISSUE || step == STEP_STAMP);
		/* What lies about of the cut is in nobody's way. */
		cuts++;
		assert_true(cuts < 100);
	} while (WEXITSTATUS(status) == 77);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(known_step(), STEP_STAMP);
	assert_true(cuts > 5);
	unit_done(&old);
	unit_done(&new);
}

static bool
leaves(const char *name, int age_s)
{
	struct timespec times[2] = { { time(NULL) - age_s, 0 },
		{ time(NULL) - age_s, 0 } };
	char place[200];

	(void)snprintf(place, sizeof(place), "%s/%s", folder, name);
	assert_int_equal(
	    file_write(place, HM_LITERAL("half"), 0600, NULL), HM_OK);
	assert_int_equal(utimensat(AT_FDCWD, place, times, 0), 0);
	assert_int_equal(journal_folders(folder, folder, NULL), HM_OK);
	return file_exists(place);
}

static void
sweeps_what_a_kill_left_an_hour_ago(void **state)
{
	(void)state;
	assert_false(leaves(".ab.unit.tmp-0102030405ff", 3700));
	assert_true(leaves(".ab.unit.tmp-0102030405ff", 3500));
	assert_true(leaves("ab.unit", 3700));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(brings_a_unit_back_as_it_was),
		TEST(calls_a_damaged_record_damaged),
		TEST(gives_a_lock_to_one_at_a_time),
		TEST(tells_of_a_folder_that_is_not_there),
		TEST(sweeps_what_a_kill_left_an_hour_ago),
		TEST(visits_every_unit_until_told_to_stop),
		TEST(keeps_old_or_new_whichever_call_fails),
		TEST(keeps_old_or_new_whenever_power_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
