/* SPDX-License-Identifier: Apache-2.0 */
/* A signed update changes the keys that are trusted, and locks nobody out. */
#include "board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#define KEYS 9

static struct hm_update update;
static struct made made;
static uint8_t payload[5000], scalars[KEYS][32], hashes[KEYS][32];
static uint8_t rotation[2 + KEYS * 32];

static int
set_up(void **unused)
{
	struct maker one = { .version = { .major = 1 },
		.counter = 1,
		.payload = HM_BYTES(payload),
		.signer = scalars[1] };

	(void)unused;
	for (uint8_t i = 1; i < KEYS; i++) {
		maker_scalar(i, scalars[i]);
		maker_key_hash(scalars[i], hashes[i]);
	}
	maker_make(&one, &made);
	board_new(&board_chip);
	board_runs(HM_AREA_SLOT_A, &made);
	memset(&update, 0, sizeof(update));
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	nor_close();
	return 0;
}

/* The TLV: `adds` and `revokes` are lists of key numbers, up to 0. */
static struct hm_bytes
tlv(const uint8_t *adds, const uint8_t *revokes)
{
	size_t len = 2;

	memset(rotation, 0, 2);
	for (; *adds != 0; adds++, rotation[0]++, len += 32)
		memcpy(rotation + len, hashes[*adds], 32);
	for (; *revokes != 0; revokes++, rotation[1]++, len += 32)
		memcpy(rotation + len, hashes[*revokes], 32);
	return (struct hm_bytes){ rotation, len };
}

#define LIST(...)              \
	(const uint8_t[])      \
	{                      \
		__VA_ARGS__, 0 \
	}
#define NONE ((const uint8_t[]){ 0 })

static struct maker
version(uint8_t n, uint8_t key, struct hm_bytes keys)
{
	return (struct maker){ .version = { .major = n },
		.counter = 1,
		.payload = HM_BYTES(payload),
		.signer = scalars[key],
		.keys = keys };
}

static hm_err
announce(const struct maker *how)
{
	maker_make(how, &made);
	return hm_update_announce(&update, made.bytes, made_tlvs(&made));
}

/* Received, installed, started: it runs, on trial. */
static void
bring(const struct maker *how)
{
	const uint32_t from = HM_IMAGE_HEADER_LEN;
	struct hm_journal journal;

	assert_int_equal(announce(how), HM_OK);
	assert_int_equal(
	    hm_update_write(&update,
		(struct hm_bytes){ made.bytes + from, made.tlvs_at - from }),
	    HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_OK);
	assert_int_equal(hm_update_install(&update), HM_OK);
	assert_int_equal(hm_journal_load(&journal), HM_OK);
	journal.attempts = 1;
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	memcpy(board.firmware, update.image.digest, HM_DIGEST_LEN);
	memset(&update, 0, sizeof(update));
}

static bool
is_trusted(uint8_t key)
{
	uint8_t row[32];

	for (uint32_t i = 0; i < HM_BOOT_KEYS; i++)
		if (hm_port_boot_key(i, row) == HM_OK &&
		    memcmp(row, hashes[key], 32) == 0)
			return true;
	return false;
}

static void
fill_rows(uint32_t from, uint8_t key)
{
	for (uint32_t i = from; i < HM_BOOT_KEYS; i++)
		assert_int_equal(
		    hm_port_boot_key_add(i, hashes[key + i]), HM_OK);
}

/* ---- two steps ---- */

static void
moves_from_one_key_to_the_next_in_two_updates(void **unused)
{
	struct maker next = version(2, 1, tlv(LIST(2), NONE));

	(void)unused;
	bring(&next);
	assert_false(is_trusted(2));
	assert_int_equal(hm_update_confirm(), HM_OK);
	assert_true(is_trusted(1) && is_trusted(2));

	next = version(3, 2, tlv(NONE, LIST(1)));
	bring(&next);
	assert_true(is_trusted(1));
	assert_int_equal(hm_update_confirm(), HM_OK);
	assert_false(is_trusted(1));
	assert_true(is_trusted(2));

	next = version(4, 1, (struct hm_bytes){ 0 });
	assert_int_equal(announce(&next), HM_E_IMAGE_UNTRUSTED);
	next = version(4, 2, (struct hm_bytes){ 0 });
	assert_int_equal(announce(&next), HM_OK);
}

static void
changes_nothing_unless_it_is_confirmed(void **unused)
{
	struct maker next = version(2, 1, tlv(LIST(2), NONE));

	(void)unused;
	bring(&next);
	assert_int_equal(hm_update_settle(), HM_OK);
	assert_false(is_trusted(2));
	assert_int_equal(hm_boot_reject(), HM_OK);
	assert_int_equal(hm_update_settle(), HM_OK);
	assert_false(is_trusted(2));
}

static void
does_it_once(void **unused)
{
	struct maker next = version(2, 1, tlv(LIST(2), LIST(3)));
	struct nor_otp before;

	(void)unused;
	assert_int_equal(hm_port_boot_key_add(1, hashes[3]), HM_OK);
	bring(&next);
	assert_int_equal(hm_update_confirm(), HM_OK);
	assert_true(is_trusted(2) && !is_trusted(3));
	before = *nor.otp;
	assert_int_equal(hm_update_settle(), HM_OK);
	assert_int_equal(hm_update_confirm(), HM_OK);
	assert_memory_equal(&before, nor.otp, sizeof(before));
}

/* ---- refusals ---- */

static void
must_refuse(uint8_t key, struct hm_bytes keys, hm_err expected)
{
	struct maker next = version(2, key, keys);
	uint8_t before[32], after[32];

	board_fingerprint(before);
	assert_int_equal(announce(&next), expected);
	board_fingerprint(after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(update.stage, HM_UPDATE_IDLE);
}

static void
refuses_to_revoke_the_key_that_signed_it(void **unused)
{
	(void)unused;
	must_refuse(1, tlv(LIST(2), LIST(1)), HM_E_ROTATION);
	must_refuse(1, tlv(NONE, LIST(1)), HM_E_ROTATION);
}

static void
refuses_to_revoke_the_key_of_the_recovery_image(void **unused)
{
	struct maker factory = version(1, 2, (struct hm_bytes){ 0 });
	struct maker next = version(2, 1, tlv(NONE, LIST(2)));

	(void)unused;
	assert_int_equal(hm_port_boot_key_add(1, hashes[2]), HM_OK);
	factory.role = HM_ROLE_FACTORY;
	maker_make(&factory, &made);
	board_program(HM_AREA_FACTORY, &made);
	must_refuse(1, tlv(NONE, LIST(2)), HM_E_ROTATION);
	/* once that one is by key 1, too, nothing is lost */
	factory = version(1, 1, (struct hm_bytes){ 0 });
	factory.role = HM_ROLE_FACTORY;
	maker_make(&factory, &made);
	board_program(HM_AREA_FACTORY, &made);
	next.keys = tlv(NONE, LIST(2));
	assert_int_equal(announce(&next), HM_OK);
}

static void
refuses_more_keys_than_there_are_free_rows(void **unused)
{
	struct maker next;

	(void)unused;
	fill_rows(2, 3);
	must_refuse(1, tlv(LIST(7, 8), NONE), HM_E_ROTATION);
	/* one that is there needs no row */
	next = version(2, 1, tlv(LIST(5, 8), NONE));
	assert_int_equal(announce(&next), HM_OK);
}

static void
refuses_what_is_not_well_formed(void **unused)
{
	struct hm_bytes keys;

	(void)unused;
	must_refuse(1, tlv(NONE, NONE), HM_E_IMAGE_FIELD);
	must_refuse(1, tlv(LIST(2, 2), NONE), HM_E_IMAGE_FIELD);
	must_refuse(1, tlv(LIST(2), LIST(2)), HM_E_IMAGE_FIELD);
	keys = tlv(LIST(2), NONE);
	keys.len--;
	must_refuse(1, keys, HM_E_IMAGE_FIELD);
	keys = tlv(LIST(2), NONE);
	keys.len += 32;
	must_refuse(1, keys, HM_E_IMAGE_FIELD);
	keys = tlv(LIST(2), NONE);
	memset(rotation + 2, 0xff, 32);
	must_refuse(1, keys, HM_E_IMAGE_FIELD);
	keys = tlv(LIST(2), NONE);
	keys.len = 1;
	must_refuse(1, keys, HM_E_IMAGE_FIELD);
}

/* ---- power ---- */

static jmp_buf off;

static void
go_off(void)
{
	longjmp(off, 1);
}

/* Cut at operation `n` of what `next` does when it is confirmed; false: it was
 * done before. */
static bool
cut_confirm(const struct maker *next, uint64_t n, nor_tear tear)
{
	hm_err err;

	(void)set_up(NULL);
	bring(next);
	nor_power_on();
	nor.cut = go_off;
	nor.seed = n;
	nor.tear = tear;
	nor.cut_at = n;
	if (setjmp(off) == 0) {
		err = hm_update_confirm();
		assert_int_equal(err, HM_OK);
		nor.cut_at = 0;
		return nor.operations >= n;
	}
	nor_power_on();
	return true;
}

/* The start after: boot counts, the application settles and confirms again. */
static void
must_not_be_locked_out(uint8_t major)
{
	struct hm_boot boot;
	hm_err err;

	assert_int_equal(hm_boot_choose(&boot, &err), HM_VERDICT_YES);
	assert_int_equal(boot.image.version.major, major);
	memcpy(board.firmware, boot.image.digest, HM_DIGEST_LEN);
	assert_int_equal(hm_update_settle(), HM_OK);
	assert_int_equal(hm_update_confirm(), HM_OK);
	assert_int_equal(hm_boot_choose(&boot, &err), HM_VERDICT_YES);
	assert_int_equal(boot.image.version.major, major);
}

static void
is_completed_after_any_cut(void **unused)
{
	static struct hm_bytes keys;
	struct maker next;
	uint64_t cuts = 0;

	(void)unused;
	for (unsigned tear = 0; tear < NOR_TEARS; tear++) {
		for (uint64_t n = 1;; n++) {
			keys = tlv(LIST(2, 3), NONE);
			next = version(2, 1, keys);
			if (!cut_confirm(&next, n, (nor_tear)tear))
				break;
			cuts++;
			must_not_be_locked_out(2);
			assert_true(is_trusted(1) && is_trusted(2));
		}
	}
	assert_true(cuts >= NOR_TEARS * 4);
}

/* The one free row is spoilt: the key that was to go has to stay. */
static void
revokes_nothing_when_no_row_is_left_to_add(void **unused)
{
	struct maker next = version(2, 1, tlv(LIST(2), LIST(5)));
	uint64_t row = HM_BOOT_KEYS - 1;

	(void)unused;
	for (uint32_t i = 1; i < row; i++)
		assert_int_equal(hm_port_boot_key_add(i, hashes[3 + i]), HM_OK);
	bring(&next);
	assert_int_equal(hm_boot_confirm(), HM_OK);
	assert_true(is_trusted(5));
	nor.otp->keys[row].is_written = true;
	nor.otp->keys[row].is_dead = true;
	assert_int_equal(hm_update_settle(), HM_E_ROTATION);
	assert_true(is_trusted(5) && is_trusted(1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(moves_from_one_key_to_the_next_in_two_updates),
		TEST(changes_nothing_unless_it_is_confirmed),
		TEST(does_it_once),
		TEST(refuses_to_revoke_the_key_that_signed_it),
		TEST(refuses_to_revoke_the_key_of_the_recovery_image),
		TEST(refuses_more_keys_than_there_are_free_rows),
		TEST(refuses_what_is_not_well_formed),
		TEST(is_completed_after_any_cut),
		TEST(revokes_nothing_when_no_row_is_left_to_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
