/* SPDX-License-Identifier: Apache-2.0 */
/* base/input and base/output: pieces, windows, whole or not at all */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/auto.h"
#include "base/beside.h"
#include "base/crc.h"
#include "base/file.h"
#include "base/output.h"

static char folder[] = "/tmp/hallmark-output-XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/image", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder); /* fails if anything was left */
}

static size_t
count_files(void)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2;
}

static hm_err
add_up(void *context, struct hm_bytes piece)
{
	uint32_t *crc = context;

	assert_true(piece.len <= INPUT_PIECE);
	*crc = crc32_add(*crc, piece);
	return HM_OK;
}

/* 200,000 bytes in pieces of all lengths, then changed in two places. */
static void
fill(struct output *out)
{
	uint8_t piece[300];
	uint32_t n = 0;

	while (n < 200000) {
		size_t len =
		    n % 300 + 1 < 200000 - n ? n % 300 + 1 : 200000 - n;

		for (size_t i = 0; i < len; i++)
			piece[i] = (uint8_t)((n + i) * 7 >> 3);
		assert_int_equal(
		    output_add(out, (struct hm_bytes){ piece, len }), HM_OK);
		n += (uint32_t)len;
	}
	assert_int_equal(output_put(out, 5, HM_LITERAL("head")), HM_OK);
	assert_int_equal(output_put(out, 199997, HM_LITERAL("end")), HM_OK);
	assert_int_equal(
	    output_put(out, 199998, HM_LITERAL("end")), HM_E_NO_ROOM);
	assert_int_equal(output_fill(out, 0xff, 5000), HM_OK);
	assert_int_equal(output_size(out), 205000);
}

static uint32_t
sum(const struct input *in)
{
	uint32_t crc = 0;

	assert_int_equal(input_walk(in, 0, in->size, add_up, &crc), HM_OK);
	return crc;
}

static void
file_and_memory_agree(void **state)
{
	struct output *memory, *file;
	struct input one, two, window;
	uint8_t four[4];
	bool filled;

	(void)state;
	assert_int_equal(output_memory(1 << 20, &memory), HM_OK);
	assert_int_equal(output_open(path, 0644, &file, NULL), HM_OK);
	fill(memory);
	fill(file);
	assert_int_equal(output_input(memory, &one), HM_OK);
	assert_int_equal(output_input(file, &two), HM_OK);
	assert_int_equal(one.size, two.size);
	assert_int_equal(sum(&one), sum(&two));
	assert_int_equal(input_window(&two, 5, 8, &window), HM_OK);
	assert_int_equal(
	    input_read(&window, 0, (struct hm_span){ four, 4 }), HM_OK);
	assert_memory_equal(four, "head", 4);
	assert_int_equal(input_read(&window, 5, (struct hm_span){ four, 4 }),
	    HM_E_IMAGE_SHORT);
	assert_int_equal(
	    input_window(&window, 1, 8, &window), HM_E_IMAGE_SHORT);
	assert_int_equal(
	    input_is_filled(&two, 200000, 5000, 0xff, &filled), HM_OK);
	assert_true(filled);
	assert_int_equal(
	    input_is_filled(&two, 199999, 5001, 0xff, &filled), HM_OK);
	assert_false(filled);
	assert_int_equal(output_cut(file, 10), HM_OK);
	assert_int_equal(output_add(file, HM_LITERAL("x")), HM_OK);
	assert_int_equal(output_size(file), 11);
	output_free(memory);
	output_free(file);
	assert_int_equal(count_files(), 0);
}

static void
is_there_after_commit_only(void **state)
{
	struct output *out;
	struct input in;
	AUTO(buf) struct buf content = { 0 };

	(void)state;
	assert_int_equal(
	    file_write(path, HM_LITERAL("old"), 0644, NULL), HM_OK);
	assert_int_equal(output_open(path, 0644, &out, NULL), HM_OK);
	assert_int_equal(output_add(out, HM_LITERAL("new one")), HM_OK);
	assert_int_equal(file_read(path, 100, &content, NULL), HM_OK);
	assert_string_equal(buf_text(&content), "old");
	output_free(out);
	assert_int_equal(file_read(path, 100, &content, NULL), HM_OK);
	assert_string_equal(buf_text(&content), "old");
	assert_int_equal(count_files(), 1);
	/* In and out may be one file. */
	assert_int_equal(input_open(path, 100, &in, NULL), HM_OK);
	assert_int_equal(output_open(path, 0644, &out, NULL), HM_OK);
	assert_int_equal(output_copy(out, &in, 0, in.size), HM_OK);
	assert_int_equal(output_add(out, HM_LITERAL("er")), HM_OK);
	assert_int_equal(output_commit(out, NULL), HM_OK);
	output_free(out);
	input_done(&in);
	assert_int_equal(file_read(path, 100, &content, NULL), HM_OK);
	assert_string_equal(buf_text(&content), "older");
	assert_int_equal(count_files(), 1);
}

static void
says_what_cannot_be_opened(void **state)
{
	struct input in;
	struct output *out;
	struct why why = { 0 };

	(void)state;
	assert_int_equal(
	    input_open("/nowhere/image", 10, &in, &why), HM_E_FILE);
	assert_string_equal(why.where, "/nowhere/image");
	assert_int_equal(
	    output_open("/nowhere/image", 0644, &out, NULL), HM_E_IO);
	assert_int_equal(input_open(path, 4, &in, NULL), HM_E_TOO_LARGE);
}

static void
reads_a_stream_more_than_once(void **state)
{
	int ends[2], kept = dup(0);
	uint8_t got[5];
	struct input in;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "twice", 5), 5);
	close(ends[1]);
	dup2(ends[0], 0);
	close(ends[0]);
	assert_int_equal(input_open("-", 100, &in, NULL), HM_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(in.size, 5);
		assert_int_equal(
		    input_read(&in, 0, (struct hm_span){ got, 5 }), HM_OK);
		assert_memory_equal(got, "twice", 5);
	}
	input_done(&in);
	dup2(kept, 0);
	close(kept);
}

static void
sums_as_zlib_does(void **state)
{
	(void)state;
	assert_int_equal(crc32_add(0, HM_LITERAL("123456789")), 0xcbf43926);
	assert_int_equal(
	    crc32_add(crc32_add(0, HM_LITERAL("1234")), HM_LITERAL("56789")),
	    0xcbf43926);
	assert_int_equal(crc32_add(7, HM_LITERAL("")), 7);
}

/* ---- a second thread that reads ---- */

#define LARGE (5u << 20) /* and 3 more: no multiple of a block */

/* A checksum of pieces in their order. */
struct seen {
	uint64_t bytes, most; /* fail from there on */
	uint32_t crc;
};

static hm_err
see(void *context, struct hm_bytes piece)
{
	struct seen *seen = context;

	assert_true(piece.len > 0 && piece.len <= INPUT_PIECE);
	if (seen->bytes >= seen->most)
		return HM_E_NO_ROOM;
	seen->crc = crc32_add(seen->crc, piece);
	seen->bytes += piece.len;
	return HM_OK;
}

static void
reads_ahead_what_it_would_read_alone(void **state)
{
	struct seen alone = { .most = UINT64_MAX }, two = alone, few;
	struct output *out;
	struct input in;

	(void)state;
	assert_int_equal(output_open(path, 0644, &out, NULL), HM_OK);
	for (uint32_t i = 0; i < LARGE / 4096; i++) {
		assert_int_equal(output_fill(out, (uint8_t)i, 1), HM_OK);
		assert_int_equal(
		    output_fill(out, (uint8_t)(i >> 8), 4095), HM_OK);
	}
	assert_int_equal(output_fill(out, 1, 3), HM_OK);
	assert_int_equal(output_input(out, &in), HM_OK);
	assert_false(ahead_walk(&in, 0, in.size, see, &two, NULL));
	assert_int_equal(input_walk(&in, 1, in.size - 1, see, &alone), HM_OK);
	beside_allow();
	assert_int_equal(input_walk(&in, 1, in.size - 1, see, &two), HM_OK);
	assert_int_equal(two.bytes, LARGE + 2);
	assert_int_equal(two.crc, alone.crc);
	/* The walker's own failure, at the start and in the middle. */
	few = (struct seen){ 0 };
	assert_int_equal(input_walk(&in, 0, in.size, see, &few), HM_E_NO_ROOM);
	few.most = 3u << 20;
	assert_int_equal(input_walk(&in, 0, in.size, see, &few), HM_E_NO_ROOM);
	assert_int_equal(few.bytes, 3u << 20);
	/* Somebody cuts the file off. */
	assert_int_equal(ftruncate(in.fd, 3 << 20), 0);
	few = (struct seen){ .most = UINT64_MAX };
	assert_int_equal(input_walk(&in, 0, in.size, see, &few), HM_E_IO);
	assert_int_equal(few.bytes, 3u << 20);
	output_free(out);
}

/* ---- what is known ---- */

#define KIND 7

static void
notes(struct output *out, uint64_t at, uint64_t size)
{
	uint8_t value[KNOWN_LEN];

	memset(value, (int)at, sizeof(value));
	output_note(out, at, size, KIND, value);
}

static bool
is_known(struct output *out, uint64_t at, uint64_t size)
{
	struct input in;
	uint8_t value[KNOWN_LEN];
	bool known;

	assert_int_equal(output_input(out, &in), HM_OK);
	assert_false(
	    input_known(&in, at, size, KIND + 1, value, sizeof(value)));
	known = input_known(&in, at, size, KIND, value, sizeof(value));
	assert_true(!known || value[0] == at);
	return known;
}

static void
knows_a_digest_until_its_bytes_change(void **state)
{
	struct output *out;
	struct input in, window;
	uint8_t value[KNOWN_LEN];

	(void)state;
	assert_int_equal(output_memory(100, &out), HM_OK);
	assert_int_equal(output_fill(out, 1, 60), HM_OK);
	notes(out, 10, 20);
	notes(out, 30, 10);
	notes(out, 40, 20);
	assert_true(is_known(out, 10, 20));
	assert_false(is_known(out, 10, 19));
	assert_false(is_known(out, 11, 20));
	assert_int_equal(output_fill(out, 1, 5), HM_OK);
	assert_int_equal(output_put(out, 29, HM_LITERAL("x")), HM_OK);
	assert_false(is_known(out, 10, 20));
	assert_true(is_known(out, 30, 10));
	notes(out, 10, 20);
	assert_int_equal(output_put(out, 9, HM_LITERAL("xx")), HM_OK);
	assert_false(is_known(out, 10, 20));
	assert_true(is_known(out, 30, 10));
	assert_true(is_known(out, 40, 20));
	assert_int_equal(output_cut(out, 59), HM_OK);
	assert_false(is_known(out, 40, 20));
	assert_true(is_known(out, 30, 10));
	/* A window has places of its own, and an end. */
	assert_int_equal(output_input(out, &in), HM_OK);
	assert_int_equal(input_window(&in, 25, 15, &window), HM_OK);
	assert_true(input_known(&window, 5, 10, KIND, value, sizeof(value)));
	assert_int_equal(input_window(&in, 25, 14, &window), HM_OK);
	assert_false(input_known(&window, 5, 10, KIND, value, sizeof(value)));
	output_free(out);
}

static void
knows_the_last_digests_only(void **state)
{
	struct output *out;

	(void)state;
	assert_int_equal(output_memory(100, &out), HM_OK);
	assert_int_equal(output_fill(out, 1, 60), HM_OK);
	for (uint64_t i = 0; i <= KNOWN_PARTS; i++)
		notes(out, i, 1);
	assert_false(is_known(out, 0, 1));
	for (uint64_t i = 1; i <= KNOWN_PARTS; i++)
		assert_true(is_known(out, i, 1));
	output_free(out);
}

/* Added in lengths that fit nothing, made in place, overwritten, cut off and
 * read in between: a file that is written beside is what memory is. */
static void
put_together(struct output *out, bool read)
{
	static uint8_t bytes[70001];
	struct input all;
	uint8_t *room, two[2];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + i / 251);
	for (size_t i = 0; i < 60; i++) {
		size_t len = i * 7919 % sizeof(bytes);

		assert_int_equal(
		    output_add(out, (struct hm_bytes){ bytes + i, len / 2 }),
		    HM_OK);
		assert_int_equal(
		    output_room(out, OUTPUT_ROOM_MAX, &room), HM_OK);
		memcpy(room, bytes + i, OUTPUT_ROOM_MAX);
		assert_int_equal(
		    output_used(out, OUTPUT_ROOM_MAX - i * 100), HM_OK);
		if (i % 9 == 5)
			assert_int_equal(
			    output_put(out, output_size(out) / 2,
				(struct hm_bytes){ bytes + 3 * i, 5000 }),
			    HM_OK);
		if (i % 13 == 7)
			assert_int_equal(
			    output_cut(out, output_size(out) - 12345), HM_OK);
		if (!read || i % 11 != 3)
			continue;
		assert_int_equal(output_input(out, &all), HM_OK);
		assert_int_equal(
		    input_read(&all, all.size - 2, (struct hm_span){ two, 2 }),
		    HM_OK);
		assert_memory_equal(
		    two, bytes + i + OUTPUT_ROOM_MAX - i * 100 - 2, 2);
	}
}

static void
writes_beside_what_it_would_write_alone(void **state)
{
	AUTO_OUTPUT struct output *file = NULL, *memory = NULL;
	struct input wanted, got;
	uint32_t sums[2] = { 0 };

	(void)state;
	beside_allow();
	assert_int_equal(output_open(path, 0644, &file, NULL), HM_OK);
	assert_int_equal(output_memory(1 << 23, &memory), HM_OK);
	put_together(memory, false);
	put_together(file, true);
	assert_int_equal(output_input(memory, &wanted), HM_OK);
	assert_int_equal(output_input(file, &got), HM_OK);
	assert_true(wanted.size > 2 * BESIDE_LEAST);
	assert_int_equal(wanted.size, got.size);
	assert_int_equal(
	    input_walk(&wanted, 0, wanted.size, add_up, &sums[0]), HM_OK);
	assert_int_equal(
	    input_walk(&got, 0, got.size, add_up, &sums[1]), HM_OK);
	assert_int_equal(sums[0], sums[1]);
	assert_int_equal(output_commit(file, NULL), HM_OK);
	assert_int_equal(count_files(), 1);
	unlink(path);
}

/* Pieces of a walk: whole, in parts, twice, with something in between, and
 * with a walk of the same file inside; all of it is written from where it was
 * read to, or copied, and nobody can tell. */
struct copier {
	const struct input *from;
	struct output *to;
	size_t turn;
	size_t stop; /* fail there */
};

static hm_err
copy_oddly(void *context, struct hm_bytes piece)
{
	struct copier *c = context;
	struct hm_bytes half = { piece.ptr + piece.len / 3, piece.len / 2 };
	static const uint8_t word[] = { 1, 2, 3, 4, 5 };

	if (c->turn == c->stop)
		return HM_E_NO_ROOM;
	switch (c->turn++ % 5) {
	case 0:
		HM_TRY(output_add(c->to, half));
		break;
	case 1:
		HM_TRY(output_add(c->to, HM_BYTES(word)));
		break;
	case 2:
		HM_TRY(output_add(c->to, piece));
		break;
	case 3:
		if (c->turn % 2 == 0)
			HM_TRY(output_copy(c->to, c->from, 3, 2u << 20));
		break;
	default:
		break;
	}
	return output_add(c->to, piece);
}

static uint32_t
sum_of_odd_copy(struct output *to, const struct input *from)
{
	struct copier c = { from, to, 0, SIZE_MAX };
	struct input all;
	uint32_t sum = 0;

	assert_int_equal(output_fill(to, 7, 513), HM_OK);
	assert_int_equal(output_copy(to, from, 0, from->size), HM_OK);
	assert_int_equal(
	    input_walk(from, 1, from->size - 1, copy_oddly, &c), HM_OK);
	assert_int_equal(output_input(to, &all), HM_OK);
	assert_int_equal(input_walk(&all, 0, all.size, add_up, &sum), HM_OK);
	return sum;
}

static void
copies_what_is_read_ahead(void **state)
{
	AUTO_OUTPUT struct output *out = NULL, *file = NULL, *memory = NULL;
	struct copier c = { .stop = 40 };
	struct input in;

	(void)state;
	beside_allow();
	assert_int_equal(output_open("-", 0644, &out, NULL), HM_OK);
	for (uint32_t i = 0; i < LARGE / 512; i++)
		assert_int_equal(
		    output_fill(out, (uint8_t)(i * 29 + i / 256), 512), HM_OK);
	assert_int_equal(output_fill(out, 1, 3), HM_OK);
	assert_int_equal(output_input(out, &in), HM_OK);
	assert_int_equal(output_open(path, 0644, &file, NULL), HM_OK);
	assert_int_equal(output_memory(64u << 20, &memory), HM_OK);
	assert_int_equal(
	    sum_of_odd_copy(file, &in), sum_of_odd_copy(memory, &in));
	assert_int_equal(output_size(file), output_size(memory));
	/* The walker fails while its piece, and those before, are written. */
	c.from = &in;
	c.to = file;
	assert_int_equal(
	    input_walk(&in, 0, in.size, copy_oddly, &c), HM_E_NO_ROOM);
	assert_int_equal(c.turn, 40);
}

/* The disk is full at any place: somebody hears of it, and nothing stays. */
static void
tells_what_could_not_be_written_beside(void **state)
{
	static uint8_t bytes[50000];
	AUTO_OUTPUT struct output *whole = NULL;
	struct rlimit old, new;
	struct input in;

	(void)state;
	beside_allow();
	assert_int_equal(output_open("-", 0644, &whole, NULL), HM_OK);
	assert_int_equal(output_fill(whole, 5, 4u << 20), HM_OK);
	assert_int_equal(output_input(whole, &in), HM_OK);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	for (new = old, new.rlim_cur = 1u << 20; new.rlim_cur < 3u << 20;
	     new.rlim_cur += 99991) {
		AUTO_OUTPUT struct output *out = NULL;
		bool is_lent = new.rlim_cur % 2 == 0;
		struct input all;
		hm_err err = HM_OK;

		assert_int_equal(output_open(path, 0644, &out, NULL), HM_OK);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &new), 0);
		errno = 0;
		for (size_t i = 0; err == HM_OK && i < 63; i++)
			err = is_lent ? output_copy(out, &in, 0, in.size)
				      : output_add(out, HM_BYTES(bytes));
		if (err == HM_OK)
			err = output_input(out, &all);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(err, HM_E_IO);
		assert_int_equal(errno, EFBIG);
	}
	assert_int_equal(count_files(), 0);
}

/* ---- calls that fail ---- */

/* The n-th call fails; where the power goes, half of it was done and each later
 * one fails, too. Two threads make them. */
static atomic_int left, unsynced, begun;
static bool is_power_cut;

static bool
fails(void)
{
	int now = atomic_fetch_sub(&left, 1);

	errno = EIO;
	return now == 0 || (now < 0 && is_power_cut);
}

static int
sick_open(const char *name, int flags, unsigned mode)
{
	return fails() ? -1 : open(name, flags, mode);
}

static long
sick_write(int fd, const void *from, size_t len)
{
	return fails() ? -1 : write(fd, from, len);
}

/* Never all at once: what is left has its own place. */
static long
sick_write_at(int fd, const void *from, size_t len, uint64_t at)
{
	size_t most = len > 70000 ? 70000 : len;

	atomic_store(&unsynced, 1);
	atomic_fetch_add(&begun, 1);
	if (!fails())
		return pwrite(fd, from, most, (off_t)at);
	if (is_power_cut && atomic_load(&left) == -1)
		(void)!pwrite(fd, from, most / 2, (off_t)at);
	errno = EIO;
	return -1;
}

static int
sick_truncate(int fd, uint64_t size)
{
	atomic_store(&unsynced, 1);
	return fails() ? -1 : ftruncate(fd, (off_t)size);
}

static int
sick_fsync(int fd)
{
	if (fails())
		return -1;
	atomic_store(&unsynced, 0);
	return fsync(fd);
}

/* A name for what the disk may not have yet would be a part after all. */
static int
sick_rename(const char *from, const char *to)
{
	assert_int_equal(atomic_load(&unsynced), 0);
	return fails() ? -1 : rename(from, to);
}

static int
sick_unlink(const char *name)
{
	return is_power_cut && fails() ? -1 : unlink(name);
}

static int
sick_close(int fd)
{
	int result = close(fd);

	return fails() ? -1 : result;
}

static const struct file_calls sick = {
	.open = sick_open,
	.write = sick_write,
	.write_at = sick_write_at,
	.truncate = sick_truncate,
	.fsync = sick_fsync,
	.rename = sick_rename,
	.link = link,
	.unlink = sick_unlink,
	.close = sick_close,
};

#define NEW_SIZE ((3u << 20) + 12345)

/* Long enough for the thread, changed in front, and cut off at its end. */
static hm_err
write_new(const char *name)
{
	AUTO_OUTPUT struct output *out = NULL;

	HM_TRY(output_open(name, 0644, &out, NULL));
	for (uint32_t i = 0; i < 52; i++)
		HM_TRY(output_fill(out, (uint8_t)(i + 1), 61440));
	HM_TRY(output_put(out, 3, HM_LITERAL("head")));
	HM_TRY(output_cut(out, NEW_SIZE - 4));
	HM_TRY(output_add(out, HM_LITERAL("tail")));
	return output_commit(out, NULL);
}

/* Is it the new one? It is the old one else, and never a part. */
static bool
is_new(uint32_t wanted)
{
	struct input in;
	uint8_t three[3];
	uint64_t size;
	uint32_t crc;

	assert_int_equal(input_open(path, 1 << 23, &in, NULL), HM_OK);
	size = in.size;
	crc = sum(&in);
	assert_int_equal(
	    input_read(&in, 0, (struct hm_span){ three, 3 }), HM_OK);
	input_done(&in);
	assert_true(size == 3 || size == NEW_SIZE);
	if (size == 3)
		assert_memory_equal(three, "old", 3);
	else
		assert_int_equal(crc, wanted);
	return size != 3;
}

static uint32_t
sum_of_new(void)
{
	struct input in;
	uint32_t crc;

	assert_int_equal(write_new(path), HM_OK);
	assert_int_equal(input_open(path, 1 << 23, &in, NULL), HM_OK);
	assert_int_equal(in.size, NEW_SIZE);
	crc = sum(&in);
	input_done(&in);
	return crc;
}

/* Whatever call is the one; how many there are. */
static int
fail_each(uint32_t wanted)
{
	for (int n = 0;; n++) {
		bool is_there;
		hm_err err;

		assert_int_equal(
		    file_write(path, HM_LITERAL("old"), 0644, NULL), HM_OK);
		atomic_store(&left, n);
		atomic_store(&unsynced, 0);
		file_calls_set(&sick);
		err = write_new(path);
		file_calls_set(NULL);
		is_there = is_new(wanted);
		/* What only closes has nothing to lose. */
		assert_int_equal(err, is_there ? err : HM_E_IO);
		if (is_power_cut)
			file_sweep(folder, 0);
		assert_int_equal(count_files(), 1);
		if (atomic_load(&left) < 0)
			continue;
		assert_int_equal(err, HM_OK);
		assert_true(is_there);
		return n;
	}
}

static void
is_old_or_new_whatever_call_fails(void **state)
{
	uint32_t wanted = sum_of_new();
	int tried[2];

	(void)state;
	beside_allow();
	for (int cut = 0; cut < 2; cut++) {
		is_power_cut = cut == 1;
		atomic_store(&begun, 0);
		tried[cut] = fail_each(wanted);
		/* Open, 46 writes of 70,000 bytes and more, sync, ... */
		assert_true(tried[cut] > 46 + 5);
		assert_true(atomic_load(&begun) > 46 * 20);
	}
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_and_memory_agree),
		cmocka_unit_test(is_there_after_commit_only),
		cmocka_unit_test(says_what_cannot_be_opened),
		cmocka_unit_test(reads_a_stream_more_than_once),
		cmocka_unit_test(sums_as_zlib_does),
		cmocka_unit_test(reads_ahead_what_it_would_read_alone),
		cmocka_unit_test(writes_beside_what_it_would_write_alone),
		cmocka_unit_test(copies_what_is_read_ahead),
		cmocka_unit_test(tells_what_could_not_be_written_beside),
		cmocka_unit_test(is_old_or_new_whatever_call_fails),
		cmocka_unit_test(knows_a_digest_until_its_bytes_change),
		cmocka_unit_test(knows_the_last_digests_only),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
