/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/tree: known roots, every proof of every small tree, refused proofs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger/tree.h"

/* A tree that remembers every complete subtree: a reader for proofs. */
#define LEVELS 18
struct forest {
	struct tree tree;
	struct tree_hash *rows[LEVELS];
	uint64_t room;
};

static void
forest_init(struct forest *forest, uint64_t room)
{
	*forest = (struct forest){ .room = room };
	for (unsigned level = 0; level < LEVELS; level++) {
		forest->rows[level] = calloc(
		    (size_t)(room >> level) + 1, sizeof(struct tree_hash));
		assert_non_null(forest->rows[level]);
	}
}

static void
forest_done(struct forest *forest)
{
	for (unsigned level = 0; level < LEVELS; level++)
		free(forest->rows[level]);
}

static void
forest_add(struct forest *forest, struct hm_bytes entry)
{
	struct tree_hash leaf;
	uint64_t index = forest->tree.size;

	tree_leaf(entry, &leaf);
	tree_add(&forest->tree, &leaf);
	forest->rows[0][index] = leaf;
	for (unsigned level = 1; index & 1; level++) {
		tree_node(&forest->rows[level - 1][index - 1],
		    &forest->rows[level - 1][index],
		    &forest->rows[level][index >> 1]);
		index >>= 1;
	}
}

static void
forest_grow(struct forest *forest, uint64_t size)
{
	char text[32];

	while (forest->tree.size < size) {
		(void)snprintf(
		    text, sizeof(text), "leaf %u", (unsigned)forest->tree.size);
		forest_add(forest, hm_bytes_of(text));
	}
}

static hm_err
read_forest(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret)
{
	struct forest *forest = context;

	assert_true(index < forest->tree.size >> level);
	*ret = forest->rows[level][index];
	return HM_OK;
}

static hm_err
read_nothing(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret)
{
	(void)context;
	(void)level;
	(void)index;
	(void)ret;
	return HM_E_IO;
}

static void
assert_root(const struct tree_hash *root, const char *hex)
{
	char text[2 * TREE_HASH_LEN + 1];

	hex_format(HM_BYTES(root->bytes), text);
	assert_string_equal(text, hex);
}

/* The eight leaves that all implementations of RFC 6962 share. */
static void
has_the_reference_roots(void **state)
{
	static const char *const leaves[] = { "", "00", "10", "2021", "3031",
		"40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f" };
	static const char *const roots[] = {
		"e3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c"
		"78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9d"
		"baf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264"
		"db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398f"
		"a2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3"
		"bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f"
		"98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd7892"
		"9c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2"
		"ab9d823aad2f4960cfe370eff4604328",
	};
	struct tree tree = { 0 };
	struct tree_hash hash;
	uint8_t entry[16];

	(void)state;
	for (unsigned i = 0; i <= 8; i++) {
		tree_root(&tree, &hash);
		assert_root(&hash, roots[i]);
		if (i == 8)
			break;
		assert_int_equal(hex_parse(hm_bytes_of(leaves[i]), entry,
				     strlen(leaves[i]) / 2),
		    HM_OK);
		tree_leaf(
		    (struct hm_bytes){ entry, strlen(leaves[i]) / 2 }, &hash);
		tree_add(&tree, &hash);
	}
}

static void
has_the_roots_of_numbered_leaves(void **state)
{
	static const struct {
		uint64_t size;
		const char *root;
	} known[] = {
		{ 1, "1bb97dcc21635d47e2663efdfd0a1746"
		     "86d98dd701352dd2cd06e8b43fd3d305" },
		{ 257, "855b936aa00cb98b5114484249ad39d7"
		       "8a6be93623e26c01e8e487dc02184a5a" },
		{ 65536, "e100ba54d69a91012fc13b7890feac78"
			 "d6996a097268b6f735d17311c7402a60" },
		{ 65537, "689b22742cab2adeb36ba622ff273633"
			 "6464858f5de4a2c02f33bf163e7dca5f" },
		{ 70000, "da0532ff7b2ee56f4067110fc964e9f2"
			 "7b5959f9527bfff3fa501aa7584deaf3" },
	};
	static struct forest forest;
	struct tree_hash root, proof[TREE_PROOF_MAX];
	uint32_t count;

	(void)state;
	forest_init(&forest, 70000);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		forest_grow(&forest, known[i].size);
		tree_root(&forest.tree, &root);
		assert_root(&root, known[i].root);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		assert_int_equal(
		    tree_root_at(known[i].size, read_forest, &forest, &root),
		    HM_OK);
		assert_root(&root, known[i].root);
	}
	assert_int_equal(
	    tree_prove(69999, 70000, read_forest, &forest, proof, &count),
	    HM_OK);
	assert_int_equal(count, 9);
	assert_int_equal(
	    tree_prove_growth(257, 70000, read_forest, &forest, proof, &count),
	    HM_OK);
	assert_int_equal(count, 18);
	forest_done(&forest);
}

/* A proof that holds, and then not with any hash altered, one more, one less,
 * another place or another size. */
static void
check_inclusion(struct forest *forest, uint64_t index, uint64_t size,
    const struct tree_hash *root)
{
	const struct tree_hash *leaf = &forest->rows[0][index];
	struct tree_hash proof[TREE_PROOF_MAX + 1] = { 0 };
	uint32_t count = 0;

	assert_int_equal(
	    tree_prove(index, size, read_forest, forest, proof, &count), HM_OK);
	assert_int_equal(
	    tree_verify(index, size, leaf, proof, count, root), HM_OK);
	for (uint32_t i = 0; i < count; i++) {
		proof[i].bytes[i] ^= 1;
		assert_int_equal(
		    tree_verify(index, size, leaf, proof, count, root),
		    HM_E_LOG_PROOF);
		proof[i].bytes[i] ^= 1;
	}
	assert_int_equal(tree_verify(index, size, leaf, proof, count + 1, root),
	    HM_E_LOG_PROOF);
	if (count > 0)
		assert_int_equal(
		    tree_verify(index, size, leaf, proof, count - 1, root),
		    HM_E_LOG_PROOF);
	assert_int_equal(tree_verify(index ^ 1, size, leaf, proof, count, root),
	    HM_E_LOG_PROOF);
}

static void
proves_every_entry_of_every_small_tree(void **state)
{
	static struct forest forest;
	struct tree_hash root;

	(void)state;
	forest_init(&forest, 40);
	for (uint64_t size = 1; size <= 40; size++) {
		forest_grow(&forest, size);
		tree_root(&forest.tree, &root);
		for (uint64_t index = 0; index < size; index++)
			check_inclusion(&forest, index, size, &root);
	}
	forest_done(&forest);
}

static void
check_growth(struct forest *forest, uint64_t old, uint64_t size,
    const struct tree_hash roots[static 41])
{
	struct tree_hash proof[TREE_PROOF_MAX + 1] = { 0 };
	uint32_t count = 0;

	assert_int_equal(
	    tree_prove_growth(old, size, read_forest, forest, proof, &count),
	    HM_OK);
	assert_int_equal(tree_verify_growth(old, size, proof, count,
			     &roots[old], &roots[size]),
	    HM_OK);
	for (uint32_t i = 0; i < count; i++) {
		proof[i].bytes[i] ^= 0x80;
		assert_int_equal(tree_verify_growth(old, size, proof, count,
				     &roots[old], &roots[size]),
		    HM_E_LOG_PROOF);
		proof[i].bytes[i] ^= 0x80;
	}
	assert_int_equal(tree_verify_growth(old, size, proof, count + 1,
			     &roots[old], &roots[size]),
	    HM_E_LOG_PROOF);
	if (count > 0)
		assert_int_equal(tree_verify_growth(old, size, proof, count - 1,
				     &roots[old], &roots[size]),
		    HM_E_LOG_PROOF);
	if (old < size)
		assert_int_equal(tree_verify_growth(old, size, proof, count,
				     &roots[size], &roots[old]),
		    HM_E_LOG_PROOF);
}

static void
proves_growth_between_all_small_sizes(void **state)
{
	static struct forest forest;
	static struct tree_hash roots[41];

	(void)state;
	forest_init(&forest, 40);
	for (uint64_t size = 1; size <= 40; size++) {
		forest_grow(&forest, size);
		tree_root(&forest.tree, &roots[size]);
		for (uint64_t old = 1; old <= size; old++)
			check_growth(&forest, old, size, roots);
	}
	forest_done(&forest);
}

static void
proves_nothing_that_is_not_there(void **state)
{
	static struct forest forest;
	struct tree_hash proof[TREE_PROOF_MAX], root = { 0 };
	uint32_t count = 77;

	(void)state;
	forest_init(&forest, 4);
	forest_grow(&forest, 4);
	assert_int_equal(tree_prove(4, 4, read_forest, &forest, proof, &count),
	    HM_E_NOT_FOUND);
	assert_int_equal(tree_prove(0, 0, read_forest, &forest, proof, &count),
	    HM_E_NOT_FOUND);
	assert_int_equal(
	    tree_prove_growth(0, 4, read_forest, &forest, proof, &count),
	    HM_E_NOT_FOUND);
	assert_int_equal(
	    tree_prove_growth(5, 4, read_forest, &forest, proof, &count),
	    HM_E_NOT_FOUND);
	assert_int_equal(
	    tree_prove(1, 4, read_nothing, NULL, proof, &count), HM_E_IO);
	assert_int_equal(
	    tree_prove_growth(3, 4, read_nothing, NULL, proof, &count),
	    HM_E_IO);
	assert_int_equal(count, 77);
	assert_int_equal(tree_root_at(4, read_nothing, NULL, &root), HM_E_IO);
	assert_int_equal(
	    tree_verify(0, 0, &root, NULL, 0, &root), HM_E_LOG_PROOF);
	assert_int_equal(
	    tree_verify_growth(0, 4, NULL, 0, &root, &root), HM_E_LOG_PROOF);
	assert_int_equal(
	    tree_verify_growth(5, 4, NULL, 0, &root, &root), HM_E_LOG_PROOF);
	forest_done(&forest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_reference_roots),
		cmocka_unit_test(has_the_roots_of_numbered_leaves),
		cmocka_unit_test(proves_every_entry_of_every_small_tree),
		cmocka_unit_test(proves_growth_between_all_small_sizes),
		cmocka_unit_test(proves_nothing_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
