/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CMSDK watchdog: the first time that it runs out is an interrupt that
 * resets, the second resets by itself. Time is the host's: a busy one must not
 * look like a hung program.
 */
#include "board.h"
#include "hallmark/flash.h"

#define WDOG_LOAD 0x000
#define WDOG_CTRL 0x008
#define WDOG_LOCK 0xc00
#define WDOG_ON 0x3u /* interrupt and reset */
#define WDOG_KEY 0x1acce551u
#ifndef WDOG_MS
#define WDOG_MS 30000u
#endif

void
hm_port_watchdog(void)
{
	*board_reg(BOARD_WATCHDOG, WDOG_LOCK) = WDOG_KEY;
	*board_reg(BOARD_WATCHDOG, WDOG_LOAD) =
	    WDOG_MS * (BOARD_CLOCK_HZ / 1000);
	*board_reg(BOARD_WATCHDOG, WDOG_CTRL) = WDOG_ON;
	*board_reg(BOARD_WATCHDOG, WDOG_LOCK) = 0;
}
