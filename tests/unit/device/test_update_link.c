/* SPDX-License-Identifier: Apache-2.0 */
/* Updates by message: each may come twice, or not at all. */
#include "board.h"
#include "hallmark/update_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#define PIECE 1000u

static struct hm_update_serve serve;
static struct made v1, v2;
static uint8_t payload[9000], room[HM_UPDATE_ROOM];

static void
reset(void)
{
	hm_journal_reset();
	assert_int_equal(hm_update_serve_init(
			     &serve, (struct hm_span){ room, sizeof(room) }),
	    HM_OK);
}

static int
set_up(void **unused)
{
	uint8_t key[32];
	struct maker how = { .version = { 1, 2, 3, 4 },
		.counter = 1,
		.payload = HM_BYTES(payload),
		.signer = key };

	(void)unused;
	maker_scalar(1, key);
	maker_make(&how, &v1);
	how.version.major = 2;
	maker_make(&how, &v2);
	board_new(&board_chip);
	board_runs(HM_AREA_SLOT_A, &v1);
	reset();
	return 0;
}

static int
tear_down(void **unused)
{
	(void)unused;
	nor_close();
	return 0;
}

/* ---- asking ---- */

static struct hm_update_answer
ask(const struct hm_update_ask *question)
{
	static uint8_t message[HM_UPDATE_ASK_MAX];
	struct hm_update_answer answer;
	uint8_t reply[HM_UPDATE_ANSWER_MAX];
	size_t len;

	assert_int_equal(
	    hm_update_ask_encode(
		question, (struct hm_span){ message, sizeof(message) }, &len),
	    HM_OK);
	assert_true(hm_update_is_ask((struct hm_bytes){ message, len }));
	assert_int_equal(
	    hm_update_handle(&serve, (struct hm_bytes){ message, len },
		(struct hm_span){ reply, sizeof(reply) }, &len),
	    HM_OK);
	assert_int_equal(
	    hm_update_answer_decode((struct hm_bytes){ reply, len }, &answer),
	    HM_OK);
	return answer;
}

static struct hm_update_state
say(hm_update_type type)
{
	const struct hm_update_ask question = { .type = type };
	struct hm_update_answer answer = ask(&question);

	assert_int_equal(answer.err, HM_OK);
	return answer.state;
}

static hm_err
refusal(hm_update_type type)
{
	const struct hm_update_ask question = { .type = type };

	return ask(&question).err;
}

static struct hm_update_state
announce(const struct made *made)
{
	struct hm_update_ask question = { .type = HM_UPDATE_ANNOUNCE,
		.tlvs = made_tlvs(made) };
	struct hm_update_answer answer;

	memcpy(question.header, made->bytes, sizeof(question.header));
	answer = ask(&question);
	assert_int_equal(answer.err, HM_OK);
	return answer.state;
}

static struct hm_update_answer
data(uint32_t at, uint32_t len)
{
	const struct hm_update_ask question = { .type = HM_UPDATE_DATA,
		.at = at,
		.bytes = { v2.bytes + at, len } };

	return ask(&question);
}

/* An offset whose end wraps around. */
static struct hm_update_answer
far_away(void)
{
	const struct hm_update_ask question = { .type = HM_UPDATE_DATA,
		.at = UINT32_MAX - 10,
		.bytes = { v2.bytes, 50 } };

	return ask(&question);
}

static void
send(uint32_t end)
{
	uint32_t at = say(HM_UPDATE_STATUS).received;

	while (at < end) {
		uint32_t n = end - at < PIECE ? end - at : PIECE;

		assert_int_equal(data(at, n).state.received, at + n);
		at += n;
	}
}

/* ---- tests ---- */

static void
tells_what_runs(void **unused)
{
	struct hm_update_state state = say(HM_UPDATE_STATUS);

	(void)unused;
	assert_int_equal(state.major, 1);
	assert_int_equal(state.minor, 2);
	assert_int_equal(state.revision, 3);
	assert_int_equal(state.build, 4);
	assert_true(state.is_confirmed);
	assert_memory_equal(state.running, board.firmware, HM_DIGEST_LEN);
	assert_int_equal(state.where, HM_UPDATE_AT_IDLE);
	assert_int_equal(state.piece, HM_UPDATE_PIECE);
}

static void
takes_every_message_twice(void **unused)
{
	struct hm_update_state state = announce(&v2);

	(void)unused;
	assert_int_equal(state.received, 32);
	assert_int_equal(state.size, v2.tlvs_at);
	for (uint32_t at = 32; at < v2.tlvs_at; at += 500) {
		uint32_t n = v2.tlvs_at - at < 500 ? v2.tlvs_at - at : 500;

		assert_int_equal(data(at, n).state.received, at + n);
		assert_int_equal(data(at, n).state.received, at + n);
		assert_int_equal(announce(&v2).received, at + n);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    say(HM_UPDATE_FINISH).where, HM_UPDATE_AT_READY);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    say(HM_UPDATE_INSTALL).where, HM_UPDATE_AT_INSTALLED);
	assert_int_equal(announce(&v2).where, HM_UPDATE_AT_INSTALLED);
}

static void
passes_over_what_it_has_and_takes_no_gap(void **unused)
{
	(void)unused;
	(void)announce(&v2);
	send(3000);
	assert_int_equal(data(100, 1000).state.received, 3000);
	assert_int_equal(data(3001, 100).state.received, 3000);
	assert_int_equal(far_away().err, HM_OK);
	assert_int_equal(data(2500, 1000).state.received, 3500);
	send(v2.tlvs_at);
	assert_int_equal(say(HM_UPDATE_FINISH).where, HM_UPDATE_AT_READY);
}

static void
goes_on_after_a_reset(void **unused)
{
	struct hm_update_state state;

	(void)unused;
	(void)announce(&v2);
	send(6000);
	reset();
	state = say(HM_UPDATE_STATUS);
	assert_int_equal(state.where, HM_UPDATE_AT_IDLE);
	assert_memory_equal(state.update, v2.bytes + v2.tlvs_at + 20, 32);
	assert_int_equal(data(6000, 100).err, HM_E_WRONG_STATE);
	assert_int_equal(announce(&v2).received, 4096);
	send(v2.tlvs_at);
	assert_int_equal(say(HM_UPDATE_FINISH).where, HM_UPDATE_AT_READY);
	reset();
	assert_int_equal(announce(&v2).received, v2.tlvs_at);
	(void)say(HM_UPDATE_FINISH);
	(void)say(HM_UPDATE_INSTALL);
	reset();
	assert_int_equal(say(HM_UPDATE_STATUS).where, HM_UPDATE_AT_INSTALLED);
}

static void
says_when_it_is_on_trial(void **unused)
{
	struct hm_boot boot;
	hm_err err;

	(void)unused;
	(void)announce(&v2);
	send(v2.tlvs_at);
	(void)say(HM_UPDATE_FINISH);
	(void)say(HM_UPDATE_INSTALL);
	assert_int_equal(hm_boot_choose(&boot, &err), HM_VERDICT_YES);
	memcpy(board.firmware, boot.image.digest, HM_DIGEST_LEN);
	reset();
	assert_int_equal(say(HM_UPDATE_STATUS).major, 2);
	assert_false(say(HM_UPDATE_STATUS).is_confirmed);
	assert_int_equal(hm_update_confirm(), HM_OK);
	assert_true(say(HM_UPDATE_STATUS).is_confirmed);
}

static void
refuses_by_name(void **unused)
{
	(void)unused;
	assert_int_equal(refusal(HM_UPDATE_FINISH), HM_E_WRONG_STATE);
	assert_int_equal(refusal(HM_UPDATE_INSTALL), HM_E_WRONG_STATE);
	assert_int_equal(data(32, 100).err, HM_E_WRONG_STATE);
	(void)announce(&v2);
	assert_int_equal(refusal(HM_UPDATE_FINISH), HM_E_WRONG_STATE);
	assert_int_equal(data(32, v2.tlvs_at - 31).err, HM_E_TOO_LARGE);
	assert_int_equal(say(HM_UPDATE_STATUS).received, 32);
	(void)say(HM_UPDATE_CANCEL);
	assert_int_equal(say(HM_UPDATE_STATUS).where, HM_UPDATE_AT_IDLE);
}

static void
refuses_what_is_no_question_of_its_own(void **unused)
{
	static const uint8_t hello[] = { 0x82, 0x01, 0xf6 };
	static const uint8_t state[] = { 0x82, 0x11, 0xf6 };
	static const uint8_t none[] = { 0x82, 0x18, 0x18, 0xf6 };
	const struct hm_bytes each[] = { HM_BYTES(hello), HM_BYTES(state),
		HM_BYTES(none), HM_LITERAL("noise"), HM_LITERAL("") };
	uint8_t reply[HM_UPDATE_ANSWER_MAX];
	struct hm_update_answer answer;
	size_t len;

	(void)unused;
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		assert_false(hm_update_is_ask(each[i]));
		assert_int_equal(
		    hm_update_handle(&serve, each[i],
			(struct hm_span){ reply, sizeof(reply) }, &len),
		    HM_OK);
		assert_int_equal(hm_update_answer_decode(
				     (struct hm_bytes){ reply, len }, &answer),
		    HM_OK);
		assert_int_equal(answer.err, HM_E_BAD_INPUT);
	}
	assert_int_equal(
	    hm_update_handle(&serve, each[0],
		(struct hm_span){ reply, sizeof(reply) - 1 }, &len),
	    HM_E_NO_ROOM);
}

static void
answers_frames_after_noise_and_ends_for_a_restart(void **unused)
{
	static const uint8_t noise[] = "boot 1.0 \0\0garbage";
	const struct hm_update_ask question = { .type = HM_UPDATE_RESTART };
	uint8_t message[32], bytes[128];
	size_t len, framed;

	(void)unused;
	assert_int_equal(
	    hm_update_ask_encode(
		&question, (struct hm_span){ message, sizeof(message) }, &len),
	    HM_OK);
	memcpy(bytes, noise, sizeof(noise));
	assert_int_equal(hm_frame_encode((struct hm_bytes){ message, len },
			     (struct hm_span){ bytes + sizeof(noise),
				 sizeof(bytes) - sizeof(noise) },
			     &framed),
	    HM_OK);
	board.in = (struct hm_bytes){ bytes, sizeof(noise) + framed };
	assert_int_equal(hm_update_serve_run(&serve), HM_OK);
	assert_true(board.out_len > 0 && board.out[0] == 0);
	reset();
	board.in = (struct hm_bytes){ bytes, sizeof(noise) };
	assert_int_equal(hm_update_serve_run(&serve), HM_E_LINK);
}

static void
takes_shorter_pieces_with_less_room(void **unused)
{
	static uint8_t small[300];

	(void)unused;
	assert_int_equal(
	    hm_update_serve_init(&serve, (struct hm_span){ small, 300 }),
	    HM_OK);
	assert_in_range(say(HM_UPDATE_STATUS).piece, 200, 290);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_what_runs),
		TEST(takes_every_message_twice),
		TEST(passes_over_what_it_has_and_takes_no_gap),
		TEST(goes_on_after_a_reset),
		TEST(says_when_it_is_on_trial),
		TEST(refuses_by_name),
		TEST(refuses_what_is_no_question_of_its_own),
		TEST(answers_frames_after_noise_and_ends_for_a_restart),
		TEST(takes_shorter_pieces_with_less_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
