/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fit_parts.h"

#include <stdlib.h>
#include <string.h>

#define PATH_MAX_LEN 200u /* U-Boot's buffer for one path */

static const char *const no_images[] = { "description", "compatible",
	"default" };
static const char *const must_exist[] = { "kernel", "fdt", "ramdisk",
	"loadables", "firmware", "fpga", "script", "standalone", "setup" };

hm_err
fit_cover_init(const struct fit *fit, struct fit_cover *ret)
{
	*ret = (struct fit_cover){ 0 };
	ret->wanted = calloc(fit->tree.node_count, sizeof(bool));
	ret->text = malloc(FIT_LIST_MAX);
	return ret->wanted && ret->text ? HM_OK : HM_E_NO_MEMORY;
}

void
fit_cover_done(struct fit_cover *cover)
{
	free(cover->wanted);
	free(cover->text);
	*cover = (struct fit_cover){ 0 };
}

static void
clear(const struct fit *fit, struct fit_cover *cover)
{
	memset(cover->wanted, 0, fit->tree.node_count * sizeof(bool));
	cover->count = cover->image_count = 0;
}

static hm_err
add(const struct fit *fit, struct fit_cover *cover, uint32_t node)
{
	if (cover->wanted[node])
		return HM_OK;
	if (cover->count == FIT_NODES_MAX)
		return fit_fault(fit, node, HM_E_IMAGE_FIELD,
		    "more than %u nodes under one signature", FIT_NODES_MAX);
	cover->wanted[node] = true;
	cover->nodes[cover->count++] = node;
	return HM_OK;
}

/* The image itself, its digests, how it is encrypted, its root of dm-verity. */
static hm_err
add_image(const struct fit *fit, struct fit_cover *cover, uint32_t image)
{
	static const char *const more[] = { "cipher", "dm-verity" };
	uint32_t hashes = 0, child;

	if (cover->wanted[image])
		return HM_OK;
	HM_TRY(add(fit, cover, image));
	cover->images[cover->image_count++] = image;
	for (child = fdt_first(&fit->tree, image); child != FDT_NONE;
	     child = fdt_next(&fit->tree, image, child)) {
		if (!fit_is_kind(fit, child, "hash"))
			continue;
		HM_TRY(add(fit, cover, child));
		hashes++;
	}
	if (hashes == 0 && !cover->may_lack_hash)
		return fit_fault(
		    fit, image, HM_E_IMAGE_FIELD, "an image without hash");
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		child = fdt_child(&fit->tree, image, more[i]);
		if (child != FDT_NONE)
			HM_TRY(add(fit, cover, child));
	}
	return HM_OK;
}

static bool
is_in(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}
#define IS_IN(name, list) is_in(name, list, sizeof(list) / sizeof((list)[0]))

/* The list of names that a property of a configuration is, if it is one. */
static hm_err
add_references(const struct fit *fit, uint32_t configuration,
    const struct fdt_prop *prop, struct fit_cover *cover)
{
	bool must = IS_IN(fdt_prop_name(&fit->tree, prop), must_exist);
	char *names = cover->text;
	size_t len = 0;
	hm_err err = fdt_value(&fit->tree, prop,
	    (struct hm_span){ (uint8_t *)names, FIT_LIST_MAX }, &len);

	if (err == HM_OK && (len == 0 || names[len - 1] != '\0'))
		err = HM_E_TOO_LARGE;
	if (err == HM_E_TOO_LARGE)
		return must ? fit_fault(fit, configuration, HM_E_IMAGE_FIELD,
				  "%s is not a list of names",
				  fdt_prop_name(&fit->tree, prop))
			    : HM_OK;
	HM_TRY(err);
	for (const char *at = names; at < names + len; at += strlen(at) + 1) {
		uint32_t image = fdt_child(&fit->tree, fit->images, at);

		if (image != FDT_NONE)
			HM_TRY(add_image(fit, cover, image));
		else if (must)
			return fit_fault(fit, configuration, HM_E_IMAGE_FIELD,
			    "image missing: /images/%.64s", at);
	}
	return HM_OK;
}

/* U-Boot keeps the paths in a buffer, each in another. */
static hm_err
check_paths(const struct fit *fit, const struct fit_cover *cover)
{
	char path[FIT_TEXT_MAX];
	size_t sum = 0;

	for (uint32_t i = 0; i < cover->count; i++) {
		fdt_path(&fit->tree, cover->nodes[i], path, sizeof(path));
		sum += strlen(path) + 1;
		if (strlen(path) + 2 > PATH_MAX_LEN || sum > FIT_LIST_MAX)
			return fit_fault(fit, cover->nodes[i], HM_E_IMAGE_FIELD,
			    "names too long for U-Boot");
	}
	return HM_OK;
}

hm_err
fit_cover_configuration(
    const struct fit *fit, uint32_t configuration, struct fit_cover *ret)
{
	const struct fdt_node *node = &fit->tree.nodes[configuration];

	clear(fit, ret);
	HM_TRY(add(fit, ret, 0));
	HM_TRY(add(fit, ret, configuration));
	for (uint32_t i = 0; i < node->prop_count; i++) {
		const struct fdt_prop *prop = &fit->tree.props[node->prop + i];

		if (!IS_IN(fdt_prop_name(&fit->tree, prop), no_images))
			HM_TRY(add_references(fit, configuration, prop, ret));
	}
	if (ret->image_count == 0)
		return fit_fault(fit, configuration, HM_E_IMAGE_FIELD,
		    "a configuration without images");
	return check_paths(fit, ret);
}

hm_err
fit_cover_list(
    const struct fit *fit, const struct fdt_prop *list, struct fit_cover *ret)
{
	char *paths = ret->text;
	size_t len;
	hm_err err = fdt_value(&fit->tree, list,
	    (struct hm_span){ (uint8_t *)paths, FIT_LIST_MAX }, &len);

	clear(fit, ret);
	if (err == HM_E_TOO_LARGE)
		return HM_E_IMAGE_FIELD;
	HM_TRY(err);
	if (len == 0 || paths[len - 1] != '\0')
		return HM_E_IMAGE_FIELD;
	for (const char *at = paths; at < paths + len; at += strlen(at) + 1) {
		uint32_t node = fdt_find(&fit->tree, at);

		if (node == FDT_NONE || ret->count == FIT_NODES_MAX)
			return HM_E_IMAGE_FIELD;
		ret->wanted[node] = true;
		ret->nodes[ret->count++] = node;
	}
	return HM_OK;
}
