/* SPDX-License-Identifier: Apache-2.0 */
/* server/guard: a token file that a kill has emptied is filled again */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "server/guard.h"

static char root[32], folder[64], object[128], other[128];

static int
setup(void **state)
{
	char token[96];

	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/guard-XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(folder, sizeof(folder), "%s/tokens", root);
	(void)snprintf(token, sizeof(token), "%s/0a1b", folder);
	(void)snprintf(object, sizeof(object), "%s/token.object", token);
	(void)snprintf(other, sizeof(other), "%s/token.lock", token);
	assert_int_equal(file_mkdir(token, 0700, NULL), HM_OK);
	return 0;
}

static int
remove_one(
    const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
put(const char *path, const char *text)
{
	assert_int_equal(
	    file_write(path, hm_bytes_of(text), 0640, NULL), HM_OK);
}

static void
holds(const char *path, const char *text)
{
	AUTO(buf) struct buf file = { 0 };

	assert_int_equal(file_read(path, 4096, &file, NULL), HM_OK);
	assert_true(hm_bytes_equal(buf_bytes(&file), hm_bytes_of(text)));
}

static unsigned
look(void)
{
	unsigned restored = 77;

	assert_int_equal(guard_token(folder, &restored, NULL), HM_OK);
	return restored;
}

static void
fills_what_was_emptied_and_leaves_its_mode(void **state)
{
	struct stat status;

	(void)state;
	put(object, "keys");
	assert_int_equal(look(), 0);
	assert_int_equal(truncate(object, 0), 0);
	assert_int_equal(look(), 1);
	holds(object, "keys");
	assert_int_equal(stat(object, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	assert_int_equal(look(), 0);
}

static void
keeps_the_newest_that_is_whole(void **state)
{
	(void)state;
	put(object, "one");
	assert_int_equal(look(), 0);
	put(object, "two");
	assert_int_equal(look(), 0);
	assert_int_equal(truncate(object, 0), 0);
	assert_int_equal(look(), 1);
	holds(object, "two");
}

static void
leaves_alone_what_was_always_empty_or_is_no_object(void **state)
{
	(void)state;
	put(object, "");
	put(other, "x");
	assert_int_equal(look(), 0);
	holds(object, "");
	assert_int_equal(truncate(other, 0), 0);
	assert_int_equal(look(), 0);
	holds(other, "");
}

static void
refuses_a_folder_that_is_not_there(void **state)
{
	unsigned restored = 77;
	char missing[64];

	(void)state;
	(void)snprintf(missing, sizeof(missing), "%s/none", root);
	assert_int_equal(guard_token(missing, &restored, NULL), HM_E_FILE);
	assert_int_equal(restored, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    fills_what_was_emptied_and_leaves_its_mode, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    keeps_the_newest_that_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    leaves_alone_what_was_always_empty_or_is_no_object, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    refuses_a_folder_that_is_not_there, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
