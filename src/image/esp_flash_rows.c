/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of the compiler, not of a processor: two rows at a time, or one row
 * of two units. x86-64 turns bytes with one instruction from SSSE3 on and has
 * such vectors in one register from AVX2 on, and its baseline has neither: for
 * each a copy is made.
 */
#include "image/esp_flash_rows.h"

#include <string.h>

#define ROW ((size_t)16)
#define UNIT_ROWS 8

typedef uint8_t vector __attribute__((vector_size(16)));
typedef uint8_t pair __attribute__((vector_size(32)));
typedef uint64_t uint64x4 __attribute__((vector_size(32)));

#define INLINE static inline __attribute__((always_inline))

/* Vectors go by address: a processor without registers for a pair has no common
 * way to return one. */
INLINE void
turn(pair *p)
{
	*p = __builtin_shufflevector(*p, *p, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6,
	    5, 4, 3, 2, 1, 0, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20,
	    19, 18, 17, 16);
}

INLINE vector
turned(vector v)
{
	return __builtin_shufflevector(
	    v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

INLINE vector
load(const uint8_t *at)
{
	vector v;

	memcpy(&v, at, sizeof(v));
	return v;
}

INLINE void
before_two(uint8_t *to, const uint8_t *from, const uint8_t *tweak)
{
	pair p, t;

	memcpy(&p, from, sizeof(p));
	memcpy(&t, tweak, sizeof(t));
	p ^= t;
	turn(&p);
	memcpy(to, &p, sizeof(p));
}

INLINE void
before(uint8_t *to, const uint8_t *from, const struct esp_flash_row *tweak,
    size_t rows)
{
	size_t i = 0;

	for (; i + 2 <= rows; i += 2)
		before_two(to + i * ROW, from + i * ROW, tweak[i].bytes);
	if (i < rows) {
		vector v = turned(load(from + i * ROW) ^ load(tweak[i].bytes));

		memcpy(to + i * ROW, &v, sizeof(v));
	}
}

INLINE void
after_two(uint8_t *to, const uint8_t *from, const uint8_t *tweak)
{
	pair p, t;

	memcpy(&p, from, sizeof(p));
	memcpy(&t, tweak, sizeof(t));
	turn(&p);
	p ^= t;
	memcpy(to, &p, sizeof(p));
}

INLINE void
after(uint8_t *to, const uint8_t *from, const struct esp_flash_row *tweak,
    size_t rows)
{
	size_t i = 0;

	for (; i + 2 <= rows; i += 2)
		after_two(to + i * ROW, from + i * ROW, tweak[i].bytes);
	if (i < rows) {
		vector v = turned(load(from + i * ROW)) ^ load(tweak[i].bytes);

		memcpy(to + i * ROW, &v, sizeof(v));
	}
}

/* A bit that leaves the lower half goes into the upper one; one that leaves
 * that comes back as the polynomial. */
INLINE void
double_both(pair *p)
{
	static const uint64x4 into = { 0x87, 1, 0x87, 1 };
	uint64x4 halves = (uint64x4)*p;
	uint64x4 top =
	    __builtin_shufflevector(halves, halves, 1, 0, 3, 2) >> 63;

	*p = (pair)((halves + halves) ^ (-top & into));
}

/* Numbers of the processor's order; tweaks have the lowest byte first. */
INLINE void
make_native(pair *p)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	*p = __builtin_shufflevector(*p, *p, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13,
	    12, 11, 10, 9, 8, 23, 22, 21, 20, 19, 18, 17, 16, 31, 30, 29, 28,
	    27, 26, 25, 24);
#else
	(void)p;
#endif
}

/* Of one unit and the one `second` behind it, which is 0 for a last one. */
INLINE void
tweaks_two(
    const struct esp_flash_row *unit, size_t second, struct esp_flash_row *ret)
{
	vector low = load(unit[0].bytes), high = load(unit[second].bytes);
	pair p = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8,
	    9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
	    26, 27, 28, 29, 30, 31);

	make_native(&p);
	for (size_t i = UNIT_ROWS; i-- > 0; double_both(&p)) {
		pair made = p;

		make_native(&made);
		turn(&made);
		low = __builtin_shufflevector(made, made, 0, 1, 2, 3, 4, 5, 6,
		    7, 8, 9, 10, 11, 12, 13, 14, 15);
		high = __builtin_shufflevector(made, made, 16, 17, 18, 19, 20,
		    21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
		memcpy(ret[i].bytes, &low, ROW);
		memcpy(ret[i + second * UNIT_ROWS].bytes, &high, ROW);
	}
}

INLINE void
tweaks(
    const struct esp_flash_row *units, size_t count, struct esp_flash_row *ret)
{
	for (; count > 1; count -= 2, units += 2, ret += 2 * UNIT_ROWS)
		tweaks_two(units, 1, ret);
	if (count > 0)
		tweaks_two(units, 0, ret);
}

/* The three functions of this file, for processors that have `target`. */
#define COPY(name, target)                                                  \
	target static void tweaks_##name(const struct esp_flash_row *units, \
	    size_t count, struct esp_flash_row *ret)                        \
	{                                                                   \
		tweaks(units, count, ret);                                  \
	}                                                                   \
	target static void before_##name(uint8_t *to, const uint8_t *from,  \
	    const struct esp_flash_row *tweak, size_t rows)                 \
	{                                                                   \
		before(to, from, tweak, rows);                              \
	}                                                                   \
	target static void after_##name(uint8_t *to, const uint8_t *from,   \
	    const struct esp_flash_row *tweak, size_t rows)                 \
	{                                                                   \
		after(to, from, tweak, rows);                               \
	}                                                                   \
	static const struct esp_flash_rows copy_##name = { tweaks_##name,   \
		before_##name, after_##name }

COPY(any, );
#ifdef __x86_64__
COPY(ssse3, __attribute__((target("ssse3"))));
COPY(avx2, __attribute__((target("avx2"))));
#endif

const struct esp_flash_rows *
esp_flash_rows_best(size_t i)
{
	const struct esp_flash_rows *found[3];
	size_t count = 0;

#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		found[count++] = &copy_avx2;
	if (__builtin_cpu_supports("ssse3"))
		found[count++] = &copy_ssse3;
#endif
	found[count++] = &copy_any;
	return i < count ? found[i] : NULL;
}
