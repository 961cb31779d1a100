/* SPDX-License-Identifier: Apache-2.0 */
#include "root.h"

#include <string.h>

/* n - 1 of P-256 */
static const uint8_t ORDER_LESS_1[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, //
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, //
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, //
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x50  //
};

/* v mod (n - 1) + 1, in place: v < 2^256 < 2 (n - 1). */
static void
to_scalar(uint8_t v[static 32])
{
	uint8_t reduced[32];
	unsigned borrow = 0, carry = 1;

	for (size_t i = 32; i-- > 0;) {
		unsigned d = v[i] - ORDER_LESS_1[i] - borrow;

		reduced[i] = (uint8_t)d;
		borrow = (d >> 8) & 1;
	}
	if (borrow == 0)
		memcpy(v, reduced, sizeof(reduced));
	for (size_t i = 32; i-- > 0;) {
		unsigned s = v[i] + carry;

		v[i] = (uint8_t)s;
		carry = s >> 8;
	}
	hm_wipe(reduced, sizeof(reduced));
}

void
root_key(struct hm_bytes secret, hm_scheme scheme, hm_lock lock,
    uint8_t ret[static 32])
{
	const struct hm_bytes soft = HM_LITERAL("hallmark-vdevice-soft");
	const struct hm_bytes mp = HM_LITERAL("hallmark-vdevice-mp");

	if (lock == HM_LOCK_OPEN)
		hm_sha256(HM_LITERAL("hallmark-vdevice-open-mp"
				     "manufacturing protection"),
		    ret);
	else
		hm_hmac(secret, scheme == HM_SCHEME_SOFT ? &soft : &mp, 1, ret);
	to_scalar(ret);
}
