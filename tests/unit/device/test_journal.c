/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal alone, power cut at each of its operations, and again at each of
 * those that follow: what was stored to its end is loaded ever after, and what
 * was loaded once is never unsaid.
 */
#include "nor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

#include "hallmark/journal.h"

#define STORES 9 /* of each run; `received` counts them */

static jmp_buf off;

static void
go_off(void)
{
	longjmp(off, 1);
}

/* What the world has seen of the journal: it never goes back. (A store that was
 * cut may show later; see journal.h.) */
static struct {
	uint32_t seen; /* `received`: stored to its end, or loaded */
	uint32_t next; /* the highest that was being stored */
} world;

static void
wake(uint64_t cut_at, nor_tear tear)
{
	nor_power_on();
	nor.cut = go_off;
	nor.cut_at = cut_at;
	nor.tear = tear;
	hm_journal_reset();
}

static struct hm_journal
load(void)
{
	struct hm_journal journal;

	assert_int_equal(hm_journal_load(&journal), HM_OK);
	assert_in_range(journal.received, world.seen, world.next);
	assert_int_equal(journal.announced[31], (uint8_t)journal.received);
	world.seen = journal.received;
	return journal;
}

/* One run, up to its end or to the cut. */
static void
run(void)
{
	struct hm_journal journal = load();

	for (int i = 0; i < STORES; i++) {
		journal.confirmed = HM_AREA_SLOT_A;
		journal.received++;
		journal.announced[31] = (uint8_t)journal.received;
		if (world.next < journal.received)
			world.next = journal.received;
		assert_int_equal(hm_journal_store(&journal), HM_OK);
		world.seen = journal.received;
		if (i == STORES / 2)
			journal = load();
	}
}

/* Was it cut? */
static bool
run_cut(uint64_t at, nor_tear tear)
{
	wake(at, tear);
	if (setjmp(off) != 0)
		return true;
	run();
	return false;
}

static unsigned cuts;

/* Runs, cut at each operation; then again `depth` times. */
static void
sweep(unsigned depth, nor_tear tear, uint64_t step)
{
	const uint32_t seen = world.seen, next = world.next;
	bool more = true;

	for (uint64_t at = 1; more; at += step) {
		nor_mark();
		nor.seed += at;
		more = run_cut(at, tear);
		cuts++;
		if (more && depth > 1)
			sweep(depth - 1, tear, step);
		else if (more)
			(void)run_cut(0, tear);
		for (int day = 0; day < 3; day++) {
			wake(0, tear);
			(void)load();
		}
		nor_rewind();
		nor_unmark();
		world.seen = seen;
		world.next = next;
	}
}

static void
starts_anew(const struct nor_chip *chip, uint64_t seed)
{
	nor_close();
	nor_open(chip);
	nor.seed = seed;
	hm_journal_reset();
	memset(&world, 0, sizeof(world));
}

static void
loses_and_unsays_nothing_wherever_power_goes(void **state)
{
	for (nor_tear tear = NOR_CLEAN; tear <= NOR_LATE; tear++) {
		starts_anew(*state, tear);
		sweep(1, tear, 1);
		/* and where there was something before */
		assert_false(run_cut(0, tear));
		sweep(1, tear, 1);
	}
}

static void
loses_and_unsays_nothing_when_it_goes_three_times(void **state)
{
	const struct nor_chip *chip = *state;
	/* as many steps in a record as units of 8 bytes have */
	const uint64_t scale =
	    chip->areas[0].flash.unit < 8 ? 8 / chip->areas[0].flash.unit : 1;

	cuts = 0;
	for (nor_tear tear = NOR_TORN; tear <= NOR_LATE; tear++) {
		starts_anew(chip, 77u * tear);
		assert_false(run_cut(0, tear));
		sweep(2, tear, 5 * scale);
		sweep(3, tear, 17 * scale);
	}
	print_message("%u cuts\n", cuts);
}

static void
a_blank_journal_is_all_zero(void **state)
{
	static const struct hm_journal zero;
	struct hm_journal journal;

	starts_anew(*state, 1);
	wake(0, NOR_CLEAN);
	assert_int_equal(hm_journal_load(&journal), HM_OK);
	assert_memory_equal(&journal, &zero, sizeof(zero));
	assert_int_equal(nor.operations, 0);
}

static void
keeps_each_field(void **state)
{
	struct hm_journal journal = { .confirmed = HM_AREA_SLOT_A,
		.trial = HM_AREA_SLOT_B,
		.attempts = 2,
		.incoming = HM_AREA_FACTORY,
		.received = 0x12345678,
		.announced = { 1, 2, 3 } };
	struct hm_journal got;

	starts_anew(*state, 1);
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	wake(0, NOR_CLEAN);
	assert_int_equal(hm_journal_load(&got), HM_OK);
	assert_memory_equal(&got, &journal, sizeof(got));
	assert_true(got.sequence > 0);
}

static void
refuses_a_change_of_what_is_not_the_newest(void **state)
{
	struct hm_journal journal = { 0 }, old;

	starts_anew(*state, 1);
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	old = journal;
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	nor.operations = 0;
	assert_int_equal(hm_journal_store(&old), HM_E_WRONG_STATE);
	assert_int_equal(nor.operations, 0);
}

static void
sectors_take_turns_and_are_filled(void **state)
{
	const struct nor_chip *chip = *state;
	struct hm_journal journal = { 0 };
	uint64_t erases;

	starts_anew(chip, 1);
	for (int i = 0; i < 200; i++)
		assert_int_equal(hm_journal_store(&journal), HM_OK);
	erases = nor.erases;
	assert_true(erases <= 1 + 200 / 2);
	if (chip->areas[0].flash.sector >= 4096)
		assert_int_equal(erases, 7);
	assert_int_equal(nor_used(HM_AREA_JOURNAL), 2);
}

static void
says_when_flash_fails(void **state)
{
	struct hm_journal journal = { 0 }, got;

	starts_anew(*state, 1);
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	for (uint64_t at = 1; at <= 3; at++) {
		wake(0, NOR_CLEAN);
		assert_int_equal(hm_journal_load(&journal), HM_OK);
		nor.fail_at = at;
		assert_int_equal(hm_journal_store(&journal), HM_E_IO);
		assert_int_equal(hm_journal_load(&got), HM_OK);
	}
}

#define EACH(test) \
	cmocka_unit_test_prestate(test, (void *)(uintptr_t)&nor_chips[i])

int
main(void)
{
	int failed = 0;

	nor_open(&nor_chips[0]);
	for (size_t i = 0; nor_chips[i].name != NULL; i++) {
		const struct CMUnitTest tests[] = {
			EACH(loses_and_unsays_nothing_wherever_power_goes),
			EACH(loses_and_unsays_nothing_when_it_goes_three_times),
			EACH(a_blank_journal_is_all_zero),
			EACH(keeps_each_field),
			EACH(refuses_a_change_of_what_is_not_the_newest),
			EACH(sectors_take_turns_and_are_filled),
			EACH(says_when_flash_fails),
		};

		failed += cmocka_run_group_tests_name(
		    nor_chips[i].name, tests, NULL, NULL);
	}
	return failed;
}
