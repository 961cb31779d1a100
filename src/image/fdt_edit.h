/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fdt_edit - write a tree with changes, without loading it
 *
 * Changes are noted first and made while the tree is copied. Where the order is
 * free they stand as libfdt would put them, so that trees that other tools
 * wrote come out the same: names of properties are shared with any name that
 * ends alike, new ones follow at the end of the strings block.
 *
 * A change must not lie inside of what another one takes away.
 */
#include "image/fdt.h"

struct fdt_change {
	uint32_t at, remove; /* bytes of the old tree */
	size_t from, len;    /* in `bytes` */
	size_t order;
};

struct fdt_edit {
	const struct fdt *tree;
	struct buf bytes;   /* what is put in */
	struct buf strings; /* the strings block as it will be */
	struct fdt_change *changes;
	size_t count, room;
	/* Copies a part of the old tree's file; NULL: output_copy(). */
	hm_err (*copy)(
	    void *context, struct output *out, uint64_t at, uint64_t size);
	void *context;
};

/* HM_E_NO_MEMORY. fdt_edit_done() in any case. */
HM_MUST hm_err fdt_edit_init(const struct fdt *tree, struct fdt_edit *ret);
void fdt_edit_done(struct fdt_edit *edit);

/* All of these: HM_E_NO_MEMORY, HM_E_TOO_LARGE. */

/* Where a name is in the strings block. */
HM_MUST hm_err fdt_edit_name(
    struct fdt_edit *edit, const char *name, uint32_t *ret);
/* From here on things are put in at `at`, in place of `remove` bytes. */
HM_MUST hm_err fdt_edit_at(struct fdt_edit *edit, uint32_t at, uint32_t remove);
HM_MUST hm_err fdt_edit_node(struct fdt_edit *edit, const char *name);
HM_MUST hm_err fdt_edit_end(struct fdt_edit *edit);
HM_MUST hm_err fdt_edit_prop(
    struct fdt_edit *edit, const char *name, struct hm_bytes value);
HM_MUST hm_err fdt_edit_text(
    struct fdt_edit *edit, const char *name, const char *value);
HM_MUST hm_err fdt_edit_cell(
    struct fdt_edit *edit, const char *name, uint32_t value);
/* A node and all below it. */
HM_MUST hm_err fdt_edit_remove(struct fdt_edit *edit, uint32_t node);

/* The tree, at least `size` bytes, a multiple of `align` (a power of two).
 * HM_E_IO, HM_E_NO_MEMORY, HM_E_TOO_LARGE (FDT_SIZE_MAX) */
HM_MUST hm_err fdt_edit_write(const struct fdt_edit *edit, uint32_t size,
    uint32_t align, struct output *out);
