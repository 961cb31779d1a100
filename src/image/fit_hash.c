/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fit_parts.h"

#include <string.h>

#include "base/crc.h"

bool
fit_hash_parse(const char *text, hash_kind *ret)
{
	static const hash_kind kinds[] = { HASH_SHA256, HASH_SHA384,
		HASH_SHA512 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(text, hash_name(kinds[i])) == 0) {
			*ret = kinds[i];
			return true;
		}
	}
	return false;
}

static hm_err
add_crc(void *context, struct hm_bytes piece)
{
	uint32_t *crc = context;

	*crc = crc32_add(*crc, piece);
	return HM_OK;
}

hm_err
fit_hash_compute(const struct fit *fit, const struct fit_data *data,
    const char *algo, uint8_t ret[static HASH_MAX], size_t *ret_len)
{
	const struct input *file = &fit->tree.file;
	hash_kind kind;
	uint32_t crc = 0;

	if (fit_hash_parse(algo, &kind)) {
		*ret_len = hash_len(kind);
		return image_hash(file, data->at, data->size, kind, ret);
	}
	if (strcmp(algo, "crc32") != 0)
		return HM_E_IMAGE_FIELD;
	HM_TRY(input_walk(file, data->at, data->size, add_crc, &crc));
	hm_put_u32(ret, crc);
	*ret_len = 4;
	return HM_OK;
}

static hm_err
read_hash(const struct fit *fit, uint32_t node, char *algo, size_t size,
    struct hm_span value, size_t *ret_len)
{
	const struct fdt_prop *a = fdt_prop(&fit->tree, node, "algo");
	const struct fdt_prop *v = fdt_prop(&fit->tree, node, "value");
	hm_err err = a == NULL || v == NULL ? HM_E_IMAGE_FIELD : HM_OK;

	if (err == HM_OK)
		err = fdt_text(&fit->tree, a, algo, size);
	if (err == HM_OK)
		err = fdt_value(&fit->tree, v, value, ret_len);
	if (err == HM_E_TOO_LARGE || err == HM_E_IMAGE_FIELD)
		return fit_fault(fit, node, HM_E_IMAGE_FIELD,
		    "a hash node without algo or value");
	HM_TRY(err);
	if (fdt_prop(&fit->tree, node, "uboot-ignore") != NULL)
		return fit_fault(fit, node, HM_E_IMAGE_FIELD,
		    "uboot-ignore: this hash would not be checked");
	return HM_OK;
}

/* *ret_strong: whoever can forge it breaks SHA-2. */
hm_err
fit_check_hash(const struct fit *fit, uint32_t image, uint32_t node,
    const struct fit_data *data, bool *ret_strong)
{
	uint8_t value[HASH_MAX], digest[HASH_MAX] = { 0 };
	size_t len = 0, digest_len = 0;
	char algo[32], path[FIT_TEXT_MAX];
	hm_err err;

	HM_TRY(read_hash(fit, node, algo, sizeof(algo),
	    (struct hm_span){ value, sizeof(value) }, &len));
	err = fit_hash_compute(fit, data, algo, digest, &digest_len);
	if (err == HM_E_IMAGE_FIELD)
		return fit_fault(fit, node, err, "hash algorithm %s", algo);
	HM_TRY(err);
	findings_bytes(fit->findings, fit->tree.nodes[node].at,
	    fit->tree.nodes[node].end + 4 - fit->tree.nodes[node].at,
	    strcmp(algo, "crc32") == 0 ? "crc32" : "hash",
	    (struct hm_bytes){ value, len });
	*ret_strong = *ret_strong || digest_len > 4;
	if (len == digest_len && hm_equal_ct(value, digest, len))
		return HM_OK;
	fdt_path(&fit->tree, image, path, sizeof(path));
	return findings_fault(fit->findings, HM_E_IMAGE_HASH, data->at,
	    "hash of %s: %s does not match the data", path,
	    fdt_name(&fit->tree, node));
}

bool
fit_has_hash(const struct fit *fit, uint32_t image)
{
	for (uint32_t c = fdt_first(&fit->tree, image); c != FDT_NONE;
	     c = fdt_next(&fit->tree, image, c))
		if (fit_is_kind(fit, c, "hash"))
			return true;
	return false;
}

/* *ret_strong: false if the only thing wrong is that no hash is strong. */
static hm_err
check_all(const struct fit *fit, uint32_t image, bool *ret_strong)
{
	struct fit_data data;
	char path[FIT_TEXT_MAX];

	*ret_strong = true;
	HM_TRY(fit_data(fit, image, &data));
	fdt_path(&fit->tree, image, path, sizeof(path));
	findings_part(
	    fit->findings, data.at, data.size, "data", "%.100s", path);
	*ret_strong = false;
	for (uint32_t c = fdt_first(&fit->tree, image); c != FDT_NONE;
	     c = fdt_next(&fit->tree, image, c)) {
		bool is_strong = false;
		hm_err err;

		if (!fit_is_kind(fit, c, "hash"))
			continue;
		err = fit_check_hash(fit, image, c, &data, &is_strong);
		*ret_strong = *ret_strong || is_strong || err != HM_OK;
		HM_TRY(err);
	}
	if (*ret_strong)
		return HM_OK;
	return fit_fault(fit, image, HM_E_IMAGE_FIELD,
	    "an image without a hash that is strong");
}

hm_err
fit_check_hashes(struct fit *fit, uint32_t image)
{
	uint8_t *seen = &fit->seen[image];
	bool is_strong;
	hm_err err;

	if ((*seen & FIT_SEEN_STATE) == FIT_SEEN_GOOD)
		return HM_OK;
	if ((*seen & FIT_SEEN_STATE) != 0)
		return HM_E_IMAGE_HASH;
	err = check_all(fit, image, &is_strong);
	if (err == HM_OK)
		*seen |= FIT_SEEN_GOOD;
	else if (!fit_is_breakdown(err))
		*seen |= is_strong ? FIT_SEEN_BAD : FIT_SEEN_WEAK;
	return err;
}
