/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fdt.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"

#define WINDOW 4096u
#define RESERVES_MAX 1024u
#define PAD(len) (((len) + 3u) & ~3u)

struct walk {
	struct fdt *fdt;
	struct findings *findings;
	uint32_t at, end; /* the next token; the block's end */
	uint32_t open[FDT_DEPTH_MAX];
	uint32_t depth; /* nodes that are open */
	bool has_root;
	uint32_t have, len; /* what is in the window */
	uint8_t window[WINDOW];
};

/* ---- what is read ---- */

/* `len` bytes at `at`, at most WINDOW; beyond the block: NULL, and why. */
static hm_err
look(struct walk *walk, uint32_t at, uint32_t len, const uint8_t **ret)
{
	uint32_t most;

	if (at > walk->end || len > walk->end - at) {
		(void)findings_fault(walk->findings, HM_E_IMAGE_SHORT, at,
		    "the structure block ends inside a node or property");
		return HM_E_IMAGE_SHORT;
	}
	if (at < walk->have || at + len > walk->have + walk->len) {
		most = walk->end - at < WINDOW ? walk->end - at : WINDOW;
		HM_TRY(input_read(&walk->fdt->file, at,
		    (struct hm_span){ walk->window, most }));
		walk->have = at;
		walk->len = most;
	}
	*ret = walk->window + (at - walk->have);
	return HM_OK;
}

static hm_err
odd(struct walk *walk, uint32_t at, const char *what)
{
	(void)findings_fault(walk->findings, HM_E_IMAGE_FIELD, at, "%s", what);
	return HM_E_IMAGE_FIELD;
}

/* Behind a name; behind values libfdt leaves what was there before. */
static hm_err
check_padding(struct walk *walk, uint32_t at)
{
	uint32_t count = PAD(at) - at;
	const uint8_t *bytes = NULL;

	HM_TRY(look(walk, at, count, &bytes));
	for (uint32_t i = 0; i < count; i++)
		if (bytes[i] != 0)
			return odd(walk, at + i, "padding that is not zero");
	return HM_OK;
}

/* ---- lists that grow ---- */

static hm_err
grow(void **list, uint32_t *room, uint32_t max, size_t size)
{
	uint32_t more = *room == 0 ? 64 : 2 * *room;
	void *bigger;

	if (more > max)
		return HM_E_TOO_LARGE;
	bigger = realloc(*list, more * size);
	if (bigger == NULL)
		return HM_E_NO_MEMORY;
	*list = bigger;
	*room = more;
	return HM_OK;
}

static hm_err
new_node(struct walk *walk, struct fdt_node **ret)
{
	struct fdt *fdt = walk->fdt;
	hm_err err = HM_OK;

	if (fdt->node_count == fdt->node_room)
		err = grow((void **)&fdt->nodes, &fdt->node_room, FDT_NODES_MAX,
		    sizeof(*fdt->nodes));
	if (err == HM_E_TOO_LARGE)
		return odd(walk, walk->at, "too many nodes");
	HM_TRY(err);
	*ret = &fdt->nodes[fdt->node_count++];
	**ret = (struct fdt_node){
		.at = walk->at, .parent = FDT_NONE, .prop = fdt->prop_count
	};
	return HM_OK;
}

static hm_err
new_prop(struct walk *walk, struct fdt_prop **ret)
{
	struct fdt *fdt = walk->fdt;
	hm_err err = HM_OK;

	if (fdt->prop_count == fdt->prop_room)
		err = grow((void **)&fdt->props, &fdt->prop_room, FDT_PROPS_MAX,
		    sizeof(*fdt->props));
	if (err == HM_E_TOO_LARGE)
		return odd(walk, walk->at, "too many properties");
	HM_TRY(err);
	*ret = &fdt->props[fdt->prop_count++];
	return HM_OK;
}

/* ---- the structure block ---- */

static hm_err
check_name(struct walk *walk, const char *name, uint32_t len)
{
	if ((len == 0) != (walk->depth == 0))
		return odd(walk, walk->at, "the name of a node");
	for (uint32_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '/')
			return odd(walk, walk->at, "the name of a node");
	return HM_OK;
}

static hm_err
begin_node(struct walk *walk)
{
	uint32_t at = walk->at + 4, left = walk->end - at;
	uint32_t most = left < FDT_NAME_MAX ? left : FDT_NAME_MAX, len;
	struct fdt *fdt = walk->fdt;
	struct fdt_node *node = NULL;
	const uint8_t *name = NULL;

	if (walk->depth == FDT_DEPTH_MAX)
		return odd(walk, walk->at, "nodes are nested too deeply");
	if (walk->depth == 0 && walk->has_root)
		return odd(walk, walk->at, "a second root");
	HM_TRY(look(walk, at, most, &name));
	len = (uint32_t)strnlen((const char *)name, most);
	if (len == most)
		return odd(walk, walk->at, "the name of a node is too long");
	HM_TRY(check_name(walk, (const char *)name, len));
	HM_TRY(new_node(walk, &node));
	hm_assert(node != NULL);
	node->name = (uint32_t)fdt->names.len;
	HM_TRY(buf_add(&fdt->names, (struct hm_bytes){ name, len + 1 }));
	node->body = PAD(at + len + 1);
	if (walk->depth > 0)
		node->parent = walk->open[walk->depth - 1];
	walk->open[walk->depth++] = fdt->node_count - 1;
	walk->has_root = true;
	HM_TRY(check_padding(walk, at + len + 1));
	walk->at = node->body;
	return HM_OK;
}

static hm_err
end_node(struct walk *walk)
{
	struct fdt_node *node;

	if (walk->depth == 0)
		return odd(walk, walk->at, "an end without a node");
	node = &walk->fdt->nodes[walk->open[--walk->depth]];
	node->end = walk->at;
	node->last = walk->fdt->node_count;
	walk->at += 4;
	return HM_OK;
}

static hm_err
property(struct walk *walk)
{
	struct fdt *fdt = walk->fdt;
	struct fdt_node *node;
	struct fdt_prop *prop = NULL;
	const uint8_t *head = NULL;
	uint32_t name, len;

	if (walk->depth == 0)
		return odd(walk, walk->at, "a property outside of all nodes");
	if (walk->open[walk->depth - 1] != fdt->node_count - 1)
		return odd(walk, walk->at, "a property behind a subnode");
	HM_TRY(look(walk, walk->at + 4, 8, &head));
	len = hm_get_u32(head);
	name = hm_get_u32(head + 4);
	if (len > walk->end - walk->at - 12)
		return findings_fault(walk->findings, HM_E_IMAGE_SHORT,
		    walk->at, "a value ends beyond the structure block");
	if (name >= fdt->strings.len || fdt->strings.ptr[name] == 0)
		return odd(walk, walk->at, "a property without a name");
	HM_TRY(new_prop(walk, &prop));
	hm_assert(prop != NULL);
	*prop = (struct fdt_prop){ walk->at, walk->at + 12, len, name };
	node = &fdt->nodes[fdt->node_count - 1];
	node->prop_count++;
	walk->at = PAD(walk->at + 12 + len);
	return HM_OK;
}

static hm_err
end_block(struct walk *walk)
{
	if (walk->depth > 0 || !walk->has_root)
		return odd(walk, walk->at, "the end inside a node");
	if (walk->at + 4 != walk->end)
		return findings_fault(walk->findings, HM_E_IMAGE_TRAILING,
		    walk->at + 4, "bytes behind the end of the tree");
	walk->at += 4;
	return HM_OK;
}

static hm_err
step(struct walk *walk, uint32_t token)
{
	switch (token) {
	case FDT_BEGIN_NODE:
		return begin_node(walk);
	case FDT_END_NODE:
		return end_node(walk);
	case FDT_PROP:
		return property(walk);
	case FDT_NOP:
		if (walk->fdt->first_nop == 0)
			walk->fdt->first_nop = walk->at;
		walk->at += 4;
		return HM_OK;
	case FDT_END:
		return end_block(walk);
	default:
		return odd(walk, walk->at, "an unknown token");
	}
}

static hm_err
walk_block(struct fdt *fdt, struct findings *findings)
{
	struct walk *walk = calloc(1, sizeof(*walk));
	uint32_t token = 0;
	const uint8_t *at = NULL;
	hm_err err = walk == NULL ? HM_E_NO_MEMORY : HM_OK;

	if (err == HM_OK)
		*walk = (struct walk){ .fdt = fdt,
			.findings = findings,
			.at = fdt->struct_at,
			.end = fdt->struct_at + fdt->struct_size };
	while (err == HM_OK && token != FDT_END) {
		err = look(walk, walk->at, 4, &at);
		if (err == HM_OK) {
			token = hm_get_u32(at);
			err = step(walk, token);
		}
	}
	free(walk);
	return err == HM_E_TOO_LARGE
		   ? findings_fault(findings, HM_E_IMAGE_FIELD, fdt->struct_at,
			 "the names of the nodes are too long")
		   : err;
}

/* ---- no name twice ---- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
check_twice(
    const char **names, size_t count, uint32_t at, struct findings *findings)
{
	qsort(names, count, sizeof(*names), by_text);
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			(void)findings_fault(findings, HM_E_IMAGE_FIELD, at,
			    "two parts of a node have the name %s", names[i]);
}

static hm_err
check_names(const struct fdt *fdt, struct findings *findings)
{
	size_t most = fdt->node_count > fdt->prop_count ? fdt->node_count
							: fdt->prop_count;
	const char **names = malloc((most + 1) * sizeof(*names));

	if (names == NULL)
		return HM_E_NO_MEMORY;
	for (uint32_t n = 0; n < fdt->node_count; n++) {
		const struct fdt_node *node = &fdt->nodes[n];
		size_t count = 0;

		for (uint32_t i = 0; i < node->prop_count; i++)
			names[count++] =
			    fdt_prop_name(fdt, &fdt->props[node->prop + i]);
		check_twice(names, count, node->at, findings);
		count = 0;
		for (uint32_t c = fdt_first(fdt, n); c != FDT_NONE;
		     c = fdt_next(fdt, n, c))
			names[count++] = fdt_name(fdt, c);
		check_twice(names, count, node->at, findings);
	}
	free(names);
	return HM_OK;
}

/* ---- the header ---- */

bool
fdt_is(const struct input *file)
{
	uint8_t magic[4];

	return input_read(file, 0, (struct hm_span){ magic, 4 }) == HM_OK &&
	       hm_get_u32(magic) == FDT_MAGIC;
}

static hm_err
check_header(struct fdt *fdt, const uint8_t *head, struct findings *findings)
{
	uint64_t ends[] = { fdt->reserve_at, fdt->struct_at,
		(uint64_t)fdt->struct_at + fdt->struct_size, fdt->strings_at,
		(uint64_t)fdt->strings_at + fdt->strings_size, fdt->total };
	uint64_t before = FDT_HEADER_LEN;

	if (hm_get_u32(head + 20) != 17 || hm_get_u32(head + 24) > 17)
		return findings_fault(findings, HM_E_IMAGE_FIELD, 20,
		    "version %u of the format", hm_get_u32(head + 20));
	if (fdt->reserve_at % 8 != 0 || fdt->struct_at % 4 != 0 ||
	    fdt->struct_size % 4 != 0)
		return findings_fault(findings, HM_E_IMAGE_FIELD, 8,
		    "blocks that are not aligned");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (ends[i] < before)
			return findings_fault(findings, HM_E_IMAGE_FIELD, 8,
			    "blocks that overlap or are not in order");
		before = ends[i];
	}
	if (fdt->strings_size > FDT_STRINGS_MAX || fdt->total > FDT_SIZE_MAX)
		return findings_fault(
		    findings, HM_E_IMAGE_FIELD, 4, "the tree is too large");
	if (ends[4] > fdt->file.size)
		return findings_fault(findings, HM_E_IMAGE_SHORT,
		    fdt->file.size, "the file ends inside the tree");
	return HM_OK;
}

static hm_err
read_header(struct fdt *fdt, struct findings *findings)
{
	uint8_t head[FDT_HEADER_LEN];
	hm_err err =
	    input_read(&fdt->file, 0, (struct hm_span){ head, sizeof(head) });

	if (err == HM_E_IMAGE_SHORT)
		return findings_fault(findings, HM_E_IMAGE_FORMAT, 0,
		    "too short for a device tree");
	HM_TRY(err);
	if (hm_get_u32(head) != FDT_MAGIC)
		return findings_fault(findings, HM_E_IMAGE_FORMAT, 0,
		    "not a flattened device tree (magic %08x)",
		    hm_get_u32(head));
	fdt->total = hm_get_u32(head + 4);
	fdt->struct_at = hm_get_u32(head + 8);
	fdt->strings_at = hm_get_u32(head + 12);
	fdt->reserve_at = hm_get_u32(head + 16);
	fdt->strings_size = hm_get_u32(head + 32);
	fdt->struct_size = hm_get_u32(head + 36);
	if (fdt->total > fdt->file.size)
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, 4,
		    "total size %u beyond the end of the file (%llu)",
		    fdt->total, (unsigned long long)fdt->file.size);
	return check_header(fdt, head, findings);
}

/* The list of reserved memory ends with a pair of zeros, before the tree. */
static hm_err
check_reserves(const struct fdt *fdt, struct findings *findings)
{
	static const uint8_t none[16];
	uint8_t pair[16];
	uint32_t at = fdt->reserve_at;

	for (uint32_t i = 0; i < RESERVES_MAX; i++, at += 16) {
		if (at + 16 > fdt->struct_at)
			break;
		HM_TRY(input_read(
		    &fdt->file, at, (struct hm_span){ pair, sizeof(pair) }));
		if (memcmp(pair, none, sizeof(none)) == 0)
			return HM_OK;
	}
	return findings_fault(findings, HM_E_IMAGE_FIELD, fdt->reserve_at,
	    "the list of reserved memory has no end");
}

static hm_err
read_strings(struct fdt *fdt, struct findings *findings)
{
	size_t len = fdt->strings_size;
	uint8_t *room;

	buf_init(&fdt->strings, FDT_STRINGS_MAX + 1);
	HM_TRY(buf_reserve(&fdt->strings, len + 1, &room));
	HM_TRY(input_read(
	    &fdt->file, fdt->strings_at, (struct hm_span){ room, len }));
	fdt->strings.len = len;
	if (len > 0 && room[len - 1] != 0)
		return findings_fault(findings, HM_E_IMAGE_FIELD,
		    fdt->strings_at + len - 1, "the strings have no end");
	return HM_OK;
}

hm_err
fdt_open(const struct input *file, struct fdt *ret, struct findings *findings)
{
	*ret = (struct fdt){ .file = *file };
	HM_TRY(read_header(ret, findings));
	buf_init(&ret->names, FDT_NAMES_MAX);
	HM_TRY(check_reserves(ret, findings));
	HM_TRY(read_strings(ret, findings));
	HM_TRY(walk_block(ret, findings));
	return check_names(ret, findings);
}

void
fdt_done(struct fdt *fdt)
{
	buf_done(&fdt->strings);
	buf_done(&fdt->names);
	free(fdt->nodes);
	free(fdt->props);
	*fdt = (struct fdt){ 0 };
}
