/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated flash keeps the rules that the sweeps rely on. */
#include "nor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static jmp_buf off;

static void
go_off(void)
{
	longjmp(off, 1);
}

static hm_err
program(uint32_t at, const void *bytes, size_t len)
{
	return hm_port_flash_program(
	    HM_AREA_JOURNAL, at, (struct hm_bytes){ bytes, len });
}

static hm_err
read_at(uint32_t at, void *ret, size_t len)
{
	return hm_port_flash_read(
	    HM_AREA_JOURNAL, at, (struct hm_span){ ret, len });
}

static const struct nor_chip *
chip_of(void **state)
{
	return *state;
}

static int
set_up(void **state)
{
	nor_open(chip_of(state));
	nor.cut = go_off;
	nor.seed = 1;
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
reads_what_was_programmed_and_forgets_it_when_erased(void **state)
{
	const uint32_t sector = chip_of(state)->areas[0].flash.sector;
	uint8_t bytes[64], got[64], blank[64];

	memset(bytes, 0x5a, sizeof(bytes));
	memset(blank, chip_of(state)->areas[0].flash.erased, sizeof(blank));
	assert_int_equal(program(sector, bytes, sizeof(bytes)), HM_OK);
	assert_int_equal(read_at(sector + 3, got, 61), HM_OK);
	assert_memory_equal(got, bytes, 61);
	assert_int_equal(nor_used(HM_AREA_JOURNAL), 1);
	assert_int_equal(hm_port_flash_erase(HM_AREA_JOURNAL, sector), HM_OK);
	assert_int_equal(read_at(sector, got, sizeof(got)), HM_OK);
	assert_memory_equal(got, blank, sizeof(got));
	assert_int_equal(nor_used(HM_AREA_JOURNAL), 0);
}

/* `call`, with power that goes at its operation `at`. */
static void
cut_in(void (*call)(void), uint64_t at, nor_tear tear)
{
	nor_power_on();
	nor.cut_at = at;
	nor.tear = tear;
	if (setjmp(off) == 0) {
		call();
		fail();
	}
	nor_power_on();
}

/* In a child, for it ends there. Did it? */
static bool
panics(void (*mistake)(void))
{
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		(void)close(STDERR_FILENO);
		mistake();
		_exit(0);
	}
	assert_true(waitpid(child, &status, 0) == child);
	return status != 0;
}

static void
program_twice(void)
{
	uint8_t bytes[32] = { 1 }; /* not what an erased one is */

	assert_int_equal(program(0, bytes, sizeof(bytes)), HM_OK);
	assert_int_equal(program(0, bytes, sizeof(bytes)), HM_OK);
}

static void
erase_within_a_sector(void)
{
	assert_int_equal(hm_port_flash_erase(HM_AREA_JOURNAL, 32), HM_OK);
}

static void
read_beyond_the_end(void)
{
	uint8_t bytes[32];

	(void)read_at(nor_chips[1].areas[0].flash.size, bytes, 1);
}

static void
stops_whoever_breaks_the_rules(void **unused)
{
	(void)unused;
	assert_true(panics(program_twice));
	assert_true(panics(erase_within_a_sector));
	assert_true(panics(read_beyond_the_end));
}

static void
program_64(void)
{
	static const uint8_t bytes[64] = { 1, 2, 3, 4, 5 };

	assert_int_equal(program(0, bytes, sizeof(bytes)), HM_OK);
}

static void
erase_first(void)
{
	assert_int_equal(hm_port_flash_erase(HM_AREA_JOURNAL, 0), HM_OK);
}

static void
add_row_0(void)
{
	static const uint8_t hash[32] = { 7 };

	assert_int_equal(hm_port_boot_key_add(0, hash), HM_OK);
}

/* What is read of a unit that was cut, twice on two days each. */
static void
cut_program(
    nor_tear tear, uint32_t unit, uint8_t ret[static 4][HM_FLASH_UNIT_MAX])
{
	erase_first();
	cut_in(program_64, 2, tear);
	for (int i = 0; i < 4; i++) {
		if (i % 2 == 0)
			nor_power_on();
		memset(ret[i], 0, HM_FLASH_UNIT_MAX);
		if (read_at(unit, ret[i], unit) != HM_OK)
			memset(ret[i], 0xec, HM_FLASH_UNIT_MAX);
	}
}

static void
cuts_as_it_was_told(void **state)
{
	const uint32_t unit = chip_of(state)->areas[0].flash.unit;
	uint8_t got[4][HM_FLASH_UNIT_MAX], first[HM_FLASH_UNIT_MAX];
	unsigned differ[NOR_TEARS][2] = { { 0 } };

	for (size_t i = 0; i < NOR_TEARS * 64; i++) {
		nor_tear tear = (nor_tear)(i % NOR_TEARS);

		cut_program(tear, unit, got);
		assert_int_equal(nor.operations, 0);
		assert_int_equal(read_at(0, first, 1), HM_OK);
		assert_int_equal(first[0], 1);
		assert_int_equal(read_at(2 * unit, first, 1), HM_OK);
		assert_int_equal(
		    first[0], chip_of(state)->areas[0].flash.erased);
		differ[tear][0] += memcmp(got[0], got[1], unit) != 0;
		differ[tear][1] += memcmp(got[0], got[2], unit) != 0;
	}
	assert_int_equal(differ[NOR_CLEAN][1], 0);
	assert_int_equal(differ[NOR_TORN][0] + differ[NOR_TORN][1], 0);
	assert_int_equal(differ[NOR_DAILY][0], 0);
	assert_true(differ[NOR_DAILY][1] > 16);
	assert_true(differ[NOR_LATE][0] > 16);
}

static void
what_was_not_erased_to_the_end_is_not_relied_on(void **unused)
{
	uint8_t bytes[64], got[64];
	unsigned lost = 0;

	(void)unused;
	memset(bytes, 0x5a, sizeof(bytes));
	for (int i = 0; i < 32; i++) {
		cut_in(erase_first, 1, NOR_TORN);
		assert_int_equal(program(0, bytes, sizeof(bytes)), HM_OK);
		lost += read_at(0, got, sizeof(got)) != HM_OK ||
			memcmp(got, bytes, sizeof(got)) != 0;
	}
	assert_true(lost > 16);
}

static void
what_cannot_be_seen_is_not_relied_on(void **state)
{
	const struct hm_flash *flash = &chip_of(state)->areas[0].flash;
	uint8_t bytes[64], blank[64], got[64];
	unsigned lost = 0;

	memset(bytes, 0x5a, sizeof(bytes));
	memset(blank, flash->erased, sizeof(blank));
	for (int i = 0; i < 32; i++) {
		erase_first();
		assert_int_equal(program(0, blank, sizeof(blank)), HM_OK);
		assert_int_equal(read_at(0, got, sizeof(got)), HM_OK);
		assert_memory_equal(got, blank, sizeof(got));
		assert_int_equal(program(0, bytes, sizeof(bytes)), HM_OK);
		lost += read_at(0, got, sizeof(got)) != HM_OK ||
			memcmp(got, bytes, sizeof(got)) != 0;
	}
	assert_true(lost > 16);
}

static void
goes_back_to_each_mark(void **unused)
{
	uint8_t bytes[32], got[32];
	uint64_t operations;

	(void)unused;
	memset(bytes, 0x11, sizeof(bytes));
	assert_int_equal(program(0, bytes, 32), HM_OK);
	nor_mark();
	operations = nor.operations;
	assert_int_equal(program(32, bytes, 32), HM_OK);
	nor_mark();
	assert_int_equal(hm_port_flash_erase(HM_AREA_JOURNAL, 0), HM_OK);
	assert_int_equal(hm_port_counter_raise(9), HM_OK);
	nor_rewind();
	assert_int_equal(read_at(32, got, 32), HM_OK);
	assert_memory_equal(got, bytes, 32);
	assert_int_equal(nor.otp->counter, 0);
	assert_int_equal(hm_port_flash_erase(HM_AREA_JOURNAL, 0), HM_OK);
	nor_unmark();
	nor_rewind();
	assert_int_equal(nor.operations, operations);
	assert_int_equal(read_at(0, got, 32), HM_OK);
	assert_memory_equal(got, bytes, 32);
	/* this is erased, and sound: it was not programmed at that time */
	assert_int_equal(program(32, bytes, 32), HM_OK);
	nor_unmark();
}

static void
otp_goes_one_way_and_a_cut_row_is_dead_or_not(void **unused)
{
	uint8_t got[32];
	unsigned dead = 0, whole = 0;

	(void)unused;
	assert_int_equal(hm_port_lock_raise(HM_LOCK_CLOSED), HM_OK);
	assert_int_equal(hm_port_lock_raise(HM_LOCK_OPEN), HM_E_WRONG_STATE);
	assert_int_equal(hm_port_counter_raise(8), HM_OK);
	assert_int_equal(hm_port_counter_raise(3), HM_OK);
	assert_int_equal(nor.otp->counter, 8);
	for (int i = 0; i < 64; i++) {
		memset(&nor.otp->keys[0], 0, sizeof(nor.otp->keys[0]));
		cut_in(add_row_0, 1, NOR_TORN);
		dead += hm_port_boot_key(0, got) == HM_E_KEY;
		whole += hm_port_boot_key(0, got) == HM_OK;
	}
	assert_true(dead > 4 && whole > 4 && dead + whole < 60);
	assert_int_equal(hm_port_boot_key_revoke(0), HM_OK);
	assert_int_equal(hm_port_boot_key(0, got), HM_E_KEY);
}

static void
a_file_keeps_the_chip(void **state)
{
	char path[] = "/tmp/nor-XXXXXX";
	const uint8_t bytes[32] = { 3, 1, 4 };
	uint8_t got[32];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	(void)close(fd);
	nor_close();
	assert_int_equal(nor_open_file(chip_of(state), path), HM_OK);
	assert_int_equal(program(0, bytes, 32), HM_OK);
	assert_int_equal(hm_port_counter_raise(5), HM_OK);
	nor_close();
	assert_int_equal(nor_open_file(chip_of(state), path), HM_OK);
	assert_int_equal(read_at(0, got, 32), HM_OK);
	assert_memory_equal(got, bytes, 32);
	assert_int_equal(nor.otp->counter, 5);
	nor_close();
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(nor_open_file(chip_of(state), path), HM_E_IO);
	(void)unlink(path);
	nor_open(chip_of(state)); /* for tear_down */
}

#define EACH(test, chip)                                                  \
	{                                                                 \
#test, test, set_up, tear_down, (void *)(uintptr_t)(chip) \
	}

static int
run(const struct nor_chip *chip)
{
	const struct CMUnitTest tests[] = {
		EACH(
		    reads_what_was_programmed_and_forgets_it_when_erased, chip),
		EACH(stops_whoever_breaks_the_rules, chip),
		EACH(cuts_as_it_was_told, chip),
		EACH(what_was_not_erased_to_the_end_is_not_relied_on, chip),
		EACH(what_cannot_be_seen_is_not_relied_on, chip),
		EACH(goes_back_to_each_mark, chip),
		EACH(otp_goes_one_way_and_a_cut_row_is_dead_or_not, chip),
		EACH(a_file_keeps_the_chip, chip),
	};

	return cmocka_run_group_tests_name(chip->name, tests, NULL, NULL);
}

int
main(void)
{
	int failed = 0;

	for (size_t i = 0; nor_chips[i].name != NULL; i++)
		failed += run(&nor_chips[i]);
	return failed;
}
