/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/link.h"

#include "talk.h"

#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static struct oem oem;
static struct hm_agent agent;
static struct hm_serve serve;
static uint8_t room[HM_SERVE_ROOM];
static uint8_t pipe_in[1024];
static size_t pipe_len;

static void
start(void)
{
	memport_reset(1, oem.point);
	assert_int_equal(hm_agent_init(&agent), HM_OK);
	hm_serve_init(&serve, &agent, (struct hm_span){ room, sizeof(room) });
	pipe_len = 0;
}

static void
put(struct hm_bytes bytes)
{
	memcpy(pipe_in + pipe_len, bytes.ptr, bytes.len);
	pipe_len += bytes.len;
}

/* A hello in its frame. */
static void
put_hello(void)
{
	const struct hm_link link = { .type = HM_LINK_HELLO };
	uint8_t message[16], frame[64];
	size_t len = 0;

	assert_int_equal(
	    hm_link_encode(
		&link, (struct hm_span){ message, sizeof(message) }, &len),
	    HM_OK);
	assert_int_equal(hm_frame_encode((struct hm_bytes){ message, len },
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	put((struct hm_bytes){ frame, len });
}

/* How many good answers of this type the device gave. */
static unsigned
answers(hm_link_type type)
{
	static uint8_t body[HM_SERVE_ROOM];
	struct hm_frame_in in;
	struct hm_bytes message;
	struct hm_link link;
	unsigned count = 0;

	hm_frame_in_init(&in, (struct hm_span){ body, sizeof(body) });
	for (size_t i = 0; i < chip.out_len; i++)
		if (hm_frame_put(&in, chip.out[i], &message) &&
		    hm_link_decode(message, &link) == HM_OK &&
		    link.type == type)
			count++;
	return count;
}

static void
serves_frames_that_come_in_pieces_until_the_link_ends(void **unused)
{
	(void)unused;
	start();
	put_hello();
	put_hello();
	chip.in = pipe_in;
	chip.in_len = pipe_len;
	assert_int_equal(hm_serve_run(&serve), HM_E_LINK);
	assert_int_equal(answers(HM_LINK_INFO), 2);
}

static void
is_in_step_again_after_noise_and_a_torn_frame(void **unused)
{
	(void)unused;
	start();
	put(HM_LITERAL("U-Boot 2023.01 (Jan 09 2023)\r\n"));
	put_hello();
	pipe_len -= 5; /* power went in the middle of it */
	put(HM_LITERAL("\0"));
	put_hello();
	assert_int_equal(
	    hm_serve_feed(&serve, (struct hm_bytes){ pipe_in, pipe_len }),
	    HM_OK);
	assert_int_equal(answers(HM_LINK_INFO), 1);
	assert_int_equal(answers(HM_LINK_PROBLEM), 0);
}

static void
answers_a_good_frame_with_a_bad_message_by_a_problem(void **unused)
{
	uint8_t frame[32];
	size_t len = 0;

	(void)unused;
	start();
	assert_int_equal(hm_frame_encode(HM_LITERAL("noise"),
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	assert_int_equal(
	    hm_serve_feed(&serve, (struct hm_bytes){ frame, len }), HM_OK);
	assert_int_equal(answers(HM_LINK_PROBLEM), 1);
}

static void
ends_when_its_answer_cannot_leave(void **unused)
{
	(void)unused;
	start();
	put_hello();
	chip.link_broken = true;
	assert_int_equal(
	    hm_serve_feed(&serve, (struct hm_bytes){ pipe_in, pipe_len }),
	    HM_E_LINK);
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
		    serves_frames_that_come_in_pieces_until_the_link_ends),
		cmocka_unit_test(is_in_step_again_after_noise_and_a_torn_frame),
		cmocka_unit_test(
		    answers_a_good_frame_with_a_bad_message_by_a_problem),
		cmocka_unit_test(ends_when_its_answer_cannot_leave),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
