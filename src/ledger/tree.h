/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tree - the Merkle tree of RFC 6962 and RFC 9162, in memory and by tiles
 *
 * leaf = SHA-256(00 || entry), node = SHA-256(01 || left || right). A growing
 * tree is held as the hashes of its complete subtrees (at most 64); proofs need
 * older hashes, which come from a reader: tiles of 256 hashes (C2SP
 * tlog-tiles).
 *
 * Sizes end at 2^63 - 1, as in checkpoints. Data is public: nothing here runs
 * in constant time. The empty tree's root is SHA-256 of nothing; nothing is
 * proven of it.
 */
#include "core/bytes.h"

#define TREE_HASH_LEN 32
#define TREE_PROOF_MAX 64

struct tree_hash {
	uint8_t bytes[TREE_HASH_LEN];
};

/* The right edge of a growing tree. All-zero is the empty tree. */
struct tree {
	uint64_t size;
	struct tree_hash edge[64]; /* edge[i]: complete subtree of 2^i leaves,
				      valid where bit i of size is set */
};

void tree_leaf(struct hm_bytes entry, struct tree_hash *ret);
void tree_node(const struct tree_hash *left, const struct tree_hash *right,
    struct tree_hash *ret);
void tree_add(struct tree *tree, const struct tree_hash *leaf);
/* The same, and every complete subtree that comes to be is handed over, the
 * leaf first: 2^level leaves from leaf index * 2^level on. */
typedef void (*tree_keeper)(void *context, unsigned level, uint64_t index,
    const struct tree_hash *hash);
void tree_add_keeping(struct tree *tree, const struct tree_hash *leaf,
    tree_keeper keep, void *context);
void tree_root(const struct tree *tree, struct tree_hash *ret);

/* Reads the hash of the complete subtree of 2^level leaves that begins at leaf
 * index * 2^level. Any error is passed on. */
typedef hm_err (*tree_reader)(
    void *context, unsigned level, uint64_t index, struct tree_hash *ret);

/* The root of the first `size` leaves, 1 or more. What the reader returns. */
HM_MUST hm_err tree_root_at(
    uint64_t size, tree_reader reader, void *context, struct tree_hash *ret);

/* Proofs, bottom up; *ret_count hashes. HM_E_NOT_FOUND if index >= size or old
 * > size or old = 0; what the reader returns. */
HM_MUST hm_err tree_prove(uint64_t index, uint64_t size, tree_reader reader,
    void *context, struct tree_hash ret[static TREE_PROOF_MAX],
    uint32_t *ret_count);
HM_MUST hm_err tree_prove_growth(uint64_t old, uint64_t size,
    tree_reader reader, void *context,
    struct tree_hash ret[static TREE_PROOF_MAX], uint32_t *ret_count);

/* HM_E_LOG_PROOF */
HM_MUST hm_err tree_verify(uint64_t index, uint64_t size,
    const struct tree_hash *leaf, const struct tree_hash *proof, uint32_t count,
    const struct tree_hash *root);
HM_MUST hm_err tree_verify_growth(uint64_t old, uint64_t size,
    const struct tree_hash *proof, uint32_t count,
    const struct tree_hash *old_root, const struct tree_hash *root);
