/* SPDX-License-Identifier: Apache-2.0 */
#include "vault_entry.h"

#include <string.h>

#define AT_NUMBER 2
#define AT_VERSION 3
#define AT_LEN 4
#define AT_SEQUENCE 8
#define AT_SALT 16
#define AT_TAG 32
#define SALT_LEN 16
#define VERSION 1
#define NONCE_HEAD 0xFFFFFFFFu
#define DONE 0x5A
#define LOOK 32 /* bytes that are looked at at once */

HM_STATIC_ASSERT(AT_TAG + HM_GCM_TAG_LEN == VAULT_HEAD_LEN, "head as drawn");
HM_STATIC_ASSERT(AT_TAG + 4 == VAULT_AAD_LEN, "head and place");
HM_STATIC_ASSERT(VAULT_STEP % HM_FLASH_UNIT_MAX == 0, "pieces end at units");

hm_err
vault_area_open(struct vault_area *ret)
{
	struct vault_area area = { .bank = 0 };
	uint32_t unit;

	HM_TRY(hm_port_flash(HM_AREA_VAULT, &area.flash));
	unit = area.flash.unit;
	if (unit < 1 || unit > HM_FLASH_UNIT_MAX || (unit & (unit - 1)) != 0 ||
	    area.flash.sector == 0 || area.flash.sector % unit != 0)
		return HM_E_STORAGE;
	area.bank = area.flash.size / area.flash.sector / 2 * area.flash.sector;
	if (area.bank == 0)
		return HM_E_STORAGE;
	*ret = area;
	return HM_OK;
}

static uint32_t
up(const struct vault_area *area, uint32_t len)
{
	return (len + area->flash.unit - 1) & ~(area->flash.unit - 1);
}

uint32_t
vault_head_end(const struct vault_area *area)
{
	return up(area, VAULT_HEAD_LEN);
}

uint32_t
vault_piece_count(uint32_t len)
{
	return (len + VAULT_PIECE - 1) / VAULT_PIECE;
}

/* Bytes of plaintext in piece `index`. */
static uint32_t
piece_len(uint32_t len, uint32_t index)
{
	uint32_t left = len - index * VAULT_PIECE;

	return left < VAULT_PIECE ? left : VAULT_PIECE;
}

uint32_t
vault_piece_end(const struct vault_area *area, uint32_t len, uint32_t index)
{
	return vault_head_end(area) + index * VAULT_STEP +
	       up(area, piece_len(len, index) + HM_GCM_TAG_LEN);
}

uint32_t
vault_entry_size(const struct vault_area *area, uint32_t len)
{
	uint32_t count = vault_piece_count(len);
	uint32_t done = vault_head_end(area);

	if (count > 0)
		done = vault_piece_end(area, len, count - 1);
	return done + area->flash.unit;
}

bool
vault_is_blank(const struct vault_area *area, uint32_t at, uint32_t len)
{
	uint8_t look[LOOK];

	while (len > 0) {
		uint32_t now = len < LOOK ? len : LOOK;

		if (hm_port_flash_read(HM_AREA_VAULT, at,
			HM_MAKE(hm_span, look, now)) != HM_OK)
			return false;
		for (uint32_t i = 0; i < now; i++)
			if (look[i] != area->flash.erased)
				return false;
		at += now;
		len -= now;
	}
	return true;
}

static bool
is_head(const uint8_t head[HM_STATIC AT_LEN])
{
	return head[0] == 'H' && head[1] == 'V' && head[AT_NUMBER] >= 1 &&
	       head[AT_NUMBER] <= VAULT_COMMIT && head[AT_VERSION] == VERSION;
}

static bool
is_tomb(const uint8_t head[HM_STATIC AT_LEN])
{
	return head[0] == 'H' && head[1] == 'V' &&
	       head[AT_NUMBER] == VAULT_TOMB && head[AT_VERSION] == VERSION;
}

bool
vault_is_head(uint32_t at)
{
	uint8_t look[AT_LEN];

	return hm_port_flash_read(HM_AREA_VAULT, at,
		   HM_MAKE(hm_span, look, sizeof(look))) == HM_OK &&
	       is_head(look);
}

hm_err
vault_wipe(const struct vault_area *area, uint32_t at, uint32_t len)
{
	hm_err err = HM_OK;

	for (uint32_t end = at + len; at < end; at += area->flash.sector)
		if (hm_port_flash_erase(HM_AREA_VAULT, at) != HM_OK ||
		    !vault_is_blank(area, at, area->flash.sector))
			err = HM_E_STORAGE;
	return err;
}

/* Program `len` bytes and read them back. `bytes` has room for whole units. */
static hm_err
program(
    const struct vault_area *area, uint32_t at, uint8_t *bytes, uint32_t len)
{
	uint32_t whole = up(area, len);
	uint8_t look[LOOK];

	memset(bytes + len, area->flash.erased, whole - len);
	if (hm_port_flash_program(
		HM_AREA_VAULT, at, HM_MAKE(hm_bytes, bytes, whole)) != HM_OK)
		return HM_E_STORAGE;
	for (uint32_t from = 0; from < whole; from += LOOK) {
		uint32_t now = whole - from < LOOK ? whole - from : LOOK;

		if (hm_port_flash_read(HM_AREA_VAULT, at + from,
			HM_MAKE(hm_span, look, now)) != HM_OK ||
		    memcmp(look, bytes + from, now) != 0)
			return HM_E_STORAGE;
	}
	return HM_OK;
}

static void
nonce_of(uint32_t index, uint8_t ret[HM_STATIC HM_GCM_NONCE_LEN])
{
	memset(ret, 0, HM_GCM_NONCE_LEN);
	hm_put_u32(ret + HM_GCM_NONCE_LEN - 4, index);
}

/* The key of an entry whose aad and place are there. */
static hm_err
derive(struct vault_entry *entry)
{
	const struct hm_bytes info[] = { HM_LITERAL("hallmark-vault-entry-v1"),
		HM_BYTES(entry->aad) };
	uint8_t vault[32];

	if (hm_port_derive(HM_LITERAL("hallmark-vault-v1"), vault) != HM_OK)
		return HM_E_STORAGE;
	hm_hkdf_expand(
	    vault, info, 2, HM_MAKE(hm_span, entry->key, sizeof(entry->key)));
	hm_wipe(vault, sizeof(vault));
	return HM_OK;
}

static void
seal(const struct vault_entry *entry, uint32_t index, struct hm_bytes plain,
    uint8_t *ret)
{
	uint8_t nonce[HM_GCM_NONCE_LEN];

	nonce_of(index, nonce);
	hm_gcm_seal(
	    HM_BYTES(entry->key), nonce, HM_BYTES(entry->aad), plain, ret);
}

static hm_err
put_head(const struct vault_area *area, struct vault_entry *entry, uint32_t len)
{
	uint8_t head[VAULT_HEAD_LEN + HM_FLASH_UNIT_MAX];
	uint8_t *aad = entry->aad;

	entry->len = len;
	aad[0] = 'H';
	aad[1] = 'V';
	aad[AT_NUMBER] = entry->number;
	aad[AT_VERSION] = VERSION;
	hm_put_u32(aad + AT_LEN, len);
	hm_put_u64(aad + AT_SEQUENCE, entry->sequence);
	if (hm_port_random(HM_MAKE(hm_span, aad + AT_SALT, SALT_LEN)) != HM_OK)
		return HM_E_STORAGE;
	hm_put_u32(aad + AT_TAG, entry->at);
	HM_TRY(derive(entry));
	memcpy(head, aad, AT_TAG);
	seal(entry, NONCE_HEAD, HM_MAKE(hm_bytes, 0), head + AT_TAG);
	return program(area, entry->at, head, VAULT_HEAD_LEN);
}

static hm_err
put_piece(const struct vault_area *area, const struct vault_entry *entry,
    const struct vault_source *from, uint32_t index)
{
	uint32_t at = vault_head_end(area) + index * VAULT_STEP;
	uint32_t len = piece_len(entry->len, index);
	uint8_t piece[VAULT_STEP];
	struct hm_bytes plain = { piece, len };
	hm_err err = HM_OK;

	if (from->entry == NULL)
		plain.ptr = from->bytes.ptr + index * VAULT_PIECE;
	else
		err = vault_piece(area, from->entry, index, piece, &len);
	if (err == HM_OK) {
		seal(entry, index, plain, piece);
		err =
		    program(area, entry->at + at, piece, len + HM_GCM_TAG_LEN);
	}
	hm_wipe(piece, sizeof(piece));
	return err;
}

hm_err
vault_put(const struct vault_area *area, struct vault_entry *entry,
    const struct vault_source *from)
{
	uint32_t len =
	    from->entry != NULL ? from->entry->len : (uint32_t)from->bytes.len;
	uint8_t done[HM_FLASH_UNIT_MAX];
	hm_err err = put_head(area, entry, len);

	for (uint32_t i = 0; err == HM_OK && i < vault_piece_count(len); i++)
		err = put_piece(area, entry, from, i);
	vault_close(entry);
	memset(done, DONE, sizeof(done));
	if (err != HM_OK)
		return err;
	return program(area,
	    entry->at + vault_entry_size(area, len) - area->flash.unit, done,
	    area->flash.unit);
}

hm_err
vault_open(const struct vault_area *area, uint32_t at, uint32_t end,
    struct vault_entry *ret)
{
	uint8_t head[VAULT_HEAD_LEN], nonce[HM_GCM_NONCE_LEN], none[1];
	const struct hm_bytes tag = { head + AT_TAG, HM_GCM_TAG_LEN };
	struct vault_entry entry = { .at = at };
	hm_err err;

	if (end - at < VAULT_HEAD_LEN ||
	    hm_port_flash_read(HM_AREA_VAULT, at,
		HM_MAKE(hm_span, head, sizeof(head))) != HM_OK ||
	    !(is_head(head) || is_tomb(head)))
		return HM_E_STORAGE;
	memcpy(entry.aad, head, AT_TAG);
	hm_put_u32(entry.aad + AT_TAG, at);
	entry.number = head[AT_NUMBER];
	entry.len = hm_get_u32(head + AT_LEN);
	entry.sequence = hm_get_u64(head + AT_SEQUENCE);
	if (entry.len > VAULT_LEN_MAX ||
	    vault_entry_size(area, entry.len) > end - at)
		return HM_E_STORAGE;
	HM_TRY(derive(&entry));
	nonce_of(NONCE_HEAD, nonce);
	err = hm_gcm_open(
	    HM_BYTES(entry.key), nonce, HM_BYTES(entry.aad), tag, none);
	if (err == HM_OK)
		*ret = entry;
	vault_close(&entry);
	return err == HM_OK ? HM_OK : HM_E_STORAGE;
}

void
vault_close(struct vault_entry *entry)
{
	hm_wipe(entry->key, sizeof(entry->key));
}

hm_err
vault_piece(const struct vault_area *area, const struct vault_entry *entry,
    uint32_t index, uint8_t ret[HM_STATIC VAULT_STEP], uint32_t *ret_len)
{
	uint32_t at = vault_head_end(area) + index * VAULT_STEP;
	uint32_t len = piece_len(entry->len, index);
	struct hm_bytes cipher = { ret, len + HM_GCM_TAG_LEN };
	uint8_t nonce[HM_GCM_NONCE_LEN];

	nonce_of(index, nonce);
	if (hm_port_flash_read(HM_AREA_VAULT, entry->at + at,
		HM_MAKE(hm_span, ret, cipher.len)) != HM_OK ||
	    hm_gcm_open(HM_BYTES(entry->key), nonce, HM_BYTES(entry->aad),
		cipher, ret) != HM_OK) {
		hm_wipe(ret, VAULT_STEP);
		return HM_E_STORAGE;
	}
	*ret_len = len;
	return HM_OK;
}
