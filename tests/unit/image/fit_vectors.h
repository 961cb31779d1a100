/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* fit_vectors - the files of tests/vectors/images/<format> and their manifest
 */
#include "image/image.h"

struct vectors {
	char folder[512];
	struct doc *root, *list; /* the manifest, and its vectors */
};

/* Ends the test if it cannot. The folder is that of the environment variable
 * VECTORS. */
void vectors_open(const char *format, struct vectors *ret);
void vectors_done(struct vectors *all);
/* A file of the folder; input_done() closes it. */
void vectors_file(
    const struct vectors *all, const char *name, struct input *ret);
/* Our verdict is `expect`, the boot loader's `bootloader`; *ret_why is the
 * first fault. */
void vectors_compare(
    struct doc *vector, const struct findings *findings, struct why *ret_why);
