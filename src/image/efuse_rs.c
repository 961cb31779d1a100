/* SPDX-License-Identifier: Apache-2.0 */
/* Systematic Reed-Solomon over GF(256), polynomial 0x11D, alpha = 2. */
#include <string.h>

#include "image/efuse.h"

static uint8_t
times(uint8_t a, uint8_t b)
{
	unsigned product = 0, shifted = a;

	for (; b != 0; b >>= 1) {
		if (b & 1)
			product ^= shifted;
		shifted <<= 1;
		if (shifted & 0x100)
			shifted ^= 0x11d;
	}
	return (uint8_t)product;
}

/* Coefficients of (x - 1)(x - alpha)...(x - alpha^11) below the first. */
static void
generator(uint8_t ret[static EFUSE_PARITY])
{
	uint8_t root = 1;

	memset(ret, 0, EFUSE_PARITY);
	ret[0] = 1; /* ret[i]: of x^i, while the degree grows */
	for (size_t degree = 0; degree < EFUSE_PARITY; degree++) {
		for (size_t i = degree + 1; i > 0; i--) {
			uint8_t low = times(i <= degree ? ret[i] : 0, root);

			if (i < EFUSE_PARITY)
				ret[i] = low ^ ret[i - 1];
		}
		ret[0] = times(ret[0], root);
		root = times(root, 2);
	}
}

void
efuse_parity(
    const uint8_t data[static EFUSE_CODED], uint8_t ret[static EFUSE_PARITY])
{
	uint8_t g[EFUSE_PARITY];

	generator(g);
	memset(ret, 0, EFUSE_PARITY);
	for (size_t i = 0; i < EFUSE_CODED; i++) {
		uint8_t lead = data[i] ^ ret[0];

		memmove(ret, ret + 1, EFUSE_PARITY - 1);
		ret[EFUSE_PARITY - 1] = 0;
		for (size_t k = 0; k < EFUSE_PARITY; k++)
			ret[k] ^= times(g[EFUSE_PARITY - 1 - k], lead);
	}
}
