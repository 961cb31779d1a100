/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark/flash.h: areas, fuses, counter, life cycle, keys. */
#include "board.h"

#include <string.h>

#include "core/check.h"
#include "hallmark/crypto.h"
#include "hallmark/flash.h"

#define NVMC 0x4001E000u
#define READY 0x400u
#define CONFIG 0x504u /* 0 read, 1 write, 2 erase */
#define ERASEPAGE 0x508u
#define ERASED 0xFFFFFFFFu

/* ---- the flash controller ---- */

static void
set_mode(uint32_t mode)
{
	*reg(NVMC, CONFIG) = mode;
	while (*reg(NVMC, READY) == 0)
		;
}

void
flash_word(uint32_t at, uint32_t word)
{
	set_mode(1);
	*reg(0, at) = word;
	set_mode(0);
}

static void
erase_page(uint32_t at)
{
	set_mode(2);
	*reg(NVMC, ERASEPAGE) = at;
	set_mode(0);
}

/* ---- areas ---- */

static const struct {
	hm_area area;
	uint32_t at, size, sector;
} places[] = {
	{ HM_AREA_JOURNAL, JOURNAL_AT, JOURNAL_SIZE, PAGE },
	{ HM_AREA_VAULT, VAULT_AT, VAULT_SIZE, VAULT_SECTOR },
	{ HM_AREA_SLOT_A, SLOT_A_AT, SLOT_SIZE, PAGE },
	{ HM_AREA_SLOT_B, SLOT_B_AT, SLOT_SIZE, PAGE },
};

hm_err
hm_port_flash(hm_area area, struct hm_flash *ret)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].area != area)
			continue;
		*ret = (struct hm_flash){ .size = places[i].size,
			.sector = places[i].sector,
			.unit = 4,
			.erased = 0xFF };
		return HM_OK;
	}
	return HM_E_NOT_FOUND;
}

static uint32_t
place_of(hm_area area, uint32_t at, size_t len)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].area != area)
			continue;
		hm_assert(at <= places[i].size && len <= places[i].size - at);
		return places[i].at + at;
	}
	hm_panic(__FILE__, __LINE__, "no such area");
}

hm_err
hm_port_flash_read(hm_area area, uint32_t at, struct hm_span ret)
{
	const volatile void *from = reg(0, place_of(area, at, ret.len));

	memcpy(ret.ptr, (const void *)(uintptr_t)from, ret.len);
	return HM_OK;
}

hm_err
hm_port_flash_program(hm_area area, uint32_t at, struct hm_bytes bytes)
{
	uint32_t to = place_of(area, at, bytes.len), word;

	for (size_t i = 0; i < bytes.len; i += sizeof(word)) {
		memcpy(&word, bytes.ptr + i, sizeof(word));
		flash_word(to + (uint32_t)i, word);
	}
	return HM_OK;
}

hm_err
hm_port_flash_erase(hm_area area, uint32_t at)
{
	uint32_t size = area == HM_AREA_VAULT ? VAULT_SECTOR : PAGE;
	uint32_t from = place_of(area, at, size);

	for (uint32_t page = from; page < from + size; page += PAGE)
		erase_page(page);
	return HM_OK;
}

/* ---- what goes one way only ---- */

static void
burn(const void *fuse, uint32_t word)
{
	flash_word((uint32_t)(uintptr_t)fuse, word);
}

hm_err
hm_port_counter(uint32_t *ret)
{
	uint32_t count = 0;

	for (size_t i = 0; i < 8; i++)
		for (uint32_t left = ~fuses()->counter[i]; left != 0;
		     left &= left - 1)
			count++;
	*ret = count;
	return HM_OK;
}

hm_err
hm_port_counter_raise(uint32_t to)
{
	if (to > 256)
		return HM_E_IO;
	for (uint32_t i = 0; i * 32 < to; i++) {
		uint32_t steps = to - i * 32;
		uint32_t word = steps >= 32 ? 0 : ERASED << steps;

		if ((fuses()->counter[i] & ~word) != 0)
			burn(&fuses()->counter[i], word);
	}
	return HM_OK;
}

/* Any bit of a word counts: a cut leaves the stricter state. */
hm_err
hm_port_lock(hm_lock *ret)
{
	*ret = fuses()->life[1] != ERASED   ? HM_LOCK_LOCKED
	       : fuses()->life[0] != ERASED ? HM_LOCK_CLOSED
					    : HM_LOCK_OPEN;
	return HM_OK;
}

hm_err
hm_port_lock_raise(hm_lock to)
{
	hm_lock now;

	HM_TRY(hm_port_lock(&now));
	if (to < now)
		return HM_E_WRONG_STATE;
	for (uint32_t i = 0; i < (uint32_t)to; i++)
		if (fuses()->life[i] != 0)
			burn(&fuses()->life[i], 0);
	return HM_OK;
}

hm_err
hm_port_boot_key(uint32_t index, uint8_t ret[static HM_DIGEST_LEN])
{
	const void *row = &fuses()->keys[index];

	hm_assert(index < 4);
	for (size_t i = 0; i < sizeof(fuses()->keys[0]) / 4; i++) {
		if (((const uint32_t *)row)[i] == ERASED)
			continue;
		if (fuses()->keys[index].whole != 0 ||
		    fuses()->keys[index].revoked != ERASED)
			return HM_E_KEY;
		memcpy(ret, fuses()->keys[index].hash, HM_DIGEST_LEN);
		return HM_OK;
	}
	return HM_E_NOT_FOUND;
}

hm_err
hm_port_boot_key_add(uint32_t index, const uint8_t hash[static HM_DIGEST_LEN])
{
	uint8_t now[HM_DIGEST_LEN];
	hm_err err = hm_port_boot_key(index, now);
	uint32_t word;

	if (err == HM_OK)
		return memcmp(now, hash, sizeof(now)) == 0 ? HM_OK
							   : HM_E_EXISTS;
	if (err != HM_E_NOT_FOUND)
		return err;
	for (size_t i = 0; i < HM_DIGEST_LEN; i += sizeof(word)) {
		memcpy(&word, hash + i, sizeof(word));
		burn(fuses()->keys[index].hash + i, word);
	}
	burn(&fuses()->keys[index].whole, 0); /* last: now it is complete */
	return HM_OK;
}

hm_err
hm_port_boot_key_revoke(uint32_t index)
{
	hm_assert(index < 4);
	burn(&fuses()->keys[index].revoked, 0);
	return HM_OK;
}

hm_err
hm_port_derive(struct hm_bytes label, uint8_t ret[static 32])
{
	hm_hmac(HM_BYTES(fuses()->secret), &label, 1, ret);
	return HM_OK;
}
