/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SysTick, a tenth of a second a round, and the CMSDK watchdog: the first time
 * it runs out is an interrupt that nobody serves, the second resets the chip.
 * Time is the host's: a busy one must not look like a hung program.
 */
#include "mps2.h"

#include "board.h"
#include "hallmark/flash.h"

#define SYSTICK 0xe000e010u
#define CSR 0x0
#define RVR 0x4
#define CVR 0x8
#define CSR_ON 0x7u /* processor clock, interrupt, enable */
#define ROUND (BOARD_CLOCK_HZ / 10)

#define WDOG_LOAD 0x000
#define WDOG_CTRL 0x008
#define WDOG_LOCK 0xc00
#define WDOG_ON 0x3u /* interrupt and reset */
#define WDOG_KEY 0x1acce551u
#define WDOG_S 30u

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

uint64_t
mps2_ticks(void)
{
	uint32_t high, low;

	do {
		high = rounds;
		low = *board_reg(SYSTICK, CVR);
	} while (high != rounds);
	return (uint64_t)high * ROUND + (ROUND - 1 - low);
}

uint32_t
mps2_ms(void)
{
	return (uint32_t)(mps2_ticks() / (BOARD_CLOCK_HZ / 1000));
}

uint32_t
hm_port_ms(void)
{
	return mps2_ms();
}

void
hm_port_watchdog(void)
{
	*board_reg(BOARD_WATCHDOG, WDOG_LOCK) = WDOG_KEY;
	*board_reg(BOARD_WATCHDOG, WDOG_LOAD) = WDOG_S * BOARD_CLOCK_HZ;
	*board_reg(BOARD_WATCHDOG, WDOG_CTRL) = WDOG_ON;
	*board_reg(BOARD_WATCHDOG, WDOG_LOCK) = 0;
}
