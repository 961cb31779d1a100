/* SPDX-License-Identifier: Apache-2.0 */
/* Not constant-time, and it need not be: what it guards is given away. */
#include "reuse.h"

#include <string.h>

static const uint8_t N[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, //
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, //
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, //
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51  //
};

/* a - n, if that is not negative or if `carry` stands above a. */
static void
reduce(uint8_t a[static 32], unsigned carry)
{
	unsigned borrow = 0;

	if (carry == 0 && memcmp(a, N, sizeof(N)) < 0)
		return;
	for (size_t i = 32; i-- > 0;) {
		unsigned d = a[i] - N[i] - borrow;

		a[i] = (uint8_t)d;
		borrow = (d >> 8) & 1;
	}
}

/* a + b mod n, in place; both below n. */
static void
add(uint8_t a[static 32], const uint8_t b[static 32])
{
	unsigned carry = 0;

	for (size_t i = 32; i-- > 0;) {
		carry += (unsigned)a[i] + b[i];
		a[i] = (uint8_t)carry;
		carry >>= 8;
	}
	reduce(a, carry);
}

hm_err
reuse_sign(const uint8_t scalar[static 32],
    const uint8_t digest[static HM_DIGEST_LEN],
    uint8_t ret[static HM_SIGNATURE_LEN])
{
	static const uint8_t one[32] = { [31] = 1 };
	uint8_t point[HM_POINT_LEN], s[32] = { 0 }, z[32];
	const uint8_t *r = point + 1; /* x of the generator is below n */

	HM_TRY(hm_p256_public(one, point));
	for (unsigned bit = 0; bit < 256; bit++) {
		uint8_t twice[32];

		memcpy(twice, s, sizeof(twice));
		add(s, twice);
		if ((r[bit / 8] >> (7 - bit % 8)) & 1)
			add(s, scalar);
	}
	memcpy(z, digest, sizeof(z));
	reduce(z, 0);
	add(s, z);
	memcpy(ret, r, 32);
	memcpy(ret + 32, s, 32);
	return HM_OK;
}
