/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

#include <string.h>

#define POOL_LEN 131072 /* content that was changed */
#define LIES 8

static const size_t lengths[] = { 0, 1, 2, 6, 16, 20, 23, 24, 31, 32, 33, 63,
	64, 65, 66, 127, 128, 255, 256, 257, 512, 1024, 4096, 8192 };
static const uint64_t values[] = { 0, 1, 2, 3, 23, 24, 127, 128, 255, 256,
	65535, 65536, INT32_MAX, UINT32_MAX, UINT64_C(1) << 32,
	UINT64_C(1800000000), INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1,
	UINT64_MAX };

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct work {
	const struct mutate_form *form;
	struct mutate_tree *tree;
	uint64_t random;
	uint8_t *pool;
	size_t used;
};

static struct mutate_tree one, other;
static uint8_t pool[POOL_LEN];

uint64_t
mutate_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t
below(struct work *work, size_t limit)
{
	return (size_t)(mutate_random(&work->random) % limit);
}

/* ---- read and write ---- */

uint16_t
mutate_add(struct mutate_tree *tree, struct mutate_node node)
{
	if (tree->count == MUTATE_NODES)
		return 0;
	tree->node[tree->count] = node;
	return tree->count++;
}

static void
read_all(const struct mutate_form *form, struct hm_bytes bytes,
    struct mutate_tree *tree)
{
	uint16_t *last = &tree->node[0].first;

	tree->node[0] = (struct mutate_node){ .shape = MUTATE_PAIR };
	tree->count = 1;
	while (bytes.len > 0) {
		struct hm_bytes rest = bytes;
		uint16_t item = form->read(tree, &rest, 0);

		if (item == 0) {
			item = mutate_add(
			    tree, (struct mutate_node){
				      .shape = MUTATE_RAW, .content = bytes });
			rest.len = 0;
		}
		*last = item;
		if (item == 0)
			return;
		last = &tree->node[item].next;
		bytes = rest;
	}
}

/* Returns false when the room is used up. */
static bool
write_node(const struct mutate_form *form, const struct mutate_tree *tree,
    uint16_t at, struct hm_span room, size_t *len)
{
	const struct mutate_node *node = &tree->node[at];
	size_t begin = *len, children = 0, body, head = 0;
	uint8_t bytes[12];

	if (node->shape == MUTATE_RAW || node->shape == MUTATE_LEAF) {
		if (node->content.len > room.len - *len)
			return false;
		if (node->content.len > 0)
			memcpy(room.ptr + *len, node->content.ptr,
			    node->content.len);
		*len += node->content.len;
	}
	for (uint16_t i = node->first; i != 0; i = tree->node[i].next) {
		if (!write_node(form, tree, i, room, len))
			return false;
		children++;
	}
	body = *len - begin;
	if (node->shape != MUTATE_RAW && node->shape != MUTATE_PAIR)
		head = form->head(node, body, children, bytes);
	if (head > room.len - *len)
		return false;
	memmove(room.ptr + begin + head, room.ptr + begin, body);
	memcpy(room.ptr + begin, bytes, head);
	*len += head;
	return true;
}

/* ---- changes ---- */

static uint16_t
pick(struct work *work)
{
	return work->tree->count < 2
		   ? 0
		   : (uint16_t)(1 + below(work, work->tree->count - 1u));
}

/* The link that leads to a node; NULL if none does any more. */
static uint16_t *
link_to(struct mutate_tree *tree, uint16_t at)
{
	for (uint16_t i = 0; i < tree->count; i++) {
		if (tree->node[i].first == at)
			return &tree->node[i].first;
		if (tree->node[i].next == at)
			return &tree->node[i].next;
	}
	return NULL;
}

/* A copy of a node and all below it, from this tree or another. */
static uint16_t
copy(struct mutate_tree *to, const struct mutate_tree *from, uint16_t at,
    unsigned depth)
{
	struct mutate_node node = from->node[at];
	uint16_t last = 0, child = node.first, ret;

	node.first = node.next = 0;
	ret = depth > MUTATE_DEPTH ? 0 : mutate_add(to, node);
	for (; ret != 0 && child != 0; child = from->node[child].next) {
		uint16_t new_ = copy(to, from, child, depth + 1);

		if (new_ == 0)
			break;
		if (last == 0)
			to->node[ret].first = new_;
		else
			to->node[last].next = new_;
		last = new_;
	}
	return ret;
}

static void
drop(struct work *work, uint16_t at)
{
	uint16_t *link = link_to(work->tree, at);

	if (link != NULL)
		*link = work->tree->node[at].next;
}

static void
insert(struct work *work, uint16_t at, uint16_t new_)
{
	if (new_ == 0)
		return;
	work->tree->node[new_].next = work->tree->node[at].next;
	work->tree->node[at].next = new_;
}

static void
replace(struct work *work, uint16_t at, uint16_t new_)
{
	if (new_ == 0)
		return;
	insert(work, at, new_);
	drop(work, at);
}

static void
swap_next(struct work *work, uint16_t at)
{
	uint16_t *link = link_to(work->tree, at);
	uint16_t next = work->tree->node[at].next;

	if (link == NULL || next == 0)
		return;
	work->tree->node[at].next = work->tree->node[next].next;
	work->tree->node[next].next = at;
	*link = next;
}

/* The content as bytes that may be changed, with room behind it. */
static struct hm_span
own(struct work *work, struct mutate_node *node, size_t room)
{
	struct hm_span ret = { work->pool + work->used, room };
	size_t len = node->content.len < room ? node->content.len : room;

	if (room > POOL_LEN - work->used)
		return (struct hm_span){ 0 };
	memset(ret.ptr, 0, room);
	if (len > 0)
		memcpy(ret.ptr, node->content.ptr, len);
	work->used += room;
	node->content = (struct hm_bytes){ ret.ptr, len };
	return ret;
}

static void
change_content(struct work *work, struct mutate_node *node)
{
	struct hm_span room = own(work, node, node->content.len + 16);

	if (room.ptr != NULL)
		node->content.len =
		    LLVMFuzzerMutate(room.ptr, node->content.len, room.len);
}

static void
change_length(struct work *work, struct mutate_node *node)
{
	size_t len = node->content.len, random = below(work, 4);

	len = random == 0   ? len + 1
	      : random == 1 ? len - (len > 0)
			    : lengths[below(work, COUNT(lengths))];
	if (own(work, node, len).ptr != NULL)
		node->content.len = len;
}

static void
change_value(struct work *work, struct mutate_node *node)
{
	uint64_t random = mutate_random(&work->random);

	switch (random % 4) {
	case 0:
		node->value += random >> 2 & 1 ? 1 : UINT64_MAX;
		break;
	case 1:
		node->value ^= UINT64_C(1) << (random >> 2) % 64;
		break;
	default:
		node->value = values[(random >> 2) % COUNT(values)];
	}
}

/* What a node is, without what is below it. */
static void
change_node(struct work *work, uint16_t at)
{
	struct mutate_node *node = &work->tree->node[at];

	if (below(work, 8) == 0)
		node->kind = work->form->kind(mutate_random(&work->random));
	else if (below(work, 16) == 0)
		node->lie = (uint8_t)(1 + below(work, LIES));
	else if (node->shape == MUTATE_NUMBER)
		change_value(work, node);
	else if (node->shape != MUTATE_LEAF && node->shape != MUTATE_RAW)
		node->lie = (uint8_t)(below(work, 8) == 0);
	else if (below(work, 3) == 0)
		change_length(work, node);
	else
		change_content(work, node);
}

static void
change(struct work *work)
{
	uint16_t at = pick(work), from = pick(work);

	if (at == 0)
		return;
	switch (below(work, 12)) {
	case 0:
		drop(work, at);
		break;
	case 1:
		insert(work, at, copy(work->tree, work->tree, at, 0));
		break;
	case 2:
		swap_next(work, at);
		break;
	case 3:
		replace(work, at, copy(work->tree, work->tree, from, 0));
		break;
	case 4:
		insert(work, at, copy(work->tree, work->tree, from, 0));
		break;
	default:
		change_node(work, at);
	}
}

size_t
mutate_message(const struct mutate_form *form, uint8_t *data, size_t size,
    size_t max, unsigned seed)
{
	struct work work = { form, &one, seed, pool, 0 };
	static uint8_t out[POOL_LEN];
	struct hm_span room = { out, max < sizeof(out) ? max : sizeof(out) };
	size_t changes = 1 + below(&work, 4) * below(&work, 2), len = 0;

	if (below(&work, 8) == 0)
		return LLVMFuzzerMutate(data, size, max);
	read_all(form, (struct hm_bytes){ data, size }, &one);
	while (changes-- > 0)
		change(&work);
	if (!write_node(form, &one, 0, room, &len))
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data, out, len);
	return len;
}

size_t
mutate_cross(const struct mutate_form *form, struct hm_bytes a,
    struct hm_bytes b, struct hm_span out, unsigned seed)
{
	struct work work = { form, &one, seed, pool, 0 };
	struct work from = { form, &other, seed + 1u, pool, 0 };
	size_t len = 0;
	uint16_t at;

	read_all(form, a, &one);
	read_all(form, b, &other);
	at = pick(&work);
	if (at != 0 && other.count > 1)
		replace(&work, at, copy(&one, &other, pick(&from), 0));
	return write_node(form, &one, 0, out, &len) ? len : 0;
}

size_t
mutate_behind(const struct mutate_form *form, size_t skip, uint8_t *data,
    size_t size, size_t max, unsigned seed)
{
	if (size <= skip || seed % 32 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return skip +
	       mutate_message(form, data + skip, size - skip, max - skip, seed);
}

size_t
mutate_cross_behind(const struct mutate_form *form, size_t skip,
    struct hm_bytes a, struct hm_bytes b, struct hm_span out, unsigned seed)
{
	size_t len;

	if (a.len <= skip || b.len <= skip || out.len <= skip)
		return 0;
	len =
	    mutate_cross(form, (struct hm_bytes){ a.ptr + skip, a.len - skip },
		(struct hm_bytes){ b.ptr + skip, b.len - skip },
		(struct hm_span){ out.ptr + skip, out.len - skip }, seed);
	memcpy(out.ptr, a.ptr, skip);
	return skip + len;
}
