/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XTS from ECB: a call of OpenSSL's XTS for each unit of 128 bytes costs more
 * than the AES in it, so a piece takes two calls, and the exclusive ors are
 * ours (figures: docs/formats/esp-flash-encryption.md).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cipher.h"
#include "image/esp_flash.h"

#define PIECE 16384 /* bytes at a time; tweaks as many */
#define ROWS (PIECE / ESP_FLASH_ROW)
#define UNITS (PIECE / ESP_FLASH_UNIT + 1)
#define UNIT_ROWS (ESP_FLASH_UNIT / ESP_FLASH_ROW)
#define CLASSIC_MAX (UINT64_C(1) << 24)
#define XTS_MAX (UINT64_C(1) << 32)
#define KEY_LEN 32
#define BIT_FIRST 5
#define BIT_LAST 23

/* A row of 16 bytes, or a tweak; low half first. */
struct row {
	uint64_t low, high;
};

struct engine {
	const struct esp_flash *how;
	struct output *out;
	uint64_t at; /* flash address of the next byte */
	size_t area; /* the first that may not have ended */
	struct cipher *data, *tweak;
	/* classic */
	uint8_t key[KEY_LEN];
	uint8_t masks[BIT_LAST + 1][KEY_LEN]; /* of each address bit */
	struct row tweaks[ROWS];
	struct row units[UNITS];
	uint8_t piece[PIECE];
	size_t held; /* bytes of `piece` */
};

/* ---- XTS ---- */

static struct row
load(const uint8_t *at)
{
	struct row row;

	memcpy(&row, at, sizeof(row));
	return (struct row){ le64toh(row.low), le64toh(row.high) };
}

static struct row
turned(struct row row)
{
	return (struct row){ __builtin_bswap64(row.high),
		__builtin_bswap64(row.low) };
}

static void
store(uint8_t *at, struct row row)
{
	row = (struct row){ htole64(row.low), htole64(row.high) };
	memcpy(at, &row, sizeof(row));
}

static struct row
doubled(struct row t)
{
	return (struct row){ t.low << 1 ^ (0x87 & (0 - (t.high >> 63))),
		t.high << 1 | t.low >> 63 };
}

/* The tweak of each row from `at` on. In its unit the last row is first. */
static hm_err
make_tweaks(struct engine *e, uint64_t at, size_t len)
{
	uint64_t first = at / ESP_FLASH_UNIT, end = at + len;
	size_t count = (size_t)((end - 1) / ESP_FLASH_UNIT - first + 1);
	uint8_t *units = (uint8_t *)e->units;

	memset(units, 0, count * ESP_FLASH_ROW);
	for (size_t i = 0; i < count; i++)
		image_put_u32(units + i * ESP_FLASH_ROW,
		    (uint32_t)((first + i) * ESP_FLASH_UNIT));
	HM_TRY(cipher_update(e->tweak,
	    (struct hm_bytes){ units, count * ESP_FLASH_ROW }, units));
	for (size_t i = 0; i < count; i++) {
		struct row t = load(units + i * ESP_FLASH_ROW);
		uint64_t row = (first + i) * ESP_FLASH_UNIT + ESP_FLASH_UNIT;

		for (size_t k = 0; k < UNIT_ROWS; k++, t = doubled(t)) {
			row -= ESP_FLASH_ROW;
			if (row >= at && row < end)
				e->tweaks[(row - at) / ESP_FLASH_ROW] =
				    turned(t);
		}
	}
	return HM_OK;
}

/* Both reversals of a unit are the order of tweaks and these turns. */
static hm_err
xts(struct engine *e, uint64_t at, uint8_t *bytes, size_t len)
{
	HM_TRY(make_tweaks(e, at, len));
	for (size_t i = 0; i < len; i += ESP_FLASH_ROW) {
		struct row row = load(bytes + i);
		const struct row *t = &e->tweaks[i / ESP_FLASH_ROW];

		row.low ^= t->low;
		row.high ^= t->high;
		store(bytes + i, turned(row));
	}
	HM_TRY(cipher_update(e->data, (struct hm_bytes){ bytes, len }, bytes));
	for (size_t i = 0; i < len; i += ESP_FLASH_ROW) {
		struct row row = turned(load(bytes + i));
		const struct row *t = &e->tweaks[i / ESP_FLASH_ROW];

		row.low ^= t->low;
		row.high ^= t->high;
		store(bytes + i, row);
	}
	return HM_OK;
}

/* ---- classic ---- */

/* Which address bit each key bit meets: runs down to bit 5. */
static void
make_masks(struct engine *e)
{
	static const struct {
		uint8_t from, runs;
	} pattern[] = { { 23, 3 }, { 14, 1 }, { 23, 3 }, { 12, 1 }, { 23, 3 },
		{ 10, 1 }, { 23, 3 }, { 8, 1 } };
	static const unsigned groups[] = { 67, 132, 195, 256 };
	unsigned bit = 0, group = 0;

	for (size_t i = 0; i < sizeof(pattern) / sizeof(pattern[0]); i++)
		for (unsigned from = pattern[i].from,
			      left = pattern[i].runs * (from - BIT_FIRST + 1);
		     left > 0; left--, bit++) {
			unsigned run = (left - 1) % (from - BIT_FIRST + 1);

			if (bit == groups[group])
				group++;
			if ((e->how->config >> group & 1) != 0)
				e->masks[BIT_FIRST + run][bit / 8] |=
				    (uint8_t)(0x80 >> bit % 8);
		}
}

static void
tweak_key(const struct engine *e, uint64_t at, uint8_t *ret)
{
	memcpy(ret, e->key, KEY_LEN);
	for (unsigned bit = BIT_FIRST; bit <= BIT_LAST; bit++)
		for (size_t i = 0; (at >> bit & 1) != 0 && i < KEY_LEN; i++)
			ret[i] ^= e->masks[bit][i];
}

static hm_err
classic(struct engine *e, uint64_t at, uint8_t *bytes, size_t len)
{
	uint8_t key[KEY_LEN];
	hm_err err = HM_OK;

	for (size_t i = 0; i < len && err == HM_OK; i += ESP_FLASH_ROW) {
		if (i == 0 || (at + i) % (2 * ESP_FLASH_ROW) == 0) {
			tweak_key(e, at + i, key);
			err = cipher_rekey(e->data, HM_BYTES(key));
		}
		store(bytes + i, turned(load(bytes + i)));
		if (err == HM_OK)
			err = cipher_update(e->data,
			    (struct hm_bytes){ bytes + i, ESP_FLASH_ROW },
			    bytes + i);
		store(bytes + i, turned(load(bytes + i)));
	}
	hm_wipe(key, sizeof(key));
	return err;
}

/* ---- pieces ---- */

static hm_err
convert(struct engine *e, uint64_t at, uint8_t *bytes, size_t len)
{
	if (len == 0)
		return HM_OK;
	return e->how->cipher == ESP_FLASH_CLASSIC ? classic(e, at, bytes, len)
						   : xts(e, at, bytes, len);
}

/* The part of what is held that lies in areas. */
static hm_err
convert_areas(struct engine *e)
{
	uint64_t end = e->at + e->held;

	for (; e->area < e->how->area_count; e->area++) {
		const struct esp_flash_area *a = &e->how->areas[e->area];
		uint64_t from = a->at > e->at ? a->at : e->at;
		uint64_t to = a->at + a->size < end ? a->at + a->size : end;

		if (from < to)
			HM_TRY(convert(e, from, e->piece + (from - e->at),
			    (size_t)(to - from)));
		if (a->at + a->size > end)
			break;
	}
	return HM_OK;
}

static hm_err
flush(struct engine *e)
{
	if (e->how->areas == NULL)
		HM_TRY(convert(e, e->at, e->piece, e->held));
	else
		HM_TRY(convert_areas(e));
	HM_TRY(output_add(e->out, (struct hm_bytes){ e->piece, e->held }));
	e->at += e->held;
	e->held = 0;
	return HM_OK;
}

static hm_err
take(void *context, struct hm_bytes from)
{
	struct engine *e = context;

	while (from.len > 0) {
		size_t room = PIECE - e->held;
		size_t len = from.len < room ? from.len : room;

		memcpy(e->piece + e->held, from.ptr, len);
		e->held += len;
		from.ptr += len;
		from.len -= len;
		if (e->held == PIECE)
			HM_TRY(flush(e));
	}
	return HM_OK;
}

static hm_err
run(struct engine *e, const struct input *file)
{
	size_t pad = e->how->cipher == ESP_FLASH_CLASSIC ? 2 * ESP_FLASH_ROW
							 : ESP_FLASH_ROW;
	HM_TRY(input_walk(file, 0, file->size, take, e));
	for (; e->how->pad && e->held % pad != 0; e->held++)
		e->piece[e->held] = 0xff;
	return flush(e);
}

/* ---- keys ---- */

static hm_err
set_classic(struct engine *e)
{
	struct hm_bytes key = e->how->key, none = { 0 };

	memcpy(e->key, key.ptr, key.len);
	if (key.len == 24) /* 3/4 coding: the chip repeats its middle */
		memcpy(e->key + 24, e->key + 8, 8);
	make_masks(e);
	return cipher_new(CIPHER_AES256_ECB, !e->how->encrypt, HM_BYTES(e->key),
	    none, &e->data);
}

static hm_err
set_xts(struct engine *e)
{
	uint8_t derived[HASH_MAX];
	struct hm_bytes key = e->how->key, none = { 0 }, half;
	cipher_kind kind =
	    key.len == 64 ? CIPHER_AES256_ECB : CIPHER_AES128_ECB;
	hm_err err = HM_OK;

	if (key.len == 16) { /* chip C2 hashes it */
		err = hash_one(HASH_SHA256, key, derived);
		key = (struct hm_bytes){ derived, 32 };
	}
	half = (struct hm_bytes){ key.ptr + key.len / 2, key.len / 2 };
	if (err == HM_OK)
		err = cipher_new(kind, true, half, none, &e->tweak);
	half.ptr = key.ptr;
	if (err == HM_OK)
		err = cipher_new(kind, e->how->encrypt, half, none, &e->data);
	hm_wipe(derived, sizeof(derived));
	return err;
}

static hm_err
check_key(const struct esp_flash *how, struct why *why)
{
	size_t len = how->key.len;
	bool is_classic = how->cipher == ESP_FLASH_CLASSIC;
	bool is_length = is_classic ? len == 24 || len == 32
				    : len == 16 || len == 32 || len == 64;

	if (!is_length)
		return WHY(why, HM_E_KEY,
		    "the flash encryption key has %zu bytes, not %s", len,
		    is_classic ? "32 or 24" : "64, 32 or 16");
	if (hm_equal_ct(how->key.ptr, how->key.ptr + len / 2, len / 2))
		return WHY(why, HM_E_KEY_WEAK,
		    "both halves of the flash encryption key are equal");
	return HM_OK;
}

static hm_err
check(const struct esp_flash *how, const struct input *file, struct why *why)
{
	uint64_t most =
	    how->cipher == ESP_FLASH_CLASSIC ? CLASSIC_MAX : XTS_MAX;

	HM_TRY(check_key(how, why));
	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	if (how->address % ESP_FLASH_ROW != 0)
		return WHY(why, HM_E_IMAGE_PLACE,
		    "address 0x%" PRIx64 " is not a multiple of 16",
		    how->address);
	if (file->size % ESP_FLASH_ROW != 0 && !how->pad) {
		why_do(why, "--pad fills it with FF, if it is not decrypted");
		return WHY(why, HM_E_IMAGE_PLACE,
		    "the length %" PRIu64 " is not a multiple of 16",
		    file->size);
	}
	if (how->address >= most || file->size > most - how->address)
		return WHY(why, HM_E_IMAGE_PLACE,
		    how->cipher == ESP_FLASH_CLASSIC
			? "beyond 16 MiB the key of the classic cipher repeats"
			: "beyond 4 GiB there is no flash");
	return HM_OK;
}

hm_err
esp_flash_convert(const struct esp_flash *how, const struct input *file,
    struct output *out, struct why *why)
{
	struct engine *e;
	hm_err err;

	HM_TRY(check(how, file, why));
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return HM_E_NO_MEMORY;
	e->how = how;
	e->out = out;
	e->at = how->address;
	err = how->cipher == ESP_FLASH_CLASSIC ? set_classic(e) : set_xts(e);
	if (err == HM_OK)
		err = run(e, file);
	cipher_free(e->data);
	cipher_free(e->tweak);
	hm_wipe(e, sizeof(*e));
	free(e);
	return err;
}
