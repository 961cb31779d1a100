/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties stand in the order in which mkimage leaves them (libfdt puts each
 * new one first), the names in that in which it adds them; so a tree is the
 * same whoever wrote the keys.
 */
#include "base/auto.h"
#include "image/fdt_edit.h"
#include "image/fit_parts.h"

#include <stdio.h>
#include <string.h>

struct setting {
	const struct fit_control_set *how;
	struct fdt tree;
	struct fdt_edit edit;
};

/* In the order of mkimage. */
static const char *const rsa_names[] = { "key-name-hint", "rsa,num-bits",
	"rsa,n0-inverse", "rsa,exponent", "rsa,modulus", "rsa,r-squared",
	"algo", "required" };
static const char *const ec_names[] = { "key-name-hint", "ecdsa,curve",
	"ecdsa,x-point", "ecdsa,y-point", "algo", "required" };

static hm_err
add_names(struct fdt_edit *edit, const char *const *names, size_t count)
{
	uint32_t at;

	for (size_t i = 0; i < count; i++)
		HM_TRY(fdt_edit_name(edit, names[i], &at));
	return HM_OK;
}

static hm_err
put_rsa(
    struct fdt_edit *edit, const struct fit_key_entry *entry, const char *algo)
{
	static const uint8_t exponent[8] = { 0, 0, 0, 0, 0, 1, 0, 1 };
	uint8_t r2[PKEY_SIGNATURE_MAX];
	AUTO(buf) struct buf modulus = { .max = PKEY_SIGNATURE_MAX };
	size_t len = pkey_signature_len(entry->key);
	uint32_t n0;

	HM_TRY(pkey_modulus(entry->key, &modulus));
	HM_TRY(pkey_montgomery(entry->key, (struct hm_span){ r2, len }, &n0));
	HM_TRY(add_names(edit, rsa_names, 8));
	HM_TRY(fdt_edit_text(edit, "required", entry->required));
	HM_TRY(fdt_edit_text(edit, "algo", algo));
	HM_TRY(
	    fdt_edit_prop(edit, "rsa,r-squared", (struct hm_bytes){ r2, len }));
	HM_TRY(fdt_edit_prop(edit, "rsa,modulus", buf_bytes(&modulus)));
	HM_TRY(fdt_edit_prop(edit, "rsa,exponent", HM_BYTES(exponent)));
	HM_TRY(fdt_edit_cell(edit, "rsa,n0-inverse", n0));
	return fdt_edit_cell(edit, "rsa,num-bits", pkey_bits(entry->key));
}

static hm_err
put_ecdsa(
    struct fdt_edit *edit, const struct fit_key_entry *entry, const char *algo)
{
	AUTO(buf) struct buf point = { .max = PKEY_POINT_MAX };
	size_t len;

	HM_TRY(pkey_point(entry->key, &point));
	len = (point.len - 1) / 2;
	HM_TRY(add_names(edit, ec_names, 6));
	HM_TRY(fdt_edit_text(edit, "required", entry->required));
	HM_TRY(fdt_edit_text(edit, "algo", algo));
	HM_TRY(fdt_edit_prop(edit, "ecdsa,y-point",
	    (struct hm_bytes){ point.ptr + 1 + len, len }));
	HM_TRY(fdt_edit_prop(
	    edit, "ecdsa,x-point", (struct hm_bytes){ point.ptr + 1, len }));
	return fdt_edit_text(edit, "ecdsa,curve",
	    pkey_kind(entry->key) == PKEY_P256 ? "prime256v1" : "secp384r1");
}

static bool
can_be_there(const struct pkey *key)
{
	return pkey_kind(key) == PKEY_RSA || pkey_kind(key) == PKEY_P256 ||
	       pkey_kind(key) == PKEY_P384;
}

static void
name_of(const struct fit_key_entry *entry, char ret[static FIT_TEXT_MAX])
{
	(void)snprintf(ret, FIT_TEXT_MAX, "%s%s",
	    pkey_kind(entry->key) == PKEY_RSA ? "key-" : "", entry->hint);
}

static hm_err
put_key(struct fdt_edit *edit, const struct fit_key_entry *entry)
{
	char name[FIT_TEXT_MAX], algo[32];

	name_of(entry, name);
	fit_algorithm_format(entry->hash, entry->key, algo, sizeof(algo));
	HM_TRY(fdt_edit_node(edit, name));
	if (pkey_kind(entry->key) == PKEY_RSA)
		HM_TRY(put_rsa(edit, entry, algo));
	else
		HM_TRY(put_ecdsa(edit, entry, algo));
	HM_TRY(fdt_edit_text(edit, "key-name-hint", entry->hint));
	return fdt_edit_end(edit);
}

/* libfdt puts a new node in front of its sisters. */
static hm_err
put_keys(struct setting *s)
{
	for (size_t i = s->how->key_count; i > 0; i--)
		HM_TRY(put_key(&s->edit, &s->how->keys[i - 1]));
	return HM_OK;
}

static hm_err
remove_old(struct setting *s, uint32_t top)
{
	char name[FIT_TEXT_MAX];

	for (size_t i = 0; i < s->how->key_count; i++) {
		uint32_t old;

		name_of(&s->how->keys[i], name);
		old = fdt_child(&s->tree, top, name);
		if (old != FDT_NONE)
			HM_TRY(fdt_edit_remove(&s->edit, old));
	}
	return HM_OK;
}

static hm_err
set_mode(struct setting *s, uint32_t top)
{
	const struct fdt_prop *mode = fdt_prop(&s->tree, top, "required-mode");
	uint32_t end;

	if (s->how->mode == NULL)
		return HM_OK;
	if (mode == NULL) {
		HM_TRY(fdt_edit_at(&s->edit, s->tree.nodes[top].body, 0));
	} else {
		end = (mode->value + mode->len + 3) & ~3u;
		HM_TRY(fdt_edit_at(&s->edit, mode->at, end - mode->at));
	}
	return fdt_edit_text(&s->edit, "required-mode", s->how->mode);
}

/* Behind the properties of a node. */
static uint32_t
behind_props(const struct fdt *tree, uint32_t node)
{
	const struct fdt_node *n = &tree->nodes[node];
	const struct fdt_prop *last;

	if (n->prop_count == 0)
		return n->body;
	last = &tree->props[n->prop + n->prop_count - 1];
	return (last->value + last->len + 3) & ~3u;
}

static hm_err
set(struct setting *s, struct output *out)
{
	uint32_t top = fdt_child(&s->tree, 0, "signature");

	if (top != FDT_NONE) {
		HM_TRY(set_mode(s, top));
		HM_TRY(fdt_edit_at(&s->edit, behind_props(&s->tree, top), 0));
		HM_TRY(put_keys(s));
		HM_TRY(remove_old(s, top));
	} else {
		HM_TRY(fdt_edit_at(&s->edit, behind_props(&s->tree, 0), 0));
		HM_TRY(fdt_edit_node(&s->edit, "signature"));
		if (s->how->mode != NULL)
			HM_TRY(fdt_edit_text(
			    &s->edit, "required-mode", s->how->mode));
		HM_TRY(put_keys(s));
		HM_TRY(fdt_edit_end(&s->edit));
	}
	return fdt_edit_write(&s->edit, s->how->size, 1, out);
}

static hm_err
check_entries(const struct fit_control_set *how, struct why *why)
{
	for (size_t i = 0; i < how->key_count; i++) {
		if (!can_be_there(how->keys[i].key))
			return WHY(why, HM_E_KEY,
			    "U-Boot has no place for a key %s",
			    pkey_name(how->keys[i].key));
		HM_TRY(fit_hint_check(how->keys[i].hint, why));
		for (size_t k = 0; k < i; k++)
			if (strcmp(how->keys[k].hint, how->keys[i].hint) == 0)
				return WHY(why, HM_E_USAGE,
				    "two keys have the name %s",
				    how->keys[i].hint);
	}
	return HM_OK;
}

hm_err
fit_control_set(const struct fit_control_set *how, const struct input *tree,
    struct output *out, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct setting s = { .how = how };
	hm_err err;

	HM_TRY(check_entries(how, why));
	HM_TRY(findings_new("fit-control", &findings));
	err = fdt_open(tree, &s.tree, findings);
	if (err == HM_OK)
		err = findings_verdict(findings, why);
	if (err == HM_OK)
		err = fdt_edit_init(&s.tree, &s.edit);
	if (err == HM_OK)
		err = set(&s, out);
	fdt_edit_done(&s.edit);
	fdt_done(&s.tree);
	if (err != HM_OK && !fit_is_breakdown(err))
		(void)findings_verdict(findings, why);
	return err;
}
