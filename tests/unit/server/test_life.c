/* SPDX-License-Identifier: Apache-2.0 */
/* server/life: the line between the parent and a process of its */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <unistd.h>

#include "base/process.h"
#include "server/life.h"

static int ends[2]; /* the parent's, the child's */

static int
setup(void **state)
{
	(void)state;
	return channel_pair(ends, NULL) != HM_OK;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return 0;
}

static void
hang_up(size_t i)
{
	close(ends[i]);
	ends[i] = -1;
}

static void
brings_a_child_what_it_starts_with(void **state)
{
	struct secret with = { 0 };

	(void)state;
	assert_int_equal(life_go(ends[0], HM_LITERAL("a PIN")), HM_OK);
	assert_int_equal(life_await(ends[1], &with), HM_OK);
	assert_int_equal(with.len, 5);
	assert_memory_equal(with.bytes, "a PIN", 5);
	assert_int_equal(life_poll(ends[0]), LIFE_NOTHING);
	assert_int_equal(life_ready(ends[1]), HM_OK);
	assert_int_equal(life_poll(ends[0]), LIFE_READY);
	assert_int_equal(life_poll(ends[0]), LIFE_NOTHING);
}

static void
starts_a_child_that_needs_nothing(void **state)
{
	struct secret with = { 0 };

	(void)state;
	assert_int_equal(life_go(ends[0], (struct hm_bytes){ 0 }), HM_OK);
	assert_int_equal(life_await(ends[1], &with), HM_OK);
	assert_int_equal(with.len, 0);
}

static void
tells_a_child_to_stop(void **state)
{
	(void)state;
	assert_int_equal(life_poll(ends[1]), LIFE_NOTHING);
	life_stop(ends[0]);
	assert_int_equal(life_poll(ends[1]), LIFE_STOP);
	assert_int_equal(life_poll(ends[1]), LIFE_NOTHING);
}

static void
notices_that_the_other_side_is_dead(void **state)
{
	struct secret with = { 0 };

	(void)state;
	hang_up(0);
	assert_int_equal(life_poll(ends[1]), LIFE_GONE);
	assert_int_equal(life_await(ends[1], &with), HM_E_WORKER);
	assert_int_equal(with.len, 0);
	assert_int_equal(life_ready(ends[1]), HM_E_WORKER);
}

static void
goes_on_when_a_child_is_dead(void **state)
{
	(void)state;
	hang_up(1);
	assert_int_equal(life_go(ends[0], (struct hm_bytes){ 0 }), HM_E_WORKER);
	life_stop(ends[0]); /* no signal, no end */
	assert_int_equal(life_poll(ends[0]), LIFE_GONE);
}

static void
takes_no_other_word_for_a_start(void **state)
{
	struct secret with = { 0 };

	(void)state;
	assert_int_equal(
	    channel_send(ends[0], HM_LITERAL("Xx"), 0, NULL), HM_OK);
	assert_int_equal(life_await(ends[1], &with), HM_E_BAD_INPUT);
	assert_int_equal(with.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(brings_a_child_what_it_starts_with),
		TEST(starts_a_child_that_needs_nothing),
		TEST(tells_a_child_to_stop),
		TEST(notices_that_the_other_side_is_dead),
		TEST(goes_on_when_a_child_is_dead),
		TEST(takes_no_other_word_for_a_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
