/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "wire/stamp.h"

static struct oem oem;
static struct hm_agent agent;

static void
start(uint64_t seed)
{
	memport_reset(seed, oem.point);
	assert_int_equal(hm_agent_init(&agent), HM_OK);
}

static void
restart(void)
{
	assert_int_equal(hm_agent_init(&agent), HM_OK);
}

static hm_agent_state
state_said(hm_err *ret_last)
{
	struct reply reply;
	struct hm_info info;

	ask_for(&agent, HM_LINK_HELLO, (struct hm_bytes){ 0 }, HM_LINK_INFO,
	    &reply);
	assert_int_equal(hm_info_decode(reply_body(&reply), &info), HM_OK);
	assert_memory_equal(info.device_id, agent.device_id, 32);
	assert_memory_equal(info.release, chip.release, 32);
	assert_int_equal(info.scheme, HM_SCHEME_SOFT);
	if (ret_last != NULL)
		*ret_last = info.last;
	return info.state;
}

/* Everything that a refusal may not change. */
struct picture {
	struct memrecord records[HM_RECORD_COUNT + 1];
};

static void
take_picture(struct picture *ret)
{
	memcpy(ret->records, chip.records, sizeof(ret->records));
}

static void
assert_unchanged(const struct picture *before)
{
	assert_memory_equal(
	    before->records, chip.records, sizeof(before->records));
}

static void
goes_from_blank_to_complete_and_stays_there_over_a_reset(void **unused)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf receipt = { .max = 256 };
	struct hm_claims claims;
	struct reply reply;
	uint8_t binding[32];

	(void)unused;
	start(1);
	assert_int_equal(state_said(NULL), HM_AGENT_BLANK);
	challenge(&agent, 1, &claims, binding);
	assert_int_equal(state_said(NULL), HM_AGENT_READY);
	assert_int_equal(claims.counter, 7);
	assert_int_equal(claims.lock, HM_LOCK_CLOSED);

	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
	ask_for(&agent, HM_LINK_STAMP, buf_bytes(&stamp), HM_LINK_CONFORMANCE,
	    &reply);
	oem_check_conformance(reply_body(&reply), buf_bytes(&stamp), &claims);
	assert_int_equal(state_said(NULL), HM_AGENT_STAMPED);

	oem_receipt(&receipt);
	ask_for(
	    &agent, HM_LINK_RECEIPT, buf_bytes(&receipt), HM_LINK_DONE, &reply);
	assert_int_equal(state_said(NULL), HM_AGENT_COMPLETE);
	assert_memory_equal(
	    chip.records[HM_RECORD_RECEIPT].bytes, receipt.ptr, receipt.len);
	restart();
	assert_int_equal(hm_agent_where(&agent), HM_AGENT_COMPLETE);
}

static void
deliver(struct hm_bytes stamp, struct hm_bytes receipt, struct reply *ret)
{
	static uint8_t body[HM_LINK_MAX];
	const struct hm_delivery delivery = { stamp, receipt };
	size_t len;

	assert_int_equal(hm_delivery_encode(&delivery,
			     (struct hm_span){ body, sizeof(body) }, &len),
	    HM_OK);
	ask(&agent, HM_LINK_DELIVER, (struct hm_bytes){ body, len }, ret);
}

/* Open it, and a stamp for what it says. */
static void
open_for(struct buf *stamp, struct hm_claims *ret_claims)
{
	AUTO(buf) struct buf body = { .max = HM_CHALLENGE_MAX };
	struct hm_opened opened;
	struct reply reply;
	uint8_t binding[32];

	oem_challenge(1, &body);
	ask_for(&agent, HM_LINK_OPEN, buf_bytes(&body), HM_LINK_OPENED, &reply);
	assert_int_equal(hm_opened_decode(reply_body(&reply), &opened), HM_OK);
	assert_memory_equal(opened.device_id, agent.device_id, 32);
	assert_int_equal(opened.state, HM_AGENT_READY);
	assert_int_equal(opened.leaves, agent.leaves);
	assert_true(opened.longest > HM_STAMP_MAX);
	oem_check_evidence(opened.evidence, 1, ret_claims, binding);
	oem_stamp(&oem, ret_claims, binding, OEM_RIGHT, stamp);
}

static void
is_complete_in_two_exchanges(void **unused)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf receipt = { .max = 256 };
	const struct memrecord *kept = &chip.records[HM_RECORD_STAMP];
	struct hm_claims claims;
	struct reply first, again;
	unsigned writes;

	(void)unused;
	start(21);
	open_for(&stamp, &claims);
	oem_receipt(&receipt);
	deliver(buf_bytes(&stamp), HM_LITERAL("no receipt"), &first);
	assert_int_equal(first.err, HM_E_BAD_INPUT);
	assert_int_equal(state_said(NULL), HM_AGENT_READY);
	deliver(buf_bytes(&stamp), buf_bytes(&receipt), &first);
	assert_int_equal(first.type, HM_LINK_DELIVERED);
	oem_check_conformance(reply_body(&first), buf_bytes(&stamp), &claims);
	/* closed again where it was opened */
	assert_true(hm_bytes_equal(
	    (struct hm_bytes){ kept->bytes, kept->len }, buf_bytes(&stamp)));
	assert_memory_equal(
	    chip.records[HM_RECORD_RECEIPT].bytes, receipt.ptr, receipt.len);
	restart();
	assert_int_equal(hm_agent_where(&agent), HM_AGENT_COMPLETE);
	writes = chip.writes;
	deliver(buf_bytes(&stamp), buf_bytes(&receipt), &again);
	assert_memory_equal(&first, &again, sizeof(first));
	assert_int_equal(chip.writes, writes);
}

static void
takes_no_delivery_if_it_leaves(void **unused)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf receipt = { .max = 256 };
	struct hm_claims claims;
	struct reply reply;

	(void)unused;
	start(22);
	agent.leaves = true;
	open_for(&stamp, &claims);
	oem_receipt(&receipt);
	deliver(buf_bytes(&stamp), buf_bytes(&receipt), &reply);
	assert_int_equal(reply.err, HM_E_WRONG_STATE);
	ask_for(&agent, HM_LINK_STAMP, buf_bytes(&stamp), HM_LINK_CONFORMANCE,
	    &reply);
	assert_int_equal(state_said(NULL), HM_AGENT_STAMPED);
}

/* Every write of a delivery fails once, before and after it is stored. */
static void
recovers_from_every_failed_write_of_a_delivery(void **unused)
{
	(void)unused;
	for (unsigned round = 0; round < 8; round++) {
		AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
		AUTO(buf) struct buf receipt = { .max = 256 };
		struct hm_claims claims;
		struct reply reply;
		unsigned refused = 0;

		start(23);
		open_for(&stamp, &claims);
		oem_receipt(&receipt);
		/* secrets, stamp, receipt, state */
		chip.fail_at = chip.writes + 1 + round / 2;
		chip.fail_after = round % 2 == 1;
		do
			deliver(buf_bytes(&stamp), buf_bytes(&receipt), &reply);
		while (reply.err == HM_E_STORAGE && ++refused < 2);
		assert_int_equal(refused, 1);
		oem_check_conformance(
		    reply_body(&reply), buf_bytes(&stamp), &claims);
		restart();
		assert_int_equal(hm_agent_where(&agent), HM_AGENT_COMPLETE);
	}
}

static void
stores_the_secrets_that_were_sealed_to_it(void **unused)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	const struct memrecord *record = &chip.records[HM_RECORD_SECRETS];
	struct hm_secret secrets[HM_SECRETS_MAX];
	struct hm_claims claims;
	struct reply reply;
	uint8_t binding[32];
	uint32_t count = 0;

	(void)unused;
	start(2);
	challenge(&agent, 1, &claims, binding);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
	ask_for(&agent, HM_LINK_STAMP, buf_bytes(&stamp), HM_LINK_CONFORMANCE,
	    &reply);
	assert_int_equal(
	    hm_secrets_decode((struct hm_bytes){ record->bytes, record->len },
		secrets, &count),
	    HM_OK);
	assert_int_equal(count, 1);
	assert_true(
	    hm_bytes_equal(secrets[0].name, HM_LITERAL(OEM_SECRET_NAME)));
	assert_true(
	    hm_bytes_equal(secrets[0].value, HM_LITERAL(OEM_SECRET_VALUE)));
}

static void
answers_the_same_question_with_the_same_bytes(void **unused)
{
	AUTO(buf) struct buf body = { .max = HM_CHALLENGE_MAX };
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf receipt = { .max = 256 };
	struct hm_claims claims;
	struct reply first, again;
	uint8_t binding[32];
	unsigned writes;

	(void)unused;
	start(3);
	oem_challenge(9, &body);
	ask(&agent, HM_LINK_CHALLENGE, buf_bytes(&body), &first);
	ask(&agent, HM_LINK_CHALLENGE, buf_bytes(&body), &again);
	assert_memory_equal(&first, &again, sizeof(first));
	oem_check_evidence(reply_body(&first), 9, &claims, binding);

	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
	ask(&agent, HM_LINK_STAMP, buf_bytes(&stamp), &first);
	writes = chip.writes;
	ask(&agent, HM_LINK_STAMP, buf_bytes(&stamp), &again);
	assert_memory_equal(&first, &again, sizeof(first));
	restart();
	chip.lock = HM_LOCK_LOCKED; /* the conformance stays what it was */
	ask(&agent, HM_LINK_STAMP, buf_bytes(&stamp), &again);
	assert_memory_equal(&first, &again, sizeof(first));

	oem_receipt(&receipt);
	ask(&agent, HM_LINK_RECEIPT, buf_bytes(&receipt), &first);
	assert_int_equal(chip.writes, writes + 2);
	ask(&agent, HM_LINK_RECEIPT, buf_bytes(&receipt), &again);
	assert_memory_equal(&first, &again, sizeof(first));
	ask(&agent, HM_LINK_STAMP, buf_bytes(&stamp), &again);
	assert_int_equal(again.type, HM_LINK_CONFORMANCE);
	assert_int_equal(chip.writes, writes + 2);
}

static void
refuses_every_flawed_stamp_and_changes_nothing(void **unused)
{
	static const hm_err expected[OEM_FLAW_COUNT] = {
		[OEM_FOREIGN_KEY] = HM_E_STAMP_FOREIGN,
		[OEM_OTHER_PURPOSE] = HM_E_STAMP_FOREIGN,
		[OEM_ALTERED] = HM_E_STAMP_FOREIGN,
		[OEM_NO_COSE] = HM_E_BAD_INPUT,
		[OEM_NO_STAMP] = HM_E_BAD_INPUT,
		[OEM_OTHER_ID] = HM_E_STAMP_OTHER,
		[OEM_OTHER_BINDING] = HM_E_STAMP_OTHER,
		[OEM_OTHER_KEY] = HM_E_STAMP_OTHER,
		[OEM_BURIED_KEY] = HM_E_STAMP_OTHER,
		[OEM_NO_CERTIFICATE] = HM_E_STAMP_OTHER,
		[OEM_OTHER_RELEASE] = HM_E_RELEASE,
		[OEM_OTHER_COUNTER] = HM_E_RELEASE,
		[OEM_OTHER_KEM] = HM_E_OPEN,
		[OEM_OTHER_SERIAL] = HM_E_OPEN,
		[OEM_SEAL_ALTERED] = HM_E_OPEN,
		[OEM_NOT_ON_CURVE] = HM_E_OPEN,
		[OEM_NO_SECRETS] = HM_E_BAD_INPUT,
	};
	static struct picture before;
	struct hm_claims claims;
	uint8_t binding[32];
	hm_err last;

	(void)unused;
	start(4);
	challenge(&agent, 1, &claims, binding);
	take_picture(&before);
	for (int flaw = OEM_RIGHT + 1; flaw < OEM_FLAW_COUNT; flaw++) {
		AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };

		oem_stamp(&oem, &claims, binding, (oem_flaw)flaw, &stamp);
		ask_refused(
		    &agent, HM_LINK_STAMP, buf_bytes(&stamp), expected[flaw]);
		assert_unchanged(&before);
		assert_int_equal(state_said(&last), HM_AGENT_READY);
		assert_int_equal(last, expected[flaw]);
	}
}

static void
refuses_a_stamp_of_another_device(void **unused)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	struct hm_claims claims, own;
	uint8_t binding[32];

	(void)unused;
	start(5);
	challenge(&agent, 1, &claims, binding);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
	start(6);
	challenge(&agent, 1, &own, binding);
	ask_refused(&agent, HM_LINK_STAMP, buf_bytes(&stamp), HM_E_STAMP_OTHER);
}

static void
refuses_a_second_stamp_for_ever(void **unused)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf second = { .max = HM_STAMP_MAX };
	static struct picture before;
	struct hm_claims claims;
	struct reply reply;
	uint8_t binding[32];

	(void)unused;
	start(7);
	challenge(&agent, 1, &claims, binding);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &second);
	ask_for(&agent, HM_LINK_STAMP, buf_bytes(&stamp), HM_LINK_CONFORMANCE,
	    &reply);
	take_picture(&before);
	ask_refused(
	    &agent, HM_LINK_STAMP, buf_bytes(&second), HM_E_WRONG_STATE);
	challenge(&agent, 2, &claims, binding); /* it still attests */
	restart();
	ask_refused(
	    &agent, HM_LINK_STAMP, buf_bytes(&second), HM_E_WRONG_STATE);
	assert_unchanged(&before);
}

static void
refuses_what_comes_before_its_time(void **unused)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf receipt = { .max = 256 };
	struct hm_claims claims;
	uint8_t binding[32];

	(void)unused;
	start(8);
	oem_receipt(&receipt);
	ask_refused(
	    &agent, HM_LINK_RECEIPT, buf_bytes(&receipt), HM_E_WRONG_STATE);
	challenge(&agent, 1, &claims, binding);
	ask_refused(
	    &agent, HM_LINK_RECEIPT, buf_bytes(&receipt), HM_E_WRONG_STATE);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
	start(9);
	ask_refused(&agent, HM_LINK_STAMP, buf_bytes(&stamp), HM_E_WRONG_STATE);
	assert_int_equal(chip.writes, 0);
}

static void
remembers_eight_claims_and_forgets_the_oldest(void **unused)
{
	AUTO(buf) struct buf oldest = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf second = { .max = HM_STAMP_MAX };
	struct hm_claims claims;
	struct reply reply;
	uint8_t binding[32];

	(void)unused;
	start(10);
	challenge(&agent, 0, &claims, binding);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &oldest);
	challenge(&agent, 1, &claims, binding);
	oem_stamp(&oem, &claims, binding, OEM_RIGHT, &second);
	for (uint8_t nonce = 2; nonce <= 8; nonce++)
		challenge(&agent, nonce, &claims, binding);
	challenge(&agent, 8, &claims, binding); /* known: nothing falls out */
	restart();
	ask_refused(
	    &agent, HM_LINK_STAMP, buf_bytes(&oldest), HM_E_STAMP_OTHER);
	ask_for(&agent, HM_LINK_STAMP, buf_bytes(&second), HM_LINK_CONFORMANCE,
	    &reply);
}

static void
keeps_its_keys_over_every_challenge(void **unused)
{
	struct hm_claims first, later;
	uint8_t binding[32];

	(void)unused;
	start(11);
	challenge(&agent, 1, &first, binding);
	restart();
	challenge(&agent, 2, &later, binding);
	assert_memory_equal(first.identity, later.identity, 65);
	assert_memory_equal(first.kem, later.kem, 65);
	assert_memory_not_equal(first.identity, first.kem, 65);
}

static void
refuses_noise_and_answers_of_its_own(void **unused)
{
	static const uint8_t noise[] = { 0x82, 0x01 };
	static const hm_link_type answers[] = { HM_LINK_EVIDENCE,
		HM_LINK_CONFORMANCE, HM_LINK_PROBLEM };
	static uint8_t room[HM_ROOM_MIN];
	struct reply reply;
	size_t len = 0;

	(void)unused;
	start(12);
	for (size_t i = 0; i < 3; i++)
		ask_refused(
		    &agent, answers[i], HM_LITERAL("x"), HM_E_BAD_INPUT);
	ask_refused(&agent, HM_LINK_CHALLENGE, HM_LITERAL("x"), HM_E_BAD_INPUT);
	memcpy(room, noise, sizeof(noise));
	assert_int_equal(
	    hm_agent_handle(&agent, (struct hm_span){ room, sizeof(room) },
		sizeof(noise), &len),
	    HM_OK);
	assert_int_equal(room[1], HM_LINK_PROBLEM);
	len = 4711;
	assert_int_equal(
	    hm_agent_handle(&agent, (struct hm_span){ room, HM_ROOM_MIN - 1 },
		sizeof(noise), &len),
	    HM_E_NO_ROOM);
	assert_int_equal(
	    hm_agent_handle(&agent, (struct hm_span){ room, sizeof(room) },
		sizeof(room) + 1, &len),
	    HM_E_NO_ROOM);
	assert_int_equal(len, 4711);
	ask(&agent, HM_LINK_HELLO, (struct hm_bytes){ 0 }, &reply);
	assert_int_equal(reply.type, HM_LINK_INFO);
	assert_int_equal(chip.writes, 0);
}

static void
says_what_its_chip_cannot_do(void **unused)
{
	AUTO(buf) struct buf body = { .max = HM_CHALLENGE_MAX };
	struct hm_claims claims;
	uint8_t binding[32];

	(void)unused;
	start(13);
	oem_challenge(1, &body);
	chip.fail_random = true;
	ask_refused(
	    &agent, HM_LINK_CHALLENGE, buf_bytes(&body), HM_E_NO_ENTROPY);
	chip.fail_random = false;
	chip.fail_attest = true;
	ask_refused(&agent, HM_LINK_CHALLENGE, buf_bytes(&body), HM_E_IO);
	chip.fail_attest = false;
	chip.fail_lock = true;
	ask_refused(&agent, HM_LINK_CHALLENGE, buf_bytes(&body), HM_E_IO);
	chip.fail_lock = false;
	challenge(&agent, 1, &claims, binding);
	chip.fail_read = true;
	ask_refused(&agent, HM_LINK_CHALLENGE, buf_bytes(&body), HM_E_STORAGE);
	assert_int_equal(hm_agent_init(&agent), HM_E_STORAGE);
}

static void
does_not_start_without_what_it_is(void **unused)
{
	bool *const flags[] = { &chip.fail_uid, &chip.fail_firmware,
		&chip.fail_counter };

	(void)unused;
	start(16);
	for (size_t i = 0; i < 3; i++) {
		*flags[i] = true;
		assert_int_equal(hm_agent_init(&agent), HM_E_IO);
		*flags[i] = false;
	}
	assert_int_equal(hm_agent_init(&agent), HM_OK);
}

static void
refuses_a_damaged_memory(void **unused)
{
	struct memrecord *state = &chip.records[HM_RECORD_STATE];
	struct hm_claims claims;
	uint8_t binding[32];
	size_t len;

	(void)unused;
	start(14);
	challenge(&agent, 1, &claims, binding);
	len = state->len;
	for (state->len = 0; state->len < len; state->len++)
		assert_int_equal(hm_agent_init(&agent), HM_E_STORAGE);
	state->bytes[4] = 4; /* no such state */
	assert_int_equal(hm_agent_init(&agent), HM_E_STORAGE);
}

/* Every write of a life fails once, before and after it is stored. */
static void
recovers_from_every_failed_write(void **unused)
{
	(void)unused;
	for (unsigned round = 0; round < 16; round++) {
		AUTO(buf) struct buf body = { .max = HM_CHALLENGE_MAX };
		AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
		AUTO(buf) struct buf receipt = { .max = 256 };
		struct hm_claims claims;
		struct reply reply;
		uint8_t binding[32];
		unsigned refused = 0;

		start(15);
		chip.fail_at = 1 + round / 2;
		chip.fail_after = round % 2 == 1;
		oem_challenge(1, &body);
		oem_receipt(&receipt);
		do
			ask(&agent, HM_LINK_CHALLENGE, buf_bytes(&body),
			    &reply);
		while (reply.err == HM_E_STORAGE && ++refused < 2);
		oem_check_evidence(reply_body(&reply), 1, &claims, binding);
		oem_stamp(&oem, &claims, binding, OEM_RIGHT, &stamp);
		do
			ask(&agent, HM_LINK_STAMP, buf_bytes(&stamp), &reply);
		while (reply.err == HM_E_STORAGE && ++refused < 2);
		oem_check_conformance(
		    reply_body(&reply), buf_bytes(&stamp), &claims);
		do
			ask(&agent, HM_LINK_RECEIPT, buf_bytes(&receipt),
			    &reply);
		while (reply.err == HM_E_STORAGE && ++refused < 2);
		assert_int_equal(reply.type, HM_LINK_DONE);
		/* keys 2, state 1; secrets, stamp, state; receipt, state */
		assert_int_equal(refused, 1);
	}
}

static int
set_up(void **unused)
{
	(void)unused;
	oem_init(&oem);
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	oem_done(&oem);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    goes_from_blank_to_complete_and_stays_there_over_a_reset),
		cmocka_unit_test(is_complete_in_two_exchanges),
		cmocka_unit_test(takes_no_delivery_if_it_leaves),
		cmocka_unit_test(
		    recovers_from_every_failed_write_of_a_delivery),
		cmocka_unit_test(stores_the_secrets_that_were_sealed_to_it),
		cmocka_unit_test(answers_the_same_question_with_the_same_bytes),
		cmocka_unit_test(
		    refuses_every_flawed_stamp_and_changes_nothing),
		cmocka_unit_test(refuses_a_stamp_of_another_device),
		cmocka_unit_test(refuses_a_second_stamp_for_ever),
		cmocka_unit_test(refuses_what_comes_before_its_time),
		cmocka_unit_test(remembers_eight_claims_and_forgets_the_oldest),
		cmocka_unit_test(keeps_its_keys_over_every_challenge),
		cmocka_unit_test(refuses_noise_and_answers_of_its_own),
		cmocka_unit_test(says_what_its_chip_cannot_do),
		cmocka_unit_test(does_not_start_without_what_it_is),
		cmocka_unit_test(refuses_a_damaged_memory),
		cmocka_unit_test(recovers_from_every_failed_write),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
