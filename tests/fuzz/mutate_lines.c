/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "mutate.h"

static uint16_t
read_line(struct mutate_tree *tree, struct hm_bytes *in, unsigned depth)
{
	const uint8_t *end = memchr(in->ptr, '\n', in->len);
	struct mutate_node node = { .shape = MUTATE_RAW, .content = *in };

	(void)depth;
	if (end != NULL)
		node.content.len = (size_t)(end - in->ptr) + 1;
	in->ptr += node.content.len;
	in->len -= node.content.len;
	return mutate_add(tree, node);
}

static size_t
no_head(
    const struct mutate_node *node, size_t len, size_t children, uint8_t *ret)
{
	(void)node;
	(void)len;
	(void)children;
	(void)ret;
	return 0;
}

static uint8_t
no_kind(uint64_t random)
{
	(void)random;
	return 0;
}

const struct mutate_form mutate_lines = { read_line, no_head, no_kind };
