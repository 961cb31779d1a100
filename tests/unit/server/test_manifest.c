/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: the manifest of a backup lists all that is there, once */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "server/keeper/backup_parts.h"

static char folder[] = "/tmp/hallmark-manifest-XXXXXX";

static void
put(const char *name, const char *text)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(
	    file_write(path, hm_bytes_of(text), 0600, NULL), HM_OK);
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	put("a", "first");
	put("b", "second");
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "a", "b", BACKUP_MANIFEST };
	char path[64];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	return 0;
}

static void
add_row(char *rows, size_t size, const char *path, const char *text)
{
	uint8_t digest[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	size_t len = strlen(rows);

	sha256_one(hm_bytes_of(text), digest);
	hex_format(HM_BYTES(digest), hex);
	(void)snprintf(rows + len, size - len,
	    "%s{\"path\":\"%s\",\"bytes\":%zu,\"sha256\":\"%s\"}",
	    len == 0 ? "" : ",", path, strlen(text), hex);
}

static hm_err
check(const char *rows)
{
	struct backup_info info = { 0 };
	struct tree_hash root;
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "{\"schema\":\"hallmark.backup/1\","
	    "\"made\":\"2026-11-21T03:31:07Z\",\"origin\":\"log\","
	    "\"entries\":1,\"root\":\"%064d\",\"published\":1,"
	    "\"files\":[%s]}",
	    0, rows);
	put(BACKUP_MANIFEST, text);
	return manifest_check(folder, &info, &root, NULL);
}

static void
takes_files_as_they_are_listed(void **state)
{
	char rows[1024] = "";

	(void)state;
	add_row(rows, sizeof(rows), "a", "first");
	assert_int_equal(check(rows), HM_E_LOG); /* b is not listed */
	add_row(rows, sizeof(rows), "b", "second");
	assert_int_equal(check(rows), HM_OK);
	put("b", "another");
	assert_int_equal(check(rows), HM_E_LOG);
}

static void
refuses_a_file_that_hides_behind_one_that_is_listed_twice(void **state)
{
	char rows[1024] = "";

	(void)state;
	add_row(rows, sizeof(rows), "a", "first");
	add_row(rows, sizeof(rows), "a", "first");
	assert_int_equal(check(rows), HM_E_LOG);
}

static void
refuses_rows_that_are_none_and_paths_that_lead_outside(void **state)
{
	char rows[1024] = "";

	(void)state;
	assert_int_equal(check("\"a\""), HM_E_LOG);
	assert_int_equal(check("7,[]"), HM_E_LOG);
	add_row(rows, sizeof(rows), "../a", "first");
	assert_int_equal(check(rows), HM_E_LOG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    takes_files_as_they_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    refuses_a_file_that_hides_behind_one_that_is_listed_twice,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    refuses_rows_that_are_none_and_paths_that_lead_outside,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
