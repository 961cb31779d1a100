/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/tiles: paths, growth, proofs, reopening, crashes, tampering */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/walk.h"
#include "testlog.h"

static const char *folder;

static int
setup(void **state)
{
	(void)state;
	folder = testlog_folder();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	file_calls_set(NULL);
	testlog_folder_done();
	return 0;
}

static struct tiles *
open_log(void)
{
	struct tiles *tiles = NULL;
	struct why why = { 0 };

	if (tiles_open(folder, &tiles, &why) != HM_OK)
		fail_msg("%s: %s", why.where, why.text);
	return tiles;
}

static hm_err
grow(struct tiles *tiles, uint64_t size)
{
	char text[32];

	while (tiles_tree(tiles)->size < size) {
		(void)snprintf(text, sizeof(text), "leaf %u",
		    (unsigned)tiles_tree(tiles)->size);
		hm_err err = tiles_add(tiles, hm_bytes_of(text));

		if (err != HM_OK)
			return err;
	}
	return HM_OK;
}

/* Add up to `size` entries and publish. */
static void
publish(struct tiles *tiles, uint64_t size)
{
	assert_int_equal(grow(tiles, size), HM_OK);
	assert_int_equal(testlog_publish(tiles), HM_OK);
}

static void
root_of(uint64_t size, struct tree_hash *ret)
{
	static struct tree tree;
	struct tree_hash leaf;
	char text[32];

	tree = (struct tree){ 0 };
	for (uint64_t i = 0; i < size; i++) {
		(void)snprintf(text, sizeof(text), "leaf %u", (unsigned)i);
		tree_leaf(hm_bytes_of(text), &leaf);
		tree_add(&tree, &leaf);
	}
	tree_root(&tree, ret);
}

static void
assert_log(struct tiles *tiles, uint64_t size)
{
	struct tree_hash root, wanted;

	assert_int_equal(tiles_tree(tiles)->size, size);
	tree_root(tiles_tree(tiles), &root);
	root_of(size, &wanted);
	assert_memory_equal(&root, &wanted, sizeof(root));
}

/* Every file below a folder, path and content, folded into one number that
 * does not depend on the order. */
struct content {
	const char *folder;
	uint64_t files;
	struct tree_hash sum;
};

static hm_err
fold(void *context, const char *path, struct why *why)
{
	struct content *content = context;
	struct tree_hash name, bytes, both;
	struct buf file = { 0 };
	char place[1024];

	assert_int_equal(
	    path_join(place, sizeof(place), content->folder, path), HM_OK);
	assert_int_equal(file_read(place, 1 << 24, &file, why), HM_OK);
	tree_leaf(hm_bytes_of(path), &name);
	tree_leaf(buf_bytes(&file), &bytes);
	buf_done(&file);
	tree_node(&name, &bytes, &both);
	for (int i = 0; i < TREE_HASH_LEN; i++)
		content->sum.bytes[i] ^= both.bytes[i];
	content->files++;
	return HM_OK;
}

static struct content
content_of(void)
{
	struct content content = { .folder = folder };

	assert_int_equal(walk(folder, "", fold, &content, NULL), HM_OK);
	return content;
}

/* --- paths --- */

static void
names_tiles_as_the_specification_does(void **state)
{
	static const struct {
		unsigned level;
		uint64_t index;
		unsigned width;
		const char *path;
	} cases[] = {
		{ 0, 0, 256, "tile/0/000" },
		{ 0, 5, 1, "tile/0/005.p/1" },
		{ 63, 1000, 255, "tile/63/x001/000.p/255" },
		{ 1, 1234067, 256, "tile/1/x001/x234/067" },
		{ TILE_ENTRIES, 999999, 256, "tile/entries/x999/999" },
		{ 0, UINT64_MAX, 256,
		    "tile/0/x018/x446/x744/x073/x709/x551/615" },
	};
	char path[TILE_PATH_MAX] = "unchanged";
	unsigned level, width;
	uint64_t index;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(tile_path(cases[i].level, cases[i].index,
				     cases[i].width, path, sizeof(path)),
		    HM_OK);
		assert_string_equal(path, cases[i].path);
		assert_int_equal(
		    tile_path_parse(hm_bytes_of(path), &level, &index, &width),
		    HM_OK);
		assert_int_equal(level, cases[i].level);
		assert_int_equal(index, cases[i].index);
		assert_int_equal(width, cases[i].width);
	}
	strcpy(path, "unchanged");
	assert_int_equal(
	    tile_path(65, 0, 256, path, sizeof(path)), HM_E_BAD_INPUT);
	assert_int_equal(
	    tile_path(0, 0, 0, path, sizeof(path)), HM_E_BAD_INPUT);
	assert_int_equal(
	    tile_path(0, 0, 257, path, sizeof(path)), HM_E_BAD_INPUT);
	assert_int_equal(tile_path(0, 0, 256, path, 10), HM_E_NO_ROOM);
	assert_string_equal(path, "unchanged");
	assert_int_equal(tile_path(0, 0, 256, path, 11), HM_OK);
}

static void
refuses_paths_that_are_not_canonical(void **state)
{
	static const char *const bad[] = { "", "tile", "tile/", "tile/0",
		"tile/0/", "tile/0/5", "tile/0/05", "tile/0/0005",
		"tile/00/005", "tile/64/005", "tile/0/001/234/067",
		"tile/0/x000/005", "tile/0/x1/005", "tile/0/x001/5",
		"tile/0/x001/", "tile/0/x001", "tile/0/005.p/0",
		"tile/0/005.p/256", "tile/0/005.p/01", "tile/0/005.p/",
		"tile/0/005.p", "tile/0/005.q/1", "tile/0/005/1",
		"tile/0/../005", "tile/../0/005", "/tile/0/005", "tile/0/005 ",
		"tile/-1/005", "tile/entries", "tile/entries/x/000",
		"tile/0/x018/x446/x744/x073/x709/x551/616",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999",
		"tile/18446744073709551616/000" };
	unsigned level = 77, width = 77;
	uint64_t index = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(tile_path_parse(hm_bytes_of(bad[i]), &level,
				     &index, &width),
		    HM_E_BAD_INPUT);
	assert_int_equal(level, 77);
	assert_int_equal(index, 77);
	assert_int_equal(width, 77);
}

/* --- growing --- */

static void
keeps_one_log_through_any_batches(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 17, 255, 256, 257, 300, 511,
		512, 513, 1100, 2304, 2305 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct tiles *tiles = open_log();

		assert_log(tiles, i > 0 ? sizes[i - 1] : 0);
		publish(tiles, sizes[i]);
		assert_log(tiles, sizes[i]);
		assert_int_equal(tiles_published(tiles), sizes[i]);
		tiles_free(tiles);
	}
}

/* The whole 70,000 of the facts' table, in one process. */
static void
writes_the_tiles_that_a_size_needs(void **state)
{
	static const char *const there[] = { "tile/0/272", "tile/0/273.p/112",
		"tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1",
		"tile/entries/272", "tile/entries/273.p/112", "checkpoint" };
	static const char *const absent[] = { "tile/0/274", "tile/1/001",
		"tile/2/000", "tile/3", "tile/0/272.p" };
	struct tiles *tiles = open_log();
	char path[1024];

	(void)state;
	publish(tiles, 69700); /* in the middle of tile 272 */
	publish(tiles, 70000);
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++) {
		assert_int_equal(
		    path_join(path, sizeof(path), folder, there[i]), HM_OK);
		assert_true(file_exists(path));
	}
	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++) {
		assert_int_equal(
		    path_join(path, sizeof(path), folder, absent[i]), HM_OK);
		assert_false(file_exists(path));
	}
	tiles_free(tiles);
	tiles = open_log();
	assert_log(tiles, 70000);
	tiles_free(tiles);
}

static void
keeps_partials_until_the_full_tile_is_published(void **state)
{
	struct tiles *tiles = open_log();
	char path[1024], left[1024];

	(void)state;
	publish(tiles, 3);
	publish(tiles, 5);
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/0/000.p/3"), HM_OK);
	assert_true(file_exists(path));
	assert_int_equal(path_join(left, sizeof(left), folder,
			     "tile/0/000.p/.4.tmp-0a1b2c3d4e5f"),
	    HM_OK); /* by a process that was killed */
	assert_int_equal(
	    file_write(left, HM_LITERAL("half"), 0644, NULL), HM_OK);
	assert_int_equal(grow(tiles, 256), HM_OK);
	assert_int_equal(tiles_flush(tiles, NULL), HM_OK);
	assert_true(file_exists(path));
	publish(tiles, 256);
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/0/000.p"), HM_OK);
	assert_false(file_exists(path));
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/entries/000.p"), HM_OK);
	assert_false(file_exists(path));
	tiles_free(tiles);
}

/* Proofs and entries from memory (added, not flushed) and from files. */
static void
check_reading(struct tiles *tiles, uint64_t step)
{
	uint64_t size = tiles_tree(tiles)->size;
	struct tree_hash proof[TREE_PROOF_MAX], leaf, root, old;
	uint32_t count = 0;
	char text[32];
	struct buf entry = { .max = 100 };

	tree_root(tiles_tree(tiles), &root);
	for (uint64_t i = 0; i < size; i += step) {
		(void)snprintf(text, sizeof(text), "leaf %u", (unsigned)i);
		tree_leaf(hm_bytes_of(text), &leaf);
		assert_int_equal(
		    tree_prove(i, size, tiles_reader, tiles, proof, &count),
		    HM_OK);
		assert_int_equal(
		    tree_verify(i, size, &leaf, proof, count, &root), HM_OK);
		buf_clear(&entry);
		assert_int_equal(tiles_entry(tiles, i, &entry), HM_OK);
		assert_string_equal(buf_text(&entry), text);
		assert_int_equal(
		    tree_root_at(i + 1, tiles_reader, tiles, &old), HM_OK);
		assert_int_equal(tree_prove_growth(i + 1, size, tiles_reader,
				     tiles, proof, &count),
		    HM_OK);
		assert_int_equal(
		    tree_verify_growth(i + 1, size, proof, count, &old, &root),
		    HM_OK);
	}
	assert_int_equal(tiles_entry(tiles, size, &entry), HM_E_NOT_FOUND);
	assert_int_equal(tiles_reader(tiles, 0, size, &leaf), HM_E_NOT_FOUND);
	assert_int_equal(tiles_reader(tiles, 64, 0, &leaf), HM_E_NOT_FOUND);
	buf_done(&entry);
}

static void
proves_from_memory_and_from_files(void **state)
{
	struct tiles *tiles = open_log();

	(void)state;
	publish(tiles, 250);
	assert_int_equal(grow(tiles, 1000), HM_OK);
	check_reading(tiles, 7);
	publish(tiles, 1100);
	check_reading(tiles, 7);
	tiles_free(tiles);

	assert_int_equal(tiles_open_readonly(folder, &tiles, NULL), HM_OK);
	check_reading(tiles, 7);
	tiles_free(tiles);
}

static void
forgets_a_batch_that_was_rolled_back(void **state)
{
	struct tiles *tiles = open_log();

	(void)state;
	publish(tiles, 200);
	for (int i = 0; i < 700; i++)
		assert_int_equal(tiles_add(tiles, HM_LITERAL("lost")), HM_OK);
	tiles_rollback(tiles);
	assert_log(tiles, 200);
	publish(tiles, 900);
	assert_log(tiles, 900);
	check_reading(tiles, 11);
	tiles_rollback(tiles);
	assert_log(tiles, 900);
	tiles_free(tiles);
}

static void
takes_entries_up_to_their_maximum(void **state)
{
	static uint8_t big[65536];
	struct tiles *tiles = open_log();
	struct buf entry = { .max = sizeof(big) };

	(void)state;
	assert_int_equal(
	    tiles_add(tiles, (struct hm_bytes){ big, 65536 }), HM_E_TOO_LARGE);
	assert_int_equal(tiles_tree(tiles)->size, 0);
	assert_int_equal(
	    tiles_add(tiles, (struct hm_bytes){ big, 65535 }), HM_OK);
	assert_int_equal(tiles_add(tiles, (struct hm_bytes){ 0 }), HM_OK);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	tiles_free(tiles);
	tiles = open_log();
	assert_int_equal(tiles_entry(tiles, 0, &entry), HM_OK);
	assert_int_equal(entry.len, 65535);
	buf_clear(&entry);
	assert_int_equal(tiles_entry(tiles, 1, &entry), HM_OK);
	assert_int_equal(entry.len, 0);
	buf_done(&entry);
	tiles_free(tiles);
}

static void
publishes_only_what_fits_and_never_less(void **state)
{
	struct tiles *tiles = open_log();
	struct buf note = { .max = 4096 };
	static struct tree five, eight;

	(void)state;
	assert_int_equal(grow(tiles, 5), HM_OK);
	five = *tiles_tree(tiles);
	testlog_checkpoint(&five, &note);
	assert_int_equal(
	    tiles_publish(tiles, buf_bytes(&note), NULL), HM_E_LOG);
	publish(tiles, 8);
	eight = *tiles_tree(tiles);
	assert_int_equal(
	    tiles_publish(tiles, buf_bytes(&note), NULL), HM_E_LOG_ROLLBACK);

	buf_clear(&note);
	eight.edge[3].bytes[0] ^= 1;
	testlog_checkpoint(&eight, &note);
	assert_int_equal(
	    tiles_publish(tiles, buf_bytes(&note), NULL), HM_E_LOG);
	assert_int_equal(
	    tiles_publish(tiles, HM_LITERAL("x\n\n"), NULL), HM_E_BAD_INPUT);
	assert_int_equal(tiles_published(tiles), 8);
	buf_done(&note);
	tiles_free(tiles);
}

/* --- crashes --- */

/* The n-th call from now fails, and all after it: the machine is gone. */
static long calls_left;

static bool
is_gone(void)
{
	if (calls_left > 0) {
		calls_left--;
		return false;
	}
	errno = EIO;
	return true;
}

static int
cut_open(const char *path, int flags, unsigned mode)
{
	return is_gone() ? -1 : open(path, flags, mode);
}

static long
cut_write(int fd, const void *from, size_t len)
{
	if (is_gone()) { /* half of it got there */
		(void)!write(fd, from, len / 2);
		return -1;
	}
	return write(fd, from, len);
}

static int
cut_fsync(int fd)
{
	return is_gone() ? -1 : fsync(fd);
}

static int
cut_rename(const char *from, const char *to)
{
	return is_gone() ? -1 : rename(from, to);
}

static int
cut_link(const char *from, const char *to)
{
	return is_gone() ? -1 : link(from, to);
}

static int
cut_unlink(const char *path)
{
	return is_gone() ? -1 : unlink(path);
}

static int
cut_close(int fd)
{
	int result = close(fd);

	return is_gone() ? -1 : result;
}

static const struct file_calls cut_calls = {
	.open = cut_open,
	.write = cut_write,
	.fsync = cut_fsync,
	.rename = cut_rename,
	.link = cut_link,
	.unlink = cut_unlink,
	.close = cut_close,
};

/* Fails over 4 batches; says how far the database got. */
static const uint64_t batches[] = { 3, 250, 262, 1300 };

static bool
run_batches(struct tiles *tiles, uint64_t *ret_committed)
{
	for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		if (batches[i] <= tiles_tree(tiles)->size)
			continue;
		assert_int_equal(grow(tiles, batches[i]), HM_OK);
		*ret_committed = batches[i];
		if (testlog_publish(tiles) != HM_OK)
			return false;
	}
	return true;
}

static void
is_the_same_log_whatever_call_the_crash_hits(void **state)
{
	struct content wanted, got;
	struct tiles *tiles = open_log();
	uint64_t committed = 0;
	bool done = false;

	(void)state;
	assert_true(run_batches(tiles, &committed));
	tiles_free(tiles);
	wanted = content_of();

	for (long n = 0; !done; n++) {
		testlog_folder_clear();
		tiles = open_log();
		committed = 0;
		calls_left = n;
		file_calls_set(&cut_calls);
		done = run_batches(tiles, &committed);
		file_calls_set(NULL);
		tiles_free(tiles);

		tiles = open_log();
		assert_true(tiles_tree(tiles)->size <= committed);
		assert_log(tiles, tiles_tree(tiles)->size);
		publish(tiles, committed);
		assert_true(run_batches(tiles, &committed));
		tiles_free(tiles);
		got = content_of();
		assert_int_equal(got.files, wanted.files);
		assert_memory_equal(&got.sum, &wanted.sum, sizeof(got.sum));
		assert_true(n < 1000);
	}
}

static void
loses_nothing_when_a_flush_fails_and_goes_on(void **state)
{
	struct tiles *tiles;
	hm_err err = HM_E_IO;

	(void)state;
	for (long n = 0; err != HM_OK; n++) {
		testlog_folder_clear();
		tiles = open_log();
		publish(tiles, 200);
		assert_int_equal(grow(tiles, 600), HM_OK);
		calls_left = n;
		file_calls_set(&cut_calls);
		err = testlog_publish(tiles);
		file_calls_set(NULL);
		assert_true(err == HM_OK || err == HM_E_IO);
		assert_int_equal(
		    tiles_published(tiles), err == HM_OK ? 600 : 200);
		assert_int_equal(testlog_publish(tiles), HM_OK);
		assert_log(tiles, 600);
		tiles_free(tiles);
		tiles = open_log();
		assert_log(tiles, 600);
		tiles_free(tiles);
	}
}

/* --- tampering --- */

static void
assert_refused(const char *what)
{
	struct tiles *tiles = NULL;
	struct why why = { 0 };

	assert_int_equal(tiles_open(folder, &tiles, &why), HM_E_LOG);
	assert_null(tiles);
	if (!strstr(why.where, what))
		fail_msg("%s does not name %s", why.where, what);
}

static void
edit(const char *name, size_t at, uint8_t flip, long cut)
{
	struct buf file = { 0 };
	char path[1024];

	assert_int_equal(path_join(path, sizeof(path), folder, name), HM_OK);
	assert_int_equal(file_read(path, 1 << 24, &file, NULL), HM_OK);
	if (flip)
		file.ptr[at] ^= flip;
	file.len -= (size_t)cut;
	assert_int_equal(file_write(path, buf_bytes(&file), 0644, NULL), HM_OK);
	buf_done(&file);
}

static void
names_the_place_that_does_not_fit(void **state)
{
	static const struct {
		const char *file;
		size_t at;
		uint8_t flip;
		long cut;
		const char *place;
	} cases[] = {
		{ "tile/entries/003.p/132", 5, 1, 0, "entries/003.p/132" },
		{ "tile/entries/003.p/132", 0, 0, 1, "entries/003.p/132" },
		{ "tile/entries/002", 5, 1, 0, "entries/002" },
		{ "tile/0/003.p/132", 0, 1, 0, "entries/003.p/132" },
		{ "tile/0/003.p/132", 0, 0, 32, "tile/0/003.p/132" },
		{ "tile/0/003.p/132", 0, 0, 1, "tile/0/003.p/132" },
		{ "tile/0/002", 0, 0, 32, "tile/0/002" },
		{ "tile/1/000.p/3", 64, 1, 0, "tile/0/002" },
		{ "tile/1/000.p/3", 0, 1, 0, "checkpoint line 3" },
		{ "checkpoint", 30, 1, 0, "checkpoint" },
		{ "checkpoint", 0, 0, 10, "checkpoint" },
	};
	struct tiles *tiles;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		testlog_folder_clear();
		tiles = open_log();
		publish(tiles, 900);
		tiles_free(tiles);
		edit(cases[i].file, cases[i].at, cases[i].flip, cases[i].cut);
		assert_refused(cases[i].place);
	}
}

static void
remove_file(const char *name)
{
	char path[1024];

	assert_int_equal(path_join(path, sizeof(path), folder, name), HM_OK);
	assert_int_equal(unlink(path), 0);
}

static void
names_a_tile_that_is_missing(void **state)
{
	static const struct {
		const char *file, *place;
	} cases[] = {
		{ "tile/0/001", "tile/0/001" },
		{ "tile/entries/000", "tile/entries/000" },
		{ "tile/0/002", "tile/0/002" },
		{ "tile/1/000.p/3", "checkpoint line 2" },
		{ "tile/0/003.p/132", "checkpoint line 2" },
		{ "tile/entries/003.p/132", "checkpoint line 2" },
	};
	struct tiles *tiles;
	char path[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		testlog_folder_clear();
		tiles = open_log();
		publish(tiles, 900);
		tiles_free(tiles);
		remove_file(cases[i].file);
		assert_refused(cases[i].place);
	}
	testlog_folder_clear();
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/foreign"), HM_OK);
	tiles = open_log();
	publish(tiles, 9);
	tiles_free(tiles);
	assert_int_equal(file_write(path, HM_LITERAL("x"), 0644, NULL), HM_OK);
	assert_refused("tile/foreign");
}

static void
needs_a_checkpoint_to_read_only(void **state)
{
	struct tiles *tiles = open_log();
	struct why why = { 0 };

	(void)state;
	publish(tiles, 3);
	tiles_free(tiles);
	tiles = NULL;
	remove_file("checkpoint");
	assert_int_equal(tiles_open_readonly(folder, &tiles, &why), HM_E_LOG);
	assert_null(tiles);
	tiles = open_log();
	assert_log(tiles, 3);
	assert_int_equal(tiles_published(tiles), 0);
	tiles_free(tiles);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_tiles_as_the_specification_does),
		cmocka_unit_test(refuses_paths_that_are_not_canonical),
		TEST(keeps_one_log_through_any_batches),
		TEST(writes_the_tiles_that_a_size_needs),
		TEST(keeps_partials_until_the_full_tile_is_published),
		TEST(proves_from_memory_and_from_files),
		TEST(forgets_a_batch_that_was_rolled_back),
		TEST(takes_entries_up_to_their_maximum),
		TEST(publishes_only_what_fits_and_never_less),
		TEST(is_the_same_log_whatever_call_the_crash_hits),
		TEST(loses_nothing_when_a_flush_fails_and_goes_on),
		TEST(names_the_place_that_does_not_fit),
		TEST(names_a_tile_that_is_missing),
		TEST(needs_a_checkpoint_to_read_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
