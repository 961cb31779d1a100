/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf: bytes up to a maximum */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"

static void
holds_exactly_its_maximum(void **state)
{
	AUTO(buf) struct buf buf = { .max = 1000 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_add(&buf, HM_LITERAL("x")), HM_OK);
	assert_int_equal(buf.len, 1000);
	assert_int_equal(strlen(buf_text(&buf)), 1000);
}

static void
refuses_beyond_the_maximum_and_changes_nothing(void **state)
{
	AUTO(buf) struct buf buf = { .max = 10 };
	uint8_t *at = NULL;

	(void)state;
	assert_int_equal(buf_add(&buf, HM_LITERAL("12345678")), HM_OK);
	assert_int_equal(buf_add(&buf, HM_LITERAL("abc")), HM_E_TOO_LARGE);
	assert_int_equal(buf_print(&buf, "%d", 123), HM_E_TOO_LARGE);
	assert_int_equal(buf_add_hex(&buf, HM_LITERAL("ab")), HM_E_TOO_LARGE);
	assert_int_equal(buf_add_base64(&buf, HM_LITERAL("a")), HM_E_TOO_LARGE);
	assert_int_equal(buf_reserve(&buf, 3, &at), HM_E_TOO_LARGE);
	assert_null(at);
	assert_string_equal(buf_text(&buf), "12345678");
}

static void
all_zero_is_a_valid_empty_buffer(void **state)
{
	struct buf buf = { 0 };
	struct hm_bytes none = { 0 };

	(void)state;
	assert_string_equal(buf_text(&buf), "");
	assert_int_equal(buf_add(&buf, none), HM_OK);
	assert_int_equal(buf_add(&buf, HM_LITERAL("a")), HM_E_TOO_LARGE);
	buf_wipe(&buf);
	buf_done(&buf);
}

static void
prints_and_adds_hex(void **state)
{
	AUTO(buf) struct buf buf = { 0 };

	(void)state;
	buf_init(&buf, 100);
	assert_int_equal(buf_print(&buf, "%s=", "id"), HM_OK);
	assert_int_equal(buf_add_hex(&buf, HM_LITERAL("\x01\xfe")), HM_OK);
	assert_string_equal(buf_text(&buf), "id=01fe");
	buf_clear(&buf);
	assert_int_equal(buf_bytes(&buf).len, 0);
	assert_int_equal(buf_print(&buf, "x"), HM_OK);
	assert_string_equal(buf_text(&buf), "x");
}

static void
keeps_its_content_while_growing(void **state)
{
	AUTO(buf) struct buf buf = { .max = 100000 };
	uint8_t *at;

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		assert_int_equal(buf_print(&buf, "%04x", i % 4096), HM_OK);
	assert_memory_equal(buf.ptr + 4 * 4095, "0fff0000", 8);
	assert_int_equal(buf_reserve(&buf, 20000, &at), HM_OK);
	assert_int_equal(buf.len, 80000);
	memset(at, 'z', 20000);
	assert_memory_equal(buf.ptr, "00000001", 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_exactly_its_maximum),
		cmocka_unit_test(
		    refuses_beyond_the_maximum_and_changes_nothing),
		cmocka_unit_test(all_zero_is_a_valid_empty_buffer),
		cmocka_unit_test(prints_and_adds_hex),
		cmocka_unit_test(keeps_its_content_while_growing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
