/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/cbor.h"

enum major {
	MAJOR_UINT = 0,
	MAJOR_NEGATIVE = 1,
	MAJOR_BYTES = 2,
	MAJOR_TEXT = 3,
	MAJOR_ARRAY = 4,
	MAJOR_MAP = 5,
	MAJOR_TAG = 6,
	MAJOR_SIMPLE = 7,
};

#define SIMPLE_FALSE 20
#define SIMPLE_TRUE 21
#define SIMPLE_NULL 22

/* ---- writing ---- */

void
hm_cbor_out_init(struct hm_cbor_out *out, struct hm_span room)
{
	*out = HM_MAKE(hm_cbor_out, .ptr = room.ptr, .size = room.len);
}

void
hm_cbor_put_raw(struct hm_cbor_out *out, struct hm_bytes encoded)
{
	if (out->len <= out->size && encoded.len <= out->size - out->len &&
	    encoded.len > 0)
		memcpy(out->ptr + out->len, encoded.ptr, encoded.len);
	if (encoded.len > SIZE_MAX - out->len)
		out->len = SIZE_MAX;
	else
		out->len += encoded.len;
}

static void
put_head(struct hm_cbor_out *out, enum major major, uint64_t arg)
{
	uint8_t head[9];
	size_t len;

	if (arg < 24) {
		head[0] = (uint8_t)arg;
		len = 1;
	} else if (arg <= UINT8_MAX) {
		head[0] = 24;
		head[1] = (uint8_t)arg;
		len = 2;
	} else if (arg <= UINT16_MAX) {
		head[0] = 25;
		hm_put_u16(head + 1, (uint16_t)arg);
		len = 3;
	} else if (arg <= UINT32_MAX) {
		head[0] = 26;
		hm_put_u32(head + 1, (uint32_t)arg);
		len = 5;
	} else {
		head[0] = 27;
		hm_put_u64(head + 1, arg);
		len = 9;
	}
	head[0] = (uint8_t)(head[0] | (unsigned)major << 5);
	hm_cbor_put_raw(out, HM_MAKE(hm_bytes, head, len));
}

void
hm_cbor_put_uint(struct hm_cbor_out *out, uint64_t value)
{
	put_head(out, MAJOR_UINT, value);
}

void
hm_cbor_put_int(struct hm_cbor_out *out, int64_t value)
{
	if (value >= 0)
		put_head(out, MAJOR_UINT, (uint64_t)value);
	else
		put_head(out, MAJOR_NEGATIVE, (uint64_t)(-1 - value));
}

void
hm_cbor_put_bytes_head(struct hm_cbor_out *out, size_t len)
{
	put_head(out, MAJOR_BYTES, len);
}

void
hm_cbor_put_bytes(struct hm_cbor_out *out, struct hm_bytes value)
{
	put_head(out, MAJOR_BYTES, value.len);
	hm_cbor_put_raw(out, value);
}

void
hm_cbor_put_text(struct hm_cbor_out *out, struct hm_bytes utf8)
{
	if (!hm_is_utf8(utf8))
		out->err = HM_E_BAD_INPUT;
	put_head(out, MAJOR_TEXT, utf8.len);
	hm_cbor_put_raw(out, utf8);
}

void
hm_cbor_put_array(struct hm_cbor_out *out, uint32_t items)
{
	put_head(out, MAJOR_ARRAY, items);
}

void
hm_cbor_put_map(struct hm_cbor_out *out, uint32_t pairs)
{
	put_head(out, MAJOR_MAP, pairs);
}

void
hm_cbor_put_tag(struct hm_cbor_out *out, uint64_t tag)
{
	put_head(out, MAJOR_TAG, tag);
}

void
hm_cbor_put_bool(struct hm_cbor_out *out, bool value)
{
	put_head(out, MAJOR_SIMPLE, value ? SIMPLE_TRUE : SIMPLE_FALSE);
}

void
hm_cbor_put_null(struct hm_cbor_out *out)
{
	put_head(out, MAJOR_SIMPLE, SIMPLE_NULL);
}

hm_err
hm_cbor_out_end(const struct hm_cbor_out *out, size_t *ret_len)
{
	if (out->err != HM_OK)
		return out->err;
	*ret_len = out->len;
	return out->len <= out->size ? HM_OK : HM_E_NO_ROOM;
}

/* ---- reading ---- */

struct head {
	enum major major;
	uint64_t arg;
	size_t len; /* bytes of the head itself */
};

static size_t
left(const struct hm_cbor_in *in)
{
	return (size_t)(in->end - in->at);
}

static void
refuse(struct hm_cbor_in *in, hm_err err)
{
	if (in->err == HM_OK)
		in->err = err;
}

/* The argument that follows the first byte, if it is in its shortest form. */
static bool
peek_long(const uint8_t *at, size_t size, struct head *ret)
{
	uint64_t least;

	switch (size) {
	case 1:
		ret->arg = at[0];
		least = 24;
		break;
	case 2:
		ret->arg = hm_get_u16(at);
		least = (uint64_t)UINT8_MAX + 1;
		break;
	case 4:
		ret->arg = hm_get_u32(at);
		least = (uint64_t)UINT16_MAX + 1;
		break;
	default:
		ret->arg = hm_get_u64(at);
		least = (uint64_t)UINT32_MAX + 1;
		break;
	}
	ret->len = 1 + size;
	return ret->arg >= least;
}

static bool
is_simple(const struct head *head)
{
	return head->len == 1 && head->arg >= SIMPLE_FALSE &&
	       head->arg <= SIMPLE_NULL;
}

/* Read the next head without moving: false unless it is a strict one. */
static bool
peek(const struct hm_cbor_in *in, struct head *ret)
{
	unsigned info;
	size_t size;

	if (in->err != HM_OK || left(in) == 0)
		return false;
	ret->major = (enum major)(in->at[0] >> 5);
	info = in->at[0] & 0x1f;
	if (info < 24) {
		ret->arg = info;
		ret->len = 1;
	} else if (info > 27) {
		return false; /* reserved, or an indefinite length */
	} else {
		size = (size_t)1 << (info - 24);
		if (left(in) - 1 < size || !peek_long(in->at + 1, size, ret))
			return false;
	}
	return ret->major != MAJOR_SIMPLE || is_simple(ret);
}

/* Take the next head if it is of this kind, with an argument up to `max`. */
static bool
take(struct hm_cbor_in *in, enum major major, uint64_t max, uint64_t *ret_arg)
{
	struct head head;

	if (!peek(in, &head) || head.major != major || head.arg > max) {
		refuse(in, HM_E_BAD_INPUT);
		return false;
	}
	in->at += head.len;
	*ret_arg = head.arg;
	return true;
}

void
hm_cbor_in_init(struct hm_cbor_in *in, struct hm_bytes message)
{
	static const uint8_t none[1] = { 0 };
	const uint8_t *at = message.len > 0 ? message.ptr : none;

	*in = HM_MAKE(hm_cbor_in, .at = at, .end = at + message.len);
}

uint64_t
hm_cbor_get_uint(struct hm_cbor_in *in, uint64_t max)
{
	uint64_t value;

	return take(in, MAJOR_UINT, max, &value) ? value : 0;
}

int64_t
hm_cbor_get_int(struct hm_cbor_in *in)
{
	struct head head;
	uint64_t value;

	if (peek(in, &head) && head.major == MAJOR_NEGATIVE)
		return take(in, MAJOR_NEGATIVE, INT64_MAX, &value)
			   ? -1 - (int64_t)value
			   : 0;
	return take(in, MAJOR_UINT, INT64_MAX, &value) ? (int64_t)value : 0;
}

static struct hm_bytes
get_string(struct hm_cbor_in *in, enum major major, size_t min, size_t max)
{
	struct hm_bytes ret = { 0 };
	struct head head;

	if (!peek(in, &head) || head.major != major || head.arg < min ||
	    head.arg > max || head.arg > left(in) - head.len) {
		refuse(in, HM_E_BAD_INPUT);
		return ret;
	}
	ret = HM_MAKE(hm_bytes, in->at + head.len, (size_t)head.arg);
	if (major == MAJOR_TEXT && !hm_is_utf8(ret)) {
		refuse(in, HM_E_BAD_INPUT);
		return HM_MAKE(hm_bytes, 0);
	}
	in->at = ret.ptr + ret.len;
	return ret;
}

struct hm_bytes
hm_cbor_get_bytes(struct hm_cbor_in *in, size_t min, size_t max)
{
	return get_string(in, MAJOR_BYTES, min, max);
}

struct hm_bytes
hm_cbor_get_text(struct hm_cbor_in *in, size_t min, size_t max)
{
	return get_string(in, MAJOR_TEXT, min, max);
}

void
hm_cbor_get_fixed(struct hm_cbor_in *in, uint8_t *ret, size_t len)
{
	struct hm_bytes value = get_string(in, MAJOR_BYTES, len, len);

	if (len == 0)
		return;
	if (value.len == len)
		memcpy(ret, value.ptr, len);
	else
		memset(ret, 0, len);
}

/* Take the head of a container whose `count` things need `size` bytes each. */
static uint32_t
get_count(struct hm_cbor_in *in, enum major major, uint32_t max, size_t size)
{
	struct head head;

	if (!peek(in, &head) || head.major != major || head.arg > max ||
	    head.arg > (left(in) - head.len) / size) {
		refuse(in, HM_E_BAD_INPUT);
		return 0;
	}
	in->at += head.len;
	return (uint32_t)head.arg;
}

uint32_t
hm_cbor_get_array(struct hm_cbor_in *in, uint32_t max)
{
	return get_count(in, MAJOR_ARRAY, max, 1);
}

uint32_t
hm_cbor_get_map(struct hm_cbor_in *in, uint32_t max)
{
	return get_count(in, MAJOR_MAP, max, 2);
}

void
hm_cbor_get_tag(struct hm_cbor_in *in, uint64_t wanted)
{
	struct head head;

	if (peek(in, &head) && head.major == MAJOR_TAG && head.arg == wanted)
		in->at += head.len;
	else
		refuse(in, HM_E_BAD_INPUT);
}

static bool
simple_if(struct hm_cbor_in *in, uint64_t value)
{
	struct head head;

	if (!peek(in, &head) || head.major != MAJOR_SIMPLE || head.arg != value)
		return false;
	in->at += head.len;
	return true;
}

bool
hm_cbor_get_bool(struct hm_cbor_in *in)
{
	if (simple_if(in, SIMPLE_TRUE))
		return true;
	if (!simple_if(in, SIMPLE_FALSE))
		refuse(in, HM_E_BAD_INPUT);
	return false;
}

void
hm_cbor_get_null(struct hm_cbor_in *in)
{
	if (!simple_if(in, SIMPLE_NULL))
		refuse(in, HM_E_BAD_INPUT);
}

bool
hm_cbor_key_if(struct hm_cbor_in *in, uint64_t key)
{
	struct head head;

	if (!peek(in, &head) || head.major != MAJOR_UINT || head.arg != key)
		return false;
	in->at += head.len;
	return true;
}

void
hm_cbor_key(struct hm_cbor_in *in, uint64_t key)
{
	if (!hm_cbor_key_if(in, key))
		refuse(in, HM_E_BAD_INPUT);
}

bool
hm_cbor_null_if(struct hm_cbor_in *in)
{
	return simple_if(in, SIMPLE_NULL);
}

/* ---- any item, without recursion ---- */

struct level {
	uint64_t items;       /* still to come; in a map, keys and values */
	bool is_map;          /* the next is a key when `items` is even */
	const uint8_t *key;   /* where the current key begins */
	struct hm_bytes last; /* the key before */
};

struct walk {
	struct level level[HM_CBOR_DEPTH_MAX];
	size_t depth;
};

/* Does `b` come after `a` in the order of RFC 8949 section 4.2.1? */
static bool
is_ascending(struct hm_bytes a, struct hm_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;

	return order < 0 || (order == 0 && a.len < b.len);
}

/* An item ended at in->at: count it, check it if it was a key, and see whether
 * it was the last of what it stood in, and so on outwards. */
static void
walk_end_item(struct hm_cbor_in *in, struct walk *walk)
{
	while (walk->depth > 0) {
		struct level *top = &walk->level[walk->depth - 1];

		top->items--;
		if (top->is_map && top->items % 2 == 1) {
			struct hm_bytes key = { top->key,
				(size_t)(in->at - top->key) };

			if (!is_ascending(top->last, key))
				refuse(in, HM_E_BAD_INPUT);
			top->last = key;
		}
		if (top->items > 0)
			return;
		walk->depth--;
	}
}

/* A container begins. An empty one has ended already. */
static void
walk_down(struct hm_cbor_in *in, struct walk *walk, uint64_t items, bool is_map)
{
	if (walk->depth == HM_CBOR_DEPTH_MAX) {
		refuse(in, HM_E_TOO_LARGE);
	} else if (items == 0) {
		walk_end_item(in, walk);
	} else {
		walk->level[walk->depth++] =
		    HM_MAKE(level, .items = items, .is_map = is_map);
	}
}

static void
walk_step(struct hm_cbor_in *in, struct walk *walk)
{
	struct level *top =
	    walk->depth > 0 ? &walk->level[walk->depth - 1] : NULL;
	struct head head;

	if (!peek(in, &head)) {
		refuse(in, HM_E_BAD_INPUT);
		return;
	}
	if (top && top->is_map && top->items % 2 == 0)
		top->key = in->at;
	switch (head.major) {
	case MAJOR_BYTES:
	case MAJOR_TEXT:
		(void)get_string(in, head.major, 0, SIZE_MAX);
		walk_end_item(in, walk);
		break;
	case MAJOR_ARRAY:
		walk_down(in, walk, hm_cbor_get_array(in, UINT32_MAX), false);
		break;
	case MAJOR_MAP:
		walk_down(in, walk,
		    (uint64_t)hm_cbor_get_map(in, UINT32_MAX) * 2, true);
		break;
	case MAJOR_TAG:
		in->at += head.len;
		walk_down(in, walk, 1, false);
		break;
	case MAJOR_UINT:
	case MAJOR_NEGATIVE:
	case MAJOR_SIMPLE:
		in->at += head.len;
		walk_end_item(in, walk);
		break;
	}
}

struct hm_bytes
hm_cbor_get_any(struct hm_cbor_in *in)
{
	struct walk walk;
	struct hm_bytes ret = { in->at, 0 };

	walk.depth = 0;
	do {
		walk_step(in, &walk);
	} while (in->err == HM_OK && walk.depth > 0);
	if (in->err != HM_OK) {
		in->at = ret.ptr;
		return HM_MAKE(hm_bytes, 0);
	}
	ret.len = (size_t)(in->at - ret.ptr);
	return ret;
}

hm_err
hm_cbor_in_end(const struct hm_cbor_in *in)
{
	if (in->err == HM_OK && in->at != in->end)
		return HM_E_BAD_INPUT;
	return in->err;
}

hm_err
hm_cbor_check(struct hm_bytes message)
{
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, message);
	(void)hm_cbor_get_any(&in);
	return hm_cbor_in_end(&in);
}
