/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot loader's memory protection: its code and vectors cannot be written,
 * and nothing but them is executed. Whoever makes it write over its vectors or
 * jump into flash or RAM, by one wrong instruction, gets a fault. What no
 * region names is not there, but for the processor's own registers. It is taken
 * off by the jump to the image that was chosen.
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

/* Constants stand behind the last function, and nothing protects any more: who
 * misses the return stays there until the watchdog comes. */
__attribute__((naked)) void
guard_off(void)
{
	_Static_assert(MPU + CTRL == 0xe000ed94u, "as below");
	__asm__ volatile("movw r3, #0xed94\n\t"
			 "movt r3, #0xe000\n\t"
			 "movs r2, #0\n\t"
			 "str r2, [r3]\n\t"
			 "bx lr\n\t"
			 "b .");
}
