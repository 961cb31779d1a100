/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/tree.h"

#include "core/check.h"
#include "crypto/digest.h"

_Static_assert(sizeof(struct tree_hash) == TREE_HASH_LEN, "no padding");

/* Sizes end at 2^63 - 1, as in checkpoints: no shift below can overflow. */
#define SIZE_MAX_LEAVES ((uint64_t)INT64_MAX)

void
tree_leaf(struct hm_bytes entry, struct tree_hash *ret)
{
	static const uint8_t zero = 0;
	const struct hm_bytes pieces[] = { { &zero, 1 }, entry };

	sha256(pieces, 2, ret->bytes);
}

void
tree_node(const struct tree_hash *left, const struct tree_hash *right,
    struct tree_hash *ret)
{
	static const uint8_t one = 1;
	const struct hm_bytes pieces[] = {
		{ &one, 1 },
		{ left->bytes, TREE_HASH_LEN },
		{ right->bytes, TREE_HASH_LEN },
	};

	sha256(pieces, 3, ret->bytes);
}

void
tree_add_keeping(struct tree *tree, const struct tree_hash *leaf,
    tree_keeper keep, void *context)
{
	struct tree_hash hash = *leaf;
	unsigned level = 0;

	hm_assert(tree->size < SIZE_MAX_LEAVES);
	for (;;) {
		keep(context, level, tree->size >> level, &hash);
		if (!(tree->size >> level & 1))
			break;
		tree_node(&tree->edge[level], &hash, &hash);
		level++;
	}
	tree->edge[level] = hash;
	tree->size++;
}

static void
keep_nothing(
    void *context, unsigned level, uint64_t index, const struct tree_hash *hash)
{
	(void)context, (void)level, (void)index, (void)hash;
}

void
tree_add(struct tree *tree, const struct tree_hash *leaf)
{
	tree_add_keeping(tree, leaf, keep_nothing, NULL);
}

void
tree_root(const struct tree *tree, struct tree_hash *ret)
{
	struct tree_hash hash = { 0 };
	bool any = false;

	for (unsigned level = 0; level < 64; level++) {
		if (!(tree->size >> level & 1))
			continue;
		if (any)
			tree_node(&tree->edge[level], &hash, &hash);
		else
			hash = tree->edge[level];
		any = true;
	}
	if (!any)
		sha256(NULL, 0, hash.bytes);
	*ret = hash;
}

/*
 * The hash of leaves [start, end), where start is a multiple of a power of two
 * that is larger than end - start: complete subtrees, folded from the right.
 */
static hm_err
read_range(uint64_t start, uint64_t end, tree_reader reader, void *context,
    struct tree_hash *ret)
{
	struct tree_hash hash = { 0 }, left;
	bool any = false;

	for (unsigned level = 0; (end - start) >> level > 0; level++) {
		if (!((end - start) >> level & 1))
			continue;
		HM_TRY(reader(context, level, (end >> level) - 1, &left));
		if (any)
			tree_node(&left, &hash, &hash);
		else
			hash = left;
		any = true;
	}
	hm_assert(any);
	*ret = hash;
	return HM_OK;
}

hm_err
tree_root_at(
    uint64_t size, tree_reader reader, void *context, struct tree_hash *ret)
{
	hm_assert(size > 0 && size <= SIZE_MAX_LEAVES);

	return read_range(0, size, reader, context, ret);
}

struct proof {
	struct tree_hash *hashes; /* TREE_PROOF_MAX */
	uint32_t count;
};

/* The siblings on the way up from one complete subtree to the root. */
static hm_err
climb(unsigned level, uint64_t index, uint64_t size, tree_reader reader,
    void *context, struct proof *proof)
{
	for (; (size - 1) >> level > 0; level++, index >>= 1) {
		uint64_t sibling = index ^ 1;

		if (sibling > (size - 1) >> level)
			continue; /* the right edge has no sibling here */
		hm_assert(proof->count < TREE_PROOF_MAX);
		if (sibling < size >> level)
			HM_TRY(reader(context, level, sibling,
			    &proof->hashes[proof->count]));
		else
			HM_TRY(read_range(sibling << level, size, reader,
			    context, &proof->hashes[proof->count]));
		proof->count++;
	}
	return HM_OK;
}

hm_err
tree_prove(uint64_t index, uint64_t size, tree_reader reader, void *context,
    struct tree_hash ret[static TREE_PROOF_MAX], uint32_t *ret_count)
{
	struct proof proof = { ret, 0 };

	if (index >= size || size > SIZE_MAX_LEAVES)
		return HM_E_NOT_FOUND;
	HM_TRY(climb(0, index, size, reader, context, &proof));
	*ret_count = proof.count;
	return HM_OK;
}

hm_err
tree_prove_growth(uint64_t old, uint64_t size, tree_reader reader,
    void *context, struct tree_hash ret[static TREE_PROOF_MAX],
    uint32_t *ret_count)
{
	struct proof proof = { ret, 0 };
	unsigned level = 0;

	if (old == 0 || old > size || size > SIZE_MAX_LEAVES)
		return HM_E_NOT_FOUND;
	if (old == size) {
		*ret_count = 0;
		return HM_OK;
	}
	while (!(old >> level & 1))
		level++;
	/* The last complete subtree of the old tree, unless it is all of it. */
	if (old >> level > 1) {
		HM_TRY(reader(context, level, (old >> level) - 1, &ret[0]));
		proof.count = 1;
	}
	HM_TRY(climb(level, (old >> level) - 1, size, reader, context, &proof));
	*ret_count = proof.count;
	return HM_OK;
}

static bool
is_same(const struct tree_hash *a, const struct tree_hash *b)
{
	return hm_bytes_equal(HM_BYTES(a->bytes), HM_BYTES(b->bytes));
}

/* RFC 9162 section 2.1.3.2 */
hm_err
tree_verify(uint64_t index, uint64_t size, const struct tree_hash *leaf,
    const struct tree_hash *proof, uint32_t count, const struct tree_hash *root)
{
	struct tree_hash hash = *leaf;
	uint64_t node = index, last = size - 1;

	if (index >= size)
		return HM_E_LOG_PROOF;
	for (uint32_t i = 0; i < count; i++) {
		if (last == 0)
			return HM_E_LOG_PROOF;
		if (node & 1 || node == last) {
			tree_node(&proof[i], &hash, &hash);
			while (!(node & 1) && node != 0) {
				node >>= 1;
				last >>= 1;
			}
		} else {
			tree_node(&hash, &proof[i], &hash);
		}
		node >>= 1;
		last >>= 1;
	}
	return last == 0 && is_same(&hash, root) ? HM_OK : HM_E_LOG_PROOF;
}

/* Steps 4 to 6 of RFC 9162 section 2.1.4.2, from the common subtree `first` */
static hm_err
verify_climb(uint64_t old, uint64_t size, const struct tree_hash *first,
    const struct tree_hash *proof, uint32_t count,
    struct tree_hash ret_roots[static 2])
{
	uint64_t node = old - 1, last = size - 1;
	struct tree_hash before = *first, after = *first;

	while (node & 1) {
		node >>= 1;
		last >>= 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (last == 0)
			return HM_E_LOG_PROOF;
		if (node & 1 || node == last) {
			tree_node(&proof[i], &before, &before);
			tree_node(&proof[i], &after, &after);
			while (!(node & 1) && node != 0) {
				node >>= 1;
				last >>= 1;
			}
		} else {
			tree_node(&after, &proof[i], &after);
		}
		node >>= 1;
		last >>= 1;
	}
	ret_roots[0] = before;
	ret_roots[1] = after;
	return last == 0 ? HM_OK : HM_E_LOG_PROOF;
}

hm_err
tree_verify_growth(uint64_t old, uint64_t size, const struct tree_hash *proof,
    uint32_t count, const struct tree_hash *old_root,
    const struct tree_hash *root)
{
	struct tree_hash roots[2];

	if (old == 0 || old > size)
		return HM_E_LOG_PROOF;
	if (old == size)
		return count == 0 && is_same(old_root, root) ? HM_OK
							     : HM_E_LOG_PROOF;
	if (count == 0)
		return HM_E_LOG_PROOF;
	if ((old & (old - 1)) == 0)
		HM_TRY(verify_climb(old, size, old_root, proof, count, roots));
	else
		HM_TRY(verify_climb(
		    old, size, &proof[0], proof + 1, count - 1, roots));
	return is_same(&roots[0], old_root) && is_same(&roots[1], root)
		   ? HM_OK
		   : HM_E_LOG_PROOF;
}
