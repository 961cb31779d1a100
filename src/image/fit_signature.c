/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fit_parts.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	pkey_type type;
	unsigned bits;
} crypto[] = {
	{ "rsa2048", PKEY_RSA, 2048 },
	{ "rsa3072", PKEY_RSA, 3072 },
	{ "rsa4096", PKEY_RSA, 4096 },
	{ "ecdsa256", PKEY_P256, 256 },
	{ "ecdsa384", PKEY_P384, 384 },
};
#define CRYPTO_COUNT (sizeof(crypto) / sizeof(crypto[0]))

bool
fit_algorithm_parse(const char *text, struct fit_algorithm *ret)
{
	size_t len = strcspn(text, ",");
	char hash[16];

	if (text[len] != ',' || len >= sizeof(hash))
		return false;
	memcpy(hash, text, len);
	hash[len] = '\0';
	if (!fit_hash_parse(hash, &ret->hash))
		return false;
	for (size_t i = 0; i < CRYPTO_COUNT; i++) {
		if (strcmp(text + len + 1, crypto[i].name) != 0)
			continue;
		ret->type = crypto[i].type;
		ret->bits = crypto[i].bits;
		return true;
	}
	return false;
}

void
fit_algorithm_format(
    hash_kind hash, const struct pkey *key, char *ret, size_t size)
{
	const char *name = "unknown";

	for (size_t i = 0; i < CRYPTO_COUNT; i++)
		if (crypto[i].type == pkey_kind(key) &&
		    crypto[i].bits == pkey_bits(key))
			name = crypto[i].name;
	(void)snprintf(ret, size, "%s,%s", hash_name(hash), name);
}

hm_err
fit_hint_check(const char *hint, struct why *why)
{
	size_t len = strlen(hint);

	if (len > 0 && len < FIT_HINT_MAX &&
	    strspn(hint, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789,._+-") == len)
		return HM_OK;
	return WHY(why, HM_E_USAGE,
	    "'%.64s' is no name of a key: letters, digits and ,._+- only",
	    hint);
}

static hm_err
incomplete(const struct fit *fit, uint32_t node, const char *what)
{
	return fit_fault(
	    fit, node, HM_E_IMAGE_FIELD, "signature node incomplete: %s", what);
}

static hm_err
read_text(const struct fit *fit, uint32_t node, const char *name, char *ret,
    size_t size)
{
	const struct fdt_prop *prop = fdt_prop(&fit->tree, node, name);
	hm_err err = prop == NULL ? HM_E_IMAGE_FIELD
				  : fdt_text(&fit->tree, prop, ret, size);

	return err == HM_E_IMAGE_FIELD ? incomplete(fit, node, name) : err;
}

static hm_err
read_algorithm(const struct fit *fit, struct fit_signature *ret)
{
	const struct fdt_prop *padding =
	    fdt_prop(&fit->tree, ret->node, "padding");
	char text[16] = "pkcs-1.5";

	HM_TRY(read_text(fit, ret->node, "algo", ret->algo, sizeof(ret->algo)));
	if (!fit_algorithm_parse(ret->algo, &ret->algorithm))
		return fit_fault(fit, ret->node, HM_E_IMAGE_FIELD,
		    "algorithm of the key: %s is unknown or weak", ret->algo);
	if (padding != NULL)
		HM_TRY(
		    read_text(fit, ret->node, "padding", text, sizeof(text)));
	ret->is_pss = strcmp(text, "pss") == 0;
	if (!ret->is_pss && strcmp(text, "pkcs-1.5") != 0)
		return fit_fault(fit, ret->node, HM_E_IMAGE_FIELD,
		    "padding %s is unknown", text);
	return HM_OK;
}

static hm_err
read_strings(const struct fit *fit, struct fit_signature *ret)
{
	const struct fdt_prop *prop =
	    fdt_prop(&fit->tree, ret->node, "hashed-strings");
	uint8_t cells[8];
	size_t len;

	if (fdt_prop(&fit->tree, ret->node, "hashed-nodes") == NULL)
		return incomplete(fit, ret->node, "hashed-nodes");
	if (prop == NULL || prop->len != sizeof(cells))
		return incomplete(fit, ret->node, "hashed-strings");
	HM_TRY(fdt_value(
	    &fit->tree, prop, (struct hm_span){ cells, sizeof(cells) }, &len));
	ret->strings = hm_get_u32(cells + 4);
	if (ret->strings > fit->tree.strings_size)
		return fit_fault(fit, ret->node, HM_E_IMAGE_FIELD,
		    "hashed-strings: %u bytes are not there", ret->strings);
	if (hm_get_u32(cells) != 0)
		(void)fit_fault(fit, ret->node, HM_E_IMAGE_FIELD,
		    "hashed-strings: an offset that is not 0");
	return HM_OK;
}

hm_err
fit_signature_read(const struct fit *fit, uint32_t node, bool of_image,
    struct fit_signature *ret)
{
	const struct fdt_prop *value = fdt_prop(&fit->tree, node, "value");
	hm_err err = HM_E_TOO_LARGE;

	*ret = (struct fit_signature){ .node = node };
	HM_TRY(read_text(
	    fit, node, "key-name-hint", ret->hint, sizeof(ret->hint)));
	if (value != NULL)
		err = fdt_value(&fit->tree, value,
		    (struct hm_span){ ret->value, sizeof(ret->value) },
		    &ret->value_len);
	if (err == HM_E_TOO_LARGE)
		return incomplete(fit, node, "value");
	HM_TRY(err);
	HM_TRY(read_algorithm(fit, ret));
	findings_bytes(fit->findings, value->at, value->len + 12,
	    of_image ? "image signature" : "signature",
	    (struct hm_bytes){ ret->value, ret->value_len });
	return of_image ? HM_OK : read_strings(fit, ret);
}
