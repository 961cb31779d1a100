/* SPDX-License-Identifier: Apache-2.0 */
/* wire/frame: COBS, CRC, and being in step again after anything */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/frame.h"

#define LONG 1100 /* more than four blocks of COBS */

struct line {
	uint8_t room[HM_FRAME_SIZE(LONG)];
	struct hm_frame_in in;
	struct hm_bytes message;
	size_t messages;
};

static void
line_init(struct line *line)
{
	memset(line, 0, sizeof(*line));
	hm_frame_in_init(
	    &line->in, (struct hm_span){ line->room, sizeof(line->room) });
}

static void
feed(struct line *line, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (hm_frame_put(&line->in, bytes[i], &line->message))
			line->messages++;
}

static void
crc_is_the_one_of_ieee(void **state)
{
	(void)state;
	assert_int_equal(hm_crc32(HM_LITERAL("123456789")), 0xcbf43926);
	assert_int_equal(hm_crc32(HM_LITERAL("")), 0);
}

static void
lays_out_a_known_frame(void **state)
{
	static const uint8_t message[] = { 0x11, 0x00, 0x00, 0x22 };
	uint8_t frame[HM_FRAME_SIZE(sizeof(message))],
	    want[] = { 0, 2, 0x11, 1, 6, 0x22, 0, 0, 0, 0, 0 };
	size_t len;

	(void)state;
	hm_put_u32(want + 6, hm_crc32(HM_BYTES(message)));
	assert_int_equal(hm_frame_encode(HM_BYTES(message),
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	assert_int_equal(len, sizeof(want));
	assert_memory_equal(frame, want, len);
}

/* Without zeros, all zeros, and mixed; every length around the blocks. */
static void
carries_messages_of_every_length(void **state)
{
	uint8_t message[LONG], frame[HM_FRAME_SIZE(LONG)];
	struct line line;

	(void)state;
	for (size_t n = 0; n <= LONG; n++) {
		for (int kind = 0; kind < 3; kind++) {
			size_t len;

			for (size_t i = 0; i < n; i++)
				message[i] = kind == 0 ? (uint8_t)(i | 1)
					     : kind == 1
						 ? 0
						 : (uint8_t)(i * i * 7 % 251);
			assert_int_equal(
			    hm_frame_encode((struct hm_bytes){ message, n },
				(struct hm_span){ frame, HM_FRAME_SIZE(n) },
				&len),
			    HM_OK);
			for (size_t i = 1; i + 1 < len; i++)
				assert_int_not_equal(frame[i], 0);
			line_init(&line);
			feed(&line, frame, len);
			assert_int_equal(line.messages, 1);
			assert_int_equal(line.in.dropped, 0);
			assert_int_equal(line.message.len, n);
			assert_memory_equal(line.message.ptr, message, n);
		}
	}
}

static void
says_how_much_room_a_frame_needs(void **state)
{
	uint8_t message[300], *small;
	size_t whole, len;

	(void)state;
	memset(message, 1, sizeof(message));
	assert_int_equal(hm_frame_encode(HM_BYTES(message),
			     (struct hm_span){ NULL, 0 }, &whole),
	    HM_E_NO_ROOM);
	assert_true(whole <= HM_FRAME_SIZE(sizeof(message)));
	for (size_t size = 1; size < whole; size++) {
		small = malloc(size);
		assert_non_null(small);
		assert_int_equal(hm_frame_encode(HM_BYTES(message),
				     (struct hm_span){ small, size }, &len),
		    HM_E_NO_ROOM);
		assert_int_equal(len, whole);
		free(small);
	}
}

static void
drops_a_frame_with_any_bit_flipped(void **state)
{
	uint8_t frame[64];
	struct line line;
	size_t len;

	(void)state;
	assert_int_equal(hm_frame_encode(HM_LITERAL("do not believe all"),
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	for (size_t bit = 8; bit < (len - 1) * 8; bit++) {
		line_init(&line);
		frame[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		feed(&line, frame, len);
		frame[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_equal(line.messages, 0);
		assert_true(line.in.dropped > 0);
		feed(&line, frame, len);
		assert_int_equal(line.messages, 1);
	}
}

static void
is_in_step_after_noise_and_a_reset_in_the_middle(void **state)
{
	static const uint8_t noise[] = "U-Boot SPL 2031.01\r\n\xff\xfe";
	uint8_t frame[32];
	struct line line;
	size_t len;

	(void)state;
	line_init(&line);
	assert_int_equal(hm_frame_encode(HM_LITERAL("hello"),
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	feed(&line, noise, sizeof(noise) - 1);
	feed(&line, frame, len);
	assert_int_equal(line.messages, 1);
	feed(&line, frame, len / 2);
	feed(&line, frame, len);
	assert_int_equal(line.messages, 2);
	assert_int_equal(line.in.dropped, 2);
	assert_true(hm_bytes_equal(line.message, HM_LITERAL("hello")));
}

static void
skips_empty_frames_without_counting_them(void **state)
{
	static const uint8_t zeros[5];
	struct line line;

	(void)state;
	line_init(&line);
	feed(&line, zeros, sizeof(zeros));
	assert_int_equal(line.messages, 0);
	assert_int_equal(line.in.dropped, 0);
}

static void
loses_a_frame_too_long_and_takes_the_next(void **state)
{
	uint8_t frame[64], *room = malloc(16);
	struct hm_frame_in in;
	struct hm_bytes message;
	size_t len, got = 0;

	(void)state;
	assert_non_null(room);
	hm_frame_in_init(&in, (struct hm_span){ room, 16 });
	assert_int_equal(hm_frame_encode(HM_LITERAL("longer than sixteen"),
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	for (size_t i = 0; i < len; i++)
		got += hm_frame_put(&in, frame[i], &message);
	assert_int_equal(got, 0);
	assert_int_equal(in.dropped, 1);
	assert_int_equal(hm_frame_encode(HM_LITERAL("short"),
			     (struct hm_span){ frame, sizeof(frame) }, &len),
	    HM_OK);
	for (size_t i = 0; i < len; i++)
		got += hm_frame_put(&in, frame[i], &message);
	assert_int_equal(got, 1);
	assert_true(hm_bytes_equal(message, HM_LITERAL("short")));
	free(room);
}

static void
drops_frames_shorter_than_a_crc(void **state)
{
	static const uint8_t short_[] = { 0, 4, 1, 2, 3, 0 };
	struct line line;

	(void)state;
	line_init(&line);
	feed(&line, short_, sizeof(short_));
	assert_int_equal(line.messages, 0);
	assert_int_equal(line.in.dropped, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_the_one_of_ieee),
		cmocka_unit_test(lays_out_a_known_frame),
		cmocka_unit_test(carries_messages_of_every_length),
		cmocka_unit_test(says_how_much_room_a_frame_needs),
		cmocka_unit_test(drops_a_frame_with_any_bit_flipped),
		cmocka_unit_test(
		    is_in_step_after_noise_and_a_reset_in_the_middle),
		cmocka_unit_test(skips_empty_frames_without_counting_them),
		cmocka_unit_test(loses_a_frame_too_long_and_takes_the_next),
		cmocka_unit_test(drops_frames_shorter_than_a_crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
