/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes one way only: life cycle, security counter, keys of images. A bit
 * of the life cycle counts as soon as one of its unit is programmed, so a cut
 * leaves the stricter state, and whoever raises it again completes it.
 */
#include "mps2.h"

#include <string.h>

#include "core/check.h"
#include "hallmark/flash.h"
#include "map.h"

/* In place: a copy on the stack may take a register along that still has a word
 * of an image. */
static uint64_t
unit_at(uint32_t at)
{
	return *(const uint64_t *)(const void *)nor_at(MPS2_FUSES_AT + at);
}

/* ---- life cycle ---- */

static bool
is_burned(hm_lock step)
{
	return unit_at(MPS2_LIFE_AT + MPS2_UNIT * ((uint32_t)step - 1)) !=
	       UINT64_MAX;
}

hm_err
hm_port_lock(hm_lock *ret)
{
	*ret = is_burned(HM_LOCK_LOCKED)   ? HM_LOCK_LOCKED
	       : is_burned(HM_LOCK_CLOSED) ? HM_LOCK_CLOSED
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
	for (uint32_t step = HM_LOCK_CLOSED; step <= (uint32_t)to; step++) {
		uint32_t at = MPS2_LIFE_AT + MPS2_UNIT * (step - 1);

		if (unit_at(at) != 0)
			nor_burn(MPS2_FUSES_AT + at, UINT64_MAX);
	}
	return HM_OK;
}

/* ---- security counter ---- */

hm_err
hm_port_counter(uint32_t *ret)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < MPS2_COUNTER_BITS / 64; i++) {
		uint64_t unit = ~unit_at(MPS2_COUNTER_AT + MPS2_UNIT * i);

		for (; unit != 0; unit &= unit - 1)
			count++;
	}
	*ret = count;
	return HM_OK;
}

hm_err
hm_port_counter_raise(uint32_t to)
{
	if (to > MPS2_COUNTER_BITS)
		return HM_E_IO; /* no more fuses */
	for (uint32_t i = 0; i < to; i += 64) {
		uint32_t at = MPS2_COUNTER_AT + MPS2_UNIT * (i / 64);
		uint64_t zeros =
		    to - i >= 64 ? UINT64_MAX : (UINT64_C(1) << (to - i)) - 1;

		if ((unit_at(at) & zeros) != 0)
			nor_burn(MPS2_FUSES_AT + at, zeros);
	}
	return HM_OK;
}

/* ---- keys of images ---- */

static uint32_t
row_at(uint32_t index)
{
	hm_assert(index < MPS2_KEY_ROWS);
	return MPS2_KEYS_AT + MPS2_KEY_ROW * index;
}

static bool
is_empty(uint32_t row)
{
	for (uint32_t at = 0; at < MPS2_KEY_ROW; at += MPS2_UNIT)
		if (unit_at(row + at) != UINT64_MAX)
			return false;
	return true;
}

hm_err
hm_port_boot_key(uint32_t index, uint8_t ret[static HM_DIGEST_LEN])
{
	uint32_t row = row_at(index);

	if (is_empty(row))
		return HM_E_NOT_FOUND;
	if (unit_at(row + MPS2_KEY_WHOLE) != 0 ||
	    unit_at(row + MPS2_KEY_REVOKED) != UINT64_MAX)
		return HM_E_KEY;
	memcpy(ret, nor_at(MPS2_FUSES_AT + row), HM_DIGEST_LEN);
	return HM_OK;
}

hm_err
hm_port_boot_key_add(uint32_t index, const uint8_t hash[static HM_DIGEST_LEN])
{
	uint32_t row = row_at(index);
	uint8_t now[HM_DIGEST_LEN];
	hm_err err = hm_port_boot_key(index, now);

	if (err == HM_OK && memcmp(now, hash, HM_DIGEST_LEN) == 0)
		return HM_OK;
	if (err == HM_OK)
		return HM_E_EXISTS;
	if (err != HM_E_NOT_FOUND)
		return err;
	for (uint32_t at = 0; at < HM_DIGEST_LEN; at += MPS2_UNIT) {
		uint64_t unit;

		memcpy(&unit, hash + at, sizeof(unit));
		nor_burn(MPS2_FUSES_AT + row + at, ~unit);
	}
	nor_burn(MPS2_FUSES_AT + row + MPS2_KEY_WHOLE, UINT64_MAX);
	return HM_OK;
}

hm_err
hm_port_boot_key_revoke(uint32_t index)
{
	nor_burn(MPS2_FUSES_AT + row_at(index) + MPS2_KEY_REVOKED, UINT64_MAX);
	return HM_OK;
}
