/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mutate - change a message where its structure is, not where its bytes are
 *
 * A decoder that is strict refuses almost every input of which a random byte
 * was changed, at the first length that no longer fits. So a message is read
 * as a tree (CBOR items, DER values; also those inside byte strings), some
 * nodes are changed (dropped, doubled, moved, taken from another message, of
 * another type, length or value), and it is written again with lengths that
 * fit, or now and then do not. What is no message is changed as bytes.
 *
 * For LLVMFuzzerCustomMutator and LLVMFuzzerCustomCrossOver. No threads.
 */
#include "core/bytes.h"

#define MUTATE_NODES 2048
#define MUTATE_DEPTH 20

/* Of libFuzzer: change bytes in place; their new length. replay.c has one too.
 */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size,
    const uint8_t *b, size_t b_size, uint8_t *out, size_t max, unsigned seed);

/* How a node is written. */
typedef enum mutate_shape {
	MUTATE_RAW,  /* content alone, without a head */
	MUTATE_LEAF, /* head and content */
	MUTATE_NUMBER /* CBOR: a head alone */,
	MUTATE_INNER, /* head and children; so is a string that holds items */
	MUTATE_PAIR,  /* CBOR: key and value of a map, without a head */
} mutate_shape;

struct mutate_node {
	mutate_shape shape;
	uint8_t kind;            /* CBOR: major type; DER: tag */
	uint8_t lie;             /* 0: the head says how it is */
	uint64_t value;          /* of a number */
	struct hm_bytes content; /* of a leaf; borrowed */
	uint16_t first, next;    /* child and sibling; 0: none */
};

/* Node 0 holds all that stands side by side at the top. */
struct mutate_tree {
	struct mutate_node node[MUTATE_NODES];
	uint16_t count;
};

struct mutate_form {
	/* One item at the front of *in, which moves on; 0: it is none, or too
	 * much. */
	uint16_t (*read)(
	    struct mutate_tree *tree, struct hm_bytes *in, unsigned depth);
	/* The head of a node with so many bytes and children; at most 12. */
	size_t (*head)(const struct mutate_node *node, size_t len,
	    size_t children, uint8_t *ret);
	uint8_t (*kind)(uint64_t random); /* any kind, likely ones more often */
};

/* Lines of text have no heads. */
extern const struct mutate_form mutate_cbor, mutate_der, mutate_lines;

/* For forms: a node of these, 0 if there is no room. */
uint16_t mutate_add(struct mutate_tree *tree, struct mutate_node node);

/* Change data in place; its new length, at most `max`. */
size_t mutate_message(const struct mutate_form *form, uint8_t *data,
    size_t size, size_t max, unsigned seed);
/* A node of `b` in the place of one of `a`. */
size_t mutate_cross(const struct mutate_form *form, struct hm_bytes a,
    struct hm_bytes b, struct hm_span out, unsigned seed);

/* Both of what stands behind the first `skip` bytes, which `a` gives. */
size_t mutate_behind(const struct mutate_form *form, size_t skip, uint8_t *data,
    size_t size, size_t max, unsigned seed);
size_t mutate_cross_behind(const struct mutate_form *form, size_t skip,
    struct hm_bytes a, struct hm_bytes b, struct hm_span out, unsigned seed);

/* The functions that libFuzzer looks for, for inputs of that shape. */
#define MUTATE_OF(form, skip)                                             \
	size_t LLVMFuzzerCustomMutator(                                   \
	    uint8_t *data, size_t size, size_t max, unsigned seed)        \
	{                                                                 \
		return mutate_behind(form, skip, data, size, max, seed);  \
	}                                                                 \
	size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, \
	    const uint8_t *b, size_t b_size, uint8_t *out, size_t max,    \
	    unsigned seed)                                                \
	{                                                                 \
		return mutate_cross_behind(form, skip,                    \
		    (struct hm_bytes){ a, a_size },                       \
		    (struct hm_bytes){ b, b_size },                       \
		    (struct hm_span){ out, max }, seed);                  \
	}

/* Numbers that follow from a seed. */
uint64_t mutate_random(uint64_t *state);
