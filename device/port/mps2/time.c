/* SPDX-License-Identifier: Apache-2.0 */
/* SysTick, a tenth of a second a round. */
#include "mps2.h"

#include "board.h"
#include "hallmark/flash.h"

#define SYSTICK 0xe000e010u
#define CSR 0x0
#define RVR 0x4
#define CVR 0x8
#define CSR_ON 0x7u /* processor clock, interrupt, enable */
#define ROUND (BOARD_CLOCK_HZ / 10)

static volatile uint32_t rounds;

void
irq_tick(void)
{
	rounds = rounds + 1;
}

void
time_start(void)
{
	*board_reg(SYSTICK, RVR) = ROUND - 1;
	*board_reg(SYSTICK, CVR) = 0;
	*board_reg(SYSTICK, CSR) = CSR_ON;
	/* The first reload takes a moment, and until then it reads 0. */
	while (*board_reg(SYSTICK, CVR) == 0)
		continue;
}

/* Rounds that are over, and ticks of the one that is not. */
static uint32_t
look(uint32_t *ret_ticks)
{
	uint32_t high, low;

	do {
		high = rounds;
		low = *board_reg(SYSTICK, CVR);
	} while (high != rounds);
	*ret_ticks = ROUND - 1 - low;
	return high;
}

uint64_t
mps2_ticks(void)
{
	uint32_t ticks, high = look(&ticks);

	return (uint64_t)high * ROUND + ticks;
}

/* Without a division of 64 bits, which takes 700 bytes of flash. */
uint32_t
mps2_ms(void)
{
	uint32_t ticks, high = look(&ticks);

	return high * 100 + ticks / (BOARD_CLOCK_HZ / 1000);
}

uint32_t
hm_port_ms(void)
{
	return mps2_ms();
}
