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
#include "image/esp_flash_rows.h"

#define PIECE 8192 /* bytes at a time; tweaks as many */
#define UNITS (PIECE / ESP_FLASH_UNIT + 1)
#define UNIT_ROWS (ESP_FLASH_UNIT / ESP_FLASH_ROW)
#define CLASSIC_MAX (UINT64_C(1) << 24)
#define XTS_MAX (UINT64_C(1) << 32)
#define CLASSIC_UNIT (2 * ESP_FLASH_ROW)
#define KEY_WORDS (32 / sizeof(uint64_t))
#define BIT_FIRST 5
#define BIT_LAST 23

struct engine {
	const struct esp_flash *how;
	struct output *out;
	uint64_t at; /* flash address of the next byte */
	size_t area; /* the first that may not have ended */
	struct cipher *data, *tweak;
	const struct esp_flash_rows *rows;
	/* classic */
	uint64_t key[KEY_WORDS], key_at;         /* of this address */
	uint64_t masks[BIT_LAST + 1][KEY_WORDS]; /* of each address bit */
	struct esp_flash_row tweaks[UNITS * UNIT_ROWS];
	struct esp_flash_row units[UNITS];
	uint8_t piece[PIECE];
	size_t held; /* bytes of `piece` */
};

/* ---- XTS ---- */

/* The tweaks of all rows of the units that `len` bytes from `at` on touch. */
static hm_err
make_tweaks(struct engine *e, uint64_t at, size_t len)
{
	uint64_t first = at / ESP_FLASH_UNIT, end = at + len;
	size_t count = (size_t)((end - 1) / ESP_FLASH_UNIT - first + 1);
	uint8_t *units = e->units[0].bytes;

	memset(units, 0, count * ESP_FLASH_ROW);
	for (size_t i = 0; i < count; i++) {
		uint32_t address =
		    htole32((uint32_t)(first + i) * (uint32_t)ESP_FLASH_UNIT);

		memcpy(e->units[i].bytes, &address, sizeof(address));
	}
	HM_TRY(cipher_update(e->tweak,
	    (struct hm_bytes){ units, count * ESP_FLASH_ROW }, units));
	e->rows->tweaks(e->units, count, e->tweaks);
	return HM_OK;
}

/* Both reversals of a unit are the order of tweaks and turned rows. */
static hm_err
xts(struct engine *e, uint64_t at, struct hm_bytes from, uint8_t *to)
{
	const struct esp_flash_row *tweaks =
	    e->tweaks + at % ESP_FLASH_UNIT / ESP_FLASH_ROW;
	size_t rows = from.len / ESP_FLASH_ROW;

	HM_TRY(make_tweaks(e, at, from.len));
	e->rows->before(to, from.ptr, tweaks, rows);
	HM_TRY(cipher_update(e->data, (struct hm_bytes){ to, from.len }, to));
	e->rows->after(to, to, tweaks, rows);
	return HM_OK;
}

/* ---- classic ---- */

static void
flip(uint64_t *key, unsigned bit)
{
	((uint8_t *)key)[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

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
				flip(e->masks[BIT_FIRST + run], bit);
		}
}

/* From the key of one address to that of another: of neighbours two bits
 * differ, as a rule. */
static void
turn_key(struct engine *e, uint64_t at)
{
	uint64_t other = (at ^ e->key_at) >> BIT_FIRST;

	for (unsigned bit = BIT_FIRST; other != 0 && bit <= BIT_LAST;
	     bit++, other >>= 1)
		for (size_t i = 0; (other & 1) != 0 && i < KEY_WORDS; i++)
			e->key[i] ^= e->masks[bit][i];
	e->key_at = at;
}

static void
turn_rows(const struct engine *e, uint8_t *to, const uint8_t *from, size_t len)
{
	static const struct esp_flash_row none[2];

	e->rows->after(to, from, none, len / ESP_FLASH_ROW);
}

/* Up to two rows under a key of their own. */
static hm_err
classic(struct engine *e, uint64_t at, struct hm_bytes from, uint8_t *to)
{
	while (from.len > 0) {
		size_t most = CLASSIC_UNIT - at % CLASSIC_UNIT;
		size_t len = from.len < most ? from.len : most;

		turn_key(e, at);
		HM_TRY(cipher_rekey(e->data, HM_BYTES(e->key)));
		turn_rows(e, to, from.ptr, len);
		HM_TRY(
		    cipher_update(e->data, (struct hm_bytes){ to, len }, to));
		turn_rows(e, to, to, len);
		at += len;
		to += len;
		from = (struct hm_bytes){ from.ptr + len, from.len - len };
	}
	return HM_OK;
}

/* ---- pieces ---- */

static hm_err
convert(struct engine *e, uint64_t at, struct hm_bytes from, uint8_t *to)
{
	if (from.len == 0)
		return HM_OK;
	return e->how->cipher == ESP_FLASH_CLASSIC ? classic(e, at, from, to)
						   : xts(e, at, from, to);
}

/* What is held from one address to another. */
static hm_err
convert_held(struct engine *e, uint64_t from, uint64_t to)
{
	uint8_t *at = e->piece + (from - e->at);

	return convert(
	    e, from, (struct hm_bytes){ at, (size_t)(to - from) }, at);
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
			HM_TRY(convert_held(e, from, to));
		if (a->at + a->size > end)
			break;
	}
	return HM_OK;
}

static hm_err
flush(struct engine *e)
{
	if (e->how->areas == NULL)
		HM_TRY(convert_held(e, e->at, e->at + e->held));
	else
		HM_TRY(convert_areas(e));
	HM_TRY(output_add(e->out, (struct hm_bytes){ e->piece, e->held }));
	e->at += e->held;
	e->held = 0;
	return HM_OK;
}

/* A whole piece needs no copy. */
static hm_err
pass(struct engine *e, const uint8_t *from)
{
	uint8_t *to;

	HM_TRY(output_room(e->out, PIECE, &to));
	HM_TRY(convert(e, e->at, (struct hm_bytes){ from, PIECE }, to));
	e->at += PIECE;
	return output_used(e->out, PIECE);
}

static hm_err
take(void *context, struct hm_bytes from)
{
	struct engine *e = context;

	while (from.len > 0) {
		bool is_whole =
		    e->held == 0 && from.len >= PIECE && e->how->areas == NULL;
		size_t room = PIECE - e->held;
		size_t len = from.len < room ? from.len : room;

		if (is_whole) {
			HM_TRY(pass(e, from.ptr));
		} else {
			memcpy(e->piece + e->held, from.ptr, len);
			e->held += len;
		}
		from.ptr += len;
		from.len -= len;
		if (e->held == PIECE)
			HM_TRY(flush(e));
	}
	return HM_OK;
}

/* A block by itself, where it is. */
static hm_err
turn(void *context, uint64_t at, struct hm_span bytes)
{
	struct engine *e = context;

	for (size_t done = 0; done < bytes.len; done += PIECE) {
		size_t left = bytes.len - done;
		struct hm_bytes piece = { bytes.ptr + done,
			left < PIECE ? left : PIECE };

		HM_TRY(convert(
		    e, e->how->address + at + done, piece, bytes.ptr + done));
	}
	return HM_OK;
}

/* ---- keys ---- */

static hm_err
set_classic(struct engine *e)
{
	struct hm_bytes key = e->how->key, none = { 0 };

	memcpy(e->key, key.ptr, key.len);
	if (key.len == 24) /* 3/4 coding: the chip repeats its middle */
		e->key[3] = e->key[1];
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

static hm_err
engine_new(const struct esp_flash *how, struct output *out, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return HM_E_NO_MEMORY;
	e->how = how;
	e->rows = esp_flash_rows_best(0);
	e->out = out;
	e->at = how->address;
	*ret = e;
	return how->cipher == ESP_FLASH_CLASSIC ? set_classic(e) : set_xts(e);
}

static void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	cipher_free(e->data);
	cipher_free(e->tweak);
	hm_wipe(e, sizeof(*e));
	free(e);
}

/* ---- all of it ---- */

/* All but the last bytes, by two engines; 0 bytes: nothing was done. */
static hm_err
run_pair(struct engine *e, const struct input *file, uint64_t *ret)
{
	struct engine *other = NULL;
	struct input whole;
	hm_err err;

	*ret = 0;
	if (e->how->areas != NULL || file->size < BESIDE_LEAST)
		return HM_OK;
	HM_TRY(input_window(file, 0, file->size - file->size % PIECE, &whole));
	err = engine_new(e->how, e->out, &other);
	if (err == HM_OK &&
	    output_turn(e->out, &whole, turn, (void *[]){ e, other }, &err)) {
		e->at += whole.size;
		*ret = whole.size;
	}
	engine_free(other);
	return err;
}

static hm_err
run(struct engine *e, const struct input *file)
{
	size_t pad =
	    e->how->cipher == ESP_FLASH_CLASSIC ? CLASSIC_UNIT : ESP_FLASH_ROW;
	uint64_t done;

	HM_TRY(run_pair(e, file, &done));
	HM_TRY(input_walk(file, done, file->size - done, take, e));
	for (; e->how->pad && e->held % pad != 0; e->held++)
		e->piece[e->held] = 0xff;
	return flush(e);
}

hm_err
esp_flash_convert(const struct esp_flash *how, const struct input *file,
    struct output *out, struct why *why)
{
	struct engine *e = NULL;
	hm_err err;

	HM_TRY(check(how, file, why));
	err = engine_new(how, out, &e);
	if (err == HM_OK)
		err = run(e, file);
	engine_free(e);
	return err;
}
