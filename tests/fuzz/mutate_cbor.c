/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

enum {
	MAJOR_BYTES = 2,
	MAJOR_TEXT = 3,
	MAJOR_ARRAY = 4,
	MAJOR_MAP = 5,
	MAJOR_TAG = 6,
};

/* A head in any width, as the strict reader takes them or not. */
static bool
read_head(struct hm_bytes *in, uint8_t *ret_major, uint64_t *ret_value)
{
	unsigned info, more;

	if (in->len == 0)
		return false;
	*ret_major = in->ptr[0] >> 5;
	info = in->ptr[0] & 31;
	more = info < 24 ? 0 : 1u << (info - 24) % 4;
	if (info > 27 || in->len - 1 < more)
		return false;
	*ret_value = more == 0 ? info : 0;
	for (unsigned i = 1; i <= more; i++)
		*ret_value = *ret_value << 8 | in->ptr[i];
	in->ptr += 1 + more;
	in->len -= 1 + more;
	return true;
}

static uint16_t read_item(
    struct mutate_tree *tree, struct hm_bytes *in, unsigned depth);

static uint16_t
read_pair(struct mutate_tree *tree, struct hm_bytes *in, unsigned depth)
{
	uint16_t ret = mutate_add(
		     tree, (struct mutate_node){ .shape = MUTATE_PAIR }),
		 key, value;

	key = ret == 0 ? 0 : read_item(tree, in, depth);
	value = key == 0 ? 0 : read_item(tree, in, depth);
	if (value == 0)
		return 0;
	tree->node[ret].first = key;
	tree->node[key].next = value;
	return ret;
}

static bool
read_children(struct mutate_tree *tree, uint16_t parent, uint64_t count,
    struct hm_bytes *in, unsigned depth)
{
	bool is_map = tree->node[parent].kind == MAJOR_MAP;
	uint16_t *link = &tree->node[parent].first;

	for (uint64_t i = 0; i < count; i++) {
		*link = is_map ? read_pair(tree, in, depth)
			       : read_item(tree, in, depth);
		if (*link == 0)
			return false;
		link = &tree->node[*link].next;
	}
	return true;
}

/* A byte string that holds an array, a map or what is tagged. */
static void
look_inside(struct mutate_tree *tree, uint16_t at, unsigned depth)
{
	struct hm_bytes in = tree->node[at].content;
	uint16_t before = tree->count, inner;

	if (in.len < 2 || in.ptr[0] >> 5 < MAJOR_ARRAY ||
	    in.ptr[0] >> 5 > MAJOR_TAG)
		return;
	inner = read_item(tree, &in, depth + 1);
	if (inner == 0 || in.len != 0) {
		tree->count = before;
		return;
	}
	tree->node[at].first = inner;
	tree->node[at].shape = MUTATE_INNER;
}

static uint16_t
read_string(struct mutate_tree *tree, struct mutate_node node, uint64_t len,
    struct hm_bytes *in, unsigned depth)
{
	uint16_t ret;

	if (len > in->len)
		return 0;
	node.shape = MUTATE_LEAF;
	node.content = (struct hm_bytes){ in->ptr, (size_t)len };
	in->ptr += len;
	in->len -= (size_t)len;
	ret = mutate_add(tree, node);
	if (ret != 0 && node.kind == MAJOR_BYTES)
		look_inside(tree, ret, depth);
	return ret;
}

static uint16_t
read_item(struct mutate_tree *tree, struct hm_bytes *in, unsigned depth)
{
	struct mutate_node node = { .shape = MUTATE_NUMBER };
	uint16_t ret;

	if (depth > MUTATE_DEPTH || !read_head(in, &node.kind, &node.value))
		return 0;
	if (node.kind == MAJOR_BYTES || node.kind == MAJOR_TEXT)
		return read_string(tree, node, node.value, in, depth);
	if (node.kind >= MAJOR_ARRAY && node.kind <= MAJOR_TAG)
		node.shape = MUTATE_INNER;
	ret = mutate_add(tree, node);
	if (ret == 0 || node.shape != MUTATE_INNER)
		return ret;
	return read_children(tree, ret, node.kind == MAJOR_TAG ? 1 : node.value,
		   in, depth + 1)
		   ? ret
		   : 0;
}

/* In `width` bytes behind the first, or as short as it can be. */
static size_t
put_head(uint8_t major, uint64_t value, unsigned width, uint8_t *ret)
{
	unsigned least = value < 24            ? 0
			 : value <= UINT8_MAX  ? 1
			 : value <= UINT16_MAX ? 2
			 : value <= UINT32_MAX ? 4
					       : 8;

	if (width < least)
		width = least;
	ret[0] = (uint8_t)((unsigned)major << 5 | (width == 0 ? (unsigned)value
						      : width == 1 ? 24
						      : width == 2 ? 25
						      : width == 4 ? 26
								   : 27));
	for (unsigned i = 0; i < width; i++)
		ret[1 + i] = (uint8_t)(value >> 8 * (width - 1 - i));
	return 1 + width;
}

static size_t
head(const struct mutate_node *node, size_t len, size_t children, uint8_t *ret)
{
	uint64_t value = node->kind == MAJOR_BYTES || node->kind == MAJOR_TEXT
			     ? len
			 : node->kind == MAJOR_ARRAY || node->kind == MAJOR_MAP
			     ? children
			     : node->value;

	switch (node->lie) {
	case 0:
		return put_head(node->kind, value, 0, ret);
	case 1:
	case 2:
	case 3:
		return put_head(node->kind, value, 1u << node->lie, ret);
	case 4:
		return put_head(node->kind, value + 1, 0, ret);
	case 5:
		return put_head(node->kind, value - (value > 0), 0, ret);
	case 6:
		return put_head(node->kind, UINT64_MAX, 0, ret);
	default: /* indefinite, reserved */
		ret[0] = (uint8_t)((unsigned)node->kind << 5 |
				   (node->lie == 7 ? 31u : 28u));
		return 1;
	}
}

static uint8_t
kind(uint64_t random)
{
	return random % 8;
}

const struct mutate_form mutate_cbor = { read_item, head, kind };
