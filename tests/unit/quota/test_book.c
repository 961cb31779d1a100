/* SPDX-License-Identifier: Apache-2.0 */
/* quota/book: the last unit, dates to the second, returns, ranges of numbers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "quota/book.h"

#define NOW 1000

static const struct book three = { .quota = 3,
	.returns_allowed = 1,
	.not_before_s = 500,
	.not_after_s = 1500 };

static void
assert_same(const struct book *a, const struct book *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

static void
counts_the_last_unit_exactly(void **state)
{
	struct book book = three, before;
	uint32_t number;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(book_left(&book), 3 - i);
		assert_int_equal(book_reserve(&book, NOW, &number), HM_OK);
		assert_int_equal(number, i);
	}
	assert_int_equal(book_left(&book), 0);
	before = book;
	number = 77;
	assert_int_equal(book_reserve(&book, NOW, &number), HM_E_QUOTA);
	assert_int_equal(number, 77);
	assert_same(&book, &before);
}

static void
reserved_and_used_units_count_alike(void **state)
{
	struct book book = three;
	uint32_t number;

	(void)state;
	assert_int_equal(book_reserve(&book, NOW, &number), HM_OK);
	assert_int_equal(book_reserve(&book, NOW, &number), HM_OK);
	assert_int_equal(book_issue(&book), HM_OK);
	assert_int_equal(book.reserved, 1);
	assert_int_equal(book.used, 1);
	assert_int_equal(book_left(&book), 1);
	assert_int_equal(book_confirm(&book), HM_OK);
	assert_int_equal(book.confirmed, 1);
	assert_int_equal(book_left(&book), 1);
	assert_int_equal(book_unreserve(&book), HM_OK);
	assert_int_equal(book.reserved, 0);
	assert_int_equal(book_left(&book), 2);
}

static void
keeps_its_dates_to_the_second(void **state)
{
	struct book book = three, before = three;
	uint32_t number = 77;

	(void)state;
	assert_int_equal(book_check(&book, 499), HM_E_NOT_YET);
	assert_int_equal(book_reserve(&book, 499, &number), HM_E_NOT_YET);
	assert_int_equal(book_reserve(&book, 1500, &number), HM_E_EXPIRED);
	assert_int_equal(number, 77);
	assert_same(&book, &before);
	assert_int_equal(book_check(&book, 500), HM_OK);
	assert_int_equal(book_reserve(&book, 500, &number), HM_OK);
	assert_int_equal(book_reserve(&book, 1499, &number), HM_OK);
	assert_int_equal(book_check(&book, 1500), HM_E_EXPIRED);
}

static void
refuses_a_closed_order_before_all_else(void **state)
{
	struct book book = three, before;
	uint32_t number = 77;

	(void)state;
	book.closed = true;
	before = book;
	assert_int_equal(book_check(&book, 499), HM_E_ORDER_CLOSED);
	assert_int_equal(book_reserve(&book, NOW, &number), HM_E_ORDER_CLOSED);
	assert_int_equal(number, 77);
	assert_same(&book, &before);
}

static void
gives_back_while_returns_last_and_never_a_number_twice(void **state)
{
	struct book book = three, before;
	uint32_t number;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(book_reserve(&book, NOW, &number), HM_OK);
		assert_int_equal(book_issue(&book), HM_OK);
	}
	assert_int_equal(book_return(&book), HM_OK);
	assert_int_equal(book_left(&book), 1);
	before = book;
	assert_int_equal(book_return(&book), HM_E_RETURNS);
	assert_same(&book, &before);

	assert_int_equal(book_reserve(&book, NOW, &number), HM_OK);
	assert_int_equal(number, 3);
	assert_int_equal(book_reserve(&book, NOW, &number), HM_E_QUOTA);
}

static void
ends_when_the_numbers_end(void **state)
{
	struct book book = three, before;
	uint32_t number = 0;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) { /* quota + returns */
		assert_int_equal(book_reserve(&book, NOW, &number), HM_OK);
		assert_int_equal(number, i);
		assert_int_equal(book_unreserve(&book), HM_OK);
	}
	before = book;
	assert_int_equal(book_left(&book), 3);
	assert_int_equal(book_reserve(&book, NOW, &number), HM_E_QUOTA);
	assert_same(&book, &before);
}

static void
refuses_a_step_that_does_not_fit_the_counts(void **state)
{
	struct book book = three;

	(void)state;
	assert_int_equal(book_issue(&book), HM_E_COUNTS);
	assert_int_equal(book_unreserve(&book), HM_E_COUNTS);
	assert_int_equal(book_confirm(&book), HM_E_COUNTS);
	assert_int_equal(book_return(&book), HM_E_COUNTS);
	assert_same(&book, &three);
}

static void
refuses_counts_that_do_not_fit_together(void **state)
{
	static const struct book edited[] = {
		{ .quota = 3, .used = 4 },
		{ .quota = 3, .used = 2, .reserved = 2 },
		{ .quota = 3, .used = UINT32_MAX, .reserved = 2 },
		{ .quota = 3, .used = 1, .confirmed = 2 },
		{ .quota = 3, .returns_allowed = 1, .returned = 2 },
		{ .quota = 3, .returns_allowed = 1, .next = 5 },
	};
	const struct book full = { .quota = 3,
		.returns_allowed = 1,
		.used = 2,
		.reserved = 1,
		.confirmed = 2,
		.returned = 1,
		.scrapped = 1,
		.next = 4 };

	(void)state;
	assert_int_equal(book_check_counts(&three), HM_OK);
	assert_int_equal(book_check_counts(&full), HM_OK);
	for (size_t i = 0; i < sizeof(edited) / sizeof(*edited); i++)
		assert_int_equal(book_check_counts(&edited[i]), HM_E_COUNTS);
}

static void
writes_serials_with_their_zeros(void **state)
{
	struct hm_order order = { .serial_prefix = HM_LITERAL("AB-"),
		.serial_first = 98,
		.serial_digits = 3 };
	char text[HM_SERIAL_MAX + 1];

	(void)state;
	assert_int_equal(book_serial(&order, 0, text), HM_OK);
	assert_string_equal(text, "AB-098");
	assert_int_equal(book_serial(&order, 901, text), HM_OK);
	assert_string_equal(text, "AB-999");
	assert_int_equal(book_serial(&order, 902, text), HM_E_NO_ROOM);
	assert_string_equal(text, "AB-999");

	order.serial_prefix = (struct hm_bytes){ 0 };
	order.serial_digits = 12;
	order.serial_first = 999999999999;
	assert_int_equal(book_serial(&order, 0, text), HM_OK);
	assert_string_equal(text, "999999999999");
	assert_int_equal(book_serial(&order, 1, text), HM_E_NO_ROOM);
	order.serial_first = UINT64_MAX;
	assert_int_equal(book_serial(&order, 1, text), HM_E_NO_ROOM);
	order.serial_digits = 0;
	assert_int_equal(book_serial(&order, 0, text), HM_E_NO_ROOM);
}

static void
counts_addresses_up_over_all_octets(void **state)
{
	struct hm_order order = { .mac_first = { 2, 0, 0x5e, 0, 0xff, 0xfe },
		.has_macs = true };
	const uint8_t second[] = { 2, 0, 0x5e, 0, 0xff, 0xff };
	const uint8_t third[] = { 2, 0, 0x5e, 1, 0, 0 };
	uint8_t mac[HM_MAC_LEN];

	(void)state;
	book_mac(&order, 0, mac);
	assert_memory_equal(mac, order.mac_first, HM_MAC_LEN);
	book_mac(&order, 1, mac);
	assert_memory_equal(mac, second, HM_MAC_LEN);
	book_mac(&order, 2, mac);
	assert_memory_equal(mac, third, HM_MAC_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_the_last_unit_exactly),
		cmocka_unit_test(reserved_and_used_units_count_alike),
		cmocka_unit_test(keeps_its_dates_to_the_second),
		cmocka_unit_test(refuses_a_closed_order_before_all_else),
		cmocka_unit_test(
		    gives_back_while_returns_last_and_never_a_number_twice),
		cmocka_unit_test(ends_when_the_numbers_end),
		cmocka_unit_test(refuses_a_step_that_does_not_fit_the_counts),
		cmocka_unit_test(refuses_counts_that_do_not_fit_together),
		cmocka_unit_test(writes_serials_with_their_zeros),
		cmocka_unit_test(counts_addresses_up_over_all_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
