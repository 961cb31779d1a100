/* SPDX-License-Identifier: Apache-2.0 */
/* core/bytes: comparing, wiping, big-endian, UTF-8 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "core/bytes.h"

static void
takes_the_bytes_of_a_string(void **state)
{
	(void)state;
	assert_int_equal(hm_bytes_of("abc").len, 3);
	assert_int_equal(hm_bytes_of("").len, 0);
	assert_int_equal(hm_bytes_of(NULL).len, 0);
	assert_true(hm_bytes_equal(hm_bytes_of("abc"), HM_LITERAL("abc")));
}

static void
compares_length_and_content(void **state)
{
	struct hm_bytes none = { 0 };

	(void)state;
	assert_true(hm_bytes_equal(none, none));
	assert_true(hm_bytes_equal(none, HM_LITERAL("")));
	assert_false(hm_bytes_equal(HM_LITERAL("a"), HM_LITERAL("ab")));
	assert_false(hm_bytes_equal(HM_LITERAL("ab"), HM_LITERAL("ac")));
}

static void
constant_time_compare_sees_every_bit(void **state)
{
	uint8_t a[40] = { 0 }, b[40] = { 0 };

	(void)state;
	assert_true(hm_equal_ct(a, b, sizeof(a)));
	assert_true(hm_equal_ct(NULL, NULL, 0));
	for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_false(hm_equal_ct(a, b, sizeof(a)));
		b[bit / 8] = 0;
	}
}

static void
wipes_exactly_what_it_was_given(void **state)
{
	uint8_t memory[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t want[8] = { 1, 0, 0, 0, 0, 0, 0, 8 };

	(void)state;
	hm_wipe(memory + 1, 6);
	assert_memory_equal(memory, want, 8);
	hm_wipe(NULL, 0);
}

static void
integers_are_big_endian(void **state)
{
	uint8_t at[8];

	(void)state;
	hm_put_u16(at, 0x8182);
	assert_memory_equal(at, "\x81\x82", 2);
	assert_int_equal(hm_get_u16(at), 0x8182);
	hm_put_u32(at, 0x81828384);
	assert_memory_equal(at, "\x81\x82\x83\x84", 4);
	assert_true(hm_get_u32(at) == 0x81828384);
	hm_put_u64(at, 0x8182838485868788);
	assert_memory_equal(at, "\x81\x82\x83\x84\x85\x86\x87\x88", 8);
	assert_true(hm_get_u64(at) == 0x8182838485868788);
}

/* The whole of Unicode, encoded here by hand. */
static size_t
utf8(uint32_t point, uint8_t at[4])
{
	size_t n = point < 0x80      ? 1
		   : point < 0x800   ? 2
		   : point < 0x10000 ? 3
				     : 4;
	static const uint8_t lead[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; point >>= 6)
		at[i] = (uint8_t)(0x80 | (point & 0x3f));
	at[0] = (uint8_t)(lead[n] | point);
	return n;
}

static void
takes_every_character_and_no_surrogate(void **state)
{
	(void)state;
	for (uint32_t point = 0; point < 0x120000; point++) {
		uint8_t at[4];
		size_t n = utf8(point, at);
		bool want =
		    point < 0x110000 && (point < 0xd800 || point > 0xdfff);

		assert_int_equal(hm_is_utf8((struct hm_bytes){ at, n }), want);
		if (n > 1)
			assert_false(
			    hm_is_utf8((struct hm_bytes){ at, n - 1 }));
	}
}

static void
refuses_what_is_not_utf8(void **state)
{
	const struct hm_bytes bad[] = {
		HM_LITERAL("\x80"),     /* continuation alone */
		HM_LITERAL("\xc0\x80"), /* longer forms */
		HM_LITERAL("\xc1\xbf"),
		HM_LITERAL("\xe0\x9f\xbf"),
		HM_LITERAL("\xf0\x8f\xbf\xbf"),
		HM_LITERAL("\xc3("), /* no continuation */
		HM_LITERAL("\xe2\x82("),
		HM_LITERAL("\xf5\x80\x80\x80"),
		HM_LITERAL("\xff"),
		HM_LITERAL("ok\xfe"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(hm_is_utf8(bad[i]));
	assert_true(hm_is_utf8((struct hm_bytes){ 0 }));
	assert_true(hm_is_utf8(HM_LITERAL("h\xc3\xa4ll\xe2\x82\xac")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_bytes_of_a_string),
		cmocka_unit_test(compares_length_and_content),
		cmocka_unit_test(constant_time_compare_sees_every_bit),
		cmocka_unit_test(wipes_exactly_what_it_was_given),
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(takes_every_character_and_no_surrogate),
		cmocka_unit_test(refuses_what_is_not_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
