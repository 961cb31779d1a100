/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cbor - what our strict reader takes, libcbor takes, as the same thing
 *
 * Item by item, both walk the input side by side; at the end libcbor writes
 * the same bytes again.
 */
#include <cbor.h>
#include <string.h>

#include "core/cbor.h"
#include "fuzz.h"
#include "mutate.h"

static void same(struct hm_cbor_in *in, cbor_item_t *item);

static void
same_int(struct hm_cbor_in *in, const cbor_item_t *item)
{
	uint64_t value = cbor_get_int(item);

	if (cbor_isa_uint(item))
		fuzz_must(hm_cbor_get_uint(in, UINT64_MAX) == value);
	else if (value <= INT64_MAX)
		fuzz_must(hm_cbor_get_int(in) == -1 - (int64_t)value);
	else
		fuzz_must(hm_cbor_get_any(in).len == 9);
}

static void
same_string(struct hm_cbor_in *in, cbor_item_t *item)
{
	struct hm_bytes theirs, ours;

	if (cbor_isa_string(item)) {
		fuzz_must(cbor_string_is_definite(item));
		theirs = (struct hm_bytes){ cbor_string_handle(item),
			cbor_string_length(item) };
		ours = hm_cbor_get_text(in, 0, SIZE_MAX);
	} else {
		fuzz_must(cbor_bytestring_is_definite(item));
		theirs = (struct hm_bytes){ cbor_bytestring_handle(item),
			cbor_bytestring_length(item) };
		ours = hm_cbor_get_bytes(in, 0, SIZE_MAX);
	}
	fuzz_must(hm_bytes_equal(ours, theirs));
}

static void
same_array(struct hm_cbor_in *in, cbor_item_t *item)
{
	cbor_item_t **items = cbor_array_handle(item);
	size_t count = cbor_array_size(item);

	fuzz_must(cbor_array_is_definite(item));
	fuzz_must(hm_cbor_get_array(in, UINT32_MAX) == count);
	for (size_t i = 0; i < count; i++)
		same(in, items[i]);
}

static void
same_map(struct hm_cbor_in *in, cbor_item_t *item)
{
	struct cbor_pair *pairs = cbor_map_handle(item);
	size_t count = cbor_map_size(item);

	fuzz_must(cbor_map_is_definite(item));
	fuzz_must(hm_cbor_get_map(in, UINT32_MAX) == count);
	for (size_t i = 0; i < count; i++) {
		same(in, pairs[i].key);
		same(in, pairs[i].value);
	}
}

static void
same_tag(struct hm_cbor_in *in, cbor_item_t *item)
{
	cbor_item_t *inner = cbor_tag_item(item);

	hm_cbor_get_tag(in, cbor_tag_value(item));
	same(in, inner);
	cbor_decref(&inner);
}

static void
same_simple(struct hm_cbor_in *in, const cbor_item_t *item)
{
	fuzz_must(cbor_float_ctrl_is_ctrl(item));
	if (cbor_is_null(item))
		hm_cbor_get_null(in);
	else
		fuzz_must(hm_cbor_get_bool(in) == cbor_get_bool(item));
}

static void
same(struct hm_cbor_in *in, cbor_item_t *item)
{
	switch (cbor_typeof(item)) {
	case CBOR_TYPE_UINT:
	case CBOR_TYPE_NEGINT:
		same_int(in, item);
		break;
	case CBOR_TYPE_BYTESTRING:
	case CBOR_TYPE_STRING:
		same_string(in, item);
		break;
	case CBOR_TYPE_ARRAY:
		same_array(in, item);
		break;
	case CBOR_TYPE_MAP:
		same_map(in, item);
		break;
	case CBOR_TYPE_TAG:
		same_tag(in, item);
		break;
	case CBOR_TYPE_FLOAT_CTRL:
		same_simple(in, item);
		break;
	}
	fuzz_must(in->err == HM_OK);
}

/* libcbor 0.8 refuses tags 6 to 20, which it calls unassigned. */
static bool
may_have_such_tag(struct hm_bytes message)
{
	for (size_t i = 0; i < message.len; i++)
		if (message.ptr[i] >= 0xc6 && message.ptr[i] <= 0xd4)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes message = { data, size };
	struct cbor_load_result result;
	unsigned char *again;
	struct hm_cbor_in in;
	cbor_item_t *item;
	size_t room;

	hm_cbor_in_init(&in, message);
	(void)hm_cbor_get_any(&in); /* the first of perhaps several */
	if (hm_cbor_check(message) != HM_OK)
		return 0;

	item = cbor_load(data, size, &result);
	if (!item && may_have_such_tag(message))
		return 0;
	fuzz_must(item && result.read == size);
	hm_cbor_in_init(&in, message);
	same(&in, item);
	fuzz_must(hm_cbor_in_end(&in) == HM_OK);
	fuzz_must(cbor_serialize_alloc(item, &again, &room) == size);
	fuzz_must(memcmp(again, data, size) == 0);
	free(again);
	cbor_decref(&item);
	return 0;
}

MUTATE_OF(&mutate_cbor, 0)
