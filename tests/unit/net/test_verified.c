/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "net/verified.h"

static struct verified *verified;

/* The place is made of the first bytes. */
static const uint8_t *
digest(uint16_t first, uint8_t last)
{
	static uint8_t ret[VERIFIED_DIGEST_LEN];

	memset(ret, 0, sizeof(ret));
	ret[0] = (uint8_t)(first >> 8);
	ret[1] = (uint8_t)first;
	ret[VERIFIED_DIGEST_LEN - 1] = last;
	return ret;
}

static int
set_up(void **state)
{
	(void)state;
	return verified_new(&verified) == HM_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	verified_free(verified);
	return 0;
}

static void
knows_nobody_at_first(void **state)
{
	(void)state;
	for (uint32_t i = 0; i <= UINT16_MAX; i++)
		assert_false(verified_has(verified, digest((uint16_t)i, 0), 0));
	assert_false(verified_has(verified, digest(0, 0), 1000));
}

static void
knows_the_very_certificate_that_was_added(void **state)
{
	(void)state;
	verified_add(verified, digest(7, 1), VALIDITY_EVER);
	assert_true(verified_has(verified, digest(7, 1), 1000));
	assert_false(verified_has(verified, digest(7, 2), 1000));
	assert_false(verified_has(verified, digest(8, 1), 1000));
}

static void
believes_while_the_chain_is_valid(void **state)
{
	(void)state;
	verified_add(verified, digest(7, 1), (struct validity){ 1000, 2000 });
	assert_false(verified_has(verified, digest(7, 1), 999));
	assert_true(verified_has(verified, digest(7, 1), 1000));
	assert_true(verified_has(verified, digest(7, 1), 1999));
	assert_false(verified_has(verified, digest(7, 1), 2000));
}

static void
believes_while_the_lists_are_valid(void **state)
{
	(void)state;
	verified_forget(verified, (struct validity){ 1200, 1500 });
	verified_add(verified, digest(7, 1), (struct validity){ 1000, 2000 });
	assert_false(verified_has(verified, digest(7, 1), 1199));
	assert_true(verified_has(verified, digest(7, 1), 1200));
	assert_true(verified_has(verified, digest(7, 1), 1499));
	assert_false(verified_has(verified, digest(7, 1), 1500));
}

static void
forgets_all_for_a_new_list(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < VERIFIED_PLACES; i++)
		verified_add(verified, digest(i, 1), VALIDITY_EVER);
	verified_forget(verified, VALIDITY_EVER);
	for (uint16_t i = 0; i < VERIFIED_PLACES; i++)
		assert_false(verified_has(verified, digest(i, 1), 1000));
}

static void
has_only_so_many_places(void **state)
{
	uint32_t known = 0;

	(void)state;
	for (uint32_t i = 0; i <= UINT16_MAX; i++)
		verified_add(verified, digest((uint16_t)i, 1), VALIDITY_EVER);
	for (uint32_t i = 0; i <= UINT16_MAX; i++)
		known += verified_has(verified, digest((uint16_t)i, 1), 1000);
	assert_int_equal(known, VERIFIED_PLACES);
	assert_true(verified_has(verified, digest(UINT16_MAX, 1), 1000));
}

static void
is_valid_only_while_both_are(void **state)
{
	struct validity both = VALIDITY_EVER;

	(void)state;
	validity_narrow(&both, (struct validity){ 10, 30 });
	validity_narrow(&both, (struct validity){ 5, 40 });
	assert_int_equal(both.from_s, 10);
	assert_int_equal(both.until_s, 30);
	validity_narrow(&both, (struct validity){ 20, 25 });
	assert_int_equal(both.from_s, 20);
	assert_int_equal(both.until_s, 25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    knows_nobody_at_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    knows_the_very_certificate_that_was_added, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    believes_while_the_chain_is_valid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    believes_while_the_lists_are_valid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    forgets_all_for_a_new_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    has_only_so_many_places, set_up, tear_down),
		cmocka_unit_test(is_valid_only_while_both_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
