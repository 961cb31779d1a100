/* SPDX-License-Identifier: Apache-2.0 */
/* base/text: hex, base64, decimals and times, strictly */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

static void
writes_and_reads_hex(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0xa5, 0xff };
	uint8_t back[3] = { 1, 2, 3 };
	char hex[7];

	(void)state;
	hex_format(HM_BYTES(bytes), hex);
	assert_string_equal(hex, "00a5ff");
	assert_int_equal(hex_parse(HM_LITERAL("00A5ff"), back, 3), HM_OK);
	assert_memory_equal(back, bytes, 3);
}

static void
refuses_hex_of_other_length_or_letters_and_changes_nothing(void **state)
{
	uint8_t back[3] = { 1, 2, 3 };

	(void)state;
	assert_int_equal(
	    hex_parse(HM_LITERAL("00a5"), back, 3), HM_E_BAD_INPUT);
	assert_int_equal(
	    hex_parse(HM_LITERAL("00a5f"), back, 3), HM_E_BAD_INPUT);
	assert_int_equal(
	    hex_parse(HM_LITERAL("00a5fg"), back, 3), HM_E_BAD_INPUT);
	assert_int_equal(
	    hex_parse(HM_LITERAL("00a5f "), back, 3), HM_E_BAD_INPUT);
	assert_int_equal(back[0], 1);
	assert_int_equal(back[2], 3);
}

/* RFC 4648 section 10 */
static void
reads_and_writes_base64_of_the_rfc(void **state)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		AUTO(buf) struct buf text = { .max = 100 };
		uint8_t room[6];
		size_t len = 99;

		assert_int_equal(
		    buf_add_base64(&text, hm_bytes_of(rows[i][0])), HM_OK);
		assert_string_equal(buf_text(&text), rows[i][1]);
		assert_int_equal(
		    base64_parse(hm_bytes_of(rows[i][1]),
			(struct hm_span){ room, sizeof(room) }, &len),
		    HM_OK);
		assert_int_equal(len, strlen(rows[i][0]));
		assert_memory_equal(room, rows[i][0], len);
	}
}

static void
refuses_base64_that_is_not_canonical_and_changes_nothing(void **state)
{
	static const char *const bad[] = { "Zg",
		"Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9v",
		"Zm9v\n", "Zm_v", "=Zg=" };
	uint8_t room[8] = { 7 };
	size_t len = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    base64_parse(hm_bytes_of(bad[i]),
			(struct hm_span){ room, sizeof(room) }, &len),
		    HM_E_BAD_INPUT);
	assert_int_equal(
	    base64_parse(HM_LITERAL("Zm9v"), (struct hm_span){ room, 2 }, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(len, 99);
	assert_int_equal(room[0], 7);
}

static void
reads_plain_decimals_only(void **state)
{
	static const char *const bad[] = { "", "01", "+1", "-1", " 1", "1 ",
		"1a", "0x1", "18446744073709551616", "99999999999999999999" };
	uint64_t value = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    uint_parse(hm_bytes_of(bad[i]), UINT64_MAX, &value),
		    HM_E_BAD_INPUT);
	assert_int_equal(
	    uint_parse(HM_LITERAL("11"), 10, &value), HM_E_BAD_INPUT);
	assert_int_equal(value, 5);
	assert_int_equal(uint_parse(HM_LITERAL("0"), 10, &value), HM_OK);
	assert_int_equal(value, 0);
	assert_int_equal(
	    uint_parse(HM_LITERAL("18446744073709551615"), UINT64_MAX, &value),
	    HM_OK);
	assert_true(value == UINT64_MAX);
}

static void
writes_and_reads_times(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },
		{ 1795231867, "2026-11-21T03:31:07Z" },
		{ 4107542399, "2100-02-28T23:59:59Z" },
		{ 4107542400, "2100-03-01T00:00:00Z" },
		{ 253402300799, "9999-12-31T23:59:59Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[TIME_TEXT_LEN];
		uint64_t back = 0;

		time_format(rows[i].seconds, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(time_parse(hm_bytes_of(text), &back), HM_OK);
		assert_true(back == rows[i].seconds);
	}
}

static void
reads_a_date_alone_as_its_first_second(void **state)
{
	uint64_t seconds = 0;

	(void)state;
	assert_int_equal(time_parse(HM_LITERAL("2026-11-21"), &seconds), HM_OK);
	assert_int_equal(seconds, 1795219200);
}

static void
refuses_times_that_no_calendar_has(void **state)
{
	static const char *const bad[] = { "", "2026-02-29", "2100-02-29",
		"2026-13-01", "2026-00-01", "2026-01-00", "2026-04-31",
		"1969-12-31", "2026-1-01x", "2026-11-21T24:00:00Z",
		"2026-11-21T03:60:00Z", "2026-11-21T03:31:60Z",
		"2026-11-21T03:31:07", "2026-11-21 03:31:07Z",
		"2026-11-21T03:31:07+", "2026/11/21" };
	uint64_t seconds = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    time_parse(hm_bytes_of(bad[i]), &seconds), HM_E_BAD_INPUT);
	assert_int_equal(seconds, 5);
}

static void
clocks_go_forward(void **state)
{
	uint64_t before = clock_mono_us();

	(void)state;
	assert_true(clock_mono_us() >= before);
	assert_true(clock_now_s() > 1700000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_hex),
		cmocka_unit_test(
		    refuses_hex_of_other_length_or_letters_and_changes_nothing),
		cmocka_unit_test(reads_and_writes_base64_of_the_rfc),
		cmocka_unit_test(
		    refuses_base64_that_is_not_canonical_and_changes_nothing),
		cmocka_unit_test(reads_plain_decimals_only),
		cmocka_unit_test(writes_and_reads_times),
		cmocka_unit_test(reads_a_date_alone_as_its_first_second),
		cmocka_unit_test(refuses_times_that_no_calendar_has),
		cmocka_unit_test(clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
