/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words in which thumb.py writes, and a function of them: NAME, with AT,
 * SYNC and TOUCH as whoever includes this has defined them; STORED, too, if a
 * word that is written is to be looked at.
 */
#include "program.h"
#include "thumb_run.h"

/* ---- what instructions do ---- */

static inline uint32_t
asr(uint32_t x, uint32_t n)
{
	return (uint32_t)((int32_t)x >> n);
}

static inline uint32_t
ror(uint32_t x, uint32_t n)
{
	n &= 31;
	return x >> n | x << (-n & 31);
}

static inline uint32_t
lsl_by(uint32_t x, uint32_t n)
{
	return n < 32 ? x << n : 0;
}

static inline uint32_t
lsl_by_c(uint32_t x, uint32_t n, uint32_t c)
{
	return n == 0 ? c : n <= 32 ? x >> (32 - n) & 1 : 0;
}

static inline uint32_t
lsr_by(uint32_t x, uint32_t n)
{
	return n < 32 ? x >> n : 0;
}

static inline uint32_t
lsr_by_c(uint32_t x, uint32_t n, uint32_t c)
{
	return n == 0 ? c : n <= 32 ? x >> (n - 1) & 1 : 0;
}

static inline uint32_t
asr_by(uint32_t x, uint32_t n)
{
	return asr(x, n < 32 ? n : 31);
}

static inline uint32_t
asr_by_c(uint32_t x, uint32_t n, uint32_t c)
{
	return n == 0 ? c : asr(x, n <= 32 ? n - 1 : 31) & 1;
}

static inline uint32_t
ror_by(uint32_t x, uint32_t n)
{
	return ror(x, n & 31);
}

static inline uint32_t
ror_by_c(uint32_t x, uint32_t n, uint32_t c)
{
	return n == 0 ? c : ror(x, n & 31) >> 31;
}

static inline uint32_t
rev(uint32_t x)
{
	return __builtin_bswap32(x);
}

static inline uint32_t
rev16(uint32_t x)
{
	return ror(__builtin_bswap32(x), 16);
}

static inline uint32_t
clz(uint32_t x)
{
	return x == 0 ? 32 : (uint32_t)__builtin_clz(x);
}

static inline uint32_t
udiv(uint32_t x, uint32_t y)
{
	return y == 0 ? 0 : x / y;
}

static inline uint32_t
sdiv(uint32_t x, uint32_t y)
{
	if (y == 0)
		return 0;
	return y == UINT32_MAX ? 0 - x : (uint32_t)((int32_t)x / (int32_t)y);
}

typedef uint32_t u32_any __attribute__((aligned(1)));
typedef uint16_t u16_any __attribute__((aligned(1)));

#define CELL(type, base, a) \
	(*(volatile type *)((base) + (uint64_t)(uint32_t)(a)))
#define READ32(a) (TOUCH(a, 4, false) CELL(u32_any, READ_AT, a))
#define READ16(a) (uint32_t)(TOUCH(a, 2, false) CELL(u16_any, READ_AT, a))
#define READ8(a) (uint32_t)(TOUCH(a, 1, false) CELL(uint8_t, READ_AT, a))
#ifndef STORED
#define STORED(a, x) (x)
#endif
#define WRITE32(a, x) \
	(void)(TOUCH(a, 4, true) CELL(u32_any, WRITE_AT, a) = STORED(a, x))
#define WRITE16(a, x) \
	(void)(TOUCH(a, 2, true) CELL(u16_any, WRITE_AT, a) = (uint16_t)(x))
#define WRITE8(a, x) \
	(void)(TOUCH(a, 1, true) CELL(uint8_t, WRITE_AT, a) = (uint8_t)(x))

#define LOAD_CPU                                                             \
	uint32_t r0 = cpu.r[0], r1 = cpu.r[1], r2 = cpu.r[2], r3 = cpu.r[3], \
		 r4 = cpu.r[4], r5 = cpu.r[5], r6 = cpu.r[6], r7 = cpu.r[7], \
		 r8 = cpu.r[8], r9 = cpu.r[9], r10 = cpu.r[10],              \
		 r11 = cpu.r[11], r12 = cpu.r[12], r13 = cpu.r[13],          \
		 r14 = cpu.r[14], res = cpu.res, c = cpu.c, v = cpu.v,       \
		 where = cpu.where, pc = 0
#define SAVE                                                       \
	do {                                                       \
		cpu.r[0] = r0, cpu.r[1] = r1, cpu.r[2] = r2;       \
		cpu.r[3] = r3, cpu.r[4] = r4, cpu.r[5] = r5;       \
		cpu.r[6] = r6, cpu.r[7] = r7, cpu.r[8] = r8;       \
		cpu.r[9] = r9, cpu.r[10] = r10, cpu.r[11] = r11;   \
		cpu.r[12] = r12, cpu.r[13] = r13, cpu.r[14] = r14; \
		cpu.res = res, cpu.c = c, cpu.v = v;               \
	} while (0)
#define STOP(end)           \
	do {                \
		SAVE;       \
		return end; \
	} while (0)
#define BURN                         \
	do {                         \
		if (--cpu.fuel == 0) \
			STOP(HANG);  \
	} while (0)
#define GO(target, is_back, label) \
	do {                       \
		pc = target;       \
		if (is_back)       \
			BURN;      \
		goto label;        \
	} while (0)
#define JUMP(value)                 \
	do {                        \
		pc = (value) & ~1u; \
		goto dispatch;      \
	} while (0)
#define INTERWORK(value)               \
	do {                           \
		pc = value;            \
		if (pc >= SPECIAL_AT)  \
			STOP(UNKNOWN); \
		if ((pc & 1) == 0)     \
			STOP(FAULT);   \
		pc &= ~1u;             \
		goto dispatch;         \
	} while (0)
#define ALIGNED(address)                \
	do {                            \
		if ((address) % 4 != 0) \
			STOP(FAULT);    \
	} while (0)
#define SEMIHOST(what, block)                               \
	do {                                                \
		run_end end = thumb_semihost(&what, block); \
		if (end != SAME)                            \
			STOP(end);                          \
	} while (0)

run_end
NAME(void)
{
	LOAD_CPU;

	goto enter;
dispatch:
	BURN;
	if (pc - ROM_AT >= ROM_LEN)
		goto outside;
	where = (pc - ROM_AT) / 2;
enter:
	switch (where) {
#include "program_cases.h"
	default:
		break;
	}
unknown:
	cpu.pc = pc;
	STOP(UNKNOWN);
outside:
	cpu.pc = pc;
	STOP(OUTSIDE);
}
