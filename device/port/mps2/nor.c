/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NOR flash made of memory that the host keeps in a file. Programming clears
 * bits and is refused where it would set one, or where the unit is not erased:
 * that is a mistake of ours, and ends the emulation. Every unit that is
 * programmed and every sector that is erased is one operation; power can be cut
 * at each, before it or, torn, in the middle of it.
 */
#include "mps2.h"

#include <string.h>

#include "board.h"
#include "core/check.h"
#include "map.h"

static uint32_t cut, torn;

void
nor_start(void)
{
	cut = mps2_argument("cut", 0);
	torn = mps2_argument("torn", 0);
}

const uint8_t *
nor_at(uint32_t at)
{
	return (const uint8_t *)(uintptr_t)(BOARD_FLASH + at);
}

static volatile uint32_t *
words_at(uint32_t at)
{
	return (volatile uint32_t *)(uintptr_t)(BOARD_FLASH + at);
}

static void
breach(const char *what)
{
	mps2_say("flash: ");
	mps2_say(what);
	mps2_say("\n");
	mps2_exit(MPS2_EXIT_BREACH);
}

/* Is this the operation that is cut? Whoever is told so ends after its half. */
static bool
is_cut(void)
{
	volatile uint32_t *operations = board_reg(BOARD_KEPT, 0);

	*operations = *operations + 1;
	if (*operations != cut)
		return false;
	if (torn == 0)
		mps2_exit(MPS2_EXIT_CUT);
	return true;
}

void
nor_burn(uint32_t at, uint64_t zeros)
{
	volatile uint32_t *unit = words_at(at);
	bool last = is_cut();

	if (at % MPS2_UNIT != 0 || at >= MPS2_FLASH_SIZE)
		breach("no such unit");
	unit[0] = unit[0] & ~(uint32_t)zeros;
	if (last)
		mps2_exit(MPS2_EXIT_CUT);
	unit[1] = unit[1] & ~(uint32_t)(zeros >> 32);
}

void
nor_program(uint32_t at, const uint8_t *bytes, uint32_t len)
{
	if (len % MPS2_UNIT != 0 || at + len > MPS2_FLASH_SIZE)
		breach("not whole units");
	for (uint32_t i = 0; i < len; i += MPS2_UNIT) {
		uint64_t unit;

		memcpy(&unit, nor_at(at + i), sizeof(unit));
		if (unit != UINT64_MAX)
			breach("programmed without an erase");
		memcpy(&unit, bytes + i, sizeof(unit));
		nor_burn(at + i, ~unit);
	}
}

void
nor_erase(uint32_t at, uint32_t size)
{
	volatile uint32_t *words = words_at(at);
	bool last = is_cut();

	if (at % size != 0 || at + size > MPS2_FLASH_SIZE)
		breach("no such sector");
	for (uint32_t i = 0; i < size / 4; i++) {
		if (last && i == size / 8)
			mps2_exit(MPS2_EXIT_CUT);
		words[i] = UINT32_MAX;
	}
}
