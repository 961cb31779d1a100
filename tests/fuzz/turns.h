/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * turns - an input that is a conversation: kind, length (two bytes,
 * big-endian), bytes; and again
 *
 * A length beyond the end means: to the end. So every input of 3 bytes or more
 * has a turn.
 */
#include "mutate.h"

#define TURNS_MAX 48 /* that a mutator works on */

struct turn {
	uint8_t kind;
	struct hm_bytes bytes; /* borrowed */
};

/* Take the first turn off `*input`. */
bool turns_next(struct hm_bytes *input, struct turn *ret);

/* For LLVMFuzzerCustomMutator: change the bytes of a turn by `form`, or which
 * turns there are. */
size_t turns_mutate(const struct mutate_form *form, uint8_t *data, size_t size,
    size_t max, unsigned seed);
/* For LLVMFuzzerCustomCrossOver: turns of one behind turns of the other. */
size_t turns_cross(
    struct hm_bytes a, struct hm_bytes b, struct hm_span out, unsigned seed);

/* Both as the functions that libFuzzer looks for. */
#define TURNS_OF(form)                                                    \
	size_t LLVMFuzzerCustomMutator(                                   \
	    uint8_t *data, size_t size, size_t max, unsigned seed)        \
	{                                                                 \
		return turns_mutate(form, data, size, max, seed);         \
	}                                                                 \
	size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, \
	    const uint8_t *b, size_t b_size, uint8_t *out, size_t max,    \
	    unsigned seed)                                                \
	{                                                                 \
		return turns_cross((struct hm_bytes){ a, a_size },        \
		    (struct hm_bytes){ b, b_size },                       \
		    (struct hm_span){ out, max }, seed);                  \
	}
