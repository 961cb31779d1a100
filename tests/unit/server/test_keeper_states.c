/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: confirm, void, commands, time-outs, revocation list */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/text.h"
#include "ca/ca.h"
#include "plant.h"
#include "server/keeper/state.h"

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
#define NO_TAIL ((struct hm_bytes){ 0 })

static bool
equal(struct hm_bytes a, struct hm_bytes b)
{
	return a.len > 0 && hm_bytes_equal(a, b);
}

static hm_device_state
state_of(struct plant *plant, const struct chip *chip)
{
	return (hm_device_state)plant_device(plant, chip).state;
}

/* ---- confirm ---- */

static void
confirms_once_and_repeats_the_receipt(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(issued);
	SAID(first);
	SAID(second);

	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	plant->now_s += 5;
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &first), HM_OK);
	assert_int_equal(plant_verify(plant, &first), HM_OK);
	assert_int_equal(state_of(plant, &chip), HM_STATE_CONFIRMED);
	assert_int_equal(plant_device(plant, &chip).confirmed_s, T0 + 5);
	/* A new signature over the same: the receipt of then. */
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &second), HM_OK);
	assert_true(equal(first.entry, second.entry));
	assert_true(equal(first.receipt, second.receipt));
	assert_int_equal(plant_counts(plant, "PO-1").confirmed, 1);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_CONFIRM), 1);
}

static void
assert_not_confirmed(
    struct plant *plant, const struct ask_confirm *ask, hm_err err)
{
	SAID(said);
	uint64_t size = plant_size(plant);

	assert_int_equal(
	    plant_ask(plant, ASK_CONFIRM, ask, NO_TAIL, &said), err);
	assert_int_equal(plant_size(plant), size);
	assert_int_equal(plant_counts(plant, "PO-1").confirmed, 0);
}

static void
refuses_a_conformance_that_does_not_fit(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	CHIP(other, 2);
	SAID(issued);
	struct ask_confirm good, ask;

	plant_fill_confirm(plant, &chip, HM_LITERAL("no stamp"), &ask);
	assert_not_confirmed(plant, &ask, HM_E_NOT_FOUND);
	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	assert_not_confirmed(plant, &ask, HM_E_CONFORMANCE);
	plant_fill_confirm(plant, &chip, issued.stamp, &good);
	ask = good;
	ask.conformance.release[3] ^= 1;
	assert_not_confirmed(plant, &ask, HM_E_CONFORMANCE);
	ask = good;
	ask.conformance.counter--;
	assert_not_confirmed(plant, &ask, HM_E_CONFORMANCE);
	ask = good;
	ask.conformance.lock = HM_LOCK_OPEN;
	assert_not_confirmed(plant, &ask, HM_E_CONFORMANCE);
	ask = good;
	ask.signature[7] ^= 1;
	assert_not_confirmed(plant, &ask, HM_E_SIGNATURE);
	ask = good;
	ask.conformance.counter++; /* allowed, but not what was signed */
	assert_not_confirmed(plant, &ask, HM_E_SIGNATURE);
	ask = good;
	ask.has_kid = 1;
	assert_not_confirmed(plant, &ask, HM_E_SIGNATURE);
	/* Signed by another device's key. */
	memcpy(other.kase.claims.device_id, chip.kase.claims.device_id, 32);
	plant_fill_confirm(plant, &other, issued.stamp, &ask);
	assert_not_confirmed(plant, &ask, HM_E_SIGNATURE);
	/* From another station. */
	ask = good;
	p256_pair_point(plant->st_b, ask.peer);
	assert_not_confirmed(plant, &ask, HM_E_ORDER_STATION);
}

static void
refuses_to_confirm_what_was_only_reserved(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	struct ask_confirm ask;

	plant->play.fail_issue = HM_E_TOKEN_GONE;
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_TOKEN_GONE);
	plant_fill_confirm(plant, &chip, HM_LITERAL("no stamp"), &ask);
	assert_not_confirmed(plant, &ask, HM_E_WRONG_STATE);
}

/* ---- void ---- */

/* Issue, void; does the leaf say that the unit went back? */
static bool
make_and_void(struct plant *plant, const struct chip *chip)
{
	SAID(issued);
	SAID(voided);
	struct hm_entry entry;

	assert_int_equal(plant_issue(plant, chip, &issued), HM_OK);
	assert_int_equal(plant_void(plant, "PO-1", chip, &voided), HM_OK);
	assert_int_equal(plant_verify(plant, &voided), HM_OK);
	assert_int_equal(hm_entry_decode(voided.entry, &entry), HM_OK);
	assert_int_equal(entry.type, HM_ENTRY_VOID);
	return entry.voided.returned;
}

static void
returns_an_issued_unit_while_returns_last(void **state)
{
	struct plant *plant = *state;
	CHIP(a, 1);
	CHIP(b, 2);

	assert_true(make_and_void(plant, &a));
	assert_int_equal(state_of(plant, &a), HM_STATE_RETURNED);
	assert_int_equal(plant_counts(plant, "PO-1").used, 0);
	assert_int_equal(plant_counts(plant, "PO-1").returned, 1);
	/* The order allows one: the next is scrapped, and stays used. */
	assert_false(make_and_void(plant, &b));
	assert_string_equal(plant_device(plant, &b).serial, "SN000002");
	assert_int_equal(state_of(plant, &b), HM_STATE_SCRAPPED);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
	assert_int_equal(plant_counts(plant, "PO-1").scrapped, 1);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_VOID), 2);
	assert_int_equal(plant_audit(plant, HM_ENTRY_CRL), 1);
}

static void
voids_once_and_for_good(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	SAID(first);
	SAID(again);

	assert_true(make_and_void(plant, &chip));
	assert_int_equal(plant_void(plant, "PO-1", &chip, &first), HM_OK);
	plant->now_s++; /* a second signature changes nothing */
	assert_int_equal(plant_void(plant, "PO-1", &chip, &again), HM_OK);
	assert_true(equal(first.receipt, again.receipt));
	assert_int_equal(plant_counts(plant, "PO-1").returned, 1);
	chip_prove(&chip);
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_WRONG_STATE);
}

static void
returns_a_reserved_unit_as_if_it_had_never_been(void **state)
{
	struct plant *plant = *state;
	CHIP(a, 1);
	CHIP(b, 2);
	SAID(said);

	plant->play.fail_issue = HM_E_TOKEN_GONE;
	assert_int_equal(plant_issue(plant, &a, &said), HM_E_TOKEN_GONE);
	said_done(&said);
	assert_int_equal(plant_void(plant, "PO-1", &a, &said), HM_OK);
	assert_int_equal(plant_counts(plant, "PO-1").left, 4);
	assert_int_equal(plant_counts(plant, "PO-1").returned, 0);
	plant->play.fail_issue = HM_OK;
	/* Its number is given anew, and it may come back itself. */
	said_done(&said);
	assert_int_equal(plant_issue(plant, &b, &said), HM_OK);
	assert_string_equal(plant_device(plant, &b).serial, "SN000001");
	chip_prove(&a);
	said_done(&said);
	assert_int_equal(plant_issue(plant, &a, &said), HM_OK);
	assert_string_equal(plant_device(plant, &a).serial, "SN000002");
	assert_int_equal(plant_counts(plant, "PO-1").used, 2);
}

static void
refuses_a_void_that_may_not_be(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	SAID(issued);
	struct ask_from from;

	assert_int_equal(
	    plant_void(plant, "PO-1", &chip, &said), HM_E_NOT_FOUND);
	said_done(&said);
	assert_int_equal(
	    plant_void(plant, "PO-9", &chip, &said), HM_E_NO_ORDER);
	p256_pair_point(plant->st_a, from.peer);
	said_done(&said);
	assert_int_equal(
	    plant_ask(plant, ASK_VOID, &from, HM_LITERAL("nonsense"), &said),
	    HM_E_BAD_INPUT);
	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	said_done(&said);
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &said), HM_OK);
	said_done(&said);
	assert_int_equal(
	    plant_void(plant, "PO-1", &chip, &said), HM_E_WRONG_STATE);
	assert_int_equal(state_of(plant, &chip), HM_STATE_CONFIRMED);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
}

static void
refuses_a_void_signed_by_another_key(void **state)
{
	struct plant *plant = *state;
	struct p256_pair *own = plant->st_a;
	CHIP(chip, 1);
	SAID(said);

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	said_done(&said);
	/* It comes from st-b, which the order does not name. */
	plant->st_a = plant->st_b;
	assert_int_equal(
	    plant_void(plant, "PO-1", &chip, &said), HM_E_ORDER_STATION);
	plant->st_a = own;
	assert_int_equal(state_of(plant, &chip), HM_STATE_ISSUED);
}

/* ---- commands ---- */

static void
walks_the_states_that_commands_order(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(issued);
	SAID(said);

	assert_int_equal(
	    plant_device_command(plant, HM_VERB_HOLD, &chip), HM_E_NOT_FOUND);
	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_RMA, &chip), HM_E_WRONG_STATE);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_HOLD, &chip), HM_OK);
	assert_int_equal(state_of(plant, &chip), HM_STATE_HELD);
	/* Held by a command: it may not be confirmed. */
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &said), HM_E_WRONG_STATE);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_RELEASE_HOLD, &chip), HM_OK);
	assert_int_equal(state_of(plant, &chip), HM_STATE_ISSUED);
	said_done(&said);
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &said), HM_OK);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_RELEASE_HOLD, &chip),
	    HM_E_WRONG_STATE);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_RMA, &chip), HM_OK);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_REWORK, &chip), HM_OK);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_SCRAP, &chip), HM_OK);
	assert_int_equal(plant_device_command(plant, HM_VERB_SCRAP, &chip),
	    HM_E_WRONG_STATE);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_REVOKE, &chip), HM_OK);
	assert_int_equal(state_of(plant, &chip), HM_STATE_REVOKED);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
	assert_int_equal(plant_counts(plant, "PO-1").scrapped, 1);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_STATE), 6);
}

static void
refuses_commands_without_a_target(void **state)
{
	struct plant *plant = *state;

	assert_int_equal(
	    plant_command(plant, HM_VERB_CLOSE_ORDER, "PO-9"), HM_E_NO_ORDER);
	assert_int_equal(
	    plant_command(plant, HM_VERB_CLOSE_ORDER, "PO-1"), HM_OK);
	assert_int_equal(plant_command(plant, HM_VERB_CLOSE_ORDER, "PO-1"),
	    HM_E_ORDER_CLOSED);
	assert_int_equal(plant_counts(plant, "PO-1").closed, 1);
	assert_int_equal(
	    plant_command(plant, HM_VERB_REVOKE_CREDENTIAL, "nobody"),
	    HM_E_NOT_FOUND);
	assert_int_equal(
	    plant_command(plant, HM_VERB_REVOKE_CREDENTIAL, "st-b"), HM_OK);
	assert_int_equal(
	    plant_command(plant, HM_VERB_REVOKE_CREDENTIAL, "st-b"),
	    HM_E_UNKNOWN_PEER);
}

/* ---- time-outs ---- */

static uint32_t
count_quarantined(struct plant *plant)
{
	SAID(said);
	struct ask_quarantine ask = { 0 };
	const struct ask_quarantine_answer *ret;

	p256_pair_point(plant->auditor, ask.peer);
	assert_int_equal(
	    plant_ask(plant, ASK_QUARANTINE, &ask, NO_TAIL, &said), HM_OK);
	ret = said.body;
	assert_int_equal(
	    said.tail.len, ret->count * sizeof(struct ask_quarantined));
	return ret->count;
}

static void
quarantines_what_is_not_confirmed_in_time(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(issued);
	SAID(again);
	SAID(said);

	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	plant->now_s += 599;
	plant_settle(plant);
	assert_int_equal(count_quarantined(plant), 0);
	plant->now_s++;
	plant_settle(plant);
	assert_int_equal(count_quarantined(plant), 1);
	assert_int_equal(state_of(plant, &chip), HM_STATE_HELD);
	plant_settle(plant); /* once */
	assert_int_equal(plant_audit(plant, HM_ENTRY_STATE), 1);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
	/* It comes after all: it gets its stamp, and may confirm. */
	chip_prove(&chip);
	assert_int_equal(plant_issue(plant, &chip, &again), HM_OK);
	assert_true(equal(issued.stamp, again.stamp));
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &said), HM_OK);
	assert_int_equal(count_quarantined(plant), 0);
	assert_int_equal(state_of(plant, &chip), HM_STATE_CONFIRMED);
}

static void
takes_a_reservation_back_in_time(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);

	plant->play.fail_issue = HM_E_TOKEN_GONE;
	assert_int_equal(plant_issue(plant, &chip, &said), HM_E_TOKEN_GONE);
	plant->play.fail_issue = HM_OK;
	plant->now_s += 600;
	plant_settle(plant);
	assert_int_equal(state_of(plant, &chip), HM_STATE_RETURNED);
	assert_int_equal(plant_counts(plant, "PO-1").left, 4);
	assert_int_equal(plant_counts(plant, "PO-1").returned, 0);
	assert_int_equal(count_quarantined(plant), 0);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	said_done(&said);
	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	assert_string_equal(plant_device(plant, &chip).serial, "SN000001");
}

static void
gives_a_quarantined_unit_up_when_it_is_voided(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);

	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	plant->now_s += 600;
	plant_settle(plant);
	said_done(&said);
	assert_int_equal(plant_void(plant, "PO-1", &chip, &said), HM_OK);
	assert_int_equal(state_of(plant, &chip), HM_STATE_SCRAPPED);
	assert_int_equal(count_quarantined(plant), 0);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
}

/* ---- the list of certificates that count no longer ---- */

static uint64_t
crl_length(struct plant *plant, struct p256_pair *by, hm_err wanted)
{
	SAID(said);
	struct ask_part ask = { 0 };

	p256_pair_point(by, ask.peer);
	assert_int_equal(
	    plant_ask(plant, ASK_CRL, &ask, NO_TAIL, &said), wanted);
	return ((const struct ask_part_answer *)said.body)->total;
}

static void
renews_the_revocation_list_when_it_must(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(said);
	uint64_t empty;

	assert_int_equal(crl_length(plant, plant->st_b, HM_E_NOT_FOUND), 0);
	plant_settle(plant);
	empty = crl_length(plant, plant->st_b, HM_OK);
	assert_true(empty > 100);
	plant_settle(plant); /* nothing to do */
	assert_int_equal(plant_audit(plant, HM_ENTRY_CRL), 1);
	assert_int_equal(plant_issue(plant, &chip, &said), HM_OK);
	assert_int_equal(
	    plant_device_command(plant, HM_VERB_REVOKE, &chip), HM_OK);
	/* The signer fails: the old one stands, and is replaced later. */
	plant->play.fail_crl = HM_E_TOKEN_GONE;
	plant_settle(plant);
	assert_int_equal(crl_length(plant, plant->st_b, HM_OK), empty);
	plant->play.fail_crl = HM_OK;
	plant->now_s += 60;
	plant_settle(plant);
	assert_true(crl_length(plant, plant->st_b, HM_OK) > empty + 20);
	assert_int_equal(plant_audit(plant, HM_ENTRY_CRL), 2);
	/* And before it ends, with nothing new in it. */
	plant->now_s += KEEPER_CRL_S / 2;
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_CRL), 3);
	assert_int_equal(
	    crl_length(plant, plant->stranger, HM_E_UNKNOWN_PEER), 0);
}

/* The whole list, as a reader gets it: part by part. */
static void
read_crl(struct plant *plant, struct buf *ret)
{
	struct ask_part ask = { 0 };
	uint64_t total = 1;

	p256_pair_point(plant->st_b, ask.peer);
	while (ret->len < total) {
		SAID(said);

		ask.offset = ret->len;
		assert_int_equal(
		    plant_ask(plant, ASK_CRL, &ask, NO_TAIL, &said), HM_OK);
		total = ((const struct ask_part_answer *)said.body)->total;
		assert_true(said.tail.len > 0);
		assert_int_equal(buf_add(ret, said.tail), HM_OK);
	}
}

static void
signs_a_list_that_fits_no_message(void **state)
{
	struct plant *plant = *state;
	AUTO(buf) struct buf list = { 0 };
	struct ca_crl_view view;
	uint8_t serial[CA_SERIAL_LEN] = { 1 };

	for (uint32_t i = 0; i < 5000; i++) {
		hm_put_u32(serial + 16, i);
		assert_int_equal(crl_add(&plant->keeper->crl, plant->keeper->db,
				     serial, plant->now_s, 5),
		    HM_OK);
	}
	plant_settle(plant);
	buf_init(&list, 1024 * 1024);
	read_crl(plant, &list);
	assert_true(list.len > ASK_MESSAGE_MAX);
	assert_int_equal(ca_crl_check(buf_bytes(&list),
			     plant->play.ca.certificate, plant->now_s, &view),
	    HM_OK);
	assert_true(ca_crl_lists(&view, HM_BYTES(serial)));
	serial[0] = 2;
	assert_false(ca_crl_lists(&view, HM_BYTES(serial)));
}

/* ---- counts that an administrator has edited ---- */

/* The keeper comes again on a database of which only the counts are others. */
static hm_err
reopen_edited(struct plant *plant, const char *set, struct why *why)
{
	char sql[96];

	(void)snprintf(sql, sizeof(sql), "UPDATE book SET %s", set);
	assert_int_equal(db_exec(plant->keeper->db, sql, NULL), HM_OK);
	return plant_reopen(plant, why);
}

static void
refuses_a_step_that_the_counts_do_not_have(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	SAID(issued);
	SAID(confirmed);
	SAID(voided);
	uint64_t size;

	assert_int_equal(plant_issue(plant, &chip, &issued), HM_OK);
	size = plant_size(plant);
	assert_int_equal(reopen_edited(plant, "used = 0", NULL), HM_OK);
	assert_int_equal(
	    plant_confirm(plant, &chip, issued.stamp, &confirmed), HM_E_COUNTS);
	assert_int_equal(
	    plant_void(plant, "PO-1", &chip, &voided), HM_E_COUNTS);
	assert_int_equal(state_of(plant, &chip), HM_STATE_ISSUED);
	assert_int_equal(plant_size(plant), size);
}

static void
completes_no_reservation_that_is_not_counted(void **state)
{
	struct plant *plant = *state;
	CHIP(chip, 1);
	CHIP(other, 2);
	SAID(first);
	SAID(again);
	SAID(next);
	uint64_t size;

	plant->play.fail_issue = HM_E_TOKEN_GONE;
	assert_int_equal(plant_issue(plant, &chip, &first), HM_E_TOKEN_GONE);
	plant->play.fail_issue = HM_OK;
	size = plant_size(plant);
	assert_int_equal(reopen_edited(plant, "reserved = 0", NULL), HM_OK);
	assert_int_equal(plant_issue(plant, &chip, &again), HM_E_COUNTS);
	assert_int_equal(again.tail.len, 0); /* its stamp does not leave */
	assert_int_equal(plant_size(plant), size);
	plant->now_s += 86400 * 30;
	plant_settle(plant); /* nor is it given back */
	plant->now_s -= 86400 * 30;
	assert_int_equal(state_of(plant, &chip), HM_STATE_RESERVED);
	/* Others are made. */
	assert_int_equal(plant_issue(plant, &other, &next), HM_OK);
}

static void
does_not_open_on_counts_that_contradict_each_other(void **state)
{
	struct plant *plant = *state;
	struct why why = { 0 };

	assert_int_equal(
	    reopen_edited(plant, "reserved = 4294967296", &why), HM_E_COUNTS);
	assert_non_null(strstr(why.where, "PO-1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(confirms_once_and_repeats_the_receipt),
		TEST(refuses_a_conformance_that_does_not_fit),
		TEST(refuses_to_confirm_what_was_only_reserved),
		TEST(returns_an_issued_unit_while_returns_last),
		TEST(voids_once_and_for_good),
		TEST(returns_a_reserved_unit_as_if_it_had_never_been),
		TEST(refuses_a_void_that_may_not_be),
		TEST(refuses_a_void_signed_by_another_key),
		TEST(signs_a_list_that_fits_no_message),
		TEST(walks_the_states_that_commands_order),
		TEST(refuses_commands_without_a_target),
		TEST(quarantines_what_is_not_confirmed_in_time),
		TEST(takes_a_reservation_back_in_time),
		TEST(gives_a_quarantined_unit_up_when_it_is_voided),
		TEST(renews_the_revocation_list_when_it_must),
		TEST(refuses_a_step_that_the_counts_do_not_have),
		TEST(completes_no_reservation_that_is_not_counted),
		TEST(does_not_open_on_counts_that_contradict_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
