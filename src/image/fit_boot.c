/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of boot/image-fit-sig.c, for what the strict verifier refuses: hints
 * are not looked at, hashed-nodes by old versions only, and of a configuration
 * one good signature a required key is enough.
 */
#include "image/fit_parts.h"

#include <string.h>

struct boot {
	struct fit_proof *proof;
	bool is_old;
};

static hm_err
digest_of(struct boot *b, const struct fit_signature *from,
    uint8_t ret[static HASH_MAX])
{
	struct fit_proof *p = b->proof;
	const struct fit_cover *cover = b->is_old ? &p->listed : &p->cover;
	struct fdt_signed what = { .hash = from->algorithm.hash,
		.wanted = cover->wanted,
		.strings = from->strings };
	size_t regions;

	if (b->is_old)
		HM_TRY(fit_cover_list(&p->fit,
		    fdt_prop(&p->fit.tree, from->node, "hashed-nodes"),
		    &p->listed));
	return fdt_digest(&p->fit.tree, &what, ret, &regions);
}

/* HM_OK, a fault, or a breakdown. */
static hm_err
is_signed_by(struct boot *b, uint32_t node, const struct fit_key *key,
    const struct fit_data *data)
{
	const struct fit *fit = &b->proof->fit;
	struct fit_signature from;
	uint8_t digest[HASH_MAX];

	HM_TRY(fit_signature_read(fit, node, data != NULL, &from));
	if (!fit_key_can(key, &from))
		return HM_E_IMAGE_MIXED;
	if (data != NULL)
		HM_TRY(image_hash(&fit->tree.file, data->at, data->size,
		    from.algorithm.hash, digest));
	else
		HM_TRY(digest_of(b, &from, digest));
	return fit_key_verify(key, &from, digest);
}

/* Is there a signature by this key at the node? `data`: of that image. */
static hm_err
has_signature(struct boot *b, uint32_t parent, const struct fit_key *key,
    const struct fit_data *data, bool *ret)
{
	const struct fit *fit = &b->proof->fit;

	*ret = false;
	for (uint32_t n = fdt_first(&fit->tree, parent); n != FDT_NONE && !*ret;
	     n = fdt_next(&fit->tree, parent, n)) {
		hm_err err;

		if (!fit_is_kind(fit, n, "signature"))
			continue;
		err = is_signed_by(b, n, key, data);
		if (fit_is_breakdown(err))
			return err;
		*ret = err == HM_OK;
	}
	return HM_OK;
}

static hm_err
has_required(struct boot *b, uint32_t configuration, bool *ret)
{
	const struct fit_keys *keys = &b->proof->keys;
	size_t required = 0, good = 0;

	for (size_t i = 0; i < keys->count; i++) {
		bool is_good;

		if (!keys->keys[i].of_configurations)
			continue;
		required++;
		HM_TRY(has_signature(
		    b, configuration, &keys->keys[i], NULL, &is_good));
		good += is_good;
	}
	*ret = keys->any ? good > 0 || required == 0 : good == required;
	return HM_OK;
}

static hm_err
is_image_good(struct boot *b, uint32_t image, bool *ret)
{
	struct fit_proof *p = b->proof;
	struct fit_data data;
	hm_err err = fit_check_hashes(&p->fit, image);
	bool is_good = true;

	if (fit_is_breakdown(err))
		return err;
	*ret = (p->fit.seen[image] & FIT_SEEN_STATE) != FIT_SEEN_BAD;
	for (size_t i = 0; i < p->keys.count && *ret; i++) {
		if (!p->keys.keys[i].of_images)
			continue;
		HM_TRY(fit_data(&p->fit, image, &data));
		HM_TRY(
		    has_signature(b, image, &p->keys.keys[i], &data, &is_good));
		*ret = is_good;
	}
	return HM_OK;
}

static hm_err
decide(struct boot *b, uint32_t configuration, bool *ret)
{
	struct fit_proof *p = b->proof;
	const struct fdt *tree = &p->fit.tree;
	hm_err err = fit_cover_configuration(&p->fit, configuration, &p->cover);

	*ret = false;
	if (err != HM_OK)
		return fit_is_breakdown(err) ? err : HM_OK;
	for (uint32_t i = 0; i < p->cover.count; i++)
		if (strchr(fdt_name(tree, p->cover.nodes[i]), '@') != NULL)
			return HM_OK;
	HM_TRY(has_required(b, configuration, ret));
	for (uint32_t i = 0; i < p->cover.image_count && *ret; i++)
		HM_TRY(is_image_good(b, p->cover.images[i], ret));
	return HM_OK;
}

hm_err
fit_boot(struct fit_proof *proof, uint32_t configuration, bool *ret_new,
    bool *ret_old)
{
	struct findings *loud = proof->fit.findings, *quiet;
	struct boot boot = { .proof = proof };
	hm_err err;

	/* What is wrong was said already. */
	HM_TRY(findings_new("fit", &quiet));
	proof->fit.findings = quiet;
	err = decide(&boot, configuration, ret_new);
	boot.is_old = true;
	if (err == HM_OK)
		err = decide(&boot, configuration, ret_old);
	proof->fit.findings = loud;
	findings_free(quiet);
	return fit_is_breakdown(err) ? err : HM_OK;
}
