/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fit_parts.h"

#include <string.h>

/* ---- a key and a signature ---- */

bool
fit_key_is_named(const struct fit_key *key, const char *hint)
{
	return key->key != NULL &&
	       (key->hint[0] == '\0' || strcmp(key->hint, hint) == 0);
}

bool
fit_key_can(const struct fit_key *key, const struct fit_signature *from)
{
	return key->key != NULL &&
	       from->algorithm.type == pkey_kind(key->key) &&
	       from->algorithm.bits == pkey_bits(key->key) &&
	       (key->algo[0] == '\0' || strcmp(key->algo, from->algo) == 0);
}

hm_err
fit_key_verify(const struct fit_key *key, const struct fit_signature *from,
    const uint8_t digest[static HASH_MAX])
{
	struct pkey_input input = {
		.scheme = from->algorithm.type != PKEY_RSA ? PKEY_ECDSA
			  : from->is_pss                   ? PKEY_PSS_ANY
							   : PKEY_PKCS1,
		.hash = from->algorithm.hash,
		.bytes = { digest, hash_len(from->algorithm.hash) },
	};
	hm_err err = pkey_verify(key->key, &input,
	    (struct hm_bytes){ from->value, from->value_len });

	return err == HM_OK || fit_is_breakdown(err) ? err
						     : HM_E_IMAGE_SIGNATURE;
}

static void
add_proof(const struct fit_proof *p, const struct fit_signature *from, size_t i,
    bool proven[static FIT_KEYS_MAX])
{
	const struct fdt_node *node = &p->fit.tree.nodes[from->node];

	proven[i] = true;
	findings_part(p->fit.findings, node->at, node->end + 4 - node->at,
	    "signed", "by key %zu, %s, %s%s", i + 1, from->hint, from->algo,
	    from->is_pss ? ", pss" : "");
}

/* By which of the keys it is, into proven[]; else why it is by none. */
static hm_err
find_key(const struct fit_proof *p, const struct fit_signature *from,
    const uint8_t digest[static HASH_MAX], bool proven[static FIT_KEYS_MAX])
{
	const struct fit *fit = &p->fit;
	size_t named = 0, able = 0;

	for (size_t i = 0; i < p->keys.count; i++) {
		const struct fit_key *key = &p->keys.keys[i];
		hm_err err;

		if (!fit_key_is_named(key, from->hint))
			continue;
		named += key->hint[0] != '\0';
		if (!fit_key_can(key, from))
			continue;
		able++;
		err = fit_key_verify(key, from, digest);
		if (err == HM_OK)
			add_proof(p, from, i, proven);
		if (err != HM_E_IMAGE_SIGNATURE)
			return err;
	}
	if (named == 0 && able == 0)
		return fit_fault(fit, from->node, HM_E_IMAGE_UNTRUSTED,
		    "unknown key %s", from->hint);
	if (able == 0)
		return fit_fault(fit, from->node, HM_E_IMAGE_MIXED,
		    "algorithm of the key: %s is not that of %s", from->algo,
		    from->hint);
	return fit_fault(fit, from->node, HM_E_IMAGE_SIGNATURE,
	    "signature by %s does not verify", from->hint);
}

/* ---- a signature over a configuration ---- */

static hm_err
check_list(struct fit_proof *p, uint32_t node)
{
	const struct fdt_prop *list =
	    fdt_prop(&p->fit.tree, node, "hashed-nodes");
	size_t flags = p->fit.tree.node_count * sizeof(bool);
	hm_err err = fit_cover_list(&p->fit, list, &p->listed);

	if (err == HM_OK &&
	    memcmp(p->cover.wanted, p->listed.wanted, flags) == 0)
		return HM_OK;
	if (fit_is_breakdown(err))
		return err;
	return fit_fault(&p->fit, node, HM_E_IMAGE_FIELD,
	    "hashed-nodes differ from the nodes of the configuration");
}

/* A fault is reported and returned. */
static hm_err
verify_signature(
    struct fit_proof *p, uint32_t node, bool proven[static FIT_KEYS_MAX])
{
	struct fit_signature from;
	struct fdt_signed what = { .wanted = p->cover.wanted };
	uint8_t digest[HASH_MAX];
	size_t regions;
	hm_err listed;

	HM_TRY(fit_signature_read(&p->fit, node, false, &from));
	listed = check_list(p, node);
	if (fit_is_breakdown(listed) || p->is_inspection)
		return listed;
	what.hash = from.algorithm.hash;
	what.strings = from.strings;
	HM_TRY(fdt_digest(&p->fit.tree, &what, digest, &regions));
	if (regions + 1 >= 20 + 7 * (size_t)p->cover.count)
		return fit_fault(&p->fit, node, HM_E_IMAGE_FIELD,
		    "too many pieces (%zu) under a signature", regions);
	HM_TRY(find_key(p, &from, digest, proven));
	return listed;
}

/* ---- a signature over an image ---- */

static hm_err
verify_image_signature(struct fit_proof *p, uint32_t image, uint32_t node,
    bool proven[static FIT_KEYS_MAX])
{
	struct fit_signature from;
	struct fit_data data;
	uint8_t digest[HASH_MAX];

	HM_TRY(fit_signature_read(&p->fit, node, true, &from));
	if (p->is_inspection)
		return HM_OK;
	HM_TRY(fit_data(&p->fit, image, &data));
	HM_TRY(image_hash(&p->fit.tree.file, data.at, data.size,
	    from.algorithm.hash, digest));
	return find_key(p, &from, digest, proven);
}

static hm_err
verify_image(struct fit_proof *p, uint32_t image)
{
	bool proven[FIT_KEYS_MAX] = { false };
	hm_err err = fit_check_hashes(&p->fit, image);

	for (uint32_t n = fdt_first(&p->fit.tree, image);
	     n != FDT_NONE && !fit_is_breakdown(err);
	     n = fdt_next(&p->fit.tree, image, n))
		if (fit_is_kind(&p->fit, n, "signature"))
			err = verify_image_signature(p, image, n, proven);
	if (fit_is_breakdown(err))
		return err;
	for (size_t i = 0; i < p->keys.count; i++)
		if (p->keys.keys[i].of_images && !proven[i])
			(void)fit_fault(&p->fit, image, HM_E_IMAGE_UNTRUSTED,
			    "no signature by the required key %s",
			    p->keys.keys[i].hint);
	return HM_OK;
}

/* ---- a configuration ---- */

static void
check_required(struct fit_proof *p, uint32_t configuration,
    const bool proven[static FIT_KEYS_MAX])
{
	size_t good = 0;

	for (size_t i = 0; i < p->keys.count; i++) {
		if (!p->keys.keys[i].of_configurations)
			continue;
		good += proven[i];
		if (!proven[i] && !p->keys.any)
			(void)fit_fault(&p->fit, configuration,
			    HM_E_IMAGE_UNTRUSTED,
			    "no signature by the required key %s",
			    p->keys.keys[i].hint);
	}
	if (good == 0 && p->keys.any)
		(void)fit_fault(&p->fit, configuration, HM_E_IMAGE_UNTRUSTED,
		    "no signature by any of the keys");
}

static hm_err
verify_signatures(struct fit_proof *p, uint32_t configuration)
{
	bool proven[FIT_KEYS_MAX] = { false };
	size_t count = 0;
	hm_err err = HM_OK;

	for (uint32_t n = fdt_first(&p->fit.tree, configuration);
	     n != FDT_NONE && !fit_is_breakdown(err);
	     n = fdt_next(&p->fit.tree, configuration, n)) {
		if (!fit_is_kind(&p->fit, n, "signature"))
			continue;
		count++;
		err = verify_signature(p, n, proven);
	}
	if (fit_is_breakdown(err))
		return err;
	if (count == 0)
		(void)fit_fault(&p->fit, configuration, HM_E_IMAGE_UNTRUSTED,
		    "no signature");
	else if (!p->is_inspection)
		check_required(p, configuration, proven);
	return HM_OK;
}

static hm_err
verify_configuration(struct fit_proof *p, uint32_t configuration)
{
	const struct fdt_node *node = &p->fit.tree.nodes[configuration];
	hm_err err = fit_cover_configuration(&p->fit, configuration, &p->cover);

	findings_part(p->fit.findings, node->at, node->end + 4 - node->at,
	    "configuration", "%.60s: %u images",
	    fdt_name(&p->fit.tree, configuration), p->cover.image_count);
	if (err != HM_OK)
		return fit_is_breakdown(err) ? err : HM_OK;
	HM_TRY(verify_signatures(p, configuration));
	for (uint32_t i = 0; i < p->cover.image_count; i++) {
		p->fit.seen[p->cover.images[i]] |= FIT_SEEN_USED;
		HM_TRY(verify_image(p, p->cover.images[i]));
	}
	return HM_OK;
}

/* ---- which of them ---- */

/* The one that is started if nobody chooses; FDT_NONE: nobody said. */
static hm_err
find_default(struct fit_proof *p, uint32_t *ret)
{
	const struct fdt_prop *prop =
	    fdt_prop(&p->fit.tree, p->fit.configurations, "default");
	char name[FIT_TEXT_MAX];
	hm_err err;

	*ret = FDT_NONE;
	if (prop == NULL)
		return HM_OK;
	err = fdt_text(&p->fit.tree, prop, name, sizeof(name));
	if (err == HM_OK)
		*ret = fdt_child(&p->fit.tree, p->fit.configurations, name);
	if (fit_is_breakdown(err))
		return err;
	if (*ret == FDT_NONE)
		(void)fit_fault(&p->fit, p->fit.configurations,
		    HM_E_IMAGE_FIELD,
		    "the default configuration does not exist");
	return HM_OK;
}

static bool
is_signed(const struct fit *fit, uint32_t configuration)
{
	for (uint32_t n = fdt_first(&fit->tree, configuration); n != FDT_NONE;
	     n = fdt_next(&fit->tree, configuration, n))
		if (fit_is_kind(fit, n, "signature"))
			return true;
	return false;
}

/* The default one, and each that claims to be signed: all can be chosen. U-Boot
 * refuses the others. */
static hm_err
verify_each(struct fit_proof *p, uint32_t first)
{
	uint32_t top = p->fit.configurations, count = 0;
	const struct fdt *tree = &p->fit.tree;

	for (uint32_t n = fdt_first(tree, top); n != FDT_NONE;
	     n = fdt_next(tree, top, n), count++) {
		if (n == first || first == FDT_NONE || is_signed(&p->fit, n))
			HM_TRY(verify_configuration(p, n));
		else
			findings_note(p->fit.findings, tree->nodes[n].at,
			    "configuration %.60s is not signed",
			    fdt_name(tree, n));
	}
	if (count == 0)
		(void)fit_fault(
		    &p->fit, top, HM_E_IMAGE_FIELD, "no configuration");
	if (count > 1)
		findings_note(p->fit.findings, tree->nodes[top].at,
		    "`default` is not signed: whoever writes the file chooses "
		    "among its %u configurations",
		    count);
	return HM_OK;
}

static void
note_unused(const struct fit_proof *p)
{
	const struct fdt *tree = &p->fit.tree;

	for (uint32_t n = fdt_first(tree, p->fit.images); n != FDT_NONE;
	     n = fdt_next(tree, p->fit.images, n))
		if ((p->fit.seen[n] & FIT_SEEN_USED) == 0)
			findings_note(p->fit.findings, tree->nodes[n].at,
			    "no signature covers image %.60s: no configuration "
			    "that was verified uses it",
			    fdt_name(tree, n));
}

/* What U-Boot would say, if we refuse. */
static hm_err
say_boot(struct fit_proof *p, uint32_t configuration)
{
	bool is_new = false, is_old = false;

	if (findings_faults(p->fit.findings) == 0 || p->is_inspection ||
	    configuration == FDT_NONE)
		return HM_OK;
	HM_TRY(fit_boot(p, configuration, &is_new, &is_old));
	findings_boot(p->fit.findings, is_new,
	    "U-Boot since 2026.04 %s %.60s, older ones %s it",
	    is_new ? "starts" : "refuses",
	    fdt_name(&p->fit.tree, configuration), is_old ? "start" : "refuse");
	return HM_OK;
}

static hm_err
verify_file(struct fit_proof *p)
{
	uint32_t one;

	HM_TRY(find_default(p, &one));
	if (p->how->configuration == NULL) {
		HM_TRY(verify_each(p, one));
		note_unused(p);
	} else {
		one = fdt_child(
		    &p->fit.tree, p->fit.configurations, p->how->configuration);
		if (one == FDT_NONE)
			(void)fit_fault(&p->fit, p->fit.configurations,
			    HM_E_IMAGE_FIELD, "no configuration %.64s",
			    p->how->configuration);
		else
			HM_TRY(verify_configuration(p, one));
	}
	HM_TRY(fit_check_layout(&p->fit));
	if (!p->is_inspection && !fit_keys_enforce(&p->keys))
		(void)findings_fault(p->fit.findings, HM_E_IMAGE_CONTROL, 0,
		    "control tree: no required key: "
		    "U-Boot starts files that nobody signed");
	return say_boot(p, one);
}

static hm_err
prove(struct fit_proof *p, const struct input *file, struct findings *findings)
{
	hm_err err = fit_open(file, findings, &p->fit);

	if (err == HM_OK)
		err = fit_cover_init(&p->fit, &p->cover);
	if (err == HM_OK)
		err = fit_cover_init(&p->fit, &p->listed);
	if (err == HM_OK)
		err = verify_file(p);
	fit_cover_done(&p->cover);
	fit_cover_done(&p->listed);
	fit_done(&p->fit);
	return fit_is_breakdown(err) ? err : HM_OK;
}

hm_err
fit_verify(const struct fit_verify *how, const struct input *file,
    struct findings *findings)
{
	struct fit_proof proof = { .how = how };
	hm_err err = HM_OK;

	if (how->control != NULL)
		err = fit_keys_of_control(how->control, findings, &proof.keys);
	else
		fit_keys_of_list(how->keys, &proof.keys);
	if (err == HM_OK)
		err = prove(&proof, file, findings);
	fit_keys_done(&proof.keys);
	return err;
}

hm_err
fit_inspect(const struct input *file, struct findings *findings)
{
	static const struct fit_verify how;
	struct fit_proof proof = { .how = &how, .is_inspection = true };

	return prove(&proof, file, findings);
}

hm_err
fit_control_lint(const struct input *tree, struct findings *findings)
{
	struct fit_keys keys;
	hm_err err = fit_keys_of_control(tree, findings, &keys);

	if (err == HM_OK && !fit_keys_enforce(&keys))
		(void)findings_fault(findings, HM_E_IMAGE_CONTROL, 0,
		    "control tree: no required key: "
		    "U-Boot starts files that nobody signed");
	fit_keys_done(&keys);
	return err;
}

/* A tree with that node below its root? A small walk; never fails. */
static bool
has_node(const struct input *file, const char *name)
{
	struct findings *findings;
	struct fdt tree;
	bool has = false;

	if (!fdt_is(file) || findings_new("fdt", &findings) != HM_OK)
		return false;
	if (fdt_open(file, &tree, findings) == HM_OK)
		has = fdt_child(&tree, 0, name) != FDT_NONE;
	fdt_done(&tree);
	findings_free(findings);
	return has;
}

bool
fit_is(const struct input *file)
{
	return has_node(file, "images");
}

bool
fit_control_is(const struct input *file)
{
	return has_node(file, "signature");
}
