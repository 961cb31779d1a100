/* SPDX-License-Identifier: Apache-2.0 */
#include "memport.h"

#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hallmark/crypto.h"

static const uint8_t no_key[65];
static struct memrecord *const record = &chip.records[HM_RECORD_IDENTITY];

static int
fresh(void **unused)
{
	(void)unused;
	memport_reset(1, no_key);
	return 0;
}

static void
makes_a_key_once(void **unused)
{
	uint8_t first[65], again[65];

	(void)unused;
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_OK);
	assert_int_equal(hm_port_key_public(HM_KEY_IDENTITY, first), HM_OK);
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_OK);
	assert_int_equal(hm_port_key_public(HM_KEY_IDENTITY, again), HM_OK);
	assert_memory_equal(first, again, 65);
	assert_int_equal(chip.writes, 1);
}

static void
signs_and_agrees_with_the_key_that_it_tells(void **unused)
{
	uint8_t own[65], other[65], digest[32] = { 5 }, signature[64];
	uint8_t scalar[32] = { 7 }, here[32], there[32];

	(void)unused;
	assert_int_equal(hm_port_key_make(HM_KEY_KEM), HM_OK);
	assert_int_equal(hm_port_key_public(HM_KEY_KEM, own), HM_OK);
	assert_int_equal(
	    hm_port_key_sign(HM_KEY_KEM, digest, signature), HM_OK);
	assert_int_equal(
	    hm_p256_verify(own, digest, signature), HM_VERDICT_YES);
	assert_int_equal(hm_p256_public(scalar, other), HM_OK);
	assert_int_equal(hm_port_key_agree(HM_KEY_KEM, other, here), HM_OK);
	assert_int_equal(hm_p256_agree(scalar, own, there), HM_OK);
	assert_memory_equal(here, there, 32);
	other[64] ^= 1;
	assert_int_equal(hm_port_key_agree(HM_KEY_KEM, other, here), HM_E_KEY);
}

/* Every use of a key, which all fail alike. */
static void
assert_unusable(void)
{
	uint8_t point[65] = { 4 }, digest[32] = { 5 }, out[64];

	assert_int_equal(
	    hm_port_key_public(HM_KEY_IDENTITY, point), HM_E_STORAGE);
	assert_int_equal(
	    hm_port_key_sign(HM_KEY_IDENTITY, digest, out), HM_E_STORAGE);
}

static void
has_no_key_before_it_is_made(void **unused)
{
	uint8_t point[65] = { 4 }, out[32];

	(void)unused;
	assert_unusable();
	assert_int_equal(
	    hm_port_key_agree(HM_KEY_IDENTITY, point, out), HM_E_STORAGE);
}

static void
never_makes_a_new_key_over_a_damaged_one(void **unused)
{
	(void)unused;
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_OK);
	record->len = 31;
	assert_unusable();
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_E_STORAGE);
	record->len = 32;
	memset(record->bytes, 0, 32);
	assert_unusable();
	chip.fail_read = true;
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_E_STORAGE);
	assert_int_equal(chip.writes, 1);
}

static void
uses_a_key_of_before_that_has_no_point_beside_it(void **unused)
{
	uint8_t own[65], again[65];

	(void)unused;
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_OK);
	assert_int_equal(record->len, 97);
	assert_int_equal(hm_port_key_public(HM_KEY_IDENTITY, own), HM_OK);
	record->len = 32;
	assert_int_equal(hm_port_key_public(HM_KEY_IDENTITY, again), HM_OK);
	assert_memory_equal(own, again, 65);
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_OK);
	assert_int_equal(chip.writes, 1);
}

static void
refuses_random_numbers_that_are_none(void **unused)
{
	(void)unused;
	chip.stuck_random = true;
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_E_NO_ENTROPY);
	chip.stuck_random = false;
	chip.fail_random = true;
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_E_NO_ENTROPY);
	assert_false(record->there);
}

static void
says_when_a_key_cannot_be_stored(void **unused)
{
	(void)unused;
	chip.fail_at = 1;
	assert_int_equal(hm_port_key_make(HM_KEY_IDENTITY), HM_E_STORAGE);
	assert_false(record->there);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(makes_a_key_once, fresh),
		cmocka_unit_test_setup(
		    signs_and_agrees_with_the_key_that_it_tells, fresh),
		cmocka_unit_test_setup(has_no_key_before_it_is_made, fresh),
		cmocka_unit_test_setup(
		    never_makes_a_new_key_over_a_damaged_one, fresh),
		cmocka_unit_test_setup(
		    uses_a_key_of_before_that_has_no_point_beside_it, fresh),
		cmocka_unit_test_setup(
		    refuses_random_numbers_that_are_none, fresh),
		cmocka_unit_test_setup(says_when_a_key_cannot_be_stored, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
