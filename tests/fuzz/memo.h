/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * memo - what a function of its arguments alone gave before
 *
 * Public-key operations are a hundred times dearer than the parsers that are
 * looked for faults here, and the keys of a target are always the same. So a
 * target that meets them links with -Wl,--wrap=FUNCTION, calls the real one
 * once for each set of arguments, and remembers. The answer is the real one.
 */
#include "core/bytes.h"

#define MEMO_KEY_MAX 192
#define MEMO_VALUE_MAX 72

struct memo_slot {
	size_t key_len;
	uint8_t key[MEMO_KEY_MAX], value[MEMO_VALUE_MAX];
};

/* The slot of a key of `count` parts; *ret_known: it holds a value. Else the
 * caller writes one. `function` keeps functions apart. */
struct memo_slot *memo_find(uint8_t function, const struct hm_bytes *parts,
    size_t count, bool *ret_known);
