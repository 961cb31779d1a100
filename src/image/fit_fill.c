/* SPDX-License-Identifier: Apache-2.0 */
/* The tree as it was written is read again, its digests are compared, and each
 * signature is put in its room. */
#include "image/fit_parts.h"

#include <string.h>

struct filling {
	const struct fit_sign *how;
	struct fit fit;
	struct fit_cover cover;
	struct output *out;
	struct why *why;
};

static const struct fit_signer *
signer_of(const struct filling *f, const struct fit_signature *node)
{
	for (size_t i = 0; i < f->how->signer_count; i++)
		if (strcmp(f->how->signers[i].hint, node->hint) == 0)
			return &f->how->signers[i];
	return NULL;
}

static hm_err
sign(struct filling *f, const struct fit_signer *by,
    const struct fit_signature *node, const uint8_t digest[static HASH_MAX])
{
	struct pkey_input input = {
		.scheme = node->algorithm.type != PKEY_RSA ? PKEY_ECDSA
			  : node->is_pss                   ? PKEY_PSS
							   : PKEY_PKCS1,
		.hash = node->algorithm.hash,
		.bytes = { digest, hash_len(node->algorithm.hash) },
	};
	const struct fdt_prop *value =
	    fdt_prop(&f->fit.tree, node->node, "value");
	uint8_t signature[PKEY_SIGNATURE_MAX];
	size_t len = 0;

	HM_TRY(image_sign(by->by, &input,
	    (struct hm_span){ signature, sizeof(signature) }, &len, f->why));
	if (by->by->is_record)
		return HM_OK;
	if (len != value->len)
		return HM_E_TOKEN_WRONG;
	HM_TRY(output_put(
	    f->out, value->value, (struct hm_bytes){ signature, len }));
	return output_input(f->out, &f->fit.tree.file);
}

static hm_err
fill_configuration(struct filling *f, uint32_t node)
{
	struct fdt_signed what = { .wanted = f->cover.wanted };
	struct fit_signature from;
	const struct fit_signer *by;
	uint8_t digest[HASH_MAX];
	size_t regions;

	HM_TRY(fit_signature_read(&f->fit, node, false, &from));
	by = signer_of(f, &from);
	if (by == NULL)
		return HM_OK;
	what.hash = from.algorithm.hash;
	what.strings = from.strings;
	HM_TRY(fdt_digest(&f->fit.tree, &what, digest, &regions));
	return sign(f, by, &from, digest);
}

static hm_err
fill_image(struct filling *f, uint32_t image, uint32_t node)
{
	struct fit_signature from;
	const struct fit_signer *by;
	struct fit_data data;
	uint8_t digest[HASH_MAX];

	HM_TRY(fit_signature_read(&f->fit, node, true, &from));
	by = signer_of(f, &from);
	if (by == NULL)
		return HM_OK;
	HM_TRY(fit_data(&f->fit, image, &data));
	HM_TRY(image_hash(&f->fit.tree.file, data.at, data.size,
	    from.algorithm.hash, digest));
	return sign(f, by, &from, digest);
}

/* All signature nodes of an image or a configuration. */
static hm_err
fill_node(struct filling *f, uint32_t parent)
{
	bool of_image = f->fit.tree.nodes[parent].parent == f->fit.images;

	for (uint32_t n = fdt_first(&f->fit.tree, parent); n != FDT_NONE;
	     n = fdt_next(&f->fit.tree, parent, n)) {
		/* One that nobody here fills has no value, and stays so. */
		if (!fit_is_kind(&f->fit, n, "signature") ||
		    fdt_prop(&f->fit.tree, n, "value") == NULL)
			continue;
		HM_TRY(of_image ? fill_image(f, parent, n)
				: fill_configuration(f, n));
	}
	return HM_OK;
}

/* Each digest that will be signed is that of the data. */
static hm_err
check_hashes(struct filling *f, uint32_t image)
{
	bool is_strong = false;
	struct fit_data data;

	HM_TRY(fit_data(&f->fit, image, &data));
	for (uint32_t n = fdt_first(&f->fit.tree, image); n != FDT_NONE;
	     n = fdt_next(&f->fit.tree, image, n))
		if (fit_is_kind(&f->fit, n, "hash"))
			HM_TRY(fit_check_hash(
			    &f->fit, image, n, &data, &is_strong));
	return HM_OK;
}

static hm_err
check_images(struct filling *f)
{
	const struct fdt *tree = &f->fit.tree;

	for (uint32_t n = fdt_first(tree, f->fit.images); n != FDT_NONE;
	     n = fdt_next(tree, f->fit.images, n))
		HM_TRY(check_hashes(f, n));
	return HM_OK;
}

static hm_err
fill_all(struct filling *f)
{
	const struct fdt *tree = &f->fit.tree;

	for (uint32_t n = fdt_first(tree, f->fit.images);
	     n != FDT_NONE && f->how->images;
	     n = fdt_next(tree, f->fit.images, n))
		HM_TRY(fill_node(f, n));
	for (uint32_t n = fdt_first(tree, f->fit.configurations); n != FDT_NONE;
	     n = fdt_next(tree, f->fit.configurations, n)) {
		if (f->how->configuration != NULL &&
		    strcmp(f->how->configuration, fdt_name(tree, n)) != 0)
			continue;
		HM_TRY(fit_cover_configuration(&f->fit, n, &f->cover));
		HM_TRY(fill_node(f, n));
	}
	return HM_OK;
}

hm_err
fit_fill(const struct fit_sign *how, struct findings *findings,
    struct output *out, struct why *why)
{
	struct filling f = { .how = how, .out = out, .why = why };
	struct input file;
	hm_err err;

	HM_TRY(output_input(out, &file));
	err = fit_open(&file, findings, &f.fit);
	if (err == HM_OK)
		err = fit_cover_init(&f.fit, &f.cover);
	if (err == HM_OK)
		err = check_images(&f);
	if (err == HM_OK)
		err = fill_all(&f);
	fit_cover_done(&f.cover);
	fit_done(&f.fit);
	return err;
}
