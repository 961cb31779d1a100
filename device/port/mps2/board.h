/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * board - Arm's MPS2 boards, as QEMU emulates them
 *
 *   an385   Cortex-M3    an505   Cortex-M33, all in the secure state
 *
 * What the two have in common is the same code: UART, watchdog and timer are
 * Arm's CMSDK and the architecture's. Here stands what differs.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef HM_BOARD_AN505
#define BOARD_UART 0x50200000u
#define BOARD_UART_IRQ 32
#define BOARD_WATCHDOG 0x50081000u
#define BOARD_CLOCK_HZ 20000000u
#define BOARD_CODE 0x10000000u
#define BOARD_DEVICES 0x50000000u
#define BOARD_FLASH 0x80000000u
#define BOARD_RAM 0x38000000u
#else
#define BOARD_UART 0x40004000u
#define BOARD_UART_IRQ 0
#define BOARD_WATCHDOG 0x40008000u
#define BOARD_CLOCK_HZ 25000000u
#define BOARD_CODE 0x00000000u
#define BOARD_DEVICES 0x40000000u
#define BOARD_FLASH 0x21000000u
#define BOARD_RAM 0x20000000u
#endif

#define BOARD_IRQS 48
/* What the programs share: applications and boot loader hand over above it. */
#define BOARD_RAM_SIZE 0x20000u
#define BOARD_HANDOVER (BOARD_RAM + BOARD_RAM_SIZE)
/* Words that no reset clears: zero when power comes. */
#define BOARD_KEPT (BOARD_HANDOVER + 0x100u)

static inline volatile uint32_t *
board_reg(uintptr_t base, uintptr_t at)
{
	return (volatile uint32_t *)(base + at);
}
