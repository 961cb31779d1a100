/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: it goes on where it was, or says why it does not */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "plant.h"

static int
setup(void **state)
{
	static struct plant plant;

	plant_new(&plant, 4);
	*state = &plant;
	return 0;
}

static int
teardown(void **state)
{
	plant_done(*state);
	return 0;
}

#define CHIP(name, number)           \
	AUTO(chip) struct chip name; \
	chip_new(&name, plant, number)
#define SAID(name) AUTO(said) struct said name = { 0 }

static void
copy(struct plant *plant, const char *from, const char *to)
{
	AUTO(buf) struct buf content = { 0 };
	char path[160];

	buf_init(&content, 1 << 26);
	snprintf(path, sizeof(path), "%s/%s", plant->folder, from);
	assert_int_equal(file_read(path, 1 << 26, &content, NULL), HM_OK);
	snprintf(path, sizeof(path), "%s/%s", plant->folder, to);
	assert_int_equal(
	    file_write(path, buf_bytes(&content), 0600, NULL), HM_OK);
}

/* Flip a bit of a file in the folder. */
static void
damage(struct plant *plant, const char *name, size_t at)
{
	AUTO(buf) struct buf content = { 0 };
	char path[160];

	buf_init(&content, 1 << 20);
	snprintf(path, sizeof(path), "%s/%s", plant->folder, name);
	assert_int_equal(file_read(path, 1 << 20, &content, NULL), HM_OK);
	assert_true(at < content.len);
	content.ptr[at] ^= 1;
	assert_int_equal(
	    file_write(path, buf_bytes(&content), 0600, NULL), HM_OK);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
make_device(struct plant *plant, uint32_t number)
{
	CHIP(chip, number);
	SAID(said);

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	plant_settle(plant);
}

/* It does not open, and says so in words. */
static void
assert_closed(struct plant *plant, hm_err err, const char *words)
{
	struct why why = { 0 };

	assert_int_equal(plant_reopen(plant, &why), err);
	assert_null(plant->keeper);
	assert_non_null(strstr(why.text, words));
}

static void
goes_on_after_a_restart(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(issued);
	SAID(receipt);

	make_device(plant, 9);
	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(plant_counts(plant, "PO-1").used, 2);
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &receipt), HM_OK);
	assert_int_equal(plant_verify(plant, &receipt), HM_OK);
	make_device(plant, 10);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), 3);
	assert_int_equal(plant_audit(plant, HM_ENTRY_GENESIS), 1);
}

static void
writes_the_files_of_the_ledger_again(void **state)
{
	struct plant *plant = *state;
	char ledger[96];

	make_device(plant, 1);
	snprintf(ledger, sizeof(ledger), "%s/ledger", plant->folder);
	plant_close(plant);
	assert_int_equal(nftw(ledger, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), 1);
}

static void
removes_what_a_kill_left_half_written(void **state)
{
	static const char *const names[] = { ".x.tmp-0102030405ff",
		"ledger/.checkpoint.tmp-0102030405ff",
		"ledger/tile/0/.000.tmp-0102030405ff" };
	struct plant *plant = *state;
	char path[160];

	make_device(plant, 1);
	for (size_t i = 0; i < 3; i++)
		copy(plant, "ledger/checkpoint", names[i]);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", plant->folder, names[i]);
		assert_false(file_exists(path));
	}
}

static void
lets_one_keeper_into_the_folder(void **state)
{
	struct plant *plant = *state;
	struct keeper_config config = { .state = plant->folder,
		.signer = play_link(&plant->play) };
	struct keeper *second = NULL;
	struct why why = { 0 };

	p256_pair_point(plant->play.authority, config.authority);
	assert_int_equal(keeper_open(&config, T0, &second, &why), HM_E_BUSY);
	assert_null(second);
	assert_non_null(strstr(why.where, "lock"));
}

static void
refuses_a_database_that_is_older_than_the_ledger(void **state)
{
	struct plant *plant = *state;

	plant_settle(plant);
	plant_close(plant);
	copy(plant, "hallmark.db", "yesterday");
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	make_device(plant, 1);
	plant_close(plant);
	copy(plant, "yesterday", "hallmark.db");
	assert_closed(plant, HM_E_LOG_ROLLBACK, "the database only");
}

static void
refuses_a_database_older_than_the_published_checkpoint(void **state)
{
	struct plant *plant = *state;
	char tiles[96];

	plant_settle(plant);
	plant_close(plant);
	copy(plant, "hallmark.db", "yesterday");
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	make_device(plant, 1);
	plant_close(plant);
	copy(plant, "yesterday", "hallmark.db");
	/* Even if the tiles are taken away with it. */
	snprintf(tiles, sizeof(tiles), "%s/ledger/tile", plant->folder);
	assert_int_equal(nftw(tiles, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_not_equal(plant_reopen(plant, NULL), HM_OK);
}

static void
refuses_a_ledger_that_differs(void **state)
{
	struct plant *plant = *state;
	char name[96];
	unsigned size;

	make_device(plant, 1);
	size = (unsigned)plant_size(plant);
	plant_close(plant);
	snprintf(name, sizeof(name), "ledger/tile/entries/000.p/%u", size);
	damage(plant, name, 40);
	assert_int_equal(plant_reopen(plant, NULL), HM_E_LOG);
	damage(plant, name, 40);
	damage(plant, "ledger/checkpoint", 60);
	assert_int_not_equal(plant_reopen(plant, NULL), HM_OK);
	damage(plant, "ledger/checkpoint", 60);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
}

static void
refuses_a_signer_with_other_keys(void **state)
{
	struct plant *plant = *state;
	struct p256_pair *authority = plant->play.authority;
	struct p256_pair *stamp = plant->play.stamp;
	struct note_key log = plant->play.log;

	plant_settle(plant);
	assert_int_equal(p256_pair_new(&plant->play.stamp), HM_OK);
	assert_closed(plant, HM_E_KEY, "stamp key");
	p256_pair_free(plant->play.stamp);
	plant->play.stamp = stamp;

	plant->play.log.key[3] ^= 1;
	assert_closed(plant, HM_E_LOG, "not signed by this log's key");
	plant->play.log = log;

	plant->play.authority = plant->planner;
	assert_closed(plant, HM_E_KEY, "authority");
	plant->play.authority = authority;
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
}

static void
says_that_the_signer_does_not_answer(void **state)
{
	struct plant *plant = *state;

	plant->play.drop = 1;
	assert_closed(plant, HM_E_TIMEOUT, "does not answer");
	plant->play.drop = 0;
	plant->play.fail_load = HM_E_TOKEN_GONE;
	assert_closed(plant, HM_E_TOKEN_GONE, "stored object");
	plant->play.fail_load = HM_OK;
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
}

static void
gives_the_signer_the_time_that_it_was_told(void **state)
{
	struct plant *plant = *state;
	const uint64_t told_us = 600000000;
	uint64_t before_us;

	plant->sign_ms = 600000;
	before_us = clock_mono_us();
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_in_range(plant->play.deadline_us, before_us + told_us,
	    clock_mono_us() + told_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goes_on_after_a_restart),
		TEST(writes_the_files_of_the_ledger_again),
		TEST(removes_what_a_kill_left_half_written),
		TEST(lets_one_keeper_into_the_folder),
		TEST(refuses_a_database_that_is_older_than_the_ledger),
		TEST(refuses_a_database_older_than_the_published_checkpoint),
		TEST(refuses_a_ledger_that_differs),
		TEST(refuses_a_signer_with_other_keys),
		TEST(says_that_the_signer_does_not_answer),
		TEST(gives_the_signer_the_time_that_it_was_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
