/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fit_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MODULUS_MAX 512u

struct reading {
	struct fdt tree;
	struct findings *findings;
	uint32_t node;
	struct fit_key *key;
};

__attribute__((format(printf, 2, 3))) static hm_err
odd(const struct reading *r, const char *format, ...)
{
	char text[FIT_TEXT_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	return findings_fault(r->findings, HM_E_IMAGE_CONTROL,
	    r->tree.nodes[r->node].at, "control tree: %s: %s",
	    fdt_name(&r->tree, r->node), text);
}

/* Absent: empty. */
static hm_err
text(const struct reading *r, const char *name, char *ret, size_t size)
{
	const struct fdt_prop *prop = fdt_prop(&r->tree, r->node, name);
	hm_err err;

	ret[0] = '\0';
	if (prop == NULL)
		return HM_OK;
	err = fdt_text(&r->tree, prop, ret, size);
	if (err == HM_E_IMAGE_FIELD) {
		ret[0] = '\0';
		return odd(r, "%s is not a text", name);
	}
	return err;
}

static hm_err
value(const struct reading *r, const char *name, struct hm_span room,
    size_t *ret_len)
{
	const struct fdt_prop *prop = fdt_prop(&r->tree, r->node, name);
	hm_err err = prop == NULL ? HM_E_TOO_LARGE
				  : fdt_value(&r->tree, prop, room, ret_len);

	if (err == HM_E_TOO_LARGE)
		return odd(r, "%s is missing or too long", name);
	return err;
}

static hm_err
number(const struct reading *r, const char *name, uint32_t *ret)
{
	const struct fdt_prop *prop = fdt_prop(&r->tree, r->node, name);
	hm_err err =
	    prop == NULL ? HM_E_IMAGE_FIELD : fdt_cell(&r->tree, prop, ret);

	if (err == HM_E_IMAGE_FIELD)
		return odd(r, "%s is missing or not a number", name);
	return err;
}

/* ---- RSA: what U-Boot computes with must fit the modulus ---- */

static hm_err
check_exponent(const struct reading *r)
{
	static const uint8_t f4[8] = { 0, 0, 0, 0, 0, 1, 0, 1 };
	uint8_t exponent[8];
	size_t len = 0;

	HM_TRY(value(r, "rsa,exponent",
	    (struct hm_span){ exponent, sizeof(exponent) }, &len));
	if (len != sizeof(f4) || memcmp(exponent, f4, len) != 0)
		return odd(r, "rsa,exponent is not 65537");
	return HM_OK;
}

static hm_err
check_montgomery(const struct reading *r, size_t len)
{
	uint8_t is[MODULUS_MAX], must[MODULUS_MAX];
	uint32_t n0 = 0, must_n0 = 0, bits = 0;
	size_t is_len = 0;

	HM_TRY(pkey_montgomery(
	    r->key->key, (struct hm_span){ must, len }, &must_n0));
	HM_TRY(value(
	    r, "rsa,r-squared", (struct hm_span){ is, sizeof(is) }, &is_len));
	HM_TRY(number(r, "rsa,n0-inverse", &n0));
	HM_TRY(number(r, "rsa,num-bits", &bits));
	if (is_len != len || memcmp(is, must, len) != 0)
		return odd(r, "rsa,r-squared does not fit the modulus");
	if (n0 != must_n0)
		return odd(r, "rsa,n0-inverse does not fit the modulus");
	if (bits != 8 * len)
		return odd(r, "rsa,num-bits does not fit the modulus");
	return check_exponent(r);
}

static hm_err
read_rsa(const struct reading *r)
{
	uint8_t modulus[MODULUS_MAX];
	size_t len = 0;
	hm_err err;

	HM_TRY(value(r, "rsa,modulus",
	    (struct hm_span){ modulus, sizeof(modulus) }, &len));
	err =
	    pkey_from_modulus((struct hm_bytes){ modulus, len }, &r->key->key);
	if (err == HM_E_KEY || err == HM_E_KEY_WEAK)
		return odd(r, "rsa,modulus is not that of a key to trust");
	HM_TRY(err);
	return check_montgomery(r, len);
}

/* ---- ECDSA ---- */

static hm_err
read_ecdsa(const struct reading *r)
{
	uint8_t point[PKEY_POINT_MAX] = { 4 };
	char curve[32];
	size_t len, x = 0, y = 0;
	hm_err err;

	HM_TRY(text(r, "ecdsa,curve", curve, sizeof(curve)));
	len = strcmp(curve, "prime256v1") == 0 ? 32 : 48;
	if (len == 48 && strcmp(curve, "secp384r1") != 0)
		return odd(r, "ecdsa,curve %s is unknown", curve);
	HM_TRY(
	    value(r, "ecdsa,x-point", (struct hm_span){ point + 1, len }, &x));
	HM_TRY(value(
	    r, "ecdsa,y-point", (struct hm_span){ point + 1 + len, len }, &y));
	err = HM_E_KEY;
	if (x == len && y == len)
		err = pkey_from_point(len == 32 ? PKEY_P256 : PKEY_P384,
		    (struct hm_bytes){ point, 1 + 2 * len }, &r->key->key);
	if (err == HM_E_KEY)
		return odd(r, "not a point of %s", curve);
	return err;
}

/* ---- one key ---- */

static hm_err
check_algorithm(const struct reading *r)
{
	struct fit_key *key = r->key;
	struct fit_algorithm algorithm;

	HM_TRY(text(r, "algo", key->algo, sizeof(key->algo)));
	if (key->algo[0] == '\0')
		return odd(r, "no algo: it fits any signature");
	if (!fit_algorithm_parse(key->algo, &algorithm))
		return odd(r, "algo %s is unknown or weak", key->algo);
	if (key->key != NULL && (algorithm.type != pkey_kind(key->key) ||
				    algorithm.bits != pkey_bits(key->key)))
		return odd(r, "algo %s is not that of the key (%s)", key->algo,
		    pkey_name(key->key));
	return HM_OK;
}

static hm_err
check_required(const struct reading *r)
{
	char required[16];

	HM_TRY(text(r, "required", required, sizeof(required)));
	r->key->of_configurations = strcmp(required, "conf") == 0;
	r->key->of_images = strcmp(required, "image") == 0;
	if (required[0] == '\0')
		return odd(r, "not required: it protects nothing");
	if (!r->key->of_configurations && !r->key->of_images)
		return odd(r, "required is %s, not conf or image", required);
	return HM_OK;
}

/* The hint that leads to this node: key-NAME for RSA, NAME for ECDSA. */
static hm_err
read_hint(const struct reading *r, bool is_rsa)
{
	const char *name = fdt_name(&r->tree, r->node);
	char hint[FIT_HINT_MAX];

	if (strncmp(name, "key-", 4) == 0)
		name += 4;
	else if (is_rsa)
		return odd(r, "its name does not begin with key-");
	if (strlen(name) >= sizeof(r->key->hint) || name[0] == '\0')
		return odd(r, "its name is empty or too long");
	memcpy(r->key->hint, name, strlen(name) + 1);
	HM_TRY(text(r, "key-name-hint", hint, sizeof(hint)));
	if (hint[0] != '\0' && strcmp(hint, name) != 0)
		return odd(r, "key-name-hint is %s", hint);
	return HM_OK;
}

/* Every fault is said; the end is a breakdown only. */
static hm_err
read_key(struct reading *r)
{
	bool is_rsa = fdt_prop(&r->tree, r->node, "rsa,modulus") != NULL;
	hm_err errors[4];

	r->key->at = r->tree.nodes[r->node].at;
	errors[0] = is_rsa ? read_rsa(r) : read_ecdsa(r);
	errors[1] = read_hint(r, is_rsa);
	errors[2] = check_algorithm(r);
	errors[3] = check_required(r);
	for (size_t i = 0; i < 4; i++)
		if (fit_is_breakdown(errors[i]))
			return errors[i];
	findings_part(r->findings, r->key->at,
	    r->tree.nodes[r->node].end + 4 - r->key->at, "key", "%.40s %s %s%s",
	    fdt_name(&r->tree, r->node), r->key->algo,
	    r->key->key ? pkey_name(r->key->key) : "unreadable",
	    r->key->of_configurations ? " required for configurations"
	    : r->key->of_images       ? " required for images"
				      : "");
	return HM_OK;
}

/* ---- the tree ---- */

static hm_err
read_mode(struct reading *r, struct fit_keys *keys)
{
	char mode[16];
	hm_err err = text(r, "required-mode", mode, sizeof(mode));

	if (err == HM_E_IMAGE_CONTROL)
		return HM_OK;
	HM_TRY(err);
	keys->any = strcmp(mode, "any") == 0;
	if (mode[0] != '\0' && !keys->any && strcmp(mode, "all") != 0)
		(void)odd(r, "required-mode is %s, not all or any", mode);
	return HM_OK;
}

static void
check_same(const struct reading *r, const struct fit_keys *keys)
{
	for (size_t i = 0; i + 1 < keys->count; i++)
		if (keys->keys[i].key != NULL && r->key->key != NULL &&
		    pkey_equal(keys->keys[i].key, r->key->key))
			findings_note(r->findings, r->key->at,
			    "control tree: %s is the same key as %s",
			    r->key->hint, keys->keys[i].hint);
}

static hm_err
read_keys(struct reading *r, struct fit_keys *keys)
{
	uint32_t top = fdt_child(&r->tree, 0, "signature");

	if (top == FDT_NONE) {
		(void)findings_fault(r->findings, HM_E_IMAGE_CONTROL,
		    r->tree.struct_at, "control tree: no /signature, no keys");
		return HM_OK;
	}
	r->node = top;
	HM_TRY(read_mode(r, keys));
	for (uint32_t n = fdt_first(&r->tree, top); n != FDT_NONE;
	     n = fdt_next(&r->tree, top, n)) {
		r->node = n;
		if (keys->count == FIT_KEYS_MAX) {
			(void)odd(r, "more than %u keys", FIT_KEYS_MAX);
			break;
		}
		r->key = &keys->keys[keys->count++];
		HM_TRY(read_key(r));
		check_same(r, keys);
	}
	return HM_OK;
}

hm_err
fit_keys_of_control(
    const struct input *tree, struct findings *findings, struct fit_keys *ret)
{
	struct reading reading = { .findings = findings };
	hm_err err;

	*ret = (struct fit_keys){ .is_owned = true };
	err = fdt_open(tree, &reading.tree, findings);
	if (err == HM_OK)
		err = read_keys(&reading, ret);
	fdt_done(&reading.tree);
	return fit_is_breakdown(err) ? err : HM_OK;
}

void
fit_keys_of_list(const struct image_keys *list, struct fit_keys *ret)
{
	*ret = (struct fit_keys){ .any = true };
	for (size_t i = 0; i < list->trusted_count && i < FIT_KEYS_MAX; i++)
		ret->keys[ret->count++] =
		    (struct fit_key){ .key = list->trusted[i],
			    .of_configurations = true };
}

void
fit_keys_done(struct fit_keys *keys)
{
	for (size_t i = 0; keys->is_owned && i < keys->count; i++)
		pkey_free(keys->keys[i].key);
	*keys = (struct fit_keys){ 0 };
}

bool
fit_keys_enforce(const struct fit_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->keys[i].of_configurations)
			return true;
	return false;
}
