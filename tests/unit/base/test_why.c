/* SPDX-License-Identifier: Apache-2.0 */
/* base/why and base/errtext: the words of a failure */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/errtext.h"
#include "base/why.h"

static void
keeps_the_first_reason(void **state)
{
	struct why why = { 0 };

	(void)state;
	assert_int_equal(WHY(&why, HM_E_IO, "disk %d", 1), HM_E_IO);
	why_where(&why, "a:%d", 1);
	why_do(&why, "look");
	assert_int_equal(WHY(&why, HM_E_QUOTA, "second"), HM_E_QUOTA);
	why_where(&why, "b");
	why_do(&why, "go");
	assert_int_equal(why.err, HM_E_IO);
	assert_string_equal(why.text, "disk 1");
	assert_string_equal(why.where, "a:1");
	assert_string_equal(why.act, "look");
	assert_non_null(strstr(why.file, "test_why.c"));
}

static void
nobody_has_to_listen(void **state)
{
	(void)state;
	assert_int_equal(WHY(NULL, HM_E_IO, "x"), HM_E_IO);
	why_where(NULL, "x");
	why_do(NULL, "x");
}

static void
cuts_long_words_and_ends_them(void **state)
{
	struct why why = { 0 };

	(void)state;
	(void)WHY(&why, HM_E_IO, "%01000d", 1);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

static void
finds_every_error_by_its_number(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct err_info *row = err_all(); row->name; row++) {
		assert_ptr_equal(err_info(row->err), row);
		assert_true(err_is_known((unsigned)row->err));
		assert_true(row->words[0] != '\0' && row->act[0] != '\0');
		assert_true(row->exit_status >= 0 && row->exit_status <= 16);
		assert_true(row->http >= 200 && row->http < 600);
		for (const struct err_info *at = row + 1; at->name; at++)
			assert_int_not_equal(at->err, row->err);
		count++;
	}
	assert_true(count > 60);
	assert_string_equal(err_info(HM_E_QUOTA)->name, "E_QUOTA");
	assert_int_equal(err_info(HM_E_QUOTA)->exit_status, HM_EXIT_QUOTA);
	assert_string_equal(
	    err_class_name(err_info(HM_E_CLONE)->class), "security");
}

static void
takes_an_unknown_number_for_a_mistake_of_ours(void **state)
{
	(void)state;
	assert_false(err_is_known(4321));
	assert_int_equal(err_info((hm_err)4321)->err, HM_E_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_first_reason),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(cuts_long_words_and_ends_them),
		cmocka_unit_test(finds_every_error_by_its_number),
		cmocka_unit_test(takes_an_unknown_number_for_a_mistake_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
