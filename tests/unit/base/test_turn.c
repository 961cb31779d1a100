/* SPDX-License-Identifier: Apache-2.0 */
/* A file that two threads make of another one is what one would make. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/output.h"
#include "core/check.h"

#define SIZE ((3u << 20) + 12345)

static struct input file; /* SIZE bytes */

static uint8_t
byte_at(uint64_t at)
{
	return (uint8_t)(at * 31 + at / 251 + at / 65537);
}

static uint8_t
turned(uint64_t at)
{
	return (uint8_t)(byte_at(at) ^ (at >> 3));
}

/* What a worker saw. */
struct seen {
	uint64_t bytes;
	uint64_t fail_at; /* the block with this byte */
};

static hm_err
turn(void *context, uint64_t at, struct hm_span bytes)
{
	struct seen *seen = context;

	assert_true(at % INPUT_PIECE == 0 && bytes.len <= INPUT_PIECE);
	if (seen->fail_at >= at && seen->fail_at < at + bytes.len)
		return HM_E_IMAGE_PLACE;
	for (size_t i = 0; i < bytes.len; i++)
		bytes.ptr[i] ^= (uint8_t)((at + i) >> 3);
	seen->bytes += bytes.len;
	return HM_OK;
}

static int
make_file(void **state)
{
	static uint8_t bytes[SIZE];
	char name[] = "/tmp/hallmark-turn-XXXXXX";
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = byte_at(i);
	assert_int_equal(write(fd, bytes, SIZE), SIZE);
	file = (struct input){ .size = SIZE, .fd = fd, .name = "file" };
	return 0;
}

static int
drop_file(void **state)
{
	(void)state;
	input_done(&file);
	return 0;
}

struct checked {
	uint64_t at, from; /* the first byte that is of `from` in the file */
	uint64_t end;
};

static hm_err
check(void *context, struct hm_bytes piece)
{
	struct checked *c = context;

	for (size_t i = 0; i < piece.len; i++, c->at++)
		if (c->at < 3 || c->at >= c->end)
			assert_int_equal(piece.ptr[i], 7);
		else
			assert_int_equal(
			    piece.ptr[i], turned(c->at - 3 + c->from));
	return HM_OK;
}

/* Lengths that end a block, begin one, and fit nothing; at an odd place. */
static void
is_what_one_thread_makes(void **state)
{
	const uint64_t sizes[] = { 1u << 20, (1u << 20) + 1, 2u << 20,
		(3u << 20) - 1, SIZE };

	(void)state;
	beside_allow();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		AUTO_OUTPUT struct output *out = NULL;
		struct seen seen[2] = { { 0, UINT64_MAX }, { 0, UINT64_MAX } };
		void *const both[] = { &seen[0], &seen[1] };
		struct checked c = { .end = 3 + sizes[i] };
		struct input part, all;
		hm_err err = HM_E_IO;

		assert_int_equal(
		    input_window(&file, 0, sizes[i], &part), HM_OK);
		assert_int_equal(output_open("-", 0644, &out, NULL), HM_OK);
		assert_int_equal(output_fill(out, 7, 3), HM_OK);
		assert_true(output_turn(out, &part, turn, both, &err));
		assert_int_equal(err, HM_OK);
		assert_int_equal(seen[0].bytes + seen[1].bytes, sizes[i]);
		assert_int_equal(output_fill(out, 7, 100001), HM_OK);
		assert_int_equal(output_input(out, &all), HM_OK);
		assert_int_equal(all.size, sizes[i] + 3 + 100001);
		assert_int_equal(
		    input_walk(&all, 0, all.size, check, &c), HM_OK);
	}
}

static void
leaves_what_is_short_or_in_memory(void **state)
{
	AUTO_OUTPUT struct output *out = NULL, *memory = NULL;
	struct seen seen[2] = { 0 };
	void *const both[] = { &seen[0], &seen[1] };
	struct input part;
	hm_err err;

	(void)state;
	beside_allow();
	assert_int_equal(output_open("-", 0644, &out, NULL), HM_OK);
	assert_int_equal(output_memory(1u << 23, &memory), HM_OK);
	assert_int_equal(
	    input_window(&file, 0, BESIDE_LEAST - 1, &part), HM_OK);
	assert_false(output_turn(out, &part, turn, both, &err));
	assert_false(output_turn(memory, &file, turn, both, &err));
	part = input_of((struct hm_bytes){ NULL, 0 });
	assert_false(output_turn(out, &part, turn, both, &err));
	assert_int_equal(output_size(out), 0);
	assert_int_equal(seen[0].bytes + seen[1].bytes, 0);
}

/* Whatever fails, and wherever, is told, and both threads end. */
static void
tells_what_fails(void **state)
{
	struct rlimit old, new;

	(void)state;
	beside_allow();
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (uint64_t at = 0; at < SIZE; at += 99991) {
		AUTO_OUTPUT struct output *out = NULL;
		struct seen seen[2] = { { 0, at }, { 0, at } };
		void *const both[] = { &seen[0], &seen[1] };
		struct input cut = file;
		hm_err err = HM_OK;

		assert_int_equal(output_open("-", 0644, &out, NULL), HM_OK);
		assert_true(output_turn(out, &file, turn, both, &err));
		assert_int_equal(err, HM_E_IMAGE_PLACE);
		seen[0].fail_at = seen[1].fail_at = UINT64_MAX;
		/* The disk is full. */
		new = old;
		new.rlim_cur = at;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &new), 0);
		assert_true(output_turn(out, &file, turn, both, &err));
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(err, HM_E_IO);
		assert_int_equal(errno, EFBIG);
		/* Somebody has cut the file off. */
		cut.size += INPUT_PIECE;
		assert_true(output_turn(out, &cut, turn, both, &err));
		assert_int_equal(err, HM_E_IO);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_one_thread_makes),
		cmocka_unit_test(leaves_what_is_short_or_in_memory),
		cmocka_unit_test(tells_what_fails),
	};

	return cmocka_run_group_tests(tests, make_file, drop_file);
}
