/* SPDX-License-Identifier: Apache-2.0 */
/* An update is taken whole and by whom it may be, or nothing changes. */
#include "board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

static struct hm_update update;
static struct made v1, v2, odd;
static uint8_t payload[20000], key_1[32], key_2[32];

/* Version n.0.0, counter n, by key 1. */
static struct maker
version(uint8_t n)
{
	return (struct maker){ .version = { .major = n },
		.counter = n,
		.payload = HM_BYTES(payload),
		.signer = key_1 };
}

static int
set_up(void **unused)
{
	struct maker one = version(1), two = version(2);

	(void)unused;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * i >> 5);
	maker_scalar(1, key_1);
	maker_scalar(2, key_2);
	one.payload.len = 6000;
	maker_make(&one, &v1);
	maker_make(&two, &v2);
	board_new(&board_chip);
	board_runs(HM_AREA_SLOT_A, &v1);
	assert_int_equal(hm_port_counter_raise(1), HM_OK);
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

/* ---- what a host does ---- */

static hm_err
announce(const struct made *made)
{
	return hm_update_announce(&update, made->bytes, made_tlvs(made));
}

static void
reset(void)
{
	memset(&update, 0, sizeof(update));
	hm_journal_reset();
	nor_power_on();
}

/* From where it stands up to `end`, in pieces. */
static hm_err
feed(const struct made *made, uint32_t end, uint32_t piece)
{
	uint32_t at = hm_update_received(&update);

	while (at < end) {
		uint32_t n = end - at < piece ? end - at : piece;

		HM_TRY(hm_update_write(
		    &update, (struct hm_bytes){ made->bytes + at, n }));
		at += n;
	}
	return HM_OK;
}

static hm_err
receive(const struct made *made, uint32_t piece)
{
	HM_TRY(announce(made));
	HM_TRY(feed(made, made->tlvs_at, piece));
	return hm_update_finish(&update);
}

static void
must_verify(hm_area area, uint8_t major)
{
	struct hm_image image;
	hm_err err = HM_OK;

	assert_int_equal(hm_image_verify(area, &image, &err), HM_VERDICT_YES);
	assert_int_equal(err, HM_OK);
	assert_int_equal(image.version.major, major);
}

static struct hm_journal
journal_now(void)
{
	struct hm_journal journal;

	assert_int_equal(hm_journal_load(&journal), HM_OK);
	return journal;
}

/* ---- the good way ---- */

static void
is_on_trial_at_the_next_start_and_the_old_image_stays(void **unused)
{
	(void)unused;
	assert_int_equal(receive(&v2, 1000), HM_OK);
	assert_int_equal(journal_now().trial, HM_AREA_NONE);
	assert_int_equal(hm_update_install(&update), HM_OK);
	assert_int_equal(journal_now().trial, HM_AREA_SLOT_B);
	assert_int_equal(journal_now().attempts, 0);
	assert_int_equal(journal_now().confirmed, HM_AREA_SLOT_A);
	assert_int_equal(journal_now().incoming, HM_AREA_NONE);
	must_verify(HM_AREA_SLOT_A, 1);
	must_verify(HM_AREA_SLOT_B, 2);
}

static void
takes_pieces_of_any_length(void **unused)
{
	static const uint32_t pieces[] = { 1, 7, 8, 31, 256, 257, 4096, 20000 };

	(void)unused;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(receive(&v2, pieces[i]), HM_OK);
		must_verify(HM_AREA_SLOT_B, 2);
		assert_int_equal(hm_update_cancel(&update), HM_OK);
	}
}

static void
goes_to_the_slot_that_does_not_run(void **unused)
{
	struct maker three = version(3);

	(void)unused;
	board_runs(HM_AREA_SLOT_B, &v2);
	maker_make(&three, &odd);
	assert_int_equal(receive(&odd, 512), HM_OK);
	assert_int_equal(update.image.area, HM_AREA_SLOT_A);
	must_verify(HM_AREA_SLOT_A, 3);
	must_verify(HM_AREA_SLOT_B, 2);
}

static void
leaves_alone_what_runs_although_the_journal_says_otherwise(void **unused)
{
	struct hm_journal journal = journal_now();

	(void)unused;
	board_runs(HM_AREA_SLOT_B, &v1); /* started when A did not verify */
	journal = journal_now();
	journal.confirmed = HM_AREA_SLOT_A;
	assert_int_equal(hm_port_flash_erase(HM_AREA_SLOT_A, 0), HM_OK);
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	assert_int_equal(receive(&v2, 512), HM_OK);
	assert_int_equal(update.image.area, HM_AREA_SLOT_A);
	must_verify(HM_AREA_SLOT_B, 1);
}

static void
may_be_told_again_what_is_done(void **unused)
{
	(void)unused;
	assert_int_equal(receive(&v2, 512), HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_OK);
	assert_int_equal(hm_update_install(&update), HM_OK);
	assert_int_equal(hm_update_install(&update), HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_OK);
	assert_int_equal(journal_now().trial, HM_AREA_SLOT_B);
}

static void
feeds_the_watchdog_for_each_sector(void **unused)
{
	(void)unused;
	assert_int_equal(receive(&v2, 4096), HM_OK);
	assert_true(board.fed >= 10);
}

/* ---- resuming ---- */

static void
goes_on_at_the_last_sector_that_was_noted(void **unused)
{
	(void)unused;
	assert_int_equal(announce(&v2), HM_OK);
	assert_int_equal(hm_update_received(&update), HM_IMAGE_HEADER_LEN);
	assert_int_equal(feed(&v2, 15000, 100), HM_OK);
	reset();
	assert_int_equal(announce(&v2), HM_OK);
	assert_int_equal(hm_update_received(&update), 12288);
	assert_int_equal(feed(&v2, v2.tlvs_at, 100), HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_OK);
	must_verify(HM_AREA_SLOT_B, 2);
}

static void
needs_nothing_again_when_all_was_there(void **unused)
{
	(void)unused;
	assert_int_equal(receive(&v2, 1000), HM_OK);
	reset();
	assert_int_equal(announce(&v2), HM_OK);
	assert_int_equal(hm_update_received(&update), v2.tlvs_at);
	assert_int_equal(hm_update_install(&update), HM_E_WRONG_STATE);
	assert_int_equal(hm_update_finish(&update), HM_OK);
	assert_int_equal(hm_update_install(&update), HM_OK);
}

static void
begins_anew_with_another_image(void **unused)
{
	struct maker three = version(3);

	(void)unused;
	maker_make(&three, &odd);
	assert_int_equal(announce(&v2), HM_OK);
	assert_int_equal(feed(&v2, 15000, 100), HM_OK);
	assert_int_equal(announce(&odd), HM_OK);
	assert_int_equal(hm_update_received(&update), HM_IMAGE_HEADER_LEN);
	assert_int_equal(feed(&odd, odd.tlvs_at, 1000), HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_OK);
	must_verify(HM_AREA_SLOT_B, 3);
}

static void
does_not_undo_a_confirmation_that_came_in_between(void **unused)
{
	struct hm_journal journal;

	(void)unused;
	assert_int_equal(announce(&v2), HM_OK);
	journal = journal_now();
	journal.attempts = 7; /* whatever boot and application write */
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	assert_int_equal(feed(&v2, v2.tlvs_at, 1000), HM_OK);
	assert_int_equal(journal_now().attempts, 7);
}

static void
goes_on_after_each_operation_that_failed(void **unused)
{
	uint64_t n = 1;
	hm_err err;

	for (;; n += n < 40 ? 1 : 7) {
		(void)set_up(unused);
		nor_power_on();
		nor.fail_at = n;
		err = receive(&v2, 1000);
		if (err == HM_OK)
			err = hm_update_install(&update);
		if (err == HM_OK && nor.operations < n)
			break;
		if (err != HM_OK) {
			assert_int_equal(err, HM_E_STORAGE);
			assert_true(update.stage == HM_UPDATE_IDLE ||
				    update.stage == HM_UPDATE_READY);
		}
		must_verify(HM_AREA_SLOT_A, 1);
		nor_power_on();
		if (journal_now().trial == HM_AREA_NONE) {
			assert_int_equal(receive(&v2, 1000), HM_OK);
			assert_int_equal(hm_update_install(&update), HM_OK);
		}
		assert_int_equal(journal_now().trial, HM_AREA_SLOT_B);
		must_verify(HM_AREA_SLOT_B, 2);
	}
	assert_true(n > 2500); /* units of 8 bytes */
}

/* ---- encrypted ---- */

static void
decrypt_on_the_way(uint32_t key_len, uint32_t header_len, uint32_t piece)
{
	static uint8_t found[sizeof(payload)];
	static const uint8_t zeros[32];
	struct maker sealed = version(2);
	uint8_t point[HM_POINT_LEN];

	assert_int_equal(hm_p256_public(board.kem, point), HM_OK);
	sealed.recipient = point;
	sealed.key_len = key_len;
	sealed.header_len = header_len;
	maker_make(&sealed, &odd);
	assert_memory_not_equal(odd.bytes + header_len, payload, 64);
	assert_int_equal(announce(&odd), HM_OK);
	assert_int_equal(feed(&odd, 9001, piece), HM_OK);
	reset();
	assert_int_equal(announce(&odd), HM_OK);
	assert_int_equal(feed(&odd, odd.tlvs_at, piece), HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_OK);
	assert_memory_equal(update.key, zeros, sizeof(zeros));
	assert_int_equal(hm_port_flash_read(HM_AREA_SLOT_B, header_len,
			     (struct hm_span){ found, sizeof(found) }),
	    HM_OK);
	assert_memory_equal(found, payload, sizeof(payload));
	must_verify(HM_AREA_SLOT_B, 2);
	assert_int_equal(hm_update_cancel(&update), HM_OK);
}

static void
decrypts_what_was_encrypted_for_this_device(void **unused)
{
	(void)unused;
	decrypt_on_the_way(16, 32, 1000);
	decrypt_on_the_way(32, 32, 16);
	decrypt_on_the_way(16, 40, 7);
	decrypt_on_the_way(32, 512, 999);
	decrypt_on_the_way(16, 57, 1);
}

/* ---- refusals ---- */

static void
must_refuse(const struct made *made, hm_err expected)
{
	uint8_t before[32], after[32];
	struct hm_update was;

	board_fingerprint(before);
	memcpy(&was, &update, sizeof(was));
	assert_int_equal(announce(made), expected);
	board_fingerprint(after);
	assert_memory_equal(before, after, sizeof(before));
	assert_memory_equal(&was, &update, sizeof(was));
}

static void
must_refuse_made(const struct maker *how, hm_err expected)
{
	maker_make(how, &odd);
	must_refuse(&odd, expected);
}

static void
refuses_what_is_not_signed_by_a_trusted_key(void **unused)
{
	struct maker two = version(2);

	(void)unused;
	two.signer = key_2;
	must_refuse_made(&two, HM_E_IMAGE_UNTRUSTED);
	odd = v2;
	odd.bytes[odd.len - 1] ^= 1;
	must_refuse(&odd, HM_E_IMAGE_SIGNATURE);
}

static void
refuses_what_is_older(void **unused)
{
	struct maker older = version(1);

	(void)unused;
	older.version = (struct hm_image_version){ .minor = 9 };
	must_refuse_made(&older, HM_E_IMAGE_OLDER);
	older = version(2);
	older.counter = 0; /* below the device's, which is 1 */
	must_refuse_made(&older, HM_E_COUNTER);
}

static void
refuses_a_counter_below_that_of_what_runs(void **unused)
{
	struct maker three = version(3);

	(void)unused;
	board_runs(HM_AREA_SLOT_B, &v2); /* the device's is still 1 */
	three.counter = 1;
	must_refuse_made(&three, HM_E_IMAGE_OLDER);
}

static void
takes_the_same_version_of_another_build(void **unused)
{
	struct maker again = version(1);

	(void)unused;
	again.payload.ptr++;
	again.payload.len = 5000;
	maker_make(&again, &odd);
	assert_int_equal(receive(&odd, 1000), HM_OK);
}

static void
refuses_what_runs_already(void **unused)
{
	(void)unused;
	must_refuse(&v1, HM_E_EXISTS);
}

static void
refuses_images_that_are_not_for_a_running_device(void **unused)
{
	struct maker two = version(2);

	(void)unused;
	two.role = HM_ROLE_MANUFACTURING;
	must_refuse_made(&two, HM_E_IMAGE_ROLE);
	two.role = (hm_image_role)0x42;
	must_refuse_made(&two, HM_E_IMAGE_ROLE);
}

static void
refuses_what_has_no_room(void **unused)
{
	static uint8_t large[33000];
	struct maker two = version(2);

	(void)unused;
	two.payload = HM_BYTES(large);
	must_refuse_made(&two, HM_E_TOO_LARGE);
	two = version(2);
	two.role = HM_ROLE_FACTORY; /* that area has 16 KiB */
	must_refuse_made(&two, HM_E_TOO_LARGE);
}

static void
refuses_more_tlvs_than_it_can_hold(void **unused)
{
	static uint8_t tlvs[HM_IMAGE_TLVS_MAX + 1];

	(void)unused;
	assert_int_equal(hm_update_announce(&update, v2.bytes, HM_BYTES(tlvs)),
	    HM_E_TOO_LARGE);
}

static void
refuses_what_was_encrypted_for_another_device(void **unused)
{
	struct maker sealed = version(2);
	uint8_t point[HM_POINT_LEN];

	(void)unused;
	assert_int_equal(hm_p256_public(key_2, point), HM_OK);
	sealed.recipient = point;
	sealed.key_len = 16;
	must_refuse_made(&sealed, HM_E_IMAGE_OPEN);
}

static void
refuses_another_while_one_is_on_trial(void **unused)
{
	struct maker three = version(3);

	(void)unused;
	assert_int_equal(receive(&v2, 1000), HM_OK);
	assert_int_equal(hm_update_install(&update), HM_OK);
	must_refuse_made(&three, HM_E_WRONG_STATE);
	assert_int_equal(hm_update_cancel(&update), HM_OK);
	assert_int_equal(journal_now().trial, HM_AREA_NONE);
	assert_int_equal(receive(&odd, 1000), HM_OK);
}

static void
a_trial_that_has_started_cannot_be_cancelled(void **unused)
{
	struct hm_journal journal;

	(void)unused;
	assert_int_equal(receive(&v2, 1000), HM_OK);
	assert_int_equal(hm_update_install(&update), HM_OK);
	journal = journal_now();
	journal.attempts = 1;
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	assert_int_equal(hm_update_cancel(&update), HM_OK);
	assert_int_equal(journal_now().trial, HM_AREA_SLOT_B);
}

static void
refuses_to_judge_without_knowing_what_runs(void **unused)
{
	(void)unused;
	board.fail_firmware = true;
	must_refuse(&v2, HM_E_IO);
}

static void
refuses_while_one_comes_in_and_goes_on_with_it(void **unused)
{
	(void)unused;
	assert_int_equal(announce(&v2), HM_OK);
	assert_int_equal(feed(&v2, 9000, 1000), HM_OK);
	must_refuse(&v1, HM_E_EXISTS);
	assert_int_equal(feed(&v2, v2.tlvs_at, 1000), HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_OK);
}

static void
keeps_the_order_of_calls(void **unused)
{
	(void)unused;
	assert_int_equal(
	    hm_update_write(&update, HM_LITERAL("x")), HM_E_WRONG_STATE);
	assert_int_equal(hm_update_finish(&update), HM_E_WRONG_STATE);
	assert_int_equal(hm_update_install(&update), HM_E_WRONG_STATE);
	assert_int_equal(announce(&v2), HM_OK);
	assert_int_equal(hm_update_finish(&update), HM_E_WRONG_STATE);
	assert_int_equal(hm_update_install(&update), HM_E_WRONG_STATE);
	assert_int_equal(feed(&v2, v2.tlvs_at, 1000), HM_OK);
	assert_int_equal(
	    hm_update_write(&update, HM_LITERAL("x")), HM_E_TOO_LARGE);
	assert_int_equal(hm_update_install(&update), HM_E_WRONG_STATE);
	assert_int_equal(hm_update_finish(&update), HM_OK);
}

/* ---- what shows at the end only ---- */

static void
must_give_up(hm_err expected)
{
	assert_int_equal(receive(&odd, 1000), expected);
	assert_int_equal(journal_now().incoming, HM_AREA_NONE);
	assert_int_equal(journal_now().trial, HM_AREA_NONE);
	assert_int_equal(update.stage, HM_UPDATE_IDLE);
	must_verify(HM_AREA_SLOT_A, 1);
	assert_int_equal(hm_update_install(&update), HM_E_WRONG_STATE);
	assert_int_equal(receive(&v2, 1000), HM_OK); /* from the start */
}

static void
gives_up_a_payload_that_was_altered(void **unused)
{
	(void)unused;
	odd = v2;
	odd.bytes[5000] ^= 0x10;
	must_give_up(HM_E_IMAGE_HASH);
}

/* The announcement is judged by a header that nobody has hashed yet. */
static void
gives_up_a_header_that_lied(void **unused)
{
	struct maker older = version(1);

	(void)unused;
	older.version.major = 0;
	older.payload.len = 7000;
	maker_make(&older, &odd);
	odd.bytes[20] = 9; /* major */
	must_give_up(HM_E_IMAGE_HASH);
}

/* ---- factory ---- */

static void
takes_a_recovery_image_without_a_trial(void **unused)
{
	struct maker factory = version(1);

	(void)unused;
	factory.role = HM_ROLE_FACTORY;
	factory.payload.len = 9000;
	maker_make(&factory, &odd);
	assert_int_equal(receive(&odd, 1000), HM_OK);
	must_verify(HM_AREA_FACTORY, 1);
	assert_int_equal(hm_update_install(&update), HM_OK);
	assert_int_equal(journal_now().trial, HM_AREA_NONE);
	assert_int_equal(journal_now().incoming, HM_AREA_NONE);
	assert_int_equal(journal_now().confirmed, HM_AREA_SLOT_A);
}

static void
refuses_a_recovery_image_unless_a_confirmed_one_runs(void **unused)
{
	struct maker factory = version(1);
	struct hm_journal journal = journal_now();

	(void)unused;
	factory.role = HM_ROLE_FACTORY;
	factory.payload.len = 9000;
	journal.confirmed = HM_AREA_SLOT_B;
	assert_int_equal(hm_journal_store(&journal), HM_OK);
	must_refuse_made(&factory, HM_E_WRONG_STATE);
}

static void
recovers_into_a_slot_from_the_recovery_image(void **unused)
{
	struct maker factory = version(5);
	struct hm_image image;

	(void)unused;
	factory.role = HM_ROLE_FACTORY;
	factory.payload.len = 9000;
	maker_make(&factory, &odd);
	board_program(HM_AREA_FACTORY, &odd);
	assert_int_equal(hm_image_read(HM_AREA_FACTORY, &image), HM_OK);
	memcpy(board.firmware, image.digest, sizeof(board.firmware));
	assert_int_equal(receive(&v2, 1000), HM_OK);
	assert_int_equal(update.image.area, HM_AREA_SLOT_B);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_on_trial_at_the_next_start_and_the_old_image_stays),
		TEST(takes_pieces_of_any_length),
		TEST(goes_to_the_slot_that_does_not_run),
		TEST(
		    leaves_alone_what_runs_although_the_journal_says_otherwise),
		TEST(may_be_told_again_what_is_done),
		TEST(feeds_the_watchdog_for_each_sector),
		TEST(goes_on_at_the_last_sector_that_was_noted),
		TEST(needs_nothing_again_when_all_was_there),
		TEST(begins_anew_with_another_image),
		TEST(does_not_undo_a_confirmation_that_came_in_between),
		TEST(goes_on_after_each_operation_that_failed),
		TEST(decrypts_what_was_encrypted_for_this_device),
		TEST(refuses_what_is_not_signed_by_a_trusted_key),
		TEST(refuses_what_is_older),
		TEST(refuses_a_counter_below_that_of_what_runs),
		TEST(takes_the_same_version_of_another_build),
		TEST(refuses_what_runs_already),
		TEST(refuses_images_that_are_not_for_a_running_device),
		TEST(refuses_what_has_no_room),
		TEST(refuses_more_tlvs_than_it_can_hold),
		TEST(refuses_what_was_encrypted_for_another_device),
		TEST(refuses_another_while_one_is_on_trial),
		TEST(a_trial_that_has_started_cannot_be_cancelled),
		TEST(refuses_to_judge_without_knowing_what_runs),
		TEST(refuses_while_one_comes_in_and_goes_on_with_it),
		TEST(keeps_the_order_of_calls),
		TEST(gives_up_a_payload_that_was_altered),
		TEST(gives_up_a_header_that_lied),
		TEST(takes_a_recovery_image_without_a_trial),
		TEST(refuses_a_recovery_image_unless_a_confirmed_one_runs),
		TEST(recovers_into_a_slot_from_the_recovery_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
