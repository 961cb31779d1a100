/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of the compiler: 32 digits a turn; what is left over by the table. */
#include "image/ihex_digits.h"

#include <string.h>

#define VECTOR 16u

typedef uint8_t vector __attribute__((vector_size(VECTOR)));

/* Value and one more, by character; 0: no hex digit. */
static const uint8_t digits[256] = { ['0'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	['A'] = 11,
	12,
	13,
	14,
	15,
	16,
	['a'] = 11,
	12,
	13,
	14,
	15,
	16 };

static inline vector
load(const uint8_t *at)
{
	vector v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* Clears in *good what is no digit. */
static inline vector
values(const uint8_t *text, vector *good)
{
	vector c = load(text), number = c - '0', letter = (c | 0x20) - 'a';
	vector is_number = (vector)(number < 10);
	vector is_letter = (vector)(letter < 6);

	*good &= is_number | is_letter;
	return (number & is_number) | ((letter + 10) & is_letter);
}

static inline bool
decode_vector(const uint8_t *text, uint8_t *ret)
{
	static const uint64_t all[2] = { UINT64_MAX, UINT64_MAX };
	vector good = load((const uint8_t *)all);
	vector a = values(text, &good), b = values(text + VECTOR, &good);
	vector high = __builtin_shufflevector(
	    a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
	vector low = __builtin_shufflevector(
	    a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
	vector bytes = high << 4 | low;

	memcpy(ret, &bytes, sizeof(bytes));
	return memcmp(&good, all, sizeof(good)) == 0;
}

bool
ihex_decode(const uint8_t *text, size_t count, uint8_t *ret)
{
	for (; count >= VECTOR; count -= VECTOR) {
		if (!decode_vector(text, ret))
			return false;
		text += 2 * VECTOR;
		ret += VECTOR;
	}
	for (; count > 0; count--, text += 2, ret++) {
		unsigned high = digits[text[0]], low = digits[text[1]];

		if (high == 0 || low == 0)
			return false;
		*ret = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	return true;
}

static inline vector
letters(vector values)
{
	return values + '0' + ((vector)(values > 9) & ('A' - '0' - 10));
}

static inline void
encode_vector(const uint8_t *bytes, uint8_t *ret)
{
	vector v = load(bytes);
	vector high = letters(v >> 4), low = letters(v & 15);
	vector first = __builtin_shufflevector(
	    high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	vector second = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26,
	    11, 27, 12, 28, 13, 29, 14, 30, 15, 31);

	memcpy(ret, &first, sizeof(first));
	memcpy(ret + VECTOR, &second, sizeof(second));
}

void
ihex_encode(const uint8_t *bytes, size_t count, uint8_t *ret)
{
	static const char letter[] = "0123456789ABCDEF";

	for (; count >= VECTOR; count -= VECTOR) {
		encode_vector(bytes, ret);
		bytes += VECTOR;
		ret += 2 * VECTOR;
	}
	for (; count > 0; count--, bytes++) {
		*ret++ = (uint8_t)letter[*bytes >> 4];
		*ret++ = (uint8_t)letter[*bytes & 15];
	}
}

/* Of eight bytes: neighbours first, then all four pairs by one product. */
static inline unsigned
sum_of(uint64_t bytes)
{
	const uint64_t even = UINT64_C(0x00ff00ff00ff00ff);
	uint64_t pairs = (bytes & even) + (bytes >> 8 & even);

	return (unsigned)(pairs * UINT64_C(0x0001000100010001) >> 48);
}

uint8_t
ihex_sum(const uint8_t *bytes, size_t count)
{
	unsigned sum = 0;

	for (; count >= 8; count -= 8, bytes += 8) {
		uint64_t eight;

		memcpy(&eight, bytes, sizeof(eight));
		sum += sum_of(eight);
	}
	for (; count > 0; count--)
		sum += *bytes++;
	return (uint8_t)sum;
}
