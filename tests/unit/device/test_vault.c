/* SPDX-License-Identifier: Apache-2.0 */
/* The vault on simulated flash of each geometry; power cuts are in tests/sim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hallmark/vault.h"
#include "memport.h"
#include "nor_store.h"
#include "vault_scan.h"

#define CANARY "a canary that never is in the clear"
#define ROOM (HM_LINK_MAX + 1)

hm_err __real_hm_port_flash_erase(hm_area area, uint32_t at);
hm_err __wrap_hm_port_flash_erase(hm_area area, uint32_t at);

static uint8_t room[ROOM];
static unsigned erased[1024]; /* times, of each sector of the vault */

hm_err
__wrap_hm_port_flash_erase(hm_area area, uint32_t at)
{
	struct hm_flash flash;

	assert_int_equal(area, HM_AREA_VAULT);
	assert_int_equal(hm_port_flash(area, &flash), HM_OK);
	erased[at / flash.sector]++;
	return __real_hm_port_flash_erase(area, at);
}

static void
power_is_not_cut_here(void)
{
	fail();
}

static void
start(const struct nor_chip *of)
{
	static const uint8_t point[65];

	memport_reset(1, point);
	nor_open(of);
	nor.cut = power_is_not_cut_here;
	memset(erased, 0, sizeof(erased));
	assert_int_equal(hm_vault_init(), HM_OK);
}

static void
restart(void)
{
	nor_power_on();
	assert_int_equal(hm_vault_init(), HM_OK);
}

static struct nor_plane *
plane(void)
{
	return store_find(HM_AREA_VAULT);
}

/* Bytes that change behind the vault's back: nor_rewind brings them back, and
 * an erase sees that there is something. */
static uint8_t *
meddle(uint32_t at, uint32_t len)
{
	const uint32_t unit = plane()->flash.unit;

	store_touch(plane(), at, len);
	memset(plane()->states + at / unit, 1, (len + unit - 1) / unit);
	return plane()->is + at;
}

/* `len` bytes that say which record and version they are. */
static struct hm_bytes
content(hm_record record, unsigned version, size_t len)
{
	static uint8_t bytes[ROOM];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + record * 31u + version * 101);
	return (struct hm_bytes){ bytes, len };
}

static void
put(hm_record record, unsigned version, size_t len)
{
	assert_int_equal(
	    hm_port_store_write(record, content(record, version, len)), HM_OK);
}

static void
assert_holds(hm_record record, unsigned version, size_t len)
{
	size_t got = 4711;

	assert_int_equal(hm_port_store_read(record,
			     (struct hm_span){ room, sizeof(room) }, &got),
	    HM_OK);
	assert_int_equal(got, len);
	assert_memory_equal(room, content(record, version, len).ptr, len);
}

static void
assert_absent(hm_record record)
{
	size_t got = 0;

	assert_int_equal(hm_port_store_read(record,
			     (struct hm_span){ room, sizeof(room) }, &got),
	    HM_E_NOT_FOUND);
}

static bool
area_has(const void *bytes, size_t len)
{
	return memmem(plane()->is, plane()->flash.size, bytes, len) != NULL;
}

#define EACH_CHIP(of) \
	for (const struct nor_chip *of = nor_chips; of->name != NULL; of++)

static void
does_nothing_on_erased_flash(void **unused)
{
	(void)unused;
	EACH_CHIP(of)
	{
		start(of);
		assert_int_equal(nor.total, 0);
		for (int i = 1; i <= HM_RECORD_COUNT; i++)
			assert_absent((hm_record)i);
		assert_int_equal(nor.total, 0);
		nor_close();
	}
}

static void
keeps_records_of_every_length_over_starts(void **unused)
{
	static const size_t lens[] = { 0, 1, 32, 239, 240, 241, 480, 4080 };

	(void)unused;
	EACH_CHIP(of)
	{
		start(of);
		for (unsigned i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
			hm_record record = (hm_record)(1 + i % HM_RECORD_COUNT);

			put(record, i, lens[i]);
			assert_holds(record, i, lens[i]);
			if (i % 3 == 0)
				restart();
			assert_holds(record, i, lens[i]);
		}
		nor_close();
	}
}

static void
holds_every_record_at_its_maximum(void **unused)
{
	static const size_t lens[] = { 0, 1024, 32, 32, HM_SEALED_MAX,
		HM_STAMP_MAX, HM_LINK_MAX };
	const struct nor_chip large = { .name = "94 KiB, 32",
		.areas = {
		    { HM_AREA_VAULT, { 2 * 47 * 1024, 1024, 32, 0xff } } } };
	uint32_t sum = HM_VAULT_RECORD(0);

	(void)unused;
	for (int i = 1; i <= HM_RECORD_COUNT; i++)
		sum += HM_VAULT_RECORD((uint32_t)lens[i]);
	assert_true(sum <= 47 * 1024);
	start(&large);
	for (unsigned round = 0; round < 3; round++) {
		for (int i = 1; i <= HM_RECORD_COUNT; i++)
			put((hm_record)i, round, lens[i]);
		restart();
		for (int i = 1; i <= HM_RECORD_COUNT; i++)
			assert_holds((hm_record)i, round, lens[i]);
	}
	nor_close();
}

static void
refuses_what_does_not_fit_and_changes_nothing(void **unused)
{
	const struct nor_chip small = { .name = "2 x 1 KiB",
		.areas = { { HM_AREA_VAULT, { 2048, 1024, 8, 0xff } } } };
	size_t got;

	(void)unused;
	start(&small);
	assert_true(hm_vault_room() < 1024 && hm_vault_room() > 900);
	put(HM_RECORD_KEM, 1, 32);
	put(HM_RECORD_SECRETS, 1, 400);
	for (int i = 0; i < 2; i++) {
		uint64_t before = nor.total;

		assert_int_equal(hm_port_store_write(HM_RECORD_STAMP,
				     content(HM_RECORD_STAMP, 1, 500)),
		    HM_E_STORAGE);
		assert_int_equal(nor.total, before);
		assert_holds(HM_RECORD_KEM, 1, 32);
		assert_holds(HM_RECORD_SECRETS, 1, 400);
		assert_absent(HM_RECORD_STAMP);
		restart();
	}
	assert_int_equal(hm_port_store_write(HM_RECORD_STAMP,
			     (struct hm_bytes){ room, HM_LINK_MAX + 1 }),
	    HM_E_STORAGE);
	assert_int_equal(hm_port_store_read(HM_RECORD_SECRETS,
			     (struct hm_span){ room, 399 }, &got),
	    HM_E_NO_ROOM);
	nor_close();
}

static void
the_size_of_a_record_is_no_more_than_the_header_says(void **unused)
{
	struct vault_area area;

	(void)unused;
	EACH_CHIP(of)
	{
		start(of);
		assert_int_equal(vault_area_open(&area), HM_OK);
		for (uint32_t len = 0; len <= HM_LINK_MAX; len += 13)
			assert_true(vault_entry_size(&area, len) <=
				    HM_VAULT_RECORD(len));
		nor_close();
	}
}

static void
refuses_other_geometries_and_records(void **unused)
{
	static const struct hm_flash wrong[] = { { 1024, 1024, 8, 0xff },
		{ 4096, 0, 8, 0xff }, { 4096, 1024, 3, 0xff },
		{ 4096, 1024, 64, 0xff }, { 4096, 1025, 8, 0xff },
		{ 4096, 1024, 0, 0xff } };
	struct hm_flash right;
	size_t got;

	(void)unused;
	start(&nor_chips[0]);
	right = plane()->flash;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		plane()->flash = wrong[i];
		assert_int_equal(hm_vault_init(), HM_E_STORAGE);
		assert_int_equal(hm_vault_room(), 0);
		assert_int_equal(
		    hm_port_store_write(HM_RECORD_KEM, HM_LITERAL("x")),
		    HM_E_STORAGE);
		assert_int_equal(
		    hm_port_store_read(HM_RECORD_KEM,
			(struct hm_span){ room, sizeof(room) }, &got),
		    HM_E_STORAGE);
	}
	plane()->flash = right;
	restart();
	for (int i = 0; i < 9; i += HM_RECORD_COUNT + 1)
		assert_int_equal(
		    hm_port_store_write((hm_record)i, HM_LITERAL("x")),
		    HM_E_STORAGE);
	nor_close();
}

static void
says_so_when_its_port_fails_and_keeps_the_old(void **unused)
{
	bool *const flags[] = { &chip.fail_random, &chip.fail_derive };

	(void)unused;
	start(&nor_chips[0]);
	put(HM_RECORD_KEM, 1, 32);
	for (size_t i = 0; i < 4; i++) {
		*flags[i % 2] = true;
		assert_int_equal(hm_port_store_write(HM_RECORD_KEM,
				     content(HM_RECORD_KEM, 2, 32)),
		    HM_E_STORAGE);
		*flags[i % 2] = false;
		assert_holds(HM_RECORD_KEM, 1, 32);
		if (i == 1)
			restart();
	}
	put(HM_RECORD_KEM, 3, 32);
	assert_holds(HM_RECORD_KEM, 3, 32);
	nor_close();
}

/* Each operation of a write fails in turn: old or new, then and later. */
static void
survives_flash_that_reports_errors(void **unused)
{
	(void)unused;
	EACH_CHIP(of)
	{
		bool hit = true;

		for (unsigned n = 1; hit; n++) {
			size_t got = 0;
			hm_err err;

			start(of);
			put(HM_RECORD_STATE, 1, 300);
			put(HM_RECORD_KEM, 1, 32);
			if (n % 2 == 0)
				restart();
			nor.operations = 0;
			nor.fail_at = (n + 1) / 2;
			err = hm_port_store_write(
			    HM_RECORD_KEM, content(HM_RECORD_KEM, 2, 32));
			hit = nor.operations >= nor.fail_at;
			assert_int_equal(err, hit ? HM_E_STORAGE : HM_OK);
			assert_int_equal(
			    hm_port_store_read(HM_RECORD_KEM,
				(struct hm_span){ room, sizeof(room) }, &got),
			    HM_OK);
			assert_int_equal(got, 32);
			restart();
			assert_holds(HM_RECORD_STATE, 1, 300);
			put(HM_RECORD_KEM, 3, 32);
			assert_holds(HM_RECORD_KEM, 3, 32);
			nor_close();
		}
	}
}

/* Read all; what is read must be right. Is it all there? */
static bool
all_right(hm_err *ret_init)
{
	static const size_t lens[] = { 0, 100, 32, 32, 300 };
	bool all = true;

	*ret_init = hm_vault_init();
	for (int i = HM_RECORD_STATE; i <= HM_RECORD_SECRETS; i++) {
		size_t got = 0;
		hm_err err = hm_port_store_read(
		    (hm_record)i, (struct hm_span){ room, sizeof(room) }, &got);

		all = all && err == HM_OK;
		assert_true(err == HM_OK || err == HM_E_STORAGE);
		if (err != HM_OK)
			continue;
		assert_int_equal(got, lens[i]);
		assert_memory_equal(
		    room, content((hm_record)i, 2, got).ptr, got);
	}
	return all;
}

static void
finds_every_flipped_bit_of_what_counts(void **unused)
{
	const struct nor_chip small[] = {
		{ .areas = { { HM_AREA_VAULT, { 4096, 1024, 8, 0xff } } } },
		{ .areas = { { HM_AREA_VAULT, { 4096, 2048, 32, 0xff } } } },
		{ .areas = { { HM_AREA_VAULT, { 4096, 1024, 1, 0 } } } }
	};
	unsigned found = 0, harmless = 0;
	hm_err err;

	(void)unused;
	for (size_t c = 0; c < 3; c++) {
		start(&small[c]);
		put(HM_RECORD_STATE, 1, 100);
		put(HM_RECORD_IDENTITY, 2, 32);
		put(HM_RECORD_KEM, 2, 32);
		put(HM_RECORD_SECRETS, 2, 300);
		put(HM_RECORD_STATE, 2, 100);
		nor_mark();
		for (uint32_t bit = 0; bit < 8 * 4096;
		     bit += bit < 8 * 1280 ? 5 : 61) {
			bool all;

			*meddle(bit / 8, 1) ^= (uint8_t)(1u << bit % 8);
			all = all_right(&err);
			found += !all;
			harmless += all;
			assert_true(all || bit / 8 < 2048);
			nor_rewind();
		}
		nor_unmark();
		nor_close();
	}
	/* heads, tags and pieces of four records and a commit */
	assert_true(found > 3 * 8 * 700 / 5);
	assert_true(harmless > 0);
}

/* Entries of one length at other places, and of another time or chip. */
static void
refuses_entries_that_were_moved(void **unused)
{
	const struct nor_chip small = {
		.areas = { { HM_AREA_VAULT, { 4096, 1024, 8, 0xff } } }
	};
	uint8_t entry[104], *is;
	size_t got;

	(void)unused;
	start(&small);
	put(HM_RECORD_IDENTITY, 1, 32);
	put(HM_RECORD_KEM, 1, 32);
	put(HM_RECORD_STATE, 1, 32);
	nor_mark();
	/* a head of 48, a piece of 48, done 8; commit has no piece */
	is = meddle(0, 4096);
	memcpy(entry, is + 160, 104);
	memmove(is + 160, is + 264, 104);
	memcpy(is + 264, entry, 104);
	assert_int_equal(hm_vault_init(), HM_E_STORAGE);
	nor_rewind();
	/* the piece alone */
	is = meddle(0, 4096);
	memcpy(is + 160 + 48, is + 264 + 48, 48);
	assert_int_equal(hm_vault_init(), HM_OK);
	assert_int_equal(hm_port_store_read(HM_RECORD_KEM,
			     (struct hm_span){ room, sizeof(room) }, &got),
	    HM_E_STORAGE);
	assert_holds(HM_RECORD_STATE, 1, 32);
	nor_rewind();
	/* the bank at the other's place */
	is = meddle(0, 4096);
	for (size_t i = 0; i < 2048; i++) {
		is[2048 + i] = is[i];
		is[i] = 0xff;
	}
	assert_int_equal(hm_vault_init(), HM_E_STORAGE);
	nor_rewind();
	/* the area on another chip */
	chip.root[0] ^= 1;
	assert_int_equal(hm_vault_init(), HM_E_STORAGE);
	chip.root[0] ^= 1;
	assert_int_equal(hm_vault_init(), HM_OK);
	nor_unmark();
	nor_close();
}

static void
no_secret_is_in_the_clear_or_outlives_its_replacement(void **unused)
{
	(void)unused;
	EACH_CHIP(of)
	{
		struct vault_area area;
		struct vault_bank bank;
		uint8_t salt[16];

		start(of);
		for (unsigned i = 0; i < 40; i++) {
			assert_int_equal(hm_port_store_write(HM_RECORD_SECRETS,
					     HM_LITERAL(CANARY)),
			    HM_OK);
			assert_false(area_has(CANARY, 8));
			assert_false(area_has(chip.root, 8));
		}
		assert_int_equal(vault_area_open(&area), HM_OK);
		vault_scan(&area, 0, &bank);
		assert_true(bank.state == VAULT_COMPLETE && !bank.clean);
		memcpy(salt, plane()->is + bank.at[HM_RECORD_SECRETS] + 16, 16);
		put(HM_RECORD_SECRETS, 1, 100);
		assert_true(area_has(salt, 16));
		restart();
		assert_false(area_has(salt, 16));
		assert_holds(HM_RECORD_SECRETS, 1, 100);
		nor_close();
	}
}

static void
erases_all_and_is_blank_then(void **unused)
{
	(void)unused;
	EACH_CHIP(of)
	{
		start(of);
		put(HM_RECORD_SECRETS, 1, 300);
		put(HM_RECORD_STATE, 1, 300);
		assert_int_equal(hm_vault_erase(), HM_OK);
		assert_int_equal(nor_used(HM_AREA_VAULT), 0);
		assert_absent(HM_RECORD_SECRETS);
		restart();
		assert_absent(HM_RECORD_STATE);
		put(HM_RECORD_STATE, 2, 300);
		restart();
		assert_holds(HM_RECORD_STATE, 2, 300);
		/* damaged beyond reading: that, too, can be decommissioned */
		chip.root[0] ^= 1;
		assert_int_equal(hm_vault_init(), HM_E_STORAGE);
		assert_int_equal(hm_vault_erase(), HM_OK);
		assert_int_equal(nor_used(HM_AREA_VAULT), 0);
		put(HM_RECORD_STATE, 3, 300);
		assert_holds(HM_RECORD_STATE, 3, 300);
		nor_close();
	}
}

static void
takes_noise_for_a_blank_area(void **unused)
{
	(void)unused;
	EACH_CHIP(of)
	{
		start(of);
		meddle(0, plane()->flash.size);
		for (uint32_t i = 0; i < plane()->flash.size; i++)
			plane()->is[i] = (uint8_t)nor_random();
		restart();
		assert_absent(HM_RECORD_STATE);
		put(HM_RECORD_STATE, 1, 10);
		restart();
		assert_holds(HM_RECORD_STATE, 1, 10);
		nor_close();
	}
}

/* What never counted is cleared at a start; the same run writes on. */
static void
goes_on_after_a_first_write_that_failed(void **unused)
{
	(void)unused;
	EACH_CHIP(of)
	{
		start(of);
		nor.fail_at =
		    of->areas[1].flash.size / of->areas[1].flash.sector / 2 + 3;
		assert_int_equal(
		    hm_port_store_write(HM_RECORD_KEM, HM_LITERAL("x")),
		    HM_E_STORAGE);
		assert_absent(HM_RECORD_KEM);
		put(HM_RECORD_STATE, 1, 10);
		put(HM_RECORD_KEM, 1, 32);
		restart();
		assert_holds(HM_RECORD_STATE, 1, 10);
		assert_holds(HM_RECORD_KEM, 1, 32);
		nor_close();
	}
}

/* Ten thousand replacements, with a start now and then. */
static void
sectors_wear_alike(void **unused)
{
	const struct nor_chip small = {
		.areas = { { HM_AREA_VAULT, { 16384, 4096, 8, 0xff } } }
	};
	unsigned least = UINT32_MAX, most = 0;

	(void)unused;
	start(&small);
	for (unsigned i = 0; i < 10000; i++) {
		if (i % 100 == 99)
			restart();
		put(i % 4 ? HM_RECORD_STATE : HM_RECORD_RECEIPT, i, 100);
	}
	for (size_t i = 0; i < 4; i++) {
		least = erased[i] < least ? erased[i] : least;
		most = erased[i] > most ? erased[i] : most;
	}
	print_message(
	    "10000 replacements: %u to %u erases a sector\n", least, most);
	assert_true(most - least <= 1);
	assert_true(most < 400);
	nor_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_nothing_on_erased_flash),
		cmocka_unit_test(keeps_records_of_every_length_over_starts),
		cmocka_unit_test(holds_every_record_at_its_maximum),
		cmocka_unit_test(refuses_what_does_not_fit_and_changes_nothing),
		cmocka_unit_test(
		    the_size_of_a_record_is_no_more_than_the_header_says),
		cmocka_unit_test(refuses_other_geometries_and_records),
		cmocka_unit_test(says_so_when_its_port_fails_and_keeps_the_old),
		cmocka_unit_test(survives_flash_that_reports_errors),
		cmocka_unit_test(finds_every_flipped_bit_of_what_counts),
		cmocka_unit_test(refuses_entries_that_were_moved),
		cmocka_unit_test(
		    no_secret_is_in_the_clear_or_outlives_its_replacement),
		cmocka_unit_test(erases_all_and_is_blank_then),
		cmocka_unit_test(takes_noise_for_a_blank_area),
		cmocka_unit_test(goes_on_after_a_first_write_that_failed),
		cmocka_unit_test(sectors_wear_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
