/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each area has two planes of bytes, what a unit was and what it was to become,
 * and one state a unit; a sound unit uses the first plane only. Undo works on
 * pages of 256 bytes with their states: each is saved once per mark.
 */
#include "nor.h"
#include "nor_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"

enum { ERASED, WRITTEN, TORN, DAILY, LATE };

struct nor nor;

static uint64_t day, reads;

/* splitmix64: one step of a stream, or a hash of its argument */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

uint64_t
nor_random(void)
{
	nor.seed = mix(nor.seed);
	return nor.seed;
}

/* Is power to go at this operation? HM_E_IO: it was told to fail. */
static hm_err
step(bool *ret_cut)
{
	nor.operations++;
	nor.total++;
	*ret_cut = nor.operations == nor.cut_at;
	if (*ret_cut && nor.tear == NOR_CLEAN)
		nor.cut();
	return nor.operations == nor.fail_at ? HM_E_IO : HM_OK;
}

/* What a torn unit reads as. `at` says whose draw it is. */
static hm_err
draw(const struct nor_plane *plane, uint32_t at, uint64_t luck, uint8_t *ret)
{
	const uint32_t unit = plane->flash.unit;
	const uint8_t *was = plane->was + at, *is = plane->is + at;

	luck = mix(luck ^ at);
	for (uint32_t i = 0; i < unit; i++) {
		uint64_t noise = mix(luck + i);

		switch (luck % 8) {
		case 0:
		case 1:
			ret[i] = was[i];
			break;
		case 2:
		case 3:
			ret[i] = is[i];
			break;
		case 4:
			ret[i] = i < unit / 2 ? is[i] : was[i];
			break;
		case 5:
			ret[i] = (uint8_t)noise;
			break;
		default:
			ret[i] = (uint8_t)((was[i] & noise) | (is[i] & ~noise));
			break;
		}
	}
	return luck % 8 == 5 && store.chip->ecc ? HM_E_IO : HM_OK;
}

/* Luck of a unit: of a cut erase, half of the time that of its sector. */
static uint64_t
luck_of(const struct nor_plane *plane, uint32_t at, uint64_t moment)
{
	uint64_t whole = mix(moment ^ (at / plane->flash.sector) << 8 ^
			     (uint64_t)(plane - store.planes));

	return whole % 2 == 0 ? whole : mix(whole + at);
}

static hm_err
read_unit(const struct nor_plane *plane, uint32_t at, uint8_t *ret)
{
	const uint32_t unit = plane->flash.unit;
	const uint8_t state = plane->states[at / unit];

	if (state == DAILY)
		return draw(plane, at, luck_of(plane, at, mix(day)), ret);
	if (state == LATE)
		return draw(plane, at, luck_of(plane, at, mix(++reads)), ret);
	memcpy(ret, plane->is + at, unit);
	return HM_OK;
}

hm_err
hm_port_flash(hm_area area, struct hm_flash *ret)
{
	const struct nor_plane *plane = store_find(area);

	if (plane == NULL)
		return HM_E_NOT_FOUND;
	*ret = plane->flash;
	return HM_OK;
}

/* Is every unit in between sound? Then a read is a copy. */
static bool
is_sound(const struct nor_plane *plane, uint32_t at, size_t len)
{
	const uint32_t unit = plane->flash.unit;
	const uint8_t *states = plane->states + at / unit;
	const size_t count = ((size_t)(at % unit) + len + unit - 1) / unit;
	uint8_t unsound = 0;

	/* without a way out in between: many at once */
	for (size_t i = 0; i < count; i++)
		unsound |= states[i] >= DAILY;
	return unsound == 0;
}

hm_err
hm_port_flash_read(hm_area area, uint32_t at, struct hm_span ret)
{
	const struct nor_plane *plane = store_find(area);
	uint8_t unit[HM_FLASH_UNIT_MAX];
	uint32_t base, from, n;

	hm_assert(plane != NULL && at <= plane->flash.size &&
		  ret.len <= plane->flash.size - at);
	if (is_sound(plane, at, ret.len)) {
		if (ret.len > 0)
			memcpy(ret.ptr, plane->is + at, ret.len);
		return HM_OK;
	}
	for (; ret.len > 0; at += n, ret.ptr += n, ret.len -= n) {
		base = at - at % plane->flash.unit;
		from = at - base;
		n = plane->flash.unit - from;
		n = n < ret.len ? n : (uint32_t)ret.len;
		HM_TRY(read_unit(plane, base, unit));
		memcpy(ret.ptr, unit + from, n);
	}
	return HM_OK;
}

/* The unit or units from `at` stay as power left them. */
static void
tear(struct nor_plane *plane, uint32_t at, uint32_t len)
{
	const uint32_t unit = plane->flash.unit;
	const uint64_t moment = nor_random();
	uint8_t left[HM_FLASH_UNIT_MAX];

	for (uint32_t end = at + len; at < end; at += unit) {
		if (nor.tear == NOR_TORN) {
			(void)draw(plane, at, luck_of(plane, at, moment), left);
			memcpy(plane->is + at, left, unit);
			plane->states[at / unit] = TORN;
			continue;
		}
		plane->states[at / unit] = nor.tear == NOR_LATE ? LATE : DAILY;
	}
	nor.cut();
}

/* Written with what an erased one holds: the next to come cannot tell. */
static bool
is_as_erased(const struct nor_plane *plane, uint32_t at)
{
	for (uint32_t i = 0; i < plane->flash.unit; i++)
		if (plane->is[at + i] != plane->flash.erased)
			return false;
	return true;
}

static hm_err
program_unit(struct nor_plane *plane, uint32_t at, const uint8_t *bytes)
{
	const uint32_t unit = plane->flash.unit;
	uint8_t *state = &plane->states[at / unit];
	bool cut;

	/* twice without an erase: a mistake of the caller's, never of power;
	 * but where it cannot be seen, it is as if the unit were torn */
	hm_assert(*state != WRITTEN || is_as_erased(plane, at));
	HM_TRY(step(&cut));
	store_touch(plane, at, unit);
	if (*state != ERASED) {
		memcpy(plane->was + at, plane->is + at, unit);
		memcpy(plane->is + at, bytes, unit);
		*state = LATE;
	} else {
		memset(plane->was + at, plane->flash.erased, unit);
		memcpy(plane->is + at, bytes, unit);
		*state = WRITTEN;
	}
	if (cut)
		tear(plane, at, unit);
	return HM_OK;
}

hm_err
hm_port_flash_program(hm_area area, uint32_t at, struct hm_bytes bytes)
{
	struct nor_plane *plane = store_find(area);
	const uint32_t unit = plane != NULL ? plane->flash.unit : 1;

	hm_assert(plane != NULL && at % unit == 0 && bytes.len % unit == 0 &&
		  at <= plane->flash.size &&
		  bytes.len <= plane->flash.size - at);
	for (size_t done = 0; done < bytes.len; done += unit)
		HM_TRY(
		    program_unit(plane, at + (uint32_t)done, bytes.ptr + done));
	return HM_OK;
}

static bool
is_page_erased(const struct nor_plane *plane, uint32_t at, uint32_t len)
{
	const uint8_t *states = plane->states + at / plane->flash.unit;

	for (uint32_t i = 0; i < len / plane->flash.unit; i++)
		if (states[i] != ERASED)
			return false;
	return true;
}

hm_err
hm_port_flash_erase(hm_area area, uint32_t at)
{
	struct nor_plane *plane = store_find(area);
	uint32_t len, n;
	bool cut;

	hm_assert(plane != NULL && at % plane->flash.sector == 0 &&
		  at < plane->flash.size);
	HM_TRY(step(&cut));
	nor.erases++;
	len = plane->flash.sector;
	for (uint32_t i = 0; i < len; i += n) {
		n = len - i < STORE_PAGE ? len - i : STORE_PAGE;
		if (!cut && is_page_erased(plane, at + i, n))
			continue;
		store_touch(plane, at + i, n);
		memcpy(plane->was + at + i, plane->is + at + i, n);
		memset(plane->is + at + i, plane->flash.erased, n);
		memset(plane->states + (at + i) / plane->flash.unit, ERASED,
		    n / plane->flash.unit);
	}
	if (cut)
		tear(plane, at, len);
	return HM_OK;
}

void
nor_power_on(void)
{
	nor.operations = 0;
	nor.cut_at = 0;
	nor.fail_at = 0;
	day = nor_random();
}

uint32_t
nor_used(hm_area area)
{
	const struct nor_plane *plane = store_find(area);
	uint32_t used = 0, sector;

	hm_assert(plane != NULL);
	sector = plane->flash.sector;
	for (uint32_t at = 0; at < plane->flash.size; at += sector)
		used += !is_page_erased(plane, at, sector);
	return used;
}

/* OTP: `*ret_half` 0 to 3 is where in the step power goes; 4: it does not. */
static hm_err
otp_step(unsigned *ret_half)
{
	bool cut;

	HM_TRY(step(&cut));
	*ret_half = cut ? (unsigned)(nor_random() % 4) : 4;
	return HM_OK;
}

static void
otp_end(unsigned half)
{
	if (half < 4)
		nor.cut();
}

hm_err
hm_port_counter(uint32_t *ret)
{
	*ret = nor.otp->counter;
	return HM_OK;
}

hm_err
hm_port_counter_raise(uint32_t to)
{
	const uint32_t now = nor.otp->counter;
	unsigned half;

	if (to <= now)
		return HM_OK;
	HM_TRY(otp_step(&half));
	nor.otp->counter = now + (uint32_t)((uint64_t)(to - now) * half / 4);
	if (half == 3)
		nor.otp->counter = to;
	otp_end(half);
	return HM_OK;
}

hm_err
hm_port_lock(hm_lock *ret)
{
	*ret = nor.otp->lock;
	return HM_OK;
}

hm_err
hm_port_lock_raise(hm_lock to)
{
	unsigned half;

	if (to < nor.otp->lock)
		return HM_E_WRONG_STATE;
	if (to == nor.otp->lock)
		return HM_OK;
	HM_TRY(otp_step(&half));
	if (half >= 2)
		nor.otp->lock = to;
	otp_end(half);
	return HM_OK;
}

hm_err
hm_port_boot_key(uint32_t index, uint8_t ret[static HM_DIGEST_LEN])
{
	hm_assert(index < HM_BOOT_KEYS);
	if (nor.otp->keys[index].is_dead)
		return HM_E_KEY;
	if (!nor.otp->keys[index].is_written)
		return HM_E_NOT_FOUND;
	memcpy(ret, nor.otp->keys[index].hash, HM_DIGEST_LEN);
	return HM_OK;
}

hm_err
hm_port_boot_key_add(uint32_t index, const uint8_t hash[static HM_DIGEST_LEN])
{
	uint8_t there[HM_DIGEST_LEN];
	unsigned half;
	hm_err err;

	err = hm_port_boot_key(index, there);
	if (err == HM_OK)
		return memcmp(there, hash, sizeof(there)) == 0 ? HM_OK
							       : HM_E_EXISTS;
	if (err != HM_E_NOT_FOUND)
		return HM_E_EXISTS;
	HM_TRY(otp_step(&half));
	if (half >= 1) {
		memcpy(nor.otp->keys[index].hash, hash, HM_DIGEST_LEN);
		nor.otp->keys[index].is_written = true;
		nor.otp->keys[index].is_dead = half <= 2;
	}
	otp_end(half);
	return HM_OK;
}

hm_err
hm_port_boot_key_revoke(uint32_t index)
{
	unsigned half;

	hm_assert(index < HM_BOOT_KEYS);
	if (nor.otp->keys[index].is_dead)
		return HM_OK;
	HM_TRY(otp_step(&half));
	if (half >= 2)
		nor.otp->keys[index].is_dead = true;
	otp_end(half);
	return HM_OK;
}
