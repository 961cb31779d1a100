/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fit_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PADDING_MAX 4096u /* external data is aligned to a block of a disk */

bool
fit_is_breakdown(hm_err err)
{
	return err == HM_E_IO || err == HM_E_NO_MEMORY;
}

bool
fit_is_kind(const struct fit *fit, uint32_t node, const char *kind)
{
	return strncmp(fdt_name(&fit->tree, node), kind, strlen(kind)) == 0;
}

hm_err
fit_fault(
    const struct fit *fit, uint32_t node, hm_err err, const char *format, ...)
{
	char path[FIT_TEXT_MAX], text[FIT_TEXT_MAX];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	fdt_path(&fit->tree, node, path, sizeof(path));
	return findings_fault(
	    fit->findings, err, fit->tree.nodes[node].at, "%s: %s", path, text);
}

/* libfdt finds name@1 when it looks for name, so U-Boot refuses both. */
static void
check_units(const struct fit *fit, uint32_t top)
{
	for (uint32_t n = top + 1; n < fit->tree.nodes[top].last; n++)
		if (strchr(fdt_name(&fit->tree, n), '@') != NULL)
			(void)fit_fault(fit, n, HM_E_IMAGE_FIELD,
			    "a node name with @ is ambiguous");
}

hm_err
fit_open(const struct input *file, struct findings *findings, struct fit *ret)
{
	*ret = (struct fit){ .findings = findings };
	HM_TRY(fdt_open(file, &ret->tree, findings));
	ret->base = ((uint64_t)ret->tree.total + 3) & ~UINT64_C(3);
	ret->seen = calloc(ret->tree.node_count, 1);
	if (ret->seen == NULL)
		return HM_E_NO_MEMORY;
	ret->images = fdt_child(&ret->tree, 0, "images");
	ret->configurations = fdt_child(&ret->tree, 0, "configurations");
	if (ret->images == FDT_NONE || ret->configurations == FDT_NONE)
		return findings_fault(findings, HM_E_IMAGE_FORMAT,
		    ret->tree.struct_at,
		    "a device tree without /images and /configurations");
	if (ret->tree.first_nop != 0)
		(void)findings_fault(findings, HM_E_IMAGE_FIELD,
		    ret->tree.first_nop, "a token that means nothing (NOP)");
	check_units(ret, ret->images);
	check_units(ret, ret->configurations);
	return HM_OK;
}

void
fit_done(struct fit *fit)
{
	fdt_done(&fit->tree);
	free(fit->seen);
	*fit = (struct fit){ 0 };
}

/* ---- where data is ---- */

static hm_err
external(const struct fit *fit, uint32_t image, const struct fdt_prop *place,
    struct fit_data *ret)
{
	const struct fdt_prop *size = fdt_prop(&fit->tree, image, "data-size");
	uint32_t at, len;
	hm_err err = size == NULL ? HM_E_IMAGE_FIELD : HM_OK;

	if (err == HM_OK)
		err = fdt_cell(&fit->tree, place, &at);
	if (err == HM_OK)
		err = fdt_cell(&fit->tree, size, &len);
	if (err == HM_E_IMAGE_FIELD)
		return fit_fault(fit, image, err, "external data without size");
	HM_TRY(err);
	ret->at = ret->is_fixed ? at : fit->base + at;
	ret->size = len;
	if (ret->at < fit->base)
		return fit_fault(fit, image, HM_E_IMAGE_FIELD,
		    "external data inside of the tree");
	if (ret->at + ret->size > fit->tree.file.size)
		return fit_fault(fit, image, HM_E_IMAGE_SHORT,
		    "external data beyond the file");
	return HM_OK;
}

hm_err
fit_data(const struct fit *fit, uint32_t image, struct fit_data *ret)
{
	const struct fdt_prop *data = fdt_prop(&fit->tree, image, "data");
	const struct fdt_prop *place =
	    fdt_prop(&fit->tree, image, "data-position");
	const struct fdt_prop *offset =
	    fdt_prop(&fit->tree, image, "data-offset");
	int places = (data != NULL) + (place != NULL) + (offset != NULL);

	*ret = (struct fit_data){ .is_external = data == NULL,
		.is_fixed = place != NULL };
	if (places == 0)
		return fit_fault(
		    fit, image, HM_E_IMAGE_FIELD, "an image without data");
	if (places > 1)
		return fit_fault(fit, image, HM_E_IMAGE_FIELD,
		    "more than one place of the data");
	if (data == NULL)
		return external(fit, image, place ? place : offset, ret);
	ret->at = data->value;
	ret->size = data->len;
	return HM_OK;
}

static int
by_place(const void *a, const void *b)
{
	const struct fit_data *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static hm_err
check_gap(const struct fit *fit, uint64_t from, uint64_t to)
{
	bool is_zero;

	HM_TRY(input_is_filled(&fit->tree.file, from, to - from, 0, &is_zero));
	if (is_zero)
		return HM_OK;
	(void)findings_fault(fit->findings, HM_E_IMAGE_TRAILING, from,
	    "data after the tree that belongs to no image");
	return HM_OK;
}

static hm_err
check_gaps(const struct fit *fit, struct fit_data *data, size_t count)
{
	uint64_t at = fit->tree.total, end = fit->tree.file.size;

	qsort(data, count, sizeof(*data), by_place);
	for (size_t i = 0; i < count; i++) {
		if (data[i].at > at)
			HM_TRY(check_gap(fit, at, data[i].at));
		if (data[i].at + data[i].size > at)
			at = data[i].at + data[i].size;
	}
	if (at >= end)
		return HM_OK;
	if (count > 0 && end - at < PADDING_MAX)
		return check_gap(fit, at, end);
	(void)findings_fault(fit->findings, HM_E_IMAGE_TRAILING, at,
	    "%llu bytes of data after the FIT", (unsigned long long)(end - at));
	return HM_OK;
}

/* An image that nobody uses may be a name only. */
static bool
has_data(const struct fdt *tree, uint32_t image)
{
	return fdt_prop(tree, image, "data") != NULL ||
	       fdt_prop(tree, image, "data-offset") != NULL ||
	       fdt_prop(tree, image, "data-position") != NULL;
}

hm_err
fit_check_layout(const struct fit *fit)
{
	struct fit_data *list, one;
	size_t count = 0;
	hm_err err = HM_OK;

	list = calloc(fit->tree.node_count, sizeof(*list));
	if (list == NULL)
		return HM_E_NO_MEMORY;
	for (uint32_t n = fdt_first(&fit->tree, fit->images);
	     n != FDT_NONE && !fit_is_breakdown(err);
	     n = fdt_next(&fit->tree, fit->images, n)) {
		if (!has_data(&fit->tree, n))
			continue;
		err = fit_data(fit, n, &one);
		if (err == HM_OK && one.is_external)
			list[count++] = one;
	}
	if (!fit_is_breakdown(err))
		err = check_gaps(fit, list, count);
	free(list);
	return fit_is_breakdown(err) ? err : HM_OK;
}
