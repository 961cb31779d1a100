/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fdt.h"

#include <string.h>

const char *
fdt_name(const struct fdt *fdt, uint32_t node)
{
	return (const char *)fdt->names.ptr + fdt->nodes[node].name;
}

const char *
fdt_prop_name(const struct fdt *fdt, const struct fdt_prop *prop)
{
	return (const char *)fdt->strings.ptr + prop->name;
}

void
fdt_path(const struct fdt *fdt, uint32_t node, char *ret, size_t size)
{
	uint32_t way[FDT_DEPTH_MAX];
	size_t depth = 0, len = 0;

	for (; node != 0 && depth < FDT_DEPTH_MAX;
	     node = fdt->nodes[node].parent)
		way[depth++] = node;
	if (depth == 0 && size > 1)
		ret[len++] = '/';
	while (depth > 0) {
		const char *name = fdt_name(fdt, way[--depth]);
		size_t more = strlen(name);

		if (len + 1 + more + 1 > size)
			break;
		ret[len++] = '/';
		memcpy(ret + len, name, more);
		len += more;
	}
	ret[len] = '\0';
}

uint32_t
fdt_first(const struct fdt *fdt, uint32_t node)
{
	return fdt->nodes[node].last > node + 1 ? node + 1 : FDT_NONE;
}

uint32_t
fdt_next(const struct fdt *fdt, uint32_t node, uint32_t child)
{
	uint32_t next = fdt->nodes[child].last;

	return next < fdt->nodes[node].last ? next : FDT_NONE;
}

static uint32_t
child_of(const struct fdt *fdt, uint32_t node, const char *name, size_t len)
{
	for (uint32_t c = fdt_first(fdt, node); c != FDT_NONE;
	     c = fdt_next(fdt, node, c))
		if (strlen(fdt_name(fdt, c)) == len &&
		    memcmp(fdt_name(fdt, c), name, len) == 0)
			return c;
	return FDT_NONE;
}

uint32_t
fdt_child(const struct fdt *fdt, uint32_t node, const char *name)
{
	return child_of(fdt, node, name, strlen(name));
}

uint32_t
fdt_find(const struct fdt *fdt, const char *path)
{
	uint32_t node = 0;

	if (path[0] != '/' || fdt->node_count == 0)
		return FDT_NONE;
	if (path[1] == '\0')
		return 0;
	while (path[0] == '/' && node != FDT_NONE) {
		size_t len = strcspn(path + 1, "/");

		node = child_of(fdt, node, path + 1, len);
		path += 1 + len;
	}
	return node;
}

const struct fdt_prop *
fdt_prop(const struct fdt *fdt, uint32_t node, const char *name)
{
	const struct fdt_node *n = &fdt->nodes[node];

	for (uint32_t i = 0; i < n->prop_count; i++)
		if (strcmp(fdt_prop_name(fdt, &fdt->props[n->prop + i]),
			name) == 0)
			return &fdt->props[n->prop + i];
	return NULL;
}

hm_err
fdt_value(const struct fdt *fdt, const struct fdt_prop *prop,
    struct hm_span room, size_t *ret_len)
{
	if (prop->len > room.len)
		return HM_E_TOO_LARGE;
	*ret_len = prop->len;
	return input_read(
	    &fdt->file, prop->value, (struct hm_span){ room.ptr, prop->len });
}

hm_err
fdt_text(
    const struct fdt *fdt, const struct fdt_prop *prop, char *ret, size_t size)
{
	size_t len;
	hm_err err = fdt_value(
	    fdt, prop, (struct hm_span){ (uint8_t *)ret, size }, &len);

	if (err == HM_E_TOO_LARGE)
		return HM_E_IMAGE_FIELD;
	HM_TRY(err);
	if (len == 0 || strnlen(ret, len) != len - 1)
		return HM_E_IMAGE_FIELD;
	for (size_t i = 0; i + 1 < len; i++)
		if (ret[i] < ' ' || ret[i] > '~')
			return HM_E_IMAGE_FIELD;
	return HM_OK;
}

hm_err
fdt_cell(const struct fdt *fdt, const struct fdt_prop *prop, uint32_t *ret)
{
	uint8_t cell[4];

	if (prop->len != sizeof(cell))
		return HM_E_IMAGE_FIELD;
	HM_TRY(input_read(
	    &fdt->file, prop->value, (struct hm_span){ cell, sizeof(cell) }));
	*ret = hm_get_u32(cell);
	return HM_OK;
}
