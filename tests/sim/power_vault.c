/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "power.h"

#include <cmocka.h>

#include "hallmark/vault.h"
#include "nor.h"

const unsigned power_every = 1, power_every_nested = 31;
const unsigned power_least[POWER_WAYS] = { 250, 240, 250 };

static jmp_buf *off_to;

static void
power_goes(void)
{
	longjmp(*off_to, 1);
}

/* The numbers go round the ways in which an operation is cut. */
void
power_chip(uint64_t number, const uint8_t stamp_key[static 65])
{
	static const struct nor_chip flash = { "2x8k-8",
		{ { HM_AREA_VAULT, { 16384, 8192, 8, 0xff } } }, true };

	nor_close();
	memport_reset(1, stamp_key);
	nor_open(&flash);
	nor.seed = number;
	nor.tear = (nor_tear)(number % NOR_TEARS);
	nor.cut = power_goes;
	nor.otp->counter = chip.counter;
	nor.otp->lock = chip.lock;
}

void
power_on(unsigned cut_at, jmp_buf *off)
{
	nor_power_on();
	nor.cut_at = cut_at;
	off_to = off;
}

void
power_start(void)
{
	assert_int_equal(hm_vault_init(), HM_OK);
}
