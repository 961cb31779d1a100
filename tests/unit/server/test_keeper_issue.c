/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: what is issued, once and only once */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
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

static bool
equal(struct hm_bytes a, struct hm_bytes b)
{
	return a.len > 0 && hm_bytes_equal(a, b);
}

/* Refused with `err`, and nothing is different from before. */
static void
assert_refused(struct plant *plant, struct p256_pair *by, const char *order,
    const struct chip *chip, hm_err err)
{
	SAID(said);
	uint64_t size = plant_size(plant);
	struct ask_order_answer before = plant_counts(plant, "PO-1"), after;

	assert_int_equal(plant_issue_as(plant, by, order, chip, &said), err);
	after = plant_counts(plant, "PO-1");
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(plant_size(plant), size);
	assert_int_equal(said.tail.len, 0);
}

static void
issues_a_device_with_a_receipt_that_verifies(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	struct ask_device_answer device;

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	assert_int_equal(plant_verify(plant, &said), HM_OK);
	device = plant_device(plant, &chip);
	assert_int_equal(device.state, HM_STATE_ISSUED);
	assert_string_equal(device.serial, "SN000001");
	assert_string_equal(device.order, "PO-1");
	assert_string_equal(device.station, "st-a");
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
	assert_int_equal(plant_counts(plant, "PO-1").reserved, 0);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), 1);
}

static void
answers_the_same_request_with_the_same_bytes(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	CHIP(other, 2);
	SAID(first);
	SAID(second);
	SAID(between);

	assert_int_equal(plant_issue(plant, &chip, &first), HM_OK);
	/* Later, with a larger tree, after a restart, and once it is full. */
	assert_int_equal(plant_issue(plant, &other, &between), HM_OK);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	plant->now_s += 200000; /* the order has expired */
	assert_int_equal(plant_issue(plant, &chip, &second), HM_OK);
	assert_true(equal(first.stamp, second.stamp));
	assert_true(equal(first.entry, second.entry));
	assert_true(equal(first.receipt, second.receipt));
	assert_int_equal(plant->play.issues, 2);
}

static void
gives_an_unconfirmed_device_its_stamp_again(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(first);
	SAID(second);

	assert_int_equal(plant_issue(plant, &chip, &first), HM_OK);
	chip_prove(&chip);
	assert_int_equal(plant_issue(plant, &chip, &second), HM_OK);
	assert_true(equal(first.stamp, second.stamp));
	assert_true(equal(first.receipt, second.receipt));
}

static void
answers_a_stale_nonce_only_for_what_was_issued(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	CHIP(fresh, 2);
	SAID(first);
	SAID(second);
	struct ask_issue ask;

	assert_int_equal(plant_issue(plant, &chip, &first), HM_OK);
	plant_fill_issue(plant, plant->st_a, "PO-1", &chip, &ask);
	ask.nonce_verdict = HM_E_NONCE_STALE;
	assert_int_equal(
	    plant_ask(plant, ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &second),
	    HM_OK);
	assert_true(equal(first.stamp, second.stamp));
	said_done(&second);
	chip_prove(&chip);
	plant_fill_issue(plant, plant->st_a, "PO-1", &chip, &ask);
	ask.nonce_verdict = HM_E_NONCE_STALE;
	assert_int_equal(
	    plant_ask(plant, ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &second),
	    HM_E_NONCE_STALE);
	said_done(&second);
	plant_fill_issue(plant, plant->st_a, "PO-1", &fresh, &ask);
	ask.nonce_verdict = HM_E_NONCE;
	assert_int_equal(
	    plant_ask(plant, ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &second),
	    HM_E_NONCE);
}

static void
refuses_whoever_may_not_make_this_order(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);

	assert_refused(
	    plant, plant->stranger, "PO-1", &chip, HM_E_UNKNOWN_PEER);
	assert_refused(plant, plant->planner, "PO-1", &chip, HM_E_RIGHTS);
	assert_refused(plant, plant->auditor, "PO-1", &chip, HM_E_RIGHTS);
	assert_refused(plant, plant->st_b, "PO-1", &chip, HM_E_ORDER_STATION);
	assert_refused(plant, plant->st_a, "PO-2", &chip, HM_E_NO_ORDER);
	assert_refused(plant, plant->st_a, "", &chip, HM_E_BAD_INPUT);
	assert_int_equal(
	    plant_command(plant, HM_VERB_REVOKE_CREDENTIAL, "st-a"), HM_OK);
	assert_refused(plant, plant->st_a, "PO-1", &chip, HM_E_UNKNOWN_PEER);
}

static void
refuses_a_credential_past_its_date(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);

	plant->now_s = T0 + 999999; /* the last second */
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_EXPIRED);
	/* Refused for the order; a second later for the credential. */
	said_done(&said);
	plant->now_s = T0 + 1000000;
	assert_int_equal(
	    plant_issue_as(plant, plant->st_a, "PO-2", &chip, &said),
	    HM_E_EXPIRED);
}

static void
keeps_the_dates_of_the_order_to_the_second(void **state)
{
	struct plant *plant = *state;
	CHIP(a, 1);
	CHIP(b, 2);
	SAID(said);

	plant->now_s = T0 - 1001;
	assert_refused(plant, plant->st_a, "PO-1", &a, HM_E_NOT_YET);
	plant->now_s = T0 - 1000;
	assert_int_equal(plant_issue(plant, &a, &said), HM_OK);
	plant->now_s = T0 + 100000;
	assert_refused(plant, plant->st_a, "PO-1", &b, HM_E_EXPIRED);
	plant->now_s = T0 + 99999;
	said_done(&said);
	assert_int_equal(plant_issue(plant, &b, &said), HM_OK);
}

static void
refuses_a_closed_order_but_not_its_retry(void **state)
{
	struct plant *plant = *state;
	CHIP(made, 1);
	CHIP(late, 2);
	SAID(first);
	SAID(second);

	assert_int_equal(plant_issue(plant, &made, &first), HM_OK);
	assert_int_equal(
	    plant_command(plant, HM_VERB_CLOSE_ORDER, "PO-1"), HM_OK);
	assert_refused(plant, plant->st_a, "PO-1", &late, HM_E_ORDER_CLOSED);
	assert_int_equal(plant_issue(plant, &made, &second), HM_OK);
	assert_true(equal(first.stamp, second.stamp));
}

static void
gives_the_last_unit_once(void **state)
{
	struct plant *plant = *state;

	for (uint32_t i = 0; i < 4; i++) {
		CHIP(chip, i);
		SAID(one);

		assert_int_equal(plant_issue(plant, &chip, &one), HM_OK);
	}
	CHIP(more, 9);
	assert_refused(plant, plant->st_a, "PO-1", &more, HM_E_QUOTA);
	assert_int_equal(plant_counts(plant, "PO-1").left, 0);
	assert_int_equal(plant->play.issues, 4);
}

static void
raises_a_clone_alarm_once_for_each_evidence(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	CHIP(clone, 1); /* the same id, other keys */
	SAID(said);
	uint64_t size;

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	size = plant_size(plant);
	for (int i = 0; i < 2; i++) {
		SAID(refused);

		assert_int_equal(
		    plant_issue(plant, &clone, &refused), HM_E_CLONE);
		assert_int_equal(plant_size(plant), size + 1);
	}
	for (int i = 0; i < 20; i++) {
		SAID(refused);

		chip_prove(&clone);
		assert_int_equal(
		    plant_issue(plant, &clone, &refused), HM_E_CLONE);
	}
	assert_int_equal(plant_size(plant), size + 16);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ALARM), 16);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
}

static void
blames_nobody_by_forged_evidence(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	CHIP(clone, 1);
	SAID(said);

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	clone.kase.proof.soft.signature[5] ^= 1;
	assert_refused(plant, plant->st_a, "PO-1", &clone, HM_E_EVIDENCE);
}

static void
refuses_keys_of_another_device(void **state)
{
	struct plant *plant = *state;
	struct p256_pair *own;
	CHIP(chip, 1);
	CHIP(other, 2);
	SAID(said);
	uint64_t size;

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	size = plant_size(plant);
	own = other.identity;
	other.identity = chip.identity;
	chip_prove(&other);
	other.identity = own;
	said_done(&said);
	assert_int_equal(plant_issue(plant, &other, &said), HM_E_TWICE_KEY);
	own = other.kem;
	other.kem = chip.kem;
	chip_prove(&other);
	other.kem = own;
	said_done(&said);
	assert_int_equal(plant_issue(plant, &other, &said), HM_E_TWICE_KEY);
	own = other.root;
	other.root = chip.root;
	chip_prove(&other);
	other.root = own;
	said_done(&said);
	assert_int_equal(plant_issue(plant, &other, &said), HM_E_TWICE_KEY);
	assert_int_equal(plant_size(plant), size + 3);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
	/* With keys of its own it is welcome. */
	chip_prove(&other);
	said_done(&said);
	assert_int_equal(plant_issue(plant, &other, &said), HM_OK);
}

static void
gives_the_unit_back_if_evidence_does_not_verify(void **state)
{
	struct plant *plant = *state;
	CHIP(bad, 1);
	CHIP(good, 2);
	SAID(said);

	bad.kase.proof.soft.signature[40] ^= 1;
	for (int i = 0; i < 8; i++) /* more often than there are numbers */
		assert_refused(plant, plant->st_a, "PO-1", &bad, HM_E_EVIDENCE);
	assert_int_equal(plant->play.issues, 8);
	assert_int_equal(plant_issue(plant, &good, &said), HM_OK);
	assert_string_equal(plant_device(plant, &good).serial, "SN000001");
	assert_int_equal(plant_device(plant, &bad).state, HM_STATE_NEW);
}

static void
judges_evidence_before_it_counts(void **state)
{
	struct plant *plant = *state;
	CHIP(open, 1);
	CHIP(old, 2);
	CHIP(foreign, 3);

	open.kase.claims.lock = HM_LOCK_OPEN;
	chip_prove(&open);
	assert_refused(plant, plant->st_a, "PO-1", &open, HM_E_EVIDENCE_OPEN);
	old.kase.claims.counter = 2;
	chip_prove(&old);
	assert_refused(plant, plant->st_a, "PO-1", &old, HM_E_COUNTER);
	foreign.kase.claims.release[0] ^= 1;
	chip_prove(&foreign);
	assert_refused(plant, plant->st_a, "PO-1", &foreign, HM_E_RELEASE);
	assert_int_equal(plant->play.issues, 0);
}

static void
refuses_a_known_device_in_another_order(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	plant->order.serial_first = 1000;
	plant->order.mac_first[4] = 0xff;
	assert_int_equal(plant_order(plant, "PO-2"), HM_OK);
	assert_refused(plant, plant->st_a, "PO-2", &chip, HM_E_TWICE);
	chip_prove(&chip);
	assert_refused(plant, plant->st_a, "PO-2", &chip, HM_E_TWICE);
}

static void
never_issues_a_confirmed_device_again(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(first);
	SAID(receipt);

	assert_int_equal(plant_issue(plant, &chip, &first), HM_OK);
	assert_int_equal(
	    plant_confirm(plant, &chip, first.stamp, &receipt), HM_OK);
	/* Recorded evidence, played again: it has its stamp. */
	assert_refused(plant, plant->st_a, "PO-1", &chip, HM_E_ALREADY_MADE);
	chip_prove(&chip);
	assert_refused(plant, plant->st_a, "PO-1", &chip, HM_E_ALREADY_MADE);
}

/* (r, s) and (r, n - s) are both signatures of the same digest. */
static void
negate_s(uint8_t *s)
{
	static const uint8_t n[32] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00,
		0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
		0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca,
		0xc2, 0xfc, 0x63, 0x25, 0x51 };
	int borrow = 0;

	for (int i = 31; i >= 0; i--) {
		int value = n[i] - s[i] - borrow;

		borrow = value < 0;
		s[i] = (uint8_t)(value + 256 * borrow);
	}
}

static void
refuses_a_signature_value_that_was_seen(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	uint64_t size;

	plant->play.fail_issue = HM_E_TOKEN_GONE;
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_TOKEN_GONE);
	plant->play.fail_issue = HM_OK;
	size = plant_size(plant);
	negate_s(chip.kase.proof.soft.signature + 32);
	chip.kase.possession[0] ^= 1; /* another message */
	said_done(&said);
	assert_int_equal(
	    plant_issue(plant, &chip, &said), HM_E_SIGNATURE_REUSE);
	assert_int_equal(plant_size(plant), size + 1);
	assert_int_equal(plant_device(plant, &chip).state, HM_STATE_RESERVED);
	/* The same r with an s that does not fit is no alarm. */
	chip.kase.proof.soft.signature[60] ^= 1;
	chip.kase.possession[0] ^= 2;
	assert_refused(plant, plant->st_a, "PO-1", &chip, HM_E_EVIDENCE);
}

static void
completes_a_reserved_device_when_the_token_is_back(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	SAID(done);

	plant->play.fail_issue = HM_E_TOKEN_GONE;
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_TOKEN_GONE);
	assert_int_equal(plant_counts(plant, "PO-1").reserved, 1);
	assert_int_equal(plant_device(plant, &chip).state, HM_STATE_RESERVED);
	said_done(&said);
	/* Once more in vain: it is not counted again. */
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_TOKEN_GONE);
	assert_int_equal(plant_counts(plant, "PO-1").reserved, 1);
	plant->play.fail_issue = HM_OK;
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(plant_issue(plant, &chip, &done), HM_OK);
	assert_int_equal(plant_verify(plant, &done), HM_OK);
	assert_string_equal(plant_device(plant, &chip).serial, "SN000001");
	assert_int_equal(plant_counts(plant, "PO-1").reserved, 0);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_RESERVE), 1);
}

static void
keeps_the_unit_when_the_signer_is_too_slow(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	SAID(done);

	plant->play.drop = 1;
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_TIMEOUT);
	assert_int_equal(plant_counts(plant, "PO-1").reserved, 1);
	/* Its late answer is dropped, the device is signed again. */
	assert_int_equal(plant_issue(plant, &chip, &done), HM_OK);
	assert_int_equal(plant->play.issues, 2);
	assert_int_equal(plant_verify(plant, &done), HM_OK);
}

static void
answers_later_if_the_checkpoint_cannot_be_signed(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	SAID(done);

	plant->play.fail_checkpoint = HM_E_TOKEN_GONE;
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_TOKEN_GONE);
	assert_int_equal(plant_device(plant, &chip).state, HM_STATE_ISSUED);
	plant_settle(plant); /* cannot publish either */
	plant->play.fail_checkpoint = HM_OK;
	assert_int_equal(plant_issue(plant, &chip, &done), HM_OK);
	assert_int_equal(plant_verify(plant, &done), HM_OK);
	assert_int_equal(plant->play.issues, 1);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), 1);
}

static void
asks_the_enrolment_list(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	uint8_t digest[HM_DIGEST_LEN], list[HM_DIGEST_LEN];
	static struct hm_object object, enrol;

	object = (struct hm_object){ .kind = HM_OBJECT_PRODUCT, .made_s = T0 };
	object.product = plant->product;
	enrol = (struct hm_object){ .kind = HM_OBJECT_ENROLMENT, .made_s = T0 };
	object.product.version = 2;
	object.product.key_source = HM_KEYS_ENROLLED;
	assert_int_equal(
	    plant_object(plant, plant->planner, &object, plant->product_digest),
	    HM_OK);
	plant->order.serial_first = 1000;
	plant->order.mac_first[4] = 0xff;
	assert_int_equal(plant_order(plant, "PO-2"), HM_OK);
	assert_refused(plant, plant->st_a, "PO-2", &chip, HM_E_EVIDENCE_KEY);
	attest_key_digest(&chip.kase, digest);
	memcpy(list, digest, sizeof(list));
	enrol.enrolment.product = HM_LITERAL("lamp");
	enrol.enrolment.digests = HM_BYTES(list);
	assert_int_equal(
	    plant_object(plant, plant->planner, &enrol, NULL), HM_OK);
	assert_int_equal(
	    plant_issue_as(plant, plant->st_a, "PO-2", &chip, &said), HM_OK);
	/* Enrolled, but another device's. */
	CHIP(other, 2);
	p256_pair_free(other.root);
	other.root = chip.root;
	chip_prove(&other);
	other.root = NULL;
	said_done(&said);
	assert_int_equal(
	    plant_issue_as(plant, plant->st_a, "PO-2", &other, &said),
	    HM_E_TWICE_KEY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(issues_a_device_with_a_receipt_that_verifies),
		TEST(answers_the_same_request_with_the_same_bytes),
		TEST(gives_an_unconfirmed_device_its_stamp_again),
		TEST(answers_a_stale_nonce_only_for_what_was_issued),
		TEST(refuses_whoever_may_not_make_this_order),
		TEST(refuses_a_credential_past_its_date),
		TEST(keeps_the_dates_of_the_order_to_the_second),
		TEST(refuses_a_closed_order_but_not_its_retry),
		TEST(gives_the_last_unit_once),
		TEST(raises_a_clone_alarm_once_for_each_evidence),
		TEST(blames_nobody_by_forged_evidence),
		TEST(refuses_keys_of_another_device),
		TEST(gives_the_unit_back_if_evidence_does_not_verify),
		TEST(judges_evidence_before_it_counts),
		TEST(refuses_a_known_device_in_another_order),
		TEST(never_issues_a_confirmed_device_again),
		TEST(refuses_a_signature_value_that_was_seen),
		TEST(completes_a_reserved_device_when_the_token_is_back),
		TEST(keeps_the_unit_when_the_signer_is_too_slow),
		TEST(answers_later_if_the_checkpoint_cannot_be_signed),
		TEST(asks_the_enrolment_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
