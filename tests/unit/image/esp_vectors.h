/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* esp_vectors - the rows of a manifest of tests/vectors/images, for a test */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "image/image.h"

#define VECTOR_MAX (1u << 20)
#define VECTOR_KEYS 8

/* One row: its file in memory, what it names. */
struct vector {
	const char *folder;
	struct doc *manifest, *row;
	const char *id;
	struct buf file;
	struct input input;
	bool accept;
	struct pkey *keys[VECTOR_KEYS];
	size_t key_count;
};

/* Calls `each` for every row; at least `least` of them. Keys named by the list
 * `keys` of a row ("trusted") are loaded. */
void vectors_each(const char *folder, const char *keys, size_t least,
    void (*each)(struct vector *vector));
/* A file of that folder; the caller frees with buf_done(). */
void vector_read(const char *folder, const char *name, struct buf *ret);
struct pkey *vector_pkey(const char *folder, const char *name);
/* Whose findings they are must be the row's `expect` and `bootloader`. */
void vector_judge(const struct vector *vector, const struct findings *findings);
