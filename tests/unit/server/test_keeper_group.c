/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: who waits for the signer, and who does not */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/auto.h"
#include "plant.h"
#include "quota/book.h"

#define CHIPS 40

struct line {
	struct plant plant;
	struct chip chips[CHIPS];
	struct said said[64]; /* by tag */
	bool has[64];
};

static struct line line;

static int
setup(void **state)
{
	(void)state;
	memset(&line, 0, sizeof(line));
	plant_new(&line.plant, 4);
	for (uint32_t i = 0; i < CHIPS; i++)
		chip_new(&line.chips[i], &line.plant, i);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < CHIPS; i++)
		chip_done(&line.chips[i]);
	for (size_t i = 0; i < 64; i++)
		said_done(&line.said[i]);
	plant_settle(&line.plant);
	plant_done(&line.plant);
	return 0;
}

static hm_err
take_answer(void *context, uint64_t tag, struct hm_bytes message)
{
	(void)context;
	assert_true(tag < 64);
	assert_false(line.has[tag]);
	line.has[tag] = true;
	buf_done(&line.said[tag].message);
	buf_init(&line.said[tag].message, ASK_MESSAGE_MAX);
	assert_int_equal(buf_add(&line.said[tag].message, message), HM_OK);
	said_split(&line.said[tag]);
	return HM_OK;
}

static void
turn(void)
{
	struct keeper_outlet outlet = { NULL, take_answer };

	assert_int_equal(
	    keeper_turn(line.plant.keeper, line.plant.now_s, &outlet), HM_OK);
}

static void
take(ask_kind kind, const void *body, struct hm_bytes tail, uint64_t tag)
{
	AUTO(buf) struct buf message = { 0 };

	plant_message(kind, body, tail, &message);
	line.has[tag] = false;
	assert_int_equal(
	    keeper_take(line.plant.keeper, buf_bytes(&message), tag), HM_OK);
}

static void
take_issue_of(const char *order, size_t chip, uint64_t tag)
{
	struct ask_issue ask;

	plant_fill_issue(
	    &line.plant, line.plant.st_a, order, &line.chips[chip], &ask);
	take(ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, tag);
}

static void
take_issue(size_t chip, uint64_t tag)
{
	take_issue_of("PO-1", chip, tag);
}

static void
take_challenge(uint64_t tag)
{
	struct ask_challenge ask = { .order = "PO-1" };

	p256_pair_point(line.plant.st_a, ask.peer);
	take(ASK_CHALLENGE, &ask, (struct hm_bytes){ 0 }, tag);
}

static void
take_growth(uint64_t tag)
{
	struct ask_growth ask = { 0 };

	p256_pair_point(line.plant.st_a, ask.peer);
	take(ASK_GROWTH, &ask, (struct hm_bytes){ 0 }, tag);
}

static void
take_confirm(size_t chip, const struct said *issued, uint64_t tag)
{
	struct ask_confirm ask;

	plant_fill_confirm(&line.plant, &line.chips[chip], issued->stamp, &ask);
	take(ASK_CONFIRM, &ask, (struct hm_bytes){ 0 }, tag);
}

static void
turn_until_answered(uint64_t tag)
{
	for (size_t i = 0; i < 100000 && !line.has[tag]; i++)
		turn();
	assert_true(line.has[tag]);
}

static void
answers_challenges_and_confirms_while_devices_are_out(void **state)
{
	(void)state;
	take_issue(0, 0);
	turn_until_answered(0);
	assert_int_equal(line.said[0].err, HM_OK);

	line.plant.play.busy = true;
	take_issue(1, 1);
	turn();
	take_challenge(2);
	turn();
	assert_true(line.has[2]);
	assert_int_equal(line.said[2].err, HM_OK);
	assert_false(line.has[1]);
	line.plant.play.busy = false;
	take_confirm(0, &line.said[0], 3);
	turn_until_answered(3);
	turn_until_answered(1);
	assert_int_equal(line.said[1].err, HM_OK);
	assert_int_equal(line.said[3].err, HM_OK);
	assert_int_equal(plant_verify(&line.plant, &line.said[1]), HM_OK);
	assert_int_equal(plant_verify(&line.plant, &line.said[3]), HM_OK);
	assert_int_equal(plant_counts(&line.plant, "PO-1").used, 2);
}

/* The time of who is done passes, although another device is out. */
static void
commits_for_those_who_waited_long_enough(void **state)
{
	struct said *said = line.said;

	(void)state;
	line.plant.hold_us = 1;
	assert_int_equal(plant_reopen(&line.plant, NULL), HM_OK);
	take_issue(0, 0);
	turn_until_answered(0);
	line.plant.play.busy = true;
	take_issue(1, 1);
	turn();
	take_confirm(0, &said[0], 2);
	turn_until_answered(2);
	assert_int_equal(said[2].err, HM_OK);
	assert_int_equal(plant_verify(&line.plant, &said[2]), HM_OK);
	assert_false(line.has[1]);
	line.plant.play.busy = false;
	turn_until_answered(1);
	assert_int_equal(plant_verify(&line.plant, &said[1]), HM_OK);
}

/* Chips `from` to below `to` have the numbers whose bits are set. */
static void
assert_serials(size_t from, size_t to, unsigned bits)
{
	char serial[HM_SERIAL_MAX + 1];

	for (size_t i = from; i < to; i++) {
		struct ask_device_answer device =
		    plant_device(&line.plant, &line.chips[i]);
		uint32_t number = 0;

		do {
			assert_true(number < 8);
			assert_int_equal(
			    book_serial(&line.plant.order, number, serial),
			    HM_OK);
		} while (strcmp(serial, device.serial) != 0 && ++number > 0);
		assert_true((bits >> number & 1) != 0);
		bits &= ~(1u << number);
	}
	assert_int_equal(bits, 0);
}

static void
assert_counts(uint32_t used, uint32_t reserved, uint32_t left)
{
	struct ask_order_answer counts = plant_counts(&line.plant, "PO-1");

	assert_int_equal(counts.used, used);
	assert_int_equal(counts.reserved, reserved);
	assert_int_equal(counts.left, left);
}

/* A commit has passed while a device was with the signer; then the power went:
 * its unit and its number are free again, and given to the next. */
static void
loses_no_unit_of_a_device_that_was_out_at_a_crash(void **state)
{
	(void)state;
	line.plant.hold_us = 1;
	assert_int_equal(plant_reopen(&line.plant, NULL), HM_OK);
	take_issue(0, 0);
	turn_until_answered(0);
	line.plant.play.busy = true;
	take_issue(1, 1);
	take_issue(2, 2);
	turn();
	take_confirm(0, &line.said[0], 3);
	turn_until_answered(3);
	line.plant.play.busy = false;
	assert_int_equal(plant_reopen(&line.plant, NULL), HM_OK);
	assert_counts(1, 0, 3);
	for (uint64_t i = 2; i <= 4; i++) {
		take_issue(i, i);
		turn_until_answered(i);
		assert_int_equal(line.said[i].err, HM_OK);
	}
	assert_counts(4, 0, 0);
	/* Numbers 0 to 3, none left out: the serials are those of the order. */
	plant_settle(&line.plant);
	assert_int_equal(plant_audit(&line.plant, HM_ENTRY_ISSUE), 4);
	assert_serials(2, 5, 0x0e);
	take_issue(5, 5);
	turn_until_answered(5);
	assert_int_equal(line.said[5].err, HM_E_QUOTA);
}

static void
hands_out_no_more_than_the_window(void **state)
{
	(void)state;
	line.plant.order.quota = 100;
	line.plant.order.serial_first = 5000;
	line.plant.order.mac_first[3] = 1;
	assert_int_equal(plant_order(&line.plant, "PO-2"), HM_OK);
	line.plant.play.busy = true;
	for (uint32_t i = 0; i < CHIPS; i++)
		take_issue_of("PO-2", i, i);
	turn();
	assert_int_equal(line.plant.play.most_out, 32);
	line.plant.play.busy = false;
	for (uint32_t i = 0; i < CHIPS; i++) {
		turn_until_answered(i);
		assert_int_equal(line.said[i].err, HM_OK);
	}
	assert_int_equal(plant_counts(&line.plant, "PO-2").used, CHIPS);
}

/* A unit that is reserved must not time out while it is being completed. */
static void
lets_no_reserved_unit_go_back_while_it_is_signed(void **state)
{
	(void)state;
	line.plant.play.fail_issue = HM_E_TOKEN_GONE;
	take_issue(0, 0);
	turn_until_answered(0);
	assert_int_equal(line.said[0].err, HM_E_TOKEN_GONE);
	assert_int_equal(plant_counts(&line.plant, "PO-1").reserved, 1);
	line.plant.play.fail_issue = HM_OK;

	line.plant.hold_us = 1;
	assert_int_equal(plant_reopen(&line.plant, NULL), HM_OK);
	line.plant.play.busy = true;
	take_issue(0, 1);
	turn();
	line.plant.now_s += line.plant.order.confirm_within_s + 1;
	plant_settle(&line.plant);
	/* A commit ends the group; from then on nothing new goes out. */
	take_growth(2);
	turn_until_answered(2);
	take_issue(1, 3);
	turn();
	assert_int_equal(line.plant.play.out, 1);
	line.plant.play.busy = false;
	turn_until_answered(1);
	assert_int_equal(line.said[1].err, HM_OK);
	turn_until_answered(3);
	assert_int_equal(line.said[3].err, HM_OK);
	assert_counts(2, 0, 2);
}

static hm_err
refuse_answer(void *context, uint64_t tag, struct hm_bytes message)
{
	(void)context;
	(void)message;
	return tag == 0 ? HM_E_BUSY : take_answer(NULL, tag, message);
}

static void
keeps_answers_for_who_does_not_read_and_serves_the_rest(void **state)
{
	struct keeper_outlet outlet = { NULL, refuse_answer };

	(void)state;
	take_challenge(0);
	take_challenge(1);
	assert_int_equal(
	    keeper_turn(line.plant.keeper, line.plant.now_s, &outlet), HM_OK);
	assert_false(line.has[0]);
	assert_true(line.has[1]);
	assert_true(keeper_is_busy(line.plant.keeper));
	turn();
	assert_true(line.has[0]);
	assert_false(keeper_is_busy(line.plant.keeper));
}

static void
refuses_what_is_too_much(void **state)
{
	AUTO(buf) struct buf message = { 0 };
	struct ask_challenge ask = { .order = "PO-1" };
	struct keeper_outlet outlet = { NULL, refuse_answer };

	(void)state;
	p256_pair_point(line.plant.st_a, ask.peer);
	plant_message(ASK_CHALLENGE, &ask, (struct hm_bytes){ 0 }, &message);
	for (size_t i = 0; i < KEEPER_ASKS_MAX; i++)
		assert_int_equal(
		    keeper_take(line.plant.keeper, buf_bytes(&message), 0),
		    HM_OK);
	assert_int_equal(
	    keeper_take(line.plant.keeper, buf_bytes(&message), 0), HM_E_BUSY);
	assert_int_equal(
	    keeper_turn(line.plant.keeper, line.plant.now_s, &outlet), HM_OK);
	assert_int_equal(
	    keeper_take(line.plant.keeper, buf_bytes(&message), 0), HM_E_BUSY);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(answers_challenges_and_confirms_while_devices_are_out),
		T(commits_for_those_who_waited_long_enough),
		T(loses_no_unit_of_a_device_that_was_out_at_a_crash),
		T(hands_out_no_more_than_the_window),
		T(lets_no_reserved_unit_go_back_while_it_is_signed),
		T(keeps_answers_for_who_does_not_read_and_serves_the_rest),
		T(refuses_what_is_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
