/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot loader's memory protection: its code and vectors cannot be written,
 * and nothing but them is executed. Whoever makes it write over its vectors or
 * jump into flash or RAM, by one wrong instruction, gets a fault. What no
 * region names is not there, but for the processor's own registers. It is taken
 * off by the jump to the image that was chosen, at the end of this file.
 */
#include "board.h"
#include "guard.h"

#define MPU 0xe000ed90u
#define CTRL 0x04u
#define RNR 0x08u
#define RBAR 0x0cu
#define RLAR 0x10u  /* ARMv7-M: RASR */
#define MAIR0 0x30u /* ARMv8-M */
#define ON 0x3u     /* in faults, too; without the default map */

struct region {
	uint32_t base, rest;
};

#ifdef HM_BOARD_AN505
/* ARMv8-M. Base: 4 read-only, 1 never executed. Rest: the last 32 bytes, the
 * attributes (0: memory, 1 << 1: devices), 1 enabled. */
#define KINDS 0x0044u
#define REGION(at, how, size, kind)                                  \
	{                                                            \
		(at) | (how), ((at) + (size)-32u) | (kind) << 1 | 1u \
	}

static const struct region regions[] = {
	REGION(BOARD_CODE, 4u, 0x400000u, 0u),
	REGION(BOARD_RAM, 1u, 0x400000u, 0u),
	REGION(BOARD_FLASH, 1u, 0x1000000u, 0u),
	REGION(BOARD_DEVICES, 1u, 0x100000u, 1u),
};
#else
/* ARMv7-M. Rest: never executed (bit 28), 5 read-only or 1 (from bit 24 on),
 * memory 2 or devices 5 (bit 16), the size as a power of two less one (bit 1),
 * 1 enabled. RAM and flash are in one. */
#define REGION(at, xn, access, kind, power)                        \
	{                                                          \
		(at), (xn) << 28 | (access) << 24 | (kind) << 16 | \
			  ((power)-1u) << 1 | 1u                   \
	}

static const struct region regions[] = {
	REGION(BOARD_CODE, 0u, 5u, 2u, 23u),
	REGION(BOARD_RAM, 1u, 1u, 2u, 25u),
	REGION(BOARD_DEVICES, 1u, 1u, 5u, 16u),
};
_Static_assert(BOARD_FLASH - BOARD_RAM == 0x1000000u, "one region of 32 MiB");
#endif

void
guard_on(void)
{
#ifdef HM_BOARD_AN505
	*board_reg(MPU, MAIR0) = KINDS;
#endif
	for (uint32_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		*board_reg(MPU, RNR) = i;
		*board_reg(MPU, RBAR) = regions[i].base;
		*board_reg(MPU, RLAR) = regions[i].rest;
	}
	*board_reg(MPU, CTRL) = ON;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

/* Whoever misses one of these instructions starts nothing else: with the
 * protection on no image is executed, faults are the boot loader's own until
 * the last store, and behind the jump one waits for the watchdog. */
void
guard_leave(uint32_t vectors, uint32_t stack, uint32_t start)
{
	_Static_assert(MPU + CTRL == 0xe000ed94u, "as below");
	__asm__ volatile("ldrd r3, ip, [%0]\n\t" /* what was loaded, again */
			 "cmp r3, %1\n\t"
			 "it eq\n\t"
			 "cmpeq ip, %2\n\t"
			 "bne 1f\n\t"
			 "mov ip, #0xe000e000\n\t"
			 "movs r3, #0\n\t"
			 "str r3, [ip, #0x010]\n\t" /* SysTick */
			 "str r3, [ip, #0xd94]\n\t" /* the protection */
			 "dsb\n\t"
			 "isb\n\t"
			 "msr msp, %1\n\t"
			 "str %0, [ip, #0xd08]\n\t" /* VTOR */
			 "dsb\n\t"
			 "bx %2\n"
			 "1:\tb 1b"
			 :
			 : "r"(vectors), "r"(stack), "r"(start)
			 : "r3", "ip", "cc", "memory");
	__builtin_unreachable();
}
