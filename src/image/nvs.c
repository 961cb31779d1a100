/* SPDX-License-Identifier: Apache-2.0 */
#include "image/nvs.h"

#include <stdlib.h>
#include <string.h>

#include "base/crc.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"

#define STATE_EMPTY UINT32_MAX
#define STATE_ACTIVE UINT32_C(0xfffffffe)
#define STATE_FULL UINT32_C(0xfffffffc)
#define WRITTEN 2u
#define FREE 3u
#define VERSION_1 0xff
#define VERSION_2 0xfe
#define NO_CHUNK 0xff

uint32_t
nvs_entry_crc(const uint8_t entry[static NVS_ENTRY])
{
	uint32_t crc = crc32_add(UINT32_MAX, (struct hm_bytes){ entry, 4 });

	return crc32_add(crc, (struct hm_bytes){ entry + 8, NVS_ENTRY - 8 });
}

/* ---- keys ---- */

static void
derive(const uint8_t hmac_key[static 32], struct secret *ret)
{
	static const uint8_t words[2][4] = { { 0x5a, 0x5a, 0xbe, 0xae },
		{ 0xa5, 0xa5, 0xde, 0xce } };
	uint8_t text[32];

	for (size_t half = 0; half < 2; half++) {
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = words[half][i % 4];
		hmac_sha256((struct hm_bytes){ hmac_key, 32 },
		    &(struct hm_bytes){ text, sizeof(text) }, 1,
		    ret->bytes + 32 * half);
	}
	ret->len = NVS_KEY_LEN;
}

hm_err
nvs_key_from(struct hm_bytes content, struct secret *ret, struct why *why)
{
	if (content.len == 32) {
		derive(content.ptr, ret);
		return HM_OK;
	}
	if (content.len != NVS_PAGE)
		return WHY(why, HM_E_KEY,
		    "a key is a partition of %d bytes, or an HMAC key of 32",
		    NVS_PAGE);
	if (crc32_add(UINT32_MAX, (struct hm_bytes){ content.ptr, 64 }) !=
	    image_get_u32(content.ptr + 64))
		return WHY(why, HM_E_KEY, "the key partition's CRC is wrong");
	for (size_t i = 68; i < NVS_PAGE; i++)
		if (content.ptr[i] != 0xff)
			return WHY(why, HM_E_KEY,
			    "the key partition goes on behind its CRC");
	if (memcmp(content.ptr, content.ptr + 32, 32) == 0)
		return WHY(why, HM_E_KEY, "both halves of the key are equal");
	memcpy(ret->bytes, content.ptr, NVS_KEY_LEN);
	ret->len = NVS_KEY_LEN;
	return HM_OK;
}

hm_err
nvs_key_make(struct secret *ret, struct buf *ret_partition)
{
	uint8_t *at;

	HM_TRY(random_secret((struct hm_span){ ret->bytes, NVS_KEY_LEN }));
	ret->len = NVS_KEY_LEN;
	HM_TRY(buf_reserve(ret_partition, NVS_PAGE, &at));
	memset(at, 0xff, NVS_PAGE);
	memcpy(at, ret->bytes, NVS_KEY_LEN);
	image_put_u32(
	    at + 64, crc32_add(UINT32_MAX, (struct hm_bytes){ at, 64 }));
	ret_partition->len += NVS_PAGE;
	return HM_OK;
}

static unsigned
entry_state(const uint8_t *page, size_t i)
{
	return (unsigned)page[32 + i / 4] >> (i % 4 * 2) & 3u;
}

hm_err
nvs_crypt(
    uint8_t *partition, size_t size, const struct secret *key, bool encrypt)
{
	uint8_t tweak[16] = { 0 };
	AUTO_CIPHER struct cipher *cipher = NULL;

	HM_TRY(cipher_new(CIPHER_AES256_XTS, encrypt, secret_bytes(key),
	    HM_BYTES(tweak), &cipher));
	for (size_t page = 0; page + NVS_PAGE <= size; page += NVS_PAGE) {
		if (image_get_u32(partition + page) == STATE_EMPTY)
			continue;
		for (size_t i = 0; i < NVS_ENTRIES; i++) {
			size_t at = page + NVS_ENTRIES_AT + NVS_ENTRY * i;

			if (entry_state(partition + page, i) != WRITTEN)
				continue;
			image_put_u32(tweak, (uint32_t)at);
			HM_TRY(cipher_restart(cipher, HM_BYTES(tweak)));
			HM_TRY(cipher_update(cipher,
			    (struct hm_bytes){ partition + at, NVS_ENTRY },
			    partition + at));
		}
	}
	return HM_OK;
}

/* ---- reading ---- */

struct item {
	uint8_t ns, type, chunk;
	char key[16];
	uint32_t size;        /* of data; what an index says */
	uint8_t count, first; /* an index: its chunks */
	size_t at;
};

struct reading {
	struct findings *findings;
	uint8_t *all;
	size_t size;
	struct item *items;
	size_t count;
	char names[256][16]; /* of namespaces; "" not defined */
};

static hm_err
fault(struct reading *r, hm_err err, size_t at, const char *text)
{
	return findings_fault(r->findings, err, at, "%s", text);
}

static size_t
width_of(uint8_t type)
{
	switch (type) {
	case NVS_U8:
	case NVS_I8:
	case NVS_U16:
	case NVS_I16:
	case NVS_U32:
	case NVS_I32:
	case NVS_U64:
	case NVS_I64:
		return type & 0x0f;
	default:
		return 0;
	}
}

static bool
is_type_of(uint8_t type, uint8_t version)
{
	if (width_of(type) > 0 || type == NVS_STRING)
		return true;
	if (version == VERSION_1)
		return type == NVS_BLOB_1;
	return type == NVS_BLOB_DATA || type == NVS_BLOB_INDEX;
}

static bool
is_key(const uint8_t key[static 16])
{
	size_t len = strnlen((const char *)key, 16);

	if (len == 0 || len > NVS_KEY_NAME_MAX)
		return false;
	for (size_t i = len; i < 16; i++)
		if (key[i] != 0)
			return false;
	return true;
}

static bool
is_filled(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0xff)
			return false;
	return true;
}

/* A namespace gets its number. */
static hm_err
add_namespace(struct reading *r, const uint8_t *entry, size_t at)
{
	uint8_t number = entry[24];

	if (entry[1] != NVS_U8 || number == 0 || number == 0xff)
		return fault(r, HM_E_IMAGE_FIELD, at, "a namespace's number");
	if (r->names[number][0] != '\0')
		return fault(
		    r, HM_E_IMAGE_FIELD, at, "a namespace's number twice");
	for (size_t i = 1; i < 255; i++)
		if (memcmp(r->names[i], entry + 8, 16) == 0)
			return fault(
			    r, HM_E_IMAGE_FIELD, at, "a namespace twice");
	memcpy(r->names[number], entry + 8, 16);
	return HM_OK;
}

static hm_err
check_data(struct reading *r, const uint8_t *entry, size_t at)
{
	size_t size = image_get_u16(entry + 24), room = NVS_ENTRY;

	room *= entry[2] - 1u;
	if ((size + NVS_ENTRY - 1) / NVS_ENTRY != entry[2] - 1u ||
	    image_get_u16(entry + 26) != 0xffff)
		return fault(
		    r, HM_E_IMAGE_FIELD, at + 24, "size and span do not fit");
	if (crc32_add(UINT32_MAX, (struct hm_bytes){ entry + NVS_ENTRY,
				      size }) != image_get_u32(entry + 28))
		return fault(r, HM_E_IMAGE_HASH, at + 28, "CRC of the data");
	if (!is_filled(entry + NVS_ENTRY + size, room - size))
		return fault(r, HM_E_IMAGE_FIELD, at + NVS_ENTRY + size,
		    "bytes behind the data");
	if (entry[1] != NVS_STRING)
		return HM_OK;
	if (size == 0 || size > NVS_STRING_MAX ||
	    memchr(entry + NVS_ENTRY, 0, size) != entry + NVS_ENTRY + size - 1)
		return fault(r, HM_E_IMAGE_FIELD, at + NVS_ENTRY,
		    "a string ends with its one NUL");
	return HM_OK;
}

static hm_err
check_value(struct reading *r, const uint8_t *entry, size_t at)
{
	size_t width = width_of(entry[1]);

	if ((entry[3] == NO_CHUNK) == (entry[1] == NVS_BLOB_DATA))
		return fault(r, HM_E_IMAGE_FIELD, at + 3, "chunk");
	if (width == 0 && entry[1] != NVS_BLOB_INDEX)
		return check_data(r, entry, at);
	if (entry[2] != 1)
		return fault(r, HM_E_IMAGE_FIELD, at + 2, "span");
	if (width > 0 && !is_filled(entry + 24 + width, 8 - width))
		return fault(
		    r, HM_E_IMAGE_FIELD, at + 24, "bytes behind a number");
	if (width == 0 && !is_filled(entry + 30, 2))
		return fault(
		    r, HM_E_IMAGE_FIELD, at + 30, "bytes behind an index");
	return HM_OK;
}

static void
keep(struct reading *r, const uint8_t *entry, size_t at)
{
	struct item *item = &r->items[r->count++];

	*item = (struct item){ .ns = entry[0],
		.type = entry[1],
		.chunk = entry[3],
		.size = image_get_u16(entry + 24),
		.at = at };
	memcpy(item->key, entry + 8, 16);
	if (item->type == NVS_BLOB_INDEX) {
		item->size = image_get_u32(entry + 24);
		item->count = entry[28];
		item->first = entry[29];
	}
}

/* A written entry and those behind it; *ret_span is how many. */
static hm_err
check_entry(struct reading *r, const uint8_t *page, size_t i, size_t *ret_span)
{
	const uint8_t *entry = page + NVS_ENTRIES_AT + NVS_ENTRY * i;
	size_t at = (size_t)(entry - r->all);

	if (nvs_entry_crc(entry) != image_get_u32(entry + 4))
		return fault(r, HM_E_IMAGE_HASH, at + 4, "CRC of an entry");
	if (!is_type_of(entry[1], page[8]))
		return findings_fault(r->findings, HM_E_IMAGE_FIELD, at + 1,
		    "entry type %02x", entry[1]);
	if (entry[2] == 0 || i + entry[2] > NVS_ENTRIES)
		return findings_fault(
		    r->findings, HM_E_IMAGE_FIELD, at + 2, "span %u", entry[2]);
	if (!is_key(entry + 8))
		return fault(r, HM_E_IMAGE_FIELD, at + 8,
		    "a key is 1 to 15 characters and zeros");
	for (size_t k = 1; k < entry[2]; k++)
		if (entry_state(page, i + k) != WRITTEN)
			return fault(r, HM_E_IMAGE_FIELD, at + NVS_ENTRY * k,
			    "an entry that goes on is not written");
	*ret_span = entry[2];
	HM_TRY(check_value(r, entry, at));
	if (entry[0] == 0)
		return add_namespace(r, entry, at);
	if (r->names[entry[0]][0] == '\0')
		return findings_fault(r->findings, HM_E_IMAGE_FIELD, at,
		    "namespace %u is not defined", entry[0]);
	keep(r, entry, at);
	return HM_OK;
}

static hm_err
check_entries(struct reading *r, const uint8_t *page)
{
	size_t at = (size_t)(page - r->all), span;
	bool ended = false;

	if ((page[63] & 0xf0) != 0xf0)
		return fault(r, HM_E_IMAGE_FIELD, at + 63,
		    "bits of entries that do not exist");
	for (size_t i = 0; i < NVS_ENTRIES; i += span) {
		unsigned state = entry_state(page, i);
		size_t entry = NVS_ENTRIES_AT + NVS_ENTRY * i;

		span = 1;
		if (state == 1)
			return fault(r, HM_E_IMAGE_FIELD, at + 32 + i / 4,
			    "a state of an entry that is none");
		if (state == FREE && !is_filled(page + entry, NVS_ENTRY))
			return fault(r, HM_E_IMAGE_FIELD, at + entry,
			    "an entry that is marked empty has data");
		if (state != FREE && ended)
			return fault(r, HM_E_IMAGE_FIELD, at + entry,
			    "an entry in use behind a free one");
		ended = ended || state == FREE;
		if (state == WRITTEN)
			HM_TRY(check_entry(r, page, i, &span));
	}
	return HM_OK;
}

static hm_err
check_header(struct reading *r, const uint8_t *page)
{
	size_t at = (size_t)(page - r->all);
	uint32_t state = image_get_u32(page);

	if (state != STATE_ACTIVE && state != STATE_FULL)
		return findings_fault(r->findings, HM_E_IMAGE_FIELD, at,
		    "page state %08x", state);
	if (crc32_add(UINT32_MAX, (struct hm_bytes){ page + 4, 24 }) !=
	    image_get_u32(page + 28))
		return fault(
		    r, HM_E_IMAGE_HASH, at + 28, "CRC of a page header");
	if (page[8] != VERSION_1 && page[8] != VERSION_2)
		return findings_fault(r->findings, HM_E_IMAGE_FIELD, at + 8,
		    "page version %02x", page[8]);
	if (!is_filled(page + 9, 19))
		return fault(
		    r, HM_E_IMAGE_FIELD, at + 9, "reserved bytes are set");
	return HM_OK;
}

/* Headers and free pages; pages in the order of their numbers into `order`. */
static hm_err
check_pages(struct reading *r, const uint8_t **order, size_t *ret_count,
    bool *ret_has_free)
{
	size_t count = 0, k;

	*ret_has_free = false;
	for (size_t at = 0; at < r->size; at += NVS_PAGE) {
		const uint8_t *page = r->all + at;

		if (image_get_u32(page) == STATE_EMPTY) {
			*ret_has_free = true;
			if (!is_filled(page, NVS_PAGE))
				return fault(r, HM_E_IMAGE_FIELD, at,
				    "a page that is marked empty has data");
			continue;
		}
		HM_TRY(check_header(r, page));
		findings_part(r->findings, at, NVS_PAGE, "page", "number %u",
		    image_get_u32(page + 4));
		for (k = count++; k > 0 && image_get_u32(order[k - 1] + 4) >
					       image_get_u32(page + 4);
		     k--)
			order[k] = order[k - 1];
		order[k] = page;
		if (k > 0 &&
		    image_get_u32(order[k - 1] + 4) == image_get_u32(page + 4))
			return fault(r, HM_E_IMAGE_FIELD, at + 4,
			    "a page's number twice");
	}
	*ret_count = count;
	return HM_OK;
}

/* ---- what belongs together ---- */

static int
compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = (int)x->ns - (int)y->ns;

	if (order == 0)
		order = memcmp(x->key, y->key, sizeof(x->key));
	if (order == 0)
		order = (int)(x->type == NVS_BLOB_DATA) -
			(int)(y->type == NVS_BLOB_DATA);
	if (order == 0 && x->type == NVS_BLOB_DATA)
		order = (int)x->chunk - (int)y->chunk;
	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static bool
same_name(const struct item *a, const struct item *b)
{
	return a->ns == b->ns && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* The value at `i` and the chunks behind it; *ret_next is the next value. */
static hm_err
check_group(struct reading *r, size_t i, size_t *ret_next)
{
	const struct item *head = &r->items[i];
	uint32_t sum = 0;
	size_t n = i + 1;

	if (head->type == NVS_BLOB_DATA)
		return fault(r, HM_E_IMAGE_FIELD, head->at,
		    "a blob's chunk without index");
	for (; n < r->count && same_name(head, &r->items[n]); n++) {
		const struct item *chunk = &r->items[n];

		if (chunk->type != NVS_BLOB_DATA)
			return fault(
			    r, HM_E_IMAGE_FIELD, chunk->at, "a key twice");
		if (head->type != NVS_BLOB_INDEX ||
		    chunk->chunk != (uint8_t)(head->first + (n - i - 1)))
			return fault(r, HM_E_IMAGE_FIELD, chunk->at,
			    "a chunk that its index does not name");
		sum += chunk->size;
	}
	*ret_next = n;
	if (head->type != NVS_BLOB_INDEX)
		return HM_OK;
	if (n - i - 1 != head->count)
		return fault(r, HM_E_IMAGE_FIELD, head->at + 28,
		    "a blob has other chunks than its index says");
	if (sum != head->size)
		return fault(r, HM_E_IMAGE_FIELD, head->at + 24,
		    "a blob has another size than its index says");
	return HM_OK;
}

static hm_err
check_items(struct reading *r)
{
	qsort(r->items, r->count, sizeof(*r->items), compare_items);
	for (size_t i = 0; i < r->count;)
		HM_TRY(check_group(r, i, &i));
	return HM_OK;
}

static hm_err
read_pages(
    struct reading *r, const struct nvs_verify *how, const uint8_t **order)
{
	size_t count = 0;
	bool has_free = false;

	HM_TRY(check_pages(r, order, &count, &has_free));
	if (count == 0)
		return fault(r, HM_E_IMAGE_EMPTY, 0, "no page is in use");
	for (size_t i = 0; i + 1 < count; i++)
		if (image_get_u32(order[i]) == STATE_ACTIVE)
			return fault(r, HM_E_IMAGE_FIELD,
			    (size_t)(order[i] - r->all),
			    "an active page that is not the last");
	if (!has_free && !how->is_readonly)
		return fault(r, HM_E_IMAGE_PLACE, r->size,
		    "no free page is left for the device to write");
	if (how->key != NULL)
		HM_TRY(nvs_crypt(r->all, r->size, how->key, false));
	for (size_t i = 0; i < count; i++)
		HM_TRY(check_entries(r, order[i]));
	return check_items(r);
}

static hm_err
check_size(const struct nvs_verify *how, uint64_t size, struct findings *f)
{
	if (size == 0 || size % NVS_PAGE != 0)
		return findings_fault(f, HM_E_IMAGE_SHORT, size,
		    "its length is not a multiple of %d", NVS_PAGE);
	if (size > NVS_MAX)
		return findings_fault(f, HM_E_IMAGE_PLACE, NVS_MAX,
		    "more than %u bytes", NVS_MAX);
	if (!how->is_readonly && size < NVS_READWRITE_MIN)
		return findings_fault(f, HM_E_IMAGE_PLACE, size,
		    "too small to be written by a device: less than %d bytes",
		    NVS_READWRITE_MIN);
	return HM_OK;
}

hm_err
nvs_verify(const struct nvs_verify *how, const struct input *file,
    struct findings *findings)
{
	struct reading *r;
	const uint8_t **order;
	size_t pages = (size_t)(file->size / NVS_PAGE);
	hm_err err = check_size(how, file->size, findings);

	if (err != HM_OK)
		return HM_OK;
	r = calloc(1, sizeof(*r));
	order = calloc(pages, sizeof(*order));
	if (r != NULL) {
		r->findings = findings;
		r->size = (size_t)file->size;
		r->all = malloc(r->size);
		r->items = calloc(pages * NVS_ENTRIES, sizeof(*r->items));
	}
	if (r == NULL || order == NULL || r->all == NULL || r->items == NULL)
		err = HM_E_NO_MEMORY;
	if (err == HM_OK)
		err = input_read(file, 0, (struct hm_span){ r->all, r->size });
	if (err == HM_OK)
		err = read_pages(r, how, order);
	if (r != NULL && r->all != NULL)
		hm_wipe(r->all, r->size); /* decrypted */
	free(r == NULL ? NULL : r->all);
	free(r == NULL ? NULL : r->items);
	free(order);
	free(r);
	return findings_faults(findings) > 0 ? HM_OK : err;
}

bool
nvs_is(const struct input *file)
{
	uint8_t head[32];

	if (file->size % NVS_PAGE != 0 ||
	    input_read(file, 0, (struct hm_span){ head, 32 }) != HM_OK)
		return false;
	return (image_get_u32(head) == STATE_ACTIVE ||
		   image_get_u32(head) == STATE_FULL) &&
	       is_filled(head + 9, 19);
}

hm_err
nvs_inspect(const struct input *file, struct findings *findings)
{
	struct nvs_verify how = { .is_readonly = true };

	return nvs_verify(&how, file, findings);
}
