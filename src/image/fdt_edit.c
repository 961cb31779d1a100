/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fdt_edit.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"

#define BYTES_MAX (1u << 22)

hm_err
fdt_edit_init(const struct fdt *tree, struct fdt_edit *ret)
{
	*ret = (struct fdt_edit){ .tree = tree };
	buf_init(&ret->bytes, BYTES_MAX);
	buf_init(&ret->strings, FDT_STRINGS_MAX);
	return buf_add(&ret->strings, buf_bytes(&tree->strings));
}

void
fdt_edit_done(struct fdt_edit *edit)
{
	buf_done(&edit->bytes);
	buf_done(&edit->strings);
	free(edit->changes);
	*edit = (struct fdt_edit){ 0 };
}

hm_err
fdt_edit_name(struct fdt_edit *edit, const char *name, uint32_t *ret)
{
	size_t len = strlen(name) + 1;
	const uint8_t *found = NULL;

	if (edit->strings.len >= len)
		found = memmem(edit->strings.ptr, edit->strings.len, name, len);
	if (found != NULL) {
		*ret = (uint32_t)(found - edit->strings.ptr);
		return HM_OK;
	}
	*ret = (uint32_t)edit->strings.len;
	return buf_add(
	    &edit->strings, (struct hm_bytes){ (const uint8_t *)name, len });
}

hm_err
fdt_edit_at(struct fdt_edit *edit, uint32_t at, uint32_t remove)
{
	size_t room = edit->room == 0 ? 32 : 2 * edit->room;
	struct fdt_change *more = edit->changes;

	if (edit->count == edit->room) {
		more = realloc(more, room * sizeof(*more));
		if (more == NULL)
			return HM_E_NO_MEMORY;
		edit->changes = more;
		edit->room = room;
	}
	edit->changes[edit->count] = (struct fdt_change){ .at = at,
		.remove = remove,
		.from = edit->bytes.len,
		.order = edit->count };
	edit->count++;
	return HM_OK;
}

/* At the end of the last change. */
static hm_err
put(struct fdt_edit *edit, struct hm_bytes bytes)
{
	HM_TRY(buf_add(&edit->bytes, bytes));
	edit->changes[edit->count - 1].len += bytes.len;
	return HM_OK;
}

static hm_err
put_cell(struct fdt_edit *edit, uint32_t value)
{
	uint8_t cell[4];

	hm_put_u32(cell, value);
	return put(edit, HM_BYTES(cell));
}

static hm_err
put_padded(struct fdt_edit *edit, struct hm_bytes bytes)
{
	static const uint8_t zero[4];

	HM_TRY(put(edit, bytes));
	return put(edit, (struct hm_bytes){ zero, (4 - bytes.len % 4) % 4 });
}

hm_err
fdt_edit_node(struct fdt_edit *edit, const char *name)
{
	HM_TRY(put_cell(edit, FDT_BEGIN_NODE));
	return put_padded(
	    edit, (struct hm_bytes){ (const uint8_t *)name, strlen(name) + 1 });
}

hm_err
fdt_edit_end(struct fdt_edit *edit)
{
	return put_cell(edit, FDT_END_NODE);
}

hm_err
fdt_edit_prop(struct fdt_edit *edit, const char *name, struct hm_bytes value)
{
	uint32_t at;

	HM_TRY(fdt_edit_name(edit, name, &at));
	HM_TRY(put_cell(edit, FDT_PROP));
	HM_TRY(put_cell(edit, (uint32_t)value.len));
	HM_TRY(put_cell(edit, at));
	return put_padded(edit, value);
}

hm_err
fdt_edit_text(struct fdt_edit *edit, const char *name, const char *value)
{
	return fdt_edit_prop(edit, name,
	    (struct hm_bytes){ (const uint8_t *)value, strlen(value) + 1 });
}

hm_err
fdt_edit_cell(struct fdt_edit *edit, const char *name, uint32_t value)
{
	uint8_t cell[4];

	hm_put_u32(cell, value);
	return fdt_edit_prop(edit, name, HM_BYTES(cell));
}

hm_err
fdt_edit_remove(struct fdt_edit *edit, uint32_t node)
{
	const struct fdt_node *n = &edit->tree->nodes[node];

	return fdt_edit_at(edit, n->at, n->end + 4 - n->at);
}

/* ---- writing ---- */

static int
by_place(const void *a, const void *b)
{
	const struct fdt_change *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static hm_err
copy(
    const struct fdt_edit *edit, struct output *out, uint64_t at, uint64_t size)
{
	if (edit->copy != NULL)
		return edit->copy(edit->context, out, at, size);
	return output_copy(out, &edit->tree->file, at, size);
}

static hm_err
write_header(const struct fdt_edit *edit, uint64_t block, uint64_t total,
    struct output *out)
{
	const struct fdt *tree = edit->tree;
	uint8_t head[FDT_HEADER_LEN];

	HM_TRY(
	    input_read(&tree->file, 0, (struct hm_span){ head, sizeof(head) }));
	hm_put_u32(head + 4, (uint32_t)total);
	hm_put_u32(head + 12, (uint32_t)(tree->struct_at + block));
	hm_put_u32(head + 32, (uint32_t)edit->strings.len);
	hm_put_u32(head + 36, (uint32_t)block);
	HM_TRY(output_add(out, HM_BYTES(head)));
	return copy(
	    edit, out, FDT_HEADER_LEN, tree->struct_at - FDT_HEADER_LEN);
}

static hm_err
write_block(const struct fdt_edit *edit, struct output *out)
{
	const struct fdt *tree = edit->tree;
	uint32_t at = tree->struct_at, end = at + tree->struct_size;

	for (size_t i = 0; i < edit->count; i++) {
		const struct fdt_change *change = &edit->changes[i];

		hm_assert(change->at >= at);
		HM_TRY(copy(edit, out, at, change->at - at));
		HM_TRY(output_add(
		    out, (struct hm_bytes){
			     edit->bytes.ptr + change->from, change->len }));
		at = change->at + change->remove;
	}
	return copy(edit, out, at, end - at);
}

hm_err
fdt_edit_write(const struct fdt_edit *edit, uint32_t size, uint32_t align,
    struct output *out)
{
	uint64_t block = edit->tree->struct_size, used, total;

	if (edit->count > 0)
		qsort(edit->changes, edit->count, sizeof(*edit->changes),
		    by_place);
	for (size_t i = 0; i < edit->count; i++)
		block += edit->changes[i].len - edit->changes[i].remove;
	used = edit->tree->struct_at + block + edit->strings.len;
	total = used > size ? used : size;
	total = (total + align - 1) & ~(uint64_t)(align - 1);
	if (total > FDT_SIZE_MAX)
		return HM_E_TOO_LARGE;
	HM_TRY(write_header(edit, block, total, out));
	HM_TRY(write_block(edit, out));
	HM_TRY(output_add(out, buf_bytes(&edit->strings)));
	return output_fill(out, 0, total - used);
}
