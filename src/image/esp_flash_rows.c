/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors of the compiler, not of a processor. x86-64 turns bytes with one
 * instruction from SSSE3 on, which its baseline lacks: a second copy is made
 * for it. 16 KiB in the first cache: 30 GB/s with it, a tenth without.
 */
#include "image/esp_flash_rows.h"

#include <string.h>

typedef uint8_t vector __attribute__((vector_size(16)));
typedef uint64_t uint64x2 __attribute__((vector_size(16)));

#define UNIT_ROWS 8

#define INLINE static inline __attribute__((always_inline))

INLINE vector
load(const uint8_t *at)
{
	vector v;

	memcpy(&v, at, sizeof(v));
	return v;
}

INLINE vector
turned(vector v)
{
	return __builtin_shufflevector(
	    v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

INLINE void
before(uint8_t *to, const uint8_t *from, const struct esp_flash_row *tweak,
    size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		vector v =
		    turned(load(from + i * sizeof(v)) ^ load(tweak[i].bytes));

		memcpy(to + i * sizeof(v), &v, sizeof(v));
	}
}

INLINE void
after(uint8_t *to, const uint8_t *from, const struct esp_flash_row *tweak,
    size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		vector v =
		    turned(load(from + i * sizeof(v))) ^ load(tweak[i].bytes);

		memcpy(to + i * sizeof(v), &v, sizeof(v));
	}
}

/* A bit that leaves the lower half goes into the upper one; one that leaves
 * that comes back as the polynomial. */
INLINE vector
doubled(vector v)
{
	static const uint64x2 into = { 0x87, 1 };
	uint64x2 halves = (uint64x2)v;
	uint64x2 top = __builtin_shufflevector(halves, halves, 1, 0) >> 63;

	return (vector)((halves + halves) ^ (-top & into));
}

/* Numbers of the processor's order; tweaks have the lowest byte first. */
INLINE vector
native(vector v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return v;
#else
	return __builtin_shufflevector(
	    v, v, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
#endif
}

INLINE void
tweaks(
    const struct esp_flash_row *units, size_t count, struct esp_flash_row *ret)
{
	for (; count > 0; count--, units++, ret += UNIT_ROWS) {
		vector v = native(load(units->bytes));

		for (size_t i = UNIT_ROWS; i-- > 0; v = doubled(v)) {
			vector turn = turned(native(v));

			memcpy(ret[i].bytes, &turn, sizeof(turn));
		}
	}
}

#ifdef __x86_64__
__attribute__((target("ssse3"))) static void
tweaks_ssse3(
    const struct esp_flash_row *units, size_t count, struct esp_flash_row *ret)
{
	tweaks(units, count, ret);
}

__attribute__((target("ssse3"))) static void
before_ssse3(uint8_t *to, const uint8_t *from,
    const struct esp_flash_row *tweak, size_t rows)
{
	before(to, from, tweak, rows);
}

__attribute__((target("ssse3"))) static void
after_ssse3(uint8_t *to, const uint8_t *from, const struct esp_flash_row *tweak,
    size_t rows)
{
	after(to, from, tweak, rows);
}
#define HAS_SSSE3 __builtin_cpu_supports("ssse3")
#else
#define tweaks_ssse3 tweaks
#define before_ssse3 before
#define after_ssse3 after
#define HAS_SSSE3 0
#endif

void
esp_flash_rows_tweaks(
    const struct esp_flash_row *units, size_t count, struct esp_flash_row *ret)
{
	if (HAS_SSSE3)
		tweaks_ssse3(units, count, ret);
	else
		tweaks(units, count, ret);
}

void
esp_flash_rows_before(uint8_t *to, const uint8_t *from,
    const struct esp_flash_row *tweak, size_t rows)
{
	if (HAS_SSSE3)
		before_ssse3(to, from, tweak, rows);
	else
		before(to, from, tweak, rows);
}

void
esp_flash_rows_after(uint8_t *to, const uint8_t *from,
    const struct esp_flash_row *tweak, size_t rows)
{
	if (HAS_SSSE3)
		after_ssse3(to, from, tweak, rows);
	else
		after(to, from, tweak, rows);
}
