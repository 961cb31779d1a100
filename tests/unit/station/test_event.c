/* SPDX-License-Identifier: Apache-2.0 */
/* station/event: the line believes no struct of a slot */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "station/event.h"

static const struct station_event good = { .slot = 3,
	.state = UNIT_HOLD,
	.step = STEP_DONE,
	.err = 4711,
	.resumed = true,
	.serial = "SN-0001" };

/* The bytes of `good` with some others at an offset. */
static bool
reads_with(size_t offset, const void *bytes, size_t len)
{
	uint8_t message[sizeof(good)];
	struct station_event event = { .slot = 77 };
	bool ok;

	memcpy(message, &good, sizeof(good));
	memcpy(message + offset, bytes, len);
	ok = station_event_read(HM_BYTES(message), 3, &event);
	assert_int_equal(event.slot, ok ? 3 : 77);
	return ok;
}

#define WITH(field, value) \
	reads_with(        \
	    offsetof(struct station_event, field), &(value), sizeof(value))

static void
takes_an_event_as_it_was_sent(void **state)
{
	uint8_t message[sizeof(good)];
	struct station_event event;

	(void)state;
	memcpy(message, &good, sizeof(good));
	assert_true(station_event_read(HM_BYTES(message), 3, &event));
	assert_memory_equal(&event, &good, sizeof(good));
}

static void
refuses_lengths_and_slots_that_are_not_its_own(void **state)
{
	uint8_t message[sizeof(good)];
	struct station_event event;

	(void)state;
	memcpy(message, &good, sizeof(good));
	assert_false(station_event_read(HM_BYTES(message), 2, &event));
	for (size_t len = 0; len < sizeof(good); len++)
		assert_false(station_event_read(
		    (struct hm_bytes){ message, len }, 3, &event));
}

static void
refuses_numbers_beyond_their_names(void **state)
{
	uint32_t number = UNIT_HOLD + 1;
	uint8_t two = 2;

	(void)state;
	assert_false(WITH(state, number));
	number = STEP_COUNT;
	assert_false(WITH(step, number));
	number = UINT32_MAX;
	assert_false(WITH(state, number));
	assert_false(WITH(step, number));
	assert_false(WITH(resumed, two));
	assert_true(WITH(err, number)); /* words are looked up */
}

static void
refuses_serial_numbers_that_do_not_end_or_are_not_shown(void **state)
{
	char serial[HM_SERIAL_MAX + 1] = "SN\033[2J";

	(void)state;
	assert_false(WITH(serial, serial));
	memset(serial, 'x', sizeof(serial));
	assert_false(WITH(serial, serial));
	serial[HM_SERIAL_MAX] = 0;
	assert_true(WITH(serial, serial));
	serial[0] = 0;
	assert_true(WITH(serial, serial));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_an_event_as_it_was_sent),
		cmocka_unit_test(
		    refuses_lengths_and_slots_that_are_not_its_own),
		cmocka_unit_test(refuses_numbers_beyond_their_names),
		cmocka_unit_test(
		    refuses_serial_numbers_that_do_not_end_or_are_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
