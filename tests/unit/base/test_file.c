/* SPDX-License-Identifier: Apache-2.0 */
/* base/file: whole files, and calls that fail one after another */
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
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"

/* Calls that fail one after another: the n-th one, counted over all kinds. */
static int left;
static int torn;

static bool
fails(void)
{
	errno = EIO;
	return left-- == 0;
}

static int
sick_open(const char *path, int flags, unsigned mode)
{
	return fails() ? -1 : open(path, flags, mode);
}

static long
sick_write(int fd, const void *from, size_t len)
{
	if (fails())
		return -1;
	/* Never all at once: what is left has to be written again. */
	torn++;
	return write(fd, from, len > 3 ? 3 : len);
}

static long
sick_write_at(int fd, const void *from, size_t len, uint64_t at)
{
	if (fails())
		return -1;
	torn++;
	return pwrite(fd, from, len > 3 ? 3 : len, (off_t)at);
}

static int
sick_truncate(int fd, uint64_t size)
{
	return fails() ? -1 : ftruncate(fd, (off_t)size);
}

static int
sick_fsync(int fd)
{
	return fails() ? -1 : fsync(fd);
}

static int
sick_rename(const char *from, const char *to)
{
	return fails() ? -1 : rename(from, to);
}

static int
sick_link(const char *from, const char *to)
{
	return fails() ? -1 : link(from, to);
}

static int
sick_close(int fd)
{
	int failure = close(fd);

	return fails() ? -1 : failure;
}

static const struct file_calls sick = {
	.open = sick_open,
	.write = sick_write,
	.write_at = sick_write_at,
	.truncate = sick_truncate,
	.fsync = sick_fsync,
	.rename = sick_rename,
	.link = sick_link,
	.unlink = unlink,
	.close = sick_close,
};

static char folder[] = "/tmp/hallmark-file-XXXXXX";
static char path[128];

static void
assert_content(const char *wanted)
{
	AUTO(buf) struct buf content = { 0 };

	assert_int_equal(file_read(path, 100, &content, NULL), HM_OK);
	assert_string_equal(buf_text(&content), wanted);
}

/* How many files the folder has, to see that no temporary one is left. */
static int
files(void)
{
	DIR *list = opendir(folder);
	int count = 0;

	while (readdir(list) != NULL)
		count++;
	closedir(list);
	return count - 2; /* without "." and ".." */
}

static void
writes_and_reads_a_whole_file(void **state)
{
	struct stat found;

	(void)state;
	assert_int_equal(
	    file_write(path, HM_LITERAL("first"), 0600, NULL), HM_OK);
	assert_content("first");
	assert_int_equal(
	    file_write(path, HM_LITERAL("second one"), 0600, NULL), HM_OK);
	assert_content("second one");
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);
	assert_int_equal(files(), 1);
}

static void
leaves_the_old_file_whatever_call_fails(void **state)
{
	int n = 0;
	hm_err err = HM_E_IO;

	(void)state;
	assert_int_equal(
	    file_write(path, HM_LITERAL("old"), 0600, NULL), HM_OK);
	for (; err != HM_OK; n++) {
		AUTO(buf) struct buf content = { 0 };
		struct why why = { 0 };

		left = n;
		file_calls_set(&sick);
		err = file_write(path, HM_LITERAL("new content"), 0600, &why);
		file_calls_set(NULL);
		assert_int_equal(file_read(path, 100, &content, NULL), HM_OK);
		assert_int_equal(files(), 1);
		if (err == HM_OK)
			break;
		assert_int_equal(err, HM_E_IO);
		assert_int_equal(why.err, HM_E_IO);
		assert_non_null(strstr(why.where, folder));
		/* Old, or new once it was renamed; never a part. */
		if (strcmp(buf_text(&content), "old") != 0)
			assert_string_equal(buf_text(&content), "new content");
		assert_int_equal(
		    file_write(path, HM_LITERAL("old"), 0600, NULL), HM_OK);
	}
	assert_content("new content");
	assert_true(n >= 10);
	assert_true(torn > 3);
}

static void
creates_but_never_replaces(void **state)
{
	struct why why = { 0 };

	(void)state;
	unlink(path);
	assert_int_equal(
	    file_create(path, HM_LITERAL("mine"), 0600, NULL), HM_OK);
	assert_int_equal(
	    file_create(path, HM_LITERAL("yours"), 0600, &why), HM_E_EXISTS);
	assert_string_equal(why.where, path);
	assert_content("mine");
	assert_int_equal(files(), 1);
}

static void
creates_nothing_when_a_call_fails_before_the_link(void **state)
{
	(void)state;
	unlink(path);
	for (int n = 0; n < 5; n++) {
		left = n;
		file_calls_set(&sick);
		assert_int_equal(
		    file_create(path, HM_LITERAL("new"), 0600, NULL), HM_E_IO);
		file_calls_set(NULL);
		assert_false(file_exists(path));
		assert_int_equal(files(), 0);
	}
}

static void
refuses_a_file_above_the_maximum_and_changes_nothing(void **state)
{
	AUTO(buf) struct buf content = { .max = 10 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(buf_print(&content, "before"), HM_OK);
	assert_int_equal(
	    file_write(path, HM_LITERAL("12345"), 0600, NULL), HM_OK);
	assert_int_equal(file_read(path, 4, &content, &why), HM_E_TOO_LARGE);
	assert_string_equal(why.where, path);
	assert_string_equal(buf_text(&content), "before");
	assert_int_equal(file_read(path, 5, &content, NULL), HM_OK);
	assert_string_equal(buf_text(&content), "12345");
}

static void
says_which_file_cannot_be_read(void **state)
{
	AUTO(buf) struct buf content = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(
	    file_read("/nowhere/at/all", 4, &content, &why), HM_E_FILE);
	assert_string_equal(why.where, "/nowhere/at/all");
	assert_int_equal(file_read(folder, 4, &content, NULL), HM_E_IO);
}

static void
refuses_nul_in_text(void **state)
{
	AUTO(buf) struct buf content = { 0 };

	(void)state;
	assert_int_equal(
	    file_write(path, HM_LITERAL("a\0b"), 0600, NULL), HM_OK);
	assert_int_equal(
	    file_read_text(path, 10, &content, NULL), HM_E_CONFIG_BYTE);
	assert_int_equal(file_read(path, 10, &content, NULL), HM_OK);
	assert_int_equal(content.len, 3);
}

static void
appends_and_says_when_it_could_not(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(file_write(path, HM_LITERAL("a"), 0600, NULL), HM_OK);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(file_append(fd, HM_LITERAL("bcdefg"), NULL), HM_OK);
	for (int n = 0; n < 2; n++) {
		left = n;
		file_calls_set(&sick);
		assert_int_equal(
		    file_append(fd, HM_LITERAL("h"), NULL), HM_E_IO);
		file_calls_set(NULL);
	}
	close(fd);
	assert_content("abcdefgh");
}

static void
puts_at_a_place_and_cuts_and_says_when_it_could_not(void **state)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(file_put(fd, HM_LITERAL("0123456789")), HM_OK);
	/* Three bytes at once: "abcdefg" takes three calls. */
	for (int n = 0; n < 4; n++) {
		left = n;
		file_calls_set(&sick);
		assert_int_equal(file_put_at(fd, 2, HM_LITERAL("abcdefg")),
		    n < 3 ? HM_E_IO : HM_OK);
		file_calls_set(NULL);
	}
	assert_content("01abcdefg9");
	assert_int_equal(file_put(fd, HM_LITERAL("x")), HM_OK);
	left = 0;
	file_calls_set(&sick);
	assert_int_equal(file_cut(fd, 9), HM_E_IO);
	file_calls_set(NULL);
	assert_content("01abcdefg9x");
	assert_int_equal(file_cut(fd, 9), HM_OK);
	close(fd);
	assert_content("01abcdefg");
}

static void
makes_folders_with_all_above(void **state)
{
	char deep[200], below[220];
	struct why why = { 0 };

	(void)state;
	snprintf(deep, sizeof(deep), "%s/a/b//c/", folder);
	assert_int_equal(file_mkdir(deep, 0700, NULL), HM_OK);
	assert_int_equal(file_mkdir(deep, 0700, NULL), HM_OK);
	assert_true(file_exists(deep));
	assert_int_equal(file_sync_dir(deep, NULL), HM_OK);
	snprintf(below, sizeof(below), "%s/d", path);
	assert_int_equal(file_mkdir(path, 0700, &why), HM_E_EXISTS);
	assert_int_equal(file_mkdir(below, 0700, NULL), HM_E_EXISTS);
	assert_int_equal(file_mkdir("", 0700, NULL), HM_E_TOO_LARGE);
	snprintf(deep, sizeof(deep), "%s/a/b/c", folder);
	rmdir(deep);
	deep[strlen(deep) - 2] = '\0';
	rmdir(deep);
	deep[strlen(deep) - 2] = '\0';
	rmdir(deep);
}

static void
makes_the_name_of_a_folder_durable_that_is_there(void **state)
{
	char deep[200];

	(void)state;
	snprintf(deep, sizeof(deep), "%s/a", folder);
	assert_int_equal(mkdir(deep, 0700), 0);
	/* The folder above is opened and synced. */
	for (int n = 0; n < 2; n++) {
		left = n;
		file_calls_set(&sick);
		assert_int_equal(file_mkdir(deep, 0700, NULL), HM_E_IO);
	}
	file_calls_set(NULL);
	assert_int_equal(file_mkdir(deep, 0700, NULL), HM_OK);
	rmdir(deep);
}

static void
put(const char *name, int age_s)
{
	struct timespec times[2] = { { time(NULL) - age_s, 0 },
		{ time(NULL) - age_s, 0 } };
	char place[200];

	snprintf(place, sizeof(place), "%s/%s", folder, name);
	assert_int_equal(
	    file_write(place, HM_LITERAL("half"), 0600, NULL), HM_OK);
	assert_int_equal(utimensat(AT_FDCWD, place, times, 0), 0);
}

static void
sweeps_what_a_kill_left(void **state)
{
	char place[200];

	(void)state;
	put(".a.unit.tmp-0102030405ff", 7200);
	put(".b.unit.tmp-0102030405ff", 60);
	put(".hidden", 7200);
	put("file", 7200);
	assert_int_equal(files(), 4);
	file_sweep(folder, 3600);
	assert_int_equal(files(), 3);
	file_sweep(folder, 0);
	assert_int_equal(files(), 2);
	assert_content("half");
	snprintf(place, sizeof(place), "%s/.hidden", folder);
	unlink(place);
	file_sweep("/nowhere", 0);
}

static void
joins_paths_that_fit(void **state)
{
	char room[8] = "before";

	(void)state;
	assert_int_equal(path_join(room, 8, "abc", "defg"), HM_E_TOO_LARGE);
	assert_string_equal(room, "before");
	assert_int_equal(path_join(room, 8, "abc", "def"), HM_OK);
	assert_string_equal(room, "abc/def");
	assert_int_equal(path_join(room, 8, "abc/", "def"), HM_OK);
	assert_string_equal(room, "abc/def");
	assert_int_equal(path_join(room, 8, "", "def"), HM_OK);
	assert_string_equal(room, "def");
}

static void
reads_parts_up_to_the_end(void **state)
{
	AUTO(buf) struct buf content = { .max = 100 };
	uint64_t size = 0;

	(void)state;
	assert_int_equal(
	    file_write(path, HM_LITERAL("0123456789"), 0600, NULL), HM_OK);
	assert_int_equal(
	    file_read_part(path, 2, 3, &content, &size, NULL), HM_OK);
	assert_int_equal(size, 10);
	assert_int_equal(
	    file_read_part(path, 8, 50, &content, &size, NULL), HM_OK);
	assert_int_equal(
	    file_read_part(path, 10, 50, &content, &size, NULL), HM_OK);
	assert_int_equal(
	    file_read_part(path, UINT64_MAX, 1, &content, &size, NULL), HM_OK);
	assert_int_equal(content.len, 5);
	assert_memory_equal(content.ptr, "23489", 5);
	assert_int_equal(
	    file_read_part("/nowhere/at/all", 0, 1, &content, &size, NULL),
	    HM_E_FILE);
	assert_int_equal(
	    file_read_part(folder, 0, 1, &content, &size, NULL), HM_E_IO);
	assert_int_equal(content.len, 5);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_a_whole_file),
		cmocka_unit_test(leaves_the_old_file_whatever_call_fails),
		cmocka_unit_test(creates_but_never_replaces),
		cmocka_unit_test(
		    creates_nothing_when_a_call_fails_before_the_link),
		cmocka_unit_test(
		    refuses_a_file_above_the_maximum_and_changes_nothing),
		cmocka_unit_test(says_which_file_cannot_be_read),
		cmocka_unit_test(reads_parts_up_to_the_end),
		cmocka_unit_test(refuses_nul_in_text),
		cmocka_unit_test(appends_and_says_when_it_could_not),
		cmocka_unit_test(
		    puts_at_a_place_and_cuts_and_says_when_it_could_not),
		cmocka_unit_test(makes_folders_with_all_above),
		cmocka_unit_test(
		    makes_the_name_of_a_folder_durable_that_is_there),
		cmocka_unit_test(sweeps_what_a_kill_left),
		cmocka_unit_test(joins_paths_that_fit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
