/* SPDX-License-Identifier: Apache-2.0 */
/* wire/entry: the table of states, and what a leaf may say */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "wire/entry.h"

#define STATES 11

/* Rows from, columns to, in the order of the numbers. */
static const char *const may[STATES] = {
	/*               nricaHwsmVt */
	[HM_STATE_NEW] = ".x.........",
	[HM_STATE_RESERVED] = "..x.......x",
	[HM_STATE_ISSUED] = "...x.x.x.xx",
	[HM_STATE_CONFIRMED] = "....xxxxxx.",
	[HM_STATE_ACTIVE] = ".....xxxxx.",
	[HM_STATE_HELD] = "..xxx.xx.x.",
	[HM_STATE_REWORK] = "....x..x.x.",
	[HM_STATE_SCRAPPED] = ".........x.",
	[HM_STATE_RMA] = "......xx.x.",
	[HM_STATE_REVOKED] = "...........",
	[HM_STATE_RETURNED] = "...........",
};

static void
a_device_goes_only_where_the_table_says(void **state)
{
	(void)state;
	for (int from = -1; from <= STATES; from++)
		for (int to = -1; to <= STATES; to++) {
			bool want = from >= 0 && from < STATES && to >= 0 &&
				    to < STATES && may[from][to] == 'x';

			assert_int_equal(hm_state_may((hm_device_state)from,
					     (hm_device_state)to),
			    want);
		}
}

static void
every_state_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(hm_state_name(HM_STATE_NEW), "new");
	assert_string_equal(hm_state_name(HM_STATE_RMA), "rma");
	assert_string_equal(hm_state_name(HM_STATE_RETURNED), "returned");
	assert_string_equal(hm_state_name((hm_device_state)STATES), "?");
	assert_string_equal(hm_state_name((hm_device_state)-1), "?");
}

static void
refuses(const struct hm_entry *entry)
{
	uint8_t room[1024];
	size_t len = 77;

	assert_int_equal(hm_entry_encode(entry,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_E_BAD_INPUT);
	assert_int_equal(len, 77);
}

static void
refuses_to_write_what_no_reader_takes(void **state)
{
	struct hm_entry entry = { .time_s = 1 };

	(void)state;
	refuses(&entry); /* type 0 */
	entry.type = (hm_entry_type)(HM_ENTRY_SUCCESSION + 1);
	refuses(&entry);

	entry = (struct hm_entry){ .type = HM_ENTRY_RESERVE };
	entry.reserve.order = HM_LITERAL("no such/name");
	entry.reserve.station = HM_LITERAL("s");
	refuses(&entry);

	entry = (struct hm_entry){ .type = HM_ENTRY_STATE };
	entry.state.to = (hm_device_state)STATES;
	refuses(&entry);

	entry = (struct hm_entry){ .type = HM_ENTRY_GENESIS };
	entry.genesis.origin = HM_LITERAL("o"); /* keys are no points */
	refuses(&entry);

	entry = (struct hm_entry){ .type = HM_ENTRY_ALARM };
	entry.alarm.order = HM_LITERAL("o");
	entry.alarm.station = HM_LITERAL("s"); /* err is HM_OK */
	refuses(&entry);
	entry.alarm.err = (hm_err)1;
	refuses(&entry);

	entry = (struct hm_entry){ .type = HM_ENTRY_SUCCESSION };
	refuses(&entry); /* no name */

	entry = (struct hm_entry){ .type = HM_ENTRY_OBJECT };
	refuses(&entry); /* empty */
}

static void
refuses_unknown_numbers(void **state)
{
	static const uint8_t type_0[] = { 0xa4, 0, 1, 1, 0, 2, 1, 3, 0x41, 0 };
	static const uint8_t type_11[] = { 0xa4, 0, 1, 1, 11, 2, 1, 3, 0x41,
		0 };
	static const uint8_t object[] = { 0xa4, 0, 1, 1, 2, 2, 1, 3, 0x41, 0 };
	struct hm_entry entry;

	(void)state;
	assert_int_equal(
	    hm_entry_decode(HM_BYTES(type_0), &entry), HM_E_BAD_INPUT);
	assert_int_equal(
	    hm_entry_decode(HM_BYTES(type_11), &entry), HM_E_BAD_INPUT);
	assert_int_equal(hm_entry_decode(HM_BYTES(object), &entry), HM_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_goes_only_where_the_table_says),
		cmocka_unit_test(every_state_has_its_name),
		cmocka_unit_test(refuses_to_write_what_no_reader_takes),
		cmocka_unit_test(refuses_unknown_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
