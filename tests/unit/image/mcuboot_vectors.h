/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* mcuboot_vectors - files, keys and manifest of tests/vectors/images/mcuboot */
#include "image/mcuboot_parts.h"

#define FILE_MAX (1u << 20)

extern struct doc *vectors_manifest;
/* Set-up and tear-down of cmocka. */
int vectors_open(void **state);
int vectors_close(void **state);
/* The row of an id. */
struct doc *vectors_row(const char *id);
void vectors_load(const char *name, struct buf *ret);
void vectors_pem(const char *name, struct pkey **ret);

/* What there is for a key id: asymmetric, or bytes. */
struct known {
	struct pkey *key;
	uint8_t bytes[32];
	size_t len;
};
void known_done(struct known *known);

/* Keys that the verifier of a vector has. */
struct told {
	struct known trusted[2], decrypt;
	struct image_keys keys;
};
void told_done(struct told *told);
void vectors_tell(struct doc *row, struct told *ret);

/* The file, or what is in it if it is Intel HEX: in *temp then. */
void vectors_plain(
    const struct input *file, struct output **temp, struct input *ret);
