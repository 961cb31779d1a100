/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout is that of ESP-IDF's generator, byte for byte: a number goes to
 * the next page when 126 entries are used, data when they would fill the last
 * entry or go beyond it; a blob takes what is left of a page, its index comes
 * last.
 */
#include "image/nvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "base/text.h"

struct nvs_make {
	uint8_t *all;
	size_t size, pages; /* pages that may be used */
	size_t page, used;  /* the current one, entries in it */
	uint8_t version;    /* byte of a page header */
	uint8_t ns, names;  /* the current namespace, how many */
	bool is_short;      /* read-only: only what is used comes out */
};

static uint8_t *
page_of(struct nvs_make *m)
{
	return m->all + m->page * NVS_PAGE;
}

static void
begin_page(struct nvs_make *m)
{
	uint8_t *page = page_of(m);

	image_put_u32(page, UINT32_C(0xfffffffe));
	image_put_u32(page + 4, (uint32_t)m->page);
	page[8] = m->version;
	image_put_u32(page + 28,
	    crc32_add(UINT32_MAX, (struct hm_bytes){ page + 4, 24 }));
	m->used = 0;
}

static hm_err
next_page(struct nvs_make *m, struct why *why)
{
	if (m->page + 1 >= m->pages)
		return WHY(why, HM_E_IMAGE_PLACE,
		    "the partition of %zu bytes is full; one page stays free",
		    m->size);
	image_put_u32(page_of(m), UINT32_C(0xfffffffc));
	m->page++;
	begin_page(m);
	return HM_OK;
}

hm_err
nvs_make_new(
    uint32_t size, unsigned version, struct nvs_make **ret, struct why *why)
{
	struct nvs_make *m;

	if (size == 0 || size % NVS_PAGE != 0 || size > NVS_MAX)
		return WHY(why, HM_E_USAGE,
		    "a partition has a multiple of 4096 bytes, at most %u",
		    NVS_MAX);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return HM_E_NO_MEMORY;
	m->size = size;
	m->is_short = size < NVS_READWRITE_MIN;
	m->pages = size / NVS_PAGE - (m->is_short ? 0 : 1);
	m->version = version == 1 ? 0xff : 0xfe;
	m->all = malloc(size);
	if (m->all == NULL) {
		free(m);
		return HM_E_NO_MEMORY;
	}
	memset(m->all, 0xff, size);
	begin_page(m);
	*ret = m;
	return HM_OK;
}

void
nvs_make_free(struct nvs_make *m)
{
	if (m == NULL)
		return;
	hm_wipe(m->all, m->size);
	free(m->all);
	free(m);
}

/* ---- entries ---- */

struct head {
	uint8_t ns, type, span, chunk;
	const char *key;
	uint8_t data[8];
};

static hm_err
check_key(const char *key, struct why *why)
{
	size_t len = strlen(key);

	if (len == 0 || len > NVS_KEY_NAME_MAX)
		return WHY(
		    why, HM_E_USAGE, "\"%.40s\": a key has 1 to 15 bytes", key);
	return HM_OK;
}

/* Lay it down where the page goes on; there is room. */
static void
put(struct nvs_make *m, const struct head *head, struct hm_bytes data)
{
	uint8_t *page = page_of(m);
	uint8_t *entry = page + NVS_ENTRIES_AT + NVS_ENTRY * m->used;

	entry[0] = head->ns;
	entry[1] = head->type;
	entry[2] = head->span;
	entry[3] = head->chunk;
	memset(entry + 8, 0, 16);
	memcpy(entry + 8, head->key, strlen(head->key));
	memcpy(entry + 24, head->data, 8);
	image_put_u32(entry + 4, nvs_entry_crc(entry));
	if (data.len > 0)
		memcpy(entry + NVS_ENTRY, data.ptr, data.len);
	for (size_t i = 0; i < head->span; i++, m->used++)
		page[32 + m->used / 4] &= (uint8_t) ~(1u << (m->used % 4 * 2));
}

static hm_err
put_number(struct nvs_make *m, struct head *head, struct why *why)
{
	HM_TRY(check_key(head->key, why));
	if (m->used == NVS_ENTRIES)
		HM_TRY(next_page(m, why));
	head->span = 1;
	head->chunk = 0xff;
	put(m, head, (struct hm_bytes){ 0 });
	return HM_OK;
}

static hm_err
check_namespace(const struct nvs_make *m, struct why *why)
{
	if (m->ns == 0)
		return WHY(
		    why, HM_E_USAGE, "a value stands before any namespace");
	return HM_OK;
}

hm_err
nvs_namespace(struct nvs_make *m, const char *name, struct why *why)
{
	struct head head = { .type = NVS_U8,
		.key = name,
		.data = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	if (m->names == 254)
		return WHY(why, HM_E_USAGE, "more than 254 namespaces");
	head.data[0] = (uint8_t)(m->names + 1);
	HM_TRY(put_number(m, &head, why));
	m->ns = ++m->names;
	return HM_OK;
}

/* Decimal text in the range of the type, as little-endian bytes and FF. */
static bool
number_bytes(nvs_type type, const char *text, uint8_t ret[static 8])
{
	unsigned bits = (type & 0x0fu) * 8;
	bool is_signed = (type & 0x10) != 0, is_minus = text[0] == '-';
	uint64_t limit = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	uint64_t value;

	if (is_signed)
		limit = limit / 2 + is_minus;
	else if (is_minus)
		return false;
	if (uint_parse(hm_bytes_of(text + is_minus), limit, &value) != HM_OK)
		return false;
	if (is_minus)
		value = 0 - value;
	memset(ret, 0xff, 8);
	for (size_t i = 0; i < bits / 8; i++)
		ret[i] = (uint8_t)(value >> 8 * i);
	return true;
}

hm_err
nvs_number(struct nvs_make *m, const char *key, nvs_type type, const char *text,
    struct why *why)
{
	struct head head = { .ns = m->ns, .type = (uint8_t)type, .key = key };

	HM_TRY(check_namespace(m, why));
	if (!number_bytes(type, text, head.data))
		return WHY(why, HM_E_USAGE,
		    "\"%.40s\" is not a number in the range of its type", text);
	return put_number(m, &head, why);
}

static void
put_data(struct nvs_make *m, struct head *head, struct hm_bytes data)
{
	head->span = (uint8_t)(1 + (data.len + NVS_ENTRY - 1) / NVS_ENTRY);
	image_put_u16(head->data, (uint16_t)data.len);
	image_put_u16(head->data + 2, 0xffff);
	image_put_u32(head->data + 4, crc32_add(UINT32_MAX, data));
	put(m, head, data);
}

/* All of it in one page. */
static hm_err
put_whole(struct nvs_make *m, struct head *head, struct hm_bytes data,
    struct why *why)
{
	size_t span = 1 + (data.len + NVS_ENTRY - 1) / NVS_ENTRY;

	if (m->used + span >= NVS_ENTRIES)
		HM_TRY(next_page(m, why));
	if (m->used + span > NVS_ENTRIES)
		return WHY(why, HM_E_TOO_LARGE, "a value longer than a page");
	put_data(m, head, data);
	return HM_OK;
}

hm_err
nvs_string(
    struct nvs_make *m, const char *key, struct hm_bytes text, struct why *why)
{
	struct head head = {
		.ns = m->ns, .type = NVS_STRING, .chunk = 0xff, .key = key
	};
	struct buf with_nul = { .max = NVS_STRING_MAX };
	hm_err err;

	HM_TRY(check_namespace(m, why));
	HM_TRY(check_key(key, why));
	if (text.len >= NVS_STRING_MAX)
		return WHY(why, HM_E_TOO_LARGE, "a string has up to %d bytes",
		    NVS_STRING_MAX - 1);
	err = buf_add(&with_nul, text);
	if (err == HM_OK)
		err = buf_add(&with_nul, HM_BYTES(""));
	if (err == HM_OK)
		err = put_whole(m, &head, buf_bytes(&with_nul), why);
	buf_wipe(&with_nul);
	return err;
}

static hm_err
put_index(struct nvs_make *m, const char *key, uint32_t size, uint8_t chunks,
    struct why *why)
{
	struct head head = { .ns = m->ns, .type = NVS_BLOB_INDEX, .key = key };

	image_put_u32(head.data, size);
	head.data[4] = chunks;
	head.data[5] = 0;
	image_put_u16(head.data + 6, 0xffff);
	return put_number(m, &head, why);
}

hm_err
nvs_blob(
    struct nvs_make *m, const char *key, struct hm_bytes bytes, struct why *why)
{
	struct head head = { .ns = m->ns, .type = NVS_BLOB_DATA, .key = key };
	uint32_t size = (uint32_t)bytes.len;

	HM_TRY(check_namespace(m, why));
	HM_TRY(check_key(key, why));
	if (m->version == 0xff) {
		head.type = NVS_BLOB_1;
		head.chunk = 0xff;
		return put_whole(m, &head, bytes, why);
	}
	do {
		size_t room, len;

		if (m->used == NVS_ENTRIES)
			HM_TRY(next_page(m, why));
		/* A last free entry becomes a chunk of no bytes. */
		room = (NVS_ENTRIES - m->used - 1) * NVS_ENTRY;
		len = bytes.len < room ? bytes.len : room;
		if (head.chunk == 0x7f)
			return WHY(why, HM_E_TOO_LARGE, "a blob is too long");
		put_data(m, &head, (struct hm_bytes){ bytes.ptr, len });
		head.chunk++;
		bytes.ptr += len;
		bytes.len -= len;
	} while (bytes.len > 0);
	return put_index(m, key, size, head.chunk, why);
}

hm_err
nvs_end(struct nvs_make *m, const struct secret *key, struct output *out)
{
	size_t size = m->is_short ? (m->page + 1) * NVS_PAGE : m->size;

	if (key != NULL)
		HM_TRY(nvs_crypt(m->all, size, key, true));
	return output_add(out, (struct hm_bytes){ m->all, size });
}
