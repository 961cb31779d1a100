/* SPDX-License-Identifier: Apache-2.0 */
/* wire: every message against its golden file, and what all have in common */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs.h"
#include "samples.h"

struct room {
	uint8_t bytes[SAMPLE_MAX];
	size_t len;
};

static struct room
encoded(const struct sample *sample)
{
	struct room room;

	if (sample->encode(
		(struct hm_span){ room.bytes, SAMPLE_MAX }, &room.len))
		fail_msg("%s does not encode", sample->name);
	return room;
}

static hm_err
recode(const struct sample *sample, struct hm_bytes message, struct room *ret)
{
	return codec_find(sample->codec)
	    ->recode(
		message, (struct hm_span){ ret->bytes, SAMPLE_MAX }, &ret->len);
}

static void
equals_its_golden_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct room want, have = encoded(&samples[i]);
		char path[1024];
		FILE *file;

		snprintf(path, sizeof(path), "%s/%s", VECTORS, samples[i].name);
		file = fopen(path, "rb");
		if (!file)
			fail_msg("%s: missing", path);
		want.len = fread(want.bytes, 1, SAMPLE_MAX, file);
		fclose(file);
		assert_int_equal(have.len, want.len);
		assert_memory_equal(have.bytes, want.bytes, want.len);
	}
}

static void
reads_what_it_wrote(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct room want = encoded(&samples[i]), have;
		struct hm_bytes message = { want.bytes, want.len };

		if (!samples[i].codec)
			continue;
		assert_int_equal(recode(&samples[i], message, &have), HM_OK);
		assert_int_equal(have.len, want.len);
		assert_memory_equal(have.bytes, want.bytes, want.len);
	}
}

/* On the heap, so that a reader beyond the end is caught. */
static hm_err
recode_on_heap(const struct sample *sample, struct hm_bytes message)
{
	uint8_t *copy = malloc(message.len ? message.len : 1);
	struct room ignored;
	hm_err err;

	assert_non_null(copy);
	memcpy(copy, message.ptr, message.len);
	err = recode(sample, (struct hm_bytes){ copy, message.len }, &ignored);
	free(copy);
	return err;
}

static void
refuses_a_message_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct room whole = encoded(&samples[i]);

		for (size_t n = 0; samples[i].codec && n < whole.len; n++)
			assert_int_equal(
			    recode_on_heap(&samples[i],
				(struct hm_bytes){ whole.bytes, n }),
			    HM_E_BAD_INPUT);
	}
}

static void
refuses_a_byte_too_many(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct room long_ = encoded(&samples[i]);

		if (!samples[i].codec)
			continue;
		long_.bytes[long_.len++] = 0;
		assert_int_equal(
		    recode_on_heap(&samples[i],
			(struct hm_bytes){ long_.bytes, long_.len }),
		    HM_E_BAD_INPUT);
	}
}

/* Any bit flipped: refused, or a message that is the same written again. */
static void
takes_no_second_spelling_of_a_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct room flipped = encoded(&samples[i]), again;
		struct hm_bytes message = { flipped.bytes, flipped.len };

		for (size_t bit = 0; samples[i].codec && bit < flipped.len * 8;
		     bit++) {
			uint8_t mask = (uint8_t)(1u << (bit % 8));

			flipped.bytes[bit / 8] ^= mask;
			if (recode(&samples[i], message, &again) == HM_OK) {
				assert_int_equal(again.len, flipped.len);
				assert_memory_equal(
				    again.bytes, flipped.bytes, again.len);
			}
			flipped.bytes[bit / 8] ^= mask;
		}
	}
}

static void
refuses_another_version(void **state)
{
	size_t versioned = 0;

	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct room other = encoded(&samples[i]);

		if (!samples[i].codec || other.bytes[0] >> 5 != 5 ||
		    other.bytes[1] != 0)
			continue;
		versioned++;
		for (int version = 0; version < 24; version++) {
			other.bytes[2] = (uint8_t)version;
			assert_int_equal(
			    recode_on_heap(&samples[i],
				(struct hm_bytes){ other.bytes, other.len }),
			    version == 1 ? HM_OK : HM_E_BAD_INPUT);
		}
	}
	assert_true(versioned > 25);
}

static void
says_how_much_room_it_needs_and_stays_within(void **state)
{
	(void)state;
	for (size_t i = 0; i < sample_count; i++) {
		struct room whole = encoded(&samples[i]);
		struct hm_span none = { NULL, 0 };
		size_t len = 0;

		assert_int_equal(samples[i].encode(none, &len), HM_E_NO_ROOM);
		assert_int_equal(len, whole.len);
		for (size_t size = 1; size < whole.len; size += 7) {
			uint8_t *small = malloc(size);

			assert_non_null(small);
			len = 0;
			assert_int_equal(
			    samples[i].encode(
				(struct hm_span){ small, size }, &len),
			    HM_E_NO_ROOM);
			assert_int_equal(len, whole.len);
			free(small);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_its_golden_file),
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(refuses_a_message_cut_anywhere),
		cmocka_unit_test(refuses_a_byte_too_many),
		cmocka_unit_test(takes_no_second_spelling_of_a_message),
		cmocka_unit_test(refuses_another_version),
		cmocka_unit_test(says_how_much_room_it_needs_and_stays_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
