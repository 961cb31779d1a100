/* SPDX-License-Identifier: Apache-2.0 */
/* station/records: what stays at the factory of a finished unit */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../ledger/testlog.h"
#include "base/auto.h"
#include "base/file.h"
#include "played.h"
#include "station/records.h"
#include "wire/conformance.h"

static const char *folder;

static int
setup(void **state)
{
	(void)state;
	played_reset();
	folder = testlog_folder();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	testlog_folder_done();
	return 0;
}

static void
check_file(const char *suffix, struct hm_bytes expected)
{
	AUTO(buf) struct buf found = { 0 };
	char path[FILE_PATH_MAX];

	(void)snprintf(
	    path, sizeof(path), "%s/" PLAYED_SERIAL "%s", folder, suffix);
	assert_int_equal(file_read(path, 65536, &found, NULL), HM_OK);
	assert_true(hm_bytes_equal(buf_bytes(&found), expected));
}

static void
writes_certificate_entries_and_receipts(void **state)
{
	AUTO(buf) struct buf issued = { .max = 65536 };
	AUTO(buf) struct buf confirmed = { .max = 65536 };
	struct hm_issue_answer issue;
	struct hm_confirm_answer confirm;

	(void)state;
	played_issue(&issued);
	played_confirm(&confirmed);
	assert_int_equal(records_write(folder, PLAYED_SERIAL,
			     buf_bytes(&issued), buf_bytes(&confirmed)),
	    HM_OK);
	assert_int_equal(
	    hm_issue_answer_decode(buf_bytes(&issued), &issue), HM_OK);
	assert_int_equal(
	    hm_confirm_answer_decode(buf_bytes(&confirmed), &confirm), HM_OK);
	check_file(".der", HM_LITERAL("certificate"));
	check_file(".issue.entry", HM_LITERAL("issued"));
	check_file(".issue.tlog-proof", issue.receipt);
	check_file(".confirm.entry", HM_LITERAL("confirmed"));
	check_file(".confirm.tlog-proof", confirm.receipt);
}

static void
writes_nothing_of_answers_that_are_none(void **state)
{
	AUTO(buf) struct buf issued = { .max = 65536 };
	AUTO(buf) struct buf confirmed = { .max = 65536 };
	char path[FILE_PATH_MAX];

	(void)state;
	played_issue(&issued);
	played_confirm(&confirmed);
	assert_int_equal(records_write(folder, PLAYED_SERIAL,
			     buf_bytes(&issued), HM_LITERAL("rubbish")),
	    HM_E_BAD_INPUT);
	assert_int_equal(records_write(folder, PLAYED_SERIAL,
			     HM_LITERAL("rubbish"), buf_bytes(&confirmed)),
	    HM_E_BAD_INPUT);
	(void)snprintf(path, sizeof(path), "%s/" PLAYED_SERIAL ".der", folder);
	assert_false(file_exists(path));
	assert_int_equal(records_write("/nowhere", PLAYED_SERIAL,
			     buf_bytes(&issued), buf_bytes(&confirmed)),
	    HM_E_JOURNAL);
}

static void
takes_the_serial_number_from_a_stamp(void **state)
{
	AUTO(buf) struct buf stamp = { .max = 65536 };
	char serial[HM_SERIAL_MAX + 1] = "unchanged";

	(void)state;
	assert_int_equal(
	    records_serial(HM_LITERAL("rubbish"), serial), HM_E_BAD_INPUT);
	assert_string_equal(serial, "unchanged");
	played_stamp(PLAYED_SERIAL, &stamp);
	assert_int_equal(records_serial(buf_bytes(&stamp), serial), HM_OK);
	assert_string_equal(serial, PLAYED_SERIAL);
}

static void
checks_receipts_if_it_knows_the_log(void **state)
{
	AUTO(buf) struct buf confirmed = { .max = 65536 };
	struct hm_confirm_answer answer;
	struct hm_bytes other = HM_LITERAL("other");

	(void)state;
	played_confirm(&confirmed);
	assert_int_equal(
	    hm_confirm_answer_decode(buf_bytes(&confirmed), &answer), HM_OK);
	assert_int_equal(
	    records_check(testlog_key(), answer.entry, answer.receipt), HM_OK);
	assert_int_equal(records_check(testlog_key(), other, answer.receipt),
	    HM_E_LOG_PROOF);
	assert_int_equal(
	    records_check(testlog_key(), answer.entry, other), HM_E_BAD_INPUT);
	assert_int_equal(records_check(NULL, answer.entry, other), HM_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(writes_certificate_entries_and_receipts),
		TEST(writes_nothing_of_answers_that_are_none),
		TEST(takes_the_serial_number_from_a_stamp),
		TEST(checks_receipts_if_it_knows_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
