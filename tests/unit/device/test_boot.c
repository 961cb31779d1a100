/* SPDX-License-Identifier: Apache-2.0 */
/* Which image starts, and what it may say of itself; cuts are in tests/sim. */
#include "board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

hm_verdict __real_hm_image_verify(
    hm_area area, struct hm_image *ret, hm_err *err);
hm_verdict __wrap_hm_image_verify(
    hm_area area, struct hm_image *ret, hm_err *err);

void __wrap_hm_port_boot_jump(const struct hm_image *image);
void __wrap_hm_port_boot_failed(hm_err err);

static struct made v1, v2, factory;
static uint8_t payload[100], scalar[32];
static jmp_buf left;
static struct hm_image started;
static hm_err failed;
static unsigned verifications, no_at; /* this one says NO; 0: none does */

hm_verdict
__wrap_hm_image_verify(hm_area area, struct hm_image *ret, hm_err *err)
{
	hm_verdict verdict = __real_hm_image_verify(area, ret, err);

	return ++verifications == no_at ? HM_VERDICT_NO : verdict;
}

void
__wrap_hm_port_boot_jump(const struct hm_image *image)
{
	started = *image;
	memcpy(board.firmware, image->digest, sizeof(board.firmware));
	longjmp(left, 1);
}

void
__wrap_hm_port_boot_failed(hm_err err)
{
	failed = err;
	longjmp(left, 2);
}

/* What starts: its area; HM_AREA_NONE: nothing does. */
static hm_area
run(void)
{
	nor_power_on();
	verifications = 0;
	switch (setjmp(left)) {
	case 0:
		hm_boot_run();
	case 1:
		hm_journal_reset();
		return started.area;
	default:
		return HM_AREA_NONE;
	}
}

static struct hm_journal
journal_now(void)
{
	struct hm_journal journal;

	assert_int_equal(hm_journal_load(&journal), HM_OK);
	return journal;
}

static void
try_slot_b(void)
{
	struct hm_journal journal = journal_now();

	board_program(HM_AREA_SLOT_B, &v2);
	journal.trial = HM_AREA_SLOT_B;
	assert_int_equal(hm_journal_store(&journal), HM_OK);
}

static int
set_up(void **unused)
{
	struct maker how = { .version = { .major = 1 },
		.counter = 1,
		.payload = HM_BYTES(payload),
		.signer = scalar };

	(void)unused;
	maker_scalar(1, scalar);
	maker_make(&how, &v1);
	how.version.major = 2;
	how.counter = 5;
	maker_make(&how, &v2);
	how.version.major = 3;
	how.role = HM_ROLE_FACTORY;
	maker_make(&how, &factory);
	board_new(&board_chip);
	hm_journal_reset();
	no_at = 0;
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	nor_close();
	return 0;
}

static void
starts_nothing_on_blank_flash(void **unused)
{
	(void)unused;
	assert_int_equal(run(), HM_AREA_NONE);
	assert_int_equal(failed, HM_E_NOT_FOUND);
	assert_int_equal(nor.operations, 0);
}

static void
starts_the_newer_of_two_where_the_journal_is_blank(void **unused)
{
	(void)unused;
	board_program(HM_AREA_SLOT_A, &v1);
	board_program(HM_AREA_SLOT_B, &v2);
	assert_int_equal(run(), HM_AREA_SLOT_B);
	assert_int_equal(journal_now().confirmed, HM_AREA_SLOT_B);
	assert_int_equal(nor.otp->counter, 5);
	/* and from then on changes nothing */
	assert_int_equal(run(), HM_AREA_SLOT_B);
	assert_int_equal(nor.operations, 0);
}

static void
never_starts_what_is_below_the_counter(void **unused)
{
	(void)unused;
	board_runs(HM_AREA_SLOT_A, &v1);
	board_program(HM_AREA_FACTORY, &factory);
	assert_int_equal(run(), HM_AREA_SLOT_A);
	nor.otp->counter = 2;
	assert_int_equal(run(), HM_AREA_FACTORY);
	nor.otp->counter = 6;
	assert_int_equal(run(), HM_AREA_NONE);
	assert_int_equal(failed, HM_E_COUNTER);
}

static void
gives_a_trial_up_after_its_attempts(void **unused)
{
	(void)unused;
	board_runs(HM_AREA_SLOT_A, &v1);
	try_slot_b();
	for (int i = 0; i < HM_BOOT_ATTEMPTS; i++)
		assert_int_equal(run(), HM_AREA_SLOT_B);
	assert_int_equal(nor.otp->counter, 0);
	assert_int_equal(run(), HM_AREA_SLOT_A);
	assert_int_equal(nor.otp->counter, 1);
	assert_int_equal(journal_now().trial, HM_AREA_NONE);
}

static void
keeps_a_trial_that_confirms_itself(void **unused)
{
	(void)unused;
	board_runs(HM_AREA_SLOT_A, &v1);
	assert_int_equal(hm_boot_confirm(), HM_OK); /* nothing to do */
	try_slot_b();
	assert_int_equal(hm_boot_confirm(), HM_OK); /* not started yet */
	assert_int_equal(journal_now().trial, HM_AREA_SLOT_B);
	assert_int_equal(run(), HM_AREA_SLOT_B);
	assert_int_equal(hm_boot_confirm(), HM_OK);
	assert_int_equal(journal_now().confirmed, HM_AREA_SLOT_B);
	assert_int_equal(nor.otp->counter, 5);
	assert_int_equal(hm_boot_reject(), HM_E_WRONG_STATE);
}

static void
takes_no_word_of_an_image_that_is_not_on_trial(void **unused)
{
	(void)unused;
	board_runs(HM_AREA_SLOT_A, &v1);
	try_slot_b();
	assert_int_equal(hm_boot_reject(), HM_E_WRONG_STATE);
	assert_int_equal(run(), HM_AREA_SLOT_B);
	board.firmware[0] ^= 1;
	assert_int_equal(hm_boot_confirm(), HM_E_WRONG_STATE);
	assert_int_equal(hm_boot_reject(), HM_E_WRONG_STATE);
	assert_int_equal(journal_now().trial, HM_AREA_SLOT_B);
	board.firmware[0] ^= 1;
	assert_int_equal(hm_boot_reject(), HM_OK);
	assert_int_equal(run(), HM_AREA_SLOT_A);
}

/* A slot that is being written may verify, and not tomorrow. */
static void
starts_nothing_from_a_slot_that_is_being_written(void **unused)
{
	struct hm_journal journal;

	(void)unused;
	board_program(HM_AREA_SLOT_B, &v2);
	board_program(HM_AREA_FACTORY, &factory);
	journal = journal_now();
	journal.incoming = HM_AREA_SLOT_B;
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	assert_int_equal(run(), HM_AREA_FACTORY);
}

/* The last one is that of hm_boot_run() itself. */
static void
each_verification_counts(void **unused)
{
	unsigned all;

	(void)unused;
	board_runs(HM_AREA_SLOT_A, &v1);
	assert_int_equal(run(), HM_AREA_SLOT_A);
	all = verifications;
	assert_true(all >= 2);
	for (no_at = 1; no_at <= all; no_at++)
		assert_int_equal(run(), HM_AREA_NONE);
}

static void
starts_what_verifies_when_the_journal_is_lost(void **unused)
{
	(void)unused;
	board_runs(HM_AREA_SLOT_A, &v1);
	assert_int_equal(hm_port_flash_erase(HM_AREA_JOURNAL, 0), HM_OK);
	assert_int_equal(hm_port_flash_erase(HM_AREA_JOURNAL, 2048), HM_OK);
	assert_int_equal(run(), HM_AREA_SLOT_A);
	assert_int_equal(journal_now().confirmed, HM_AREA_SLOT_A);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(starts_nothing_on_blank_flash),
		EACH(starts_the_newer_of_two_where_the_journal_is_blank),
		EACH(never_starts_what_is_below_the_counter),
		EACH(gives_a_trial_up_after_its_attempts),
		EACH(keeps_a_trial_that_confirms_itself),
		EACH(takes_no_word_of_an_image_that_is_not_on_trial),
		EACH(starts_nothing_from_a_slot_that_is_being_written),
		EACH(each_verification_counts),
		EACH(starts_what_verifies_when_the_journal_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
