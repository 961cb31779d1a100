/* SPDX-License-Identifier: Apache-2.0 */
#include "power.h"

const unsigned power_every = 1, power_every_nested = 1;
/* 8 writes, before and after each; a delivery does without one */
const unsigned power_least[POWER_WAYS] = { 16, 14, 16 };

void
power_chip(uint64_t number, const uint8_t stamp_key[static 65])
{
	memport_reset(number, stamp_key);
}

void
power_on(unsigned cut_at, jmp_buf *off)
{
	chip.steps = 0;
	chip.cut_at = cut_at;
	chip.power_cut = off;
}

void
power_start(void)
{
}
