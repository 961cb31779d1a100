/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of all images behind the tree, as `mkimage -E` puts them: to a
 * multiple of 4, in the order of the nodes. No signature covers where data lie,
 * and names are added behind those that one covers: they hold.
 */
#include "base/auto.h"
#include "image/fdt_edit.h"
#include "image/fit_parts.h"

#include <string.h>

#define ALIGN 4u
#define PROP_HEAD 12u /* token, length, name */

struct moving {
	struct fit fit;
	struct fdt_edit edit;
	struct why *why;
	uint64_t at; /* where the next data go, from the end of the tree */
};

/* libfdt adds a property before all others. */
static hm_err
move_data(struct moving *m, uint32_t image)
{
	const struct fdt *tree = &m->fit.tree;
	const struct fdt_prop *data = fdt_prop(tree, image, "data");
	uint32_t padded;

	if (data == NULL)
		return WHY(m->why, HM_E_IMAGE_FIELD,
		    "image %s has no data in the tree", fdt_name(tree, image));
	padded = (data->len + ALIGN - 1) & ~(ALIGN - 1);
	/* the later change stands first, the names in mkimage's order */
	HM_TRY(fdt_edit_at(&m->edit, tree->nodes[image].body, 0));
	HM_TRY(fdt_edit_cell(&m->edit, "data-size", data->len));
	HM_TRY(fdt_edit_cell(&m->edit, "data-offset", (uint32_t)m->at));
	HM_TRY(fdt_edit_at(&m->edit, data->at, PROP_HEAD + padded));
	m->at += padded;
	return HM_OK;
}

static hm_err
put_data(struct moving *m, uint32_t image, struct output *out)
{
	const struct fdt *tree = &m->fit.tree;
	const struct fdt_prop *data = fdt_prop(tree, image, "data");

	HM_TRY(output_copy(out, &tree->file, data->value, data->len));
	return output_fill(out, 0, (ALIGN - data->len % ALIGN) % ALIGN);
}

static hm_err
move_all(struct moving *m, uint32_t size, struct output *out)
{
	const struct fdt *tree = &m->fit.tree;
	uint32_t name;

	if (fdt_first(tree, m->fit.images) == FDT_NONE)
		return WHY(m->why, HM_E_IMAGE_EMPTY, "a FIT without images");
	HM_TRY(fdt_edit_init(tree, &m->edit));
	HM_TRY(fdt_edit_name(&m->edit, "data-offset", &name));
	for (uint32_t n = fdt_first(tree, m->fit.images); n != FDT_NONE;
	     n = fdt_next(tree, m->fit.images, n))
		HM_TRY(move_data(m, n));
	HM_TRY(fdt_edit_write(&m->edit, size, ALIGN, out));
	for (uint32_t n = fdt_first(tree, m->fit.images); n != FDT_NONE;
	     n = fdt_next(tree, m->fit.images, n))
		HM_TRY(put_data(m, n, out));
	return HM_OK;
}

/* Nothing but places has changed. */
static hm_err
compare(const struct input *file, struct output *out, struct why *why)
{
	uint8_t before[HASH_MAX], after[HASH_MAX];
	struct input made;

	HM_TRY(output_input(out, &made));
	HM_TRY(fit_payload(file, before));
	HM_TRY(fit_payload(&made, after));
	if (memcmp(before, after, hash_len(HASH_SHA256)) == 0)
		return HM_OK;
	return WHY(why, HM_E_BUG, "the content is another behind the tree");
}

hm_err
fit_external(const struct input *file, uint32_t size, struct output *out,
    struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct moving m = { .why = why };
	hm_err err;

	HM_TRY(findings_new("fit", &findings));
	err = fit_open(file, findings, &m.fit);
	if (err == HM_OK)
		err = fit_check_layout(&m.fit);
	if (err == HM_OK)
		err = findings_verdict(findings, why);
	else if (!fit_is_breakdown(err))
		(void)findings_verdict(findings, why);
	if (err == HM_OK)
		err = move_all(&m, size, out);
	fdt_edit_done(&m.edit);
	fit_done(&m.fit);
	return err == HM_OK ? compare(file, out, why) : err;
}
