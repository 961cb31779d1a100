/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree is written once, with room for each signature: what is covered by
 * them does not change when they are put in. Names are added in the order of
 * mkimage, so that what it would sign comes out the same.
 */
#include "base/auto.h"
#include "image/fdt_edit.h"
#include "image/fit_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN_MAX 4096u
#define NUMBERS_MAX 1000u

struct signing {
	const struct fit_sign *how;
	struct fit fit;
	struct fit_cover cover;
	struct fdt_edit edit;
	struct fit_watch watch;
	struct findings *findings;
	struct why *why;
	uint32_t signatures; /* that will be made */
};

/* ---- digests ---- */

static hm_err
put_hash(struct signing *s, uint32_t image, const char *algo)
{
	uint8_t digest[HASH_MAX];
	struct fit_data data;
	size_t len = 0;
	hm_err err;

	HM_TRY(fit_data(&s->fit, image, &data));
	err = fit_hash_compute(&s->fit, &data, algo, digest, &len);
	if (err == HM_E_IMAGE_FIELD)
		return fit_fault(
		    &s->fit, image, err, "hash algorithm %s", algo);
	HM_TRY(err);
	return fdt_edit_prop(
	    &s->edit, "value", (struct hm_bytes){ digest, len });
}

static hm_err
fill_hash(struct signing *s, uint32_t image, uint32_t node)
{
	const struct fdt_prop *algo = fdt_prop(&s->fit.tree, node, "algo");
	char text[32];
	hm_err err = algo == NULL
			 ? HM_E_IMAGE_FIELD
			 : fdt_text(&s->fit.tree, algo, text, sizeof(text));

	if (err == HM_E_IMAGE_FIELD)
		return fit_fault(
		    &s->fit, node, err, "a hash node without algo");
	HM_TRY(err);
	HM_TRY(fdt_edit_at(&s->edit, s->fit.tree.nodes[node].body, 0));
	return put_hash(s, image, text);
}

static hm_err
add_hash(struct signing *s, uint32_t image)
{
	HM_TRY(fdt_edit_at(&s->edit, s->fit.tree.nodes[image].end, 0));
	HM_TRY(fdt_edit_node(&s->edit, "hash-1"));
	HM_TRY(put_hash(s, image, "sha256"));
	HM_TRY(fdt_edit_text(&s->edit, "algo", "sha256"));
	return fdt_edit_end(&s->edit);
}

/* It is hashed while the file is copied, if we know how. */
static hm_err
watch_hash(struct signing *s, uint32_t node, const struct fit_data *data)
{
	const struct fdt_prop *algo = fdt_prop(&s->fit.tree, node, "algo");
	hash_kind kind;
	char text[32];
	hm_err err;

	if (algo == NULL)
		return HM_OK;
	err = fdt_text(&s->fit.tree, algo, text, sizeof(text));
	if (err == HM_E_IMAGE_FIELD ||
	    (err == HM_OK && !fit_hash_parse(text, &kind)))
		return HM_OK;
	HM_TRY(err);
	return fit_watch_add(&s->watch, data, kind);
}

/* Fill what is empty; what is there must be right, for it will be signed: that
 * is found when all is written. */
static hm_err
hash_image(struct signing *s, uint32_t image)
{
	const struct fdt *tree = &s->fit.tree;
	struct fit_data data;

	if (!fit_has_hash(&s->fit, image))
		return add_hash(s, image);
	HM_TRY(fit_data(&s->fit, image, &data));
	for (uint32_t n = fdt_first(tree, image); n != FDT_NONE;
	     n = fdt_next(tree, image, n)) {
		if (!fit_is_kind(&s->fit, n, "hash"))
			continue;
		if (fdt_prop(tree, n, "value") == NULL)
			HM_TRY(fill_hash(s, image, n));
		HM_TRY(watch_hash(s, n, &data));
	}
	return HM_OK;
}

/* ---- the nodes of signatures ---- */

struct slot {
	uint32_t node; /* FDT_NONE: a new one */
	uint32_t number;
	hash_kind hash;
	bool is_pss, has_algo, has_padding, has_hint;
};

static hm_err
text_of(struct signing *s, uint32_t node, const char *name, bool *ret_has,
    char *ret, size_t size)
{
	const struct fdt_prop *prop = fdt_prop(&s->fit.tree, node, name);
	hm_err err;

	*ret_has = prop != NULL;
	ret[0] = '\0';
	if (prop == NULL)
		return HM_OK;
	err = fdt_text(&s->fit.tree, prop, ret, size);
	return err == HM_E_IMAGE_FIELD
		   ? fit_fault(&s->fit, node, err, "%s is not a text", name)
		   : err;
}

/* The node wants an algorithm: can this key do it? */
static hm_err
check_slot(struct signing *s, const struct fit_signer *by, struct slot *slot)
{
	char algo[32], padding[16];
	struct fit_algorithm wanted;

	HM_TRY(text_of(
	    s, slot->node, "algo", &slot->has_algo, algo, sizeof(algo)));
	HM_TRY(text_of(s, slot->node, "padding", &slot->has_padding, padding,
	    sizeof(padding)));
	if (slot->has_padding)
		slot->is_pss = strcmp(padding, "pss") == 0;
	if (!slot->has_algo)
		return HM_OK;
	if (!slot->has_padding)
		slot->is_pss = false;
	if (!fit_algorithm_parse(algo, &wanted))
		return fit_fault(&s->fit, slot->node, HM_E_IMAGE_FIELD,
		    "algorithm %s is unknown or weak", algo);
	if (wanted.type != pkey_kind(by->by->key) ||
	    wanted.bits != pkey_bits(by->by->key))
		return fit_fault(&s->fit, slot->node, HM_E_IMAGE_MIXED,
		    "it wants %s, the key is %s", algo, pkey_name(by->by->key));
	slot->hash = wanted.hash;
	return HM_OK;
}

/* A node with the hint of the signer, or without any if there is one signer. */
static hm_err
find_slot(struct signing *s, uint32_t parent, const struct fit_signer *by,
    struct slot *ret)
{
	const struct fdt *tree = &s->fit.tree;
	char hint[FIT_HINT_MAX];

	for (uint32_t n = fdt_first(tree, parent);
	     n != FDT_NONE && !s->how->again; n = fdt_next(tree, parent, n)) {
		if (!fit_is_kind(&s->fit, n, "signature"))
			continue;
		if (fdt_prop(tree, n, "value") != NULL)
			return fit_fault(&s->fit, n, HM_E_IMAGE_SIGNED,
			    "it has a signature already");
		HM_TRY(text_of(
		    s, n, "key-name-hint", &ret->has_hint, hint, sizeof(hint)));
		if (ret->has_hint ? strcmp(hint, by->hint) == 0
				  : s->how->signer_count == 1) {
			ret->node = n;
			return check_slot(s, by, ret);
		}
	}
	return HM_OK;
}

/* The next number that no node has. */
static hm_err
choose_number(struct signing *s, uint32_t parent, uint32_t *number)
{
	char name[32];

	do {
		++*number;
		(void)snprintf(name, sizeof(name), "signature-%u", *number);
	} while (!s->how->again && *number < NUMBERS_MAX &&
		 fdt_child(&s->fit.tree, parent, name) != FDT_NONE);
	return *number < NUMBERS_MAX ? HM_OK : HM_E_TOO_LARGE;
}

/* ---- what a signature node gets ---- */

/* The paths of what is covered; an image without digest will have one. */
static hm_err
list_paths(struct signing *s, struct buf *ret)
{
	const struct fdt *tree = &s->fit.tree;
	char path[FIT_TEXT_MAX];

	for (uint32_t i = 0; i < s->cover.count; i++) {
		uint32_t n = s->cover.nodes[i];

		fdt_path(tree, n, path, sizeof(path));
		HM_TRY(buf_add(ret, (struct hm_bytes){ (const uint8_t *)path,
					strlen(path) + 1 }));
		if (tree->nodes[n].parent == s->fit.images &&
		    !fit_has_hash(&s->fit, n))
			HM_TRY(buf_print(ret, "%s/hash-1%c", path, '\0'));
	}
	return HM_OK;
}

/* Padding is of RSA only. */
static bool
needs_padding(const struct fit_signer *by, const struct slot *slot)
{
	return !slot->has_padding && !slot->has_algo &&
	       pkey_kind(by->by->key) == PKEY_RSA;
}

static hm_err
add_names(struct signing *s, const struct fit_signer *by,
    const struct slot *slot, bool of_image)
{
	static const char *const names[] = { "algo", "padding",
		"key-name-hint" };
	static const char *const later[] = { "value", "signer-name",
		"signer-version", "timestamp", "hashed-nodes",
		"hashed-strings" };
	const bool wanted[] = { !slot->has_algo, needs_padding(by, slot),
		!slot->has_hint };
	uint32_t at;

	for (size_t i = 0; i < 3; i++)
		if (wanted[i])
			HM_TRY(fdt_edit_name(&s->edit, names[i], &at));
	for (size_t i = 0; i < (of_image ? 4u : 6u); i++)
		HM_TRY(fdt_edit_name(&s->edit, later[i], &at));
	return HM_OK;
}

static hm_err
put_signature(
    struct signing *s, const struct fit_signer *by, const struct slot *slot)
{
	static const uint8_t room[PKEY_SIGNATURE_MAX];
	char algo[32];

	HM_TRY(fdt_edit_cell(&s->edit, "timestamp", s->how->timestamp));
	HM_TRY(fdt_edit_text(&s->edit, "signer-version", s->how->version));
	HM_TRY(fdt_edit_text(&s->edit, "signer-name", s->how->name));
	HM_TRY(fdt_edit_prop(&s->edit, "value",
	    (struct hm_bytes){ room, pkey_signature_len(by->by->key) }));
	fit_algorithm_format(slot->hash, by->by->key, algo, sizeof(algo));
	if (!slot->has_algo)
		HM_TRY(fdt_edit_text(&s->edit, "algo", algo));
	if (needs_padding(by, slot))
		HM_TRY(fdt_edit_text(
		    &s->edit, "padding", slot->is_pss ? "pss" : "pkcs-1.5"));
	if (!slot->has_hint)
		HM_TRY(fdt_edit_text(&s->edit, "key-name-hint", by->hint));
	return HM_OK;
}

static hm_err
put_cover(struct signing *s, uint32_t strings)
{
	AUTO(buf) struct buf list = { .max = FIT_LIST_MAX };
	uint8_t cells[8] = { 0 };
	hm_err err = list_paths(s, &list);

	if (err == HM_E_TOO_LARGE)
		return fit_fault(&s->fit, s->fit.images, HM_E_IMAGE_FIELD,
		    "names too long for U-Boot");
	HM_TRY(err);
	hm_put_u32(cells + 4, strings);
	HM_TRY(fdt_edit_prop(&s->edit, "hashed-strings", HM_BYTES(cells)));
	return fdt_edit_prop(&s->edit, "hashed-nodes", buf_bytes(&list));
}

/* `parent` is a configuration, or an image. */
static hm_err
plan_one(struct signing *s, uint32_t parent, const struct fit_signer *by,
    uint32_t *number)
{
	struct slot slot = {
		.node = FDT_NONE, .hash = by->hash, .is_pss = by->is_pss
	};
	bool of_image = s->fit.tree.nodes[parent].parent == s->fit.images;
	char name[32];
	uint32_t strings;

	HM_TRY(find_slot(s, parent, by, &slot));
	if (slot.node == FDT_NONE) {
		slot.has_hint = slot.has_algo = slot.has_padding = false;
		HM_TRY(choose_number(s, parent, number));
		(void)snprintf(name, sizeof(name), "signature-%u", *number);
		HM_TRY(fdt_edit_at(&s->edit, s->fit.tree.nodes[parent].end, 0));
		HM_TRY(fdt_edit_node(&s->edit, name));
	} else {
		HM_TRY(fdt_edit_at(
		    &s->edit, s->fit.tree.nodes[slot.node].body, 0));
	}
	strings = (uint32_t)s->edit.strings.len;
	HM_TRY(add_names(s, by, &slot, of_image));
	if (!of_image)
		HM_TRY(put_cover(s, strings));
	HM_TRY(put_signature(s, by, &slot));
	s->signatures++;
	return slot.node == FDT_NONE ? fdt_edit_end(&s->edit) : HM_OK;
}

static hm_err
plan_all(struct signing *s, uint32_t parent)
{
	uint32_t number = 0;

	for (size_t i = 0; i < s->how->signer_count; i++)
		HM_TRY(plan_one(s, parent, &s->how->signers[i], &number));
	return HM_OK;
}

static hm_err
remove_signatures(struct signing *s, uint32_t top)
{
	const struct fdt *tree = &s->fit.tree;

	for (uint32_t n = fdt_first(tree, top); n != FDT_NONE;
	     n = fdt_next(tree, top, n))
		for (uint32_t c = fdt_first(tree, n); c != FDT_NONE;
		     c = fdt_next(tree, n, c))
			if (fit_is_kind(&s->fit, c, "signature"))
				HM_TRY(fdt_edit_remove(&s->edit, c));
	return HM_OK;
}

static bool
is_chosen(const struct signing *s, uint32_t configuration)
{
	return s->how->configuration == NULL ||
	       strcmp(s->how->configuration,
		   fdt_name(&s->fit.tree, configuration)) == 0;
}

static hm_err
plan(struct signing *s)
{
	const struct fdt *tree = &s->fit.tree;

	for (uint32_t n = fdt_first(tree, s->fit.images); n != FDT_NONE;
	     n = fdt_next(tree, s->fit.images, n)) {
		HM_TRY(hash_image(s, n));
		if (s->how->images)
			HM_TRY(plan_all(s, n));
	}
	for (uint32_t n = fdt_first(tree, s->fit.configurations); n != FDT_NONE;
	     n = fdt_next(tree, s->fit.configurations, n)) {
		if (!is_chosen(s, n))
			continue;
		s->cover.may_lack_hash = true;
		HM_TRY(fit_cover_configuration(&s->fit, n, &s->cover));
		HM_TRY(plan_all(s, n));
	}
	if (s->how->again) {
		HM_TRY(remove_signatures(s, s->fit.images));
		HM_TRY(remove_signatures(s, s->fit.configurations));
	}
	if (s->signatures == 0)
		return fit_fault(&s->fit, s->fit.configurations,
		    HM_E_IMAGE_EMPTY, "no such configuration to sign");
	return HM_OK;
}

/* ---- the file ---- */

/* Where external data begins, and whether that is fixed. */
static hm_err
find_external(struct signing *s, uint64_t *ret_first, bool *ret_fixed)
{
	const struct fdt *tree = &s->fit.tree;
	uint32_t fixed = 0, relative = 0;
	struct fit_data data;

	*ret_first = s->fit.tree.file.size;
	for (uint32_t n = fdt_first(tree, s->fit.images); n != FDT_NONE;
	     n = fdt_next(tree, s->fit.images, n)) {
		HM_TRY(fit_data(&s->fit, n, &data));
		if (!data.is_external)
			continue;
		fixed += data.is_fixed;
		relative += !data.is_fixed;
		if (data.at < *ret_first)
			*ret_first = data.at;
	}
	*ret_fixed = fixed > 0;
	if (relative > 0)
		*ret_first = s->fit.base;
	if (fixed == 0 || relative == 0)
		return HM_OK;
	return fit_fault(&s->fit, s->fit.images, HM_E_IMAGE_MIXED,
	    "both data-offset and data-position");
}

/* External data stays aligned as it was. */
static uint32_t
alignment(uint64_t base)
{
	uint32_t align = 4;

	while (align < ALIGN_MAX && base % (2 * align) == 0)
		align *= 2;
	return align;
}

static hm_err
write_file(struct signing *s, struct output *out)
{
	uint64_t first, size = s->fit.tree.file.size;
	bool is_fixed;
	uint32_t align = 1;

	HM_TRY(find_external(s, &first, &is_fixed));
	if (first < size && !is_fixed)
		align = alignment(s->fit.base);
	HM_TRY(fdt_edit_write(&s->edit, s->how->size, align, out));
	if (first >= size)
		return HM_OK;
	if (is_fixed && output_size(out) > first)
		return fit_fault(&s->fit, s->fit.images, HM_E_IMAGE_PLACE,
		    "the tree grows to %llu bytes, and data is at %llu",
		    (unsigned long long)output_size(out),
		    (unsigned long long)first);
	if (is_fixed)
		HM_TRY(output_fill(out, 0, first - output_size(out)));
	return fit_watch_copy(&s->watch, out, first, size - first);
}

static hm_err
check_file(struct signing *s)
{
	HM_TRY(fit_check_layout(&s->fit));
	if (findings_faults(s->findings) > 0)
		return findings_verdict(s->findings, s->why);
	if (fdt_first(&s->fit.tree, s->fit.images) == FDT_NONE ||
	    fdt_first(&s->fit.tree, s->fit.configurations) == FDT_NONE)
		return fit_fault(&s->fit, 0, HM_E_IMAGE_EMPTY,
		    "no image or no configuration");
	return HM_OK;
}

static hm_err
prepare(struct signing *s, const struct input *file, struct output *out)
{
	hm_err err = fit_open(file, s->findings, &s->fit);

	if (err == HM_OK)
		err = check_file(s);
	if (err == HM_OK)
		err = fit_cover_init(&s->fit, &s->cover);
	if (err == HM_OK)
		err = fdt_edit_init(&s->fit.tree, &s->edit);
	s->watch.file = &s->fit.tree.file;
	s->edit.copy = fit_watch_copy;
	s->edit.context = &s->watch;
	if (err == HM_OK)
		err = plan(s);
	if (err == HM_OK)
		err = write_file(s, out);
	if (err == HM_OK)
		fit_watch_tell(&s->watch, out);
	fit_watch_done(&s->watch);
	fdt_edit_done(&s->edit);
	fit_cover_done(&s->cover);
	fit_done(&s->fit);
	return err;
}

static hm_err
check_signers(const struct fit_sign *how, struct why *why)
{
	if (how->signer_count == 0 || how->signer_count > FIT_KEYS_MAX)
		return WHY(
		    why, HM_E_USAGE, "1 to %u keys can sign", FIT_KEYS_MAX);
	for (size_t i = 0; i < how->signer_count; i++) {
		const struct fit_signer *by = &how->signers[i];
		char algo[32];

		HM_TRY(fit_hint_check(by->hint, why));
		fit_algorithm_format(by->hash, by->by->key, algo, sizeof(algo));
		if (strstr(algo, "unknown") != NULL)
			return WHY(why, HM_E_KEY,
			    "U-Boot verifies nothing by a key %s",
			    pkey_name(by->by->key));
		for (size_t k = 0; k < i; k++)
			if (strcmp(how->signers[k].hint, by->hint) == 0)
				return WHY(why, HM_E_USAGE,
				    "two keys have the name %s", by->hint);
	}
	return HM_OK;
}

hm_err
fit_sign(const struct fit_sign *how, const struct input *file,
    struct output *out, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct signing s = { .how = how, .why = why };
	hm_err err;

	HM_TRY(check_signers(how, why));
	HM_TRY(findings_new("fit", &findings));
	s.findings = findings;
	err = prepare(&s, file, out);
	if (err == HM_OK)
		err = fit_fill(how, findings, out, why);
	if (err != HM_OK && !fit_is_breakdown(err))
		(void)findings_verdict(findings, why);
	return err;
}
