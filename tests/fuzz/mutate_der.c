/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

#define CONSTRUCTED 0x20
#define BIT_STRING 0x03
#define OCTET_STRING 0x04

static uint16_t read_item(
    struct mutate_tree *tree, struct hm_bytes *in, unsigned depth);

static bool
read_length(struct hm_bytes *in, size_t *ret)
{
	unsigned more;

	if (in->len == 0)
		return false;
	more = in->ptr[0] < 0x80 ? 0 : in->ptr[0] & 0x7fu;
	if (more > 4 || in->ptr[0] == 0x80 || in->len - 1 < more)
		return false;
	*ret = more == 0 ? in->ptr[0] : 0;
	for (unsigned i = 1; i <= more; i++)
		*ret = *ret << 8 | in->ptr[i];
	in->ptr += 1 + more;
	in->len -= 1 + more;
	return *ret <= in->len;
}

static bool
read_children(struct mutate_tree *tree, uint16_t parent, struct hm_bytes in,
    unsigned depth)
{
	uint16_t *link = &tree->node[parent].first;

	while (in.len > 0) {
		*link = read_item(tree, &in, depth);
		if (*link == 0)
			return false;
		link = &tree->node[*link].next;
	}
	return true;
}

/* An OCTET STRING holds DER, or a BIT STRING does behind its first zero. */
static void
look_inside(struct mutate_tree *tree, uint16_t at, unsigned depth)
{
	struct hm_bytes in = tree->node[at].content, zero = { in.ptr, 1 };
	uint16_t before = tree->count, inner, first = 0;

	if (tree->node[at].kind == BIT_STRING && in.len > 0 && in.ptr[0] == 0) {
		in.ptr++;
		in.len--;
		first =
		    mutate_add(tree, (struct mutate_node){ .shape = MUTATE_RAW,
					 .content = zero });
	} else if (tree->node[at].kind != OCTET_STRING) {
		return;
	}
	inner = read_item(tree, &in, depth + 1);
	if (inner == 0 || in.len != 0) {
		tree->count = before;
		return;
	}
	if (first != 0)
		tree->node[first].next = inner;
	tree->node[at].first = first != 0 ? first : inner;
	tree->node[at].shape = MUTATE_INNER;
}

static uint16_t
read_item(struct mutate_tree *tree, struct hm_bytes *in, unsigned depth)
{
	struct mutate_node node = { .shape = MUTATE_LEAF };
	uint16_t ret;
	size_t len;

	if (in->len < 2 || depth > MUTATE_DEPTH)
		return 0;
	node.kind = in->ptr[0];
	in->ptr++;
	in->len--;
	if (!read_length(in, &len))
		return 0;
	node.content = (struct hm_bytes){ in->ptr, len };
	if (node.kind & CONSTRUCTED)
		node.shape = MUTATE_INNER;
	in->ptr += len;
	in->len -= len;
	ret = mutate_add(tree, node);
	if (ret == 0)
		return 0;
	if (node.shape == MUTATE_LEAF)
		look_inside(tree, ret, depth);
	else if (!read_children(tree, ret, node.content, depth + 1))
		return 0;
	return ret;
}

/* The length in `width` bytes behind the first, or as short as it can be. */
static size_t
put_length(uint64_t len, unsigned width, uint8_t *ret)
{
	unsigned least = len < 0x80 ? 0 : 1;

	while (least > 0 && len >> 8 * least != 0)
		least++;
	if (width < least)
		width = least;
	ret[0] = (uint8_t)(width == 0 ? len : 0x80 | width);
	for (unsigned i = 0; i < width; i++)
		ret[1 + i] = (uint8_t)(len >> 8 * (width - 1 - i));
	return 1 + width;
}

static size_t
head(const struct mutate_node *node, size_t len, size_t children, uint8_t *ret)
{
	(void)children;
	ret[0] = node->kind;
	switch (node->lie) {
	case 0:
		return 1 + put_length(len, 0, ret + 1);
	case 1:
	case 2:
	case 3:
		return 1 + put_length(len, node->lie, ret + 1);
	case 4:
		return 1 + put_length(len + 1, 0, ret + 1);
	case 5:
		return 1 + put_length(len - (len > 0), 0, ret + 1);
	case 6:
		return 1 + put_length(UINT32_MAX, 0, ret + 1);
	default:
		ret[1] = node->lie == 7 ? 0x80 : 0xff;
		return 2;
	}
}

static uint8_t
kind(uint64_t random)
{
	static const uint8_t likely[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
		0x0a, 0x0c, 0x13, 0x14, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80,
		0x82, 0x86, 0x87, 0xa0, 0xa1, 0xa2, 0xa3 };

	return random % 4 == 0 ? (uint8_t)(random >> 8)
			       : likely[(random >> 8) % sizeof(likely)];
}

const struct mutate_form mutate_der = { read_item, head, kind };
