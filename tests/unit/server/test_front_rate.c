/* SPDX-License-Identifier: Apache-2.0 */
/* server/front/rate: shares of a front, to the microsecond */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "server/front/rate.h"

#define SECOND 1000000u

static const uint8_t alice[RATE_KEY_LEN] = { 1 }, bob[RATE_KEY_LEN] = { 2 };
static struct rate rate;

static int
setup(void **state)
{
	(void)state;
	rate = (struct rate){ .per_s = 10 };
	return 0;
}

static unsigned
taken(const uint8_t *key, uint64_t now_us)
{
	unsigned count = 0;

	while (rate_take(&rate, key, now_us) == HM_OK)
		count++;
	return count;
}

static void
gives_twice_its_share_at_once_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(taken(alice, 5 * SECOND), 20);
	assert_int_equal(rate_take(&rate, alice, 5 * SECOND), HM_E_BUSY);
}

static void
fills_up_with_time(void **state)
{
	(void)state;
	assert_int_equal(taken(alice, 5 * SECOND), 20);
	assert_int_equal(taken(alice, 5 * SECOND + 99999), 0);
	assert_int_equal(taken(alice, 5 * SECOND + 100000), 1);
	assert_int_equal(taken(alice, 6 * SECOND + 100000), 10);
	assert_int_equal(taken(alice, 60 * SECOND), 20);
}

static void
keeps_peers_apart(void **state)
{
	(void)state;
	assert_int_equal(taken(alice, 5 * SECOND), 20);
	assert_int_equal(taken(bob, 5 * SECOND), 20);
}

static void
has_no_limit_at_zero(void **state)
{
	(void)state;
	rate.per_s = 0;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(rate_take(&rate, alice, SECOND), HM_OK);
}

static void
forgets_only_the_quiet_when_it_is_full(void **state)
{
	uint8_t other[RATE_KEY_LEN] = { 0 };

	(void)state;
	assert_int_equal(taken(alice, 5 * SECOND), 20);
	for (uint32_t i = 0; i < 4 * RATE_PEERS; i++) {
		hm_put_u32(other, i * 7919 + 3);
		assert_int_equal(
		    rate_take(&rate, other, 5 * SECOND - 2), HM_OK);
	}
	assert_int_equal(taken(alice, 5 * SECOND + 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    gives_twice_its_share_at_once_and_no_more, setup),
		cmocka_unit_test_setup(fills_up_with_time, setup),
		cmocka_unit_test_setup(keeps_peers_apart, setup),
		cmocka_unit_test_setup(has_no_limit_at_zero, setup),
		cmocka_unit_test_setup(
		    forgets_only_the_quiet_when_it_is_full, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
