/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stays the same when a FIT is signed anew, and signing it so: all nodes
 * and properties but the signatures, and the data of each image, wherever in
 * the file they lie.
 */
#include "image/fit_parts.h"

#include <string.h>

struct measuring {
	struct fit fit;
	struct hash_run *run;
};

static hm_err
to_hash(void *context, struct hm_bytes piece)
{
	hash_run_add(context, piece);
	return HM_OK;
}

/* A kind of thing, its name, and how long what follows is. */
static void
add_head(struct measuring *m, uint8_t kind, const char *name, uint64_t size)
{
	uint8_t raw[8];

	hm_put_u64(raw, size);
	hash_run_add(m->run, (struct hm_bytes){ &kind, 1 });
	hash_run_add(m->run,
	    (struct hm_bytes){ (const uint8_t *)name, strlen(name) + 1 });
	hash_run_add(m->run, HM_BYTES(raw));
}

/* Of an image or a configuration. */
static bool
is_signature(const struct fit *fit, uint32_t node)
{
	uint32_t parent = fit->tree.nodes[node].parent, top;

	if (parent == FDT_NONE || parent == 0)
		return false;
	top = fit->tree.nodes[parent].parent;
	return (top == fit->images || top == fit->configurations) &&
	       fit_is_kind(fit, node, "signature");
}

/* Of an image: it says where its data are, not what they are. */
static bool
is_place(const struct fit *fit, uint32_t node, const char *name)
{
	static const char *const places[] = { "data", "data-size",
		"data-position", "data-offset" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (fit->tree.nodes[node].parent == fit->images &&
		    strcmp(name, places[i]) == 0)
			return true;
	return false;
}

static hm_err
add_data(struct measuring *m, uint32_t image)
{
	const struct input *file = &m->fit.tree.file;
	struct fit_data data;

	HM_TRY(fit_data(&m->fit, image, &data));
	add_head(m, 'D', "data", data.size);
	return input_walk(file, data.at, data.size, to_hash, m->run);
}

static hm_err
add_node(struct measuring *m, uint32_t n)
{
	const struct fdt *tree = &m->fit.tree;
	const struct fdt_node *node = &tree->nodes[n];

	add_head(m, 'N', fdt_name(tree, n), 0);
	for (uint32_t i = 0; i < node->prop_count; i++) {
		const struct fdt_prop *prop = &tree->props[node->prop + i];
		const char *name = fdt_prop_name(tree, prop);

		if (is_place(&m->fit, n, name))
			continue;
		add_head(m, 'P', name, prop->len);
		HM_TRY(input_walk(
		    &tree->file, prop->value, prop->len, to_hash, m->run));
	}
	if (node->parent == m->fit.images)
		HM_TRY(add_data(m, n));
	return HM_OK;
}

/* Each node with how many stand around it, so that no two trees look alike. */
static hm_err
add_all(struct measuring *m)
{
	const struct fdt *tree = &m->fit.tree;

	for (uint32_t n = 0; n < tree->node_count; n++) {
		uint32_t depth = 0;

		if (is_signature(&m->fit, n)) {
			n = tree->nodes[n].last - 1;
			continue;
		}
		for (uint32_t up = n; up != 0 && up != FDT_NONE;
		     up = tree->nodes[up].parent)
			depth++;
		add_head(m, 'L', "", depth);
		HM_TRY(add_node(m, n));
	}
	return HM_OK;
}

hm_err
fit_payload(const struct input *file, uint8_t ret[static HASH_MAX])
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct measuring m = { 0 };
	hm_err err;

	HM_TRY(findings_new("fit", &findings));
	err = fit_open(file, findings, &m.fit);
	if (err == HM_OK)
		err = hash_run_new(HASH_SHA256, &m.run);
	if (err == HM_OK)
		err = add_all(&m);
	if (err == HM_OK)
		hash_run_end(m.run, ret);
	hash_run_free(m.run);
	fit_done(&m.fit);
	return err;
}

/* ---- ---- */

/* The first signature in a node; FDT_NONE */
static uint32_t
signature_in(const struct fit *fit, uint32_t node)
{
	for (uint32_t n = fdt_first(&fit->tree, node); n != FDT_NONE;
	     n = fdt_next(&fit->tree, node, n))
		if (fit_is_kind(fit, n, "signature"))
			return n;
	return FDT_NONE;
}

/* As the one before: what was signed, and how. A configuration that nobody had
 * signed stays so, or none is. */
static hm_err
look(const struct fit *fit, struct fit_sign *how, struct fit_signer *by,
    struct why *why)
{
	struct fit_signature old = { 0 };
	const struct fdt *tree = &fit->tree;

	for (uint32_t n = fdt_first(tree, fit->configurations); n != FDT_NONE;
	     n = fdt_next(tree, fit->configurations, n)) {
		uint32_t signature = signature_in(fit, n);

		if (signature == FDT_NONE)
			return WHY(why, HM_E_IMAGE_SIGNATURE,
			    "nobody signed configuration %s: it would be "
			    "signed with the others",
			    fdt_name(tree, n));
		HM_TRY(fit_signature_read(fit, signature, false, &old));
	}
	for (uint32_t n = fdt_first(tree, fit->images); n != FDT_NONE;
	     n = fdt_next(tree, fit->images, n))
		if (signature_in(fit, n) != FDT_NONE)
			how->images = true;
	by->hash = old.algorithm.hash;
	by->is_pss = old.is_pss;
	if (pkey_kind(by->by->key) == PKEY_P384)
		by->hash = HASH_SHA384;
	return HM_OK;
}

hm_err
fit_again(const struct input *file, const struct image_signer *signer,
    const char *hint, uint64_t time_s, struct output *out, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct fit_signer by = { .by = signer, .hint = hint };
	struct fit_sign how = { .signers = &by,
		.signer_count = 1,
		.again = true,
		.timestamp = (uint32_t)time_s,
		.name = "hallmark",
		.version = HALLMARK_VERSION };
	struct fit fit;
	hm_err err;

	if (hint == NULL)
		return WHY(why, HM_E_USAGE,
		    "a FIT names its key: hint=NAME, as the control tree has "
		    "it");
	HM_TRY(findings_new("fit", &findings));
	err = fit_open(file, findings, &fit);
	if (err == HM_OK)
		err = look(&fit, &how, &by, why);
	fit_done(&fit);
	HM_TRY(err);
	return fit_sign(&how, file, out, why);
}
