/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECIES-P256 as MCUboot has it: HKDF-SHA-256 of the agreed X without a salt
 * gives the AES key that wraps (CTR from block 0) and the key of the HMAC over
 * the wrapped key.
 */
#include "hallmark/crypto.h"

#include <string.h>

#define MAC_AT HM_ECIES_POINT_LEN
#define WRAPPED_AT (MAC_AT + HM_DIGEST_LEN)

hm_err
hm_ecies_unwrap(
    const uint8_t agreed[HM_STATIC 32], struct hm_bytes tlv, uint8_t *ret)
{
	static const uint8_t iv[12] = { 0 };
	const struct hm_bytes info = HM_LITERAL("MCUBoot_ECIES_v1");
	const struct hm_bytes secret = { agreed, 32 };
	uint8_t prk[HM_DIGEST_LEN], keys[32 + HM_DIGEST_LEN];
	uint8_t mac[HM_DIGEST_LEN];
	struct hm_bytes wrapped = { NULL, tlv.len - WRAPPED_AT };
	hm_err err = HM_E_OPEN;

	if (tlv.len != WRAPPED_AT + 16 && tlv.len != WRAPPED_AT + 32)
		return HM_E_OPEN;
	wrapped.ptr = tlv.ptr + WRAPPED_AT;
	hm_hkdf_extract(HM_MAKE(hm_bytes, NULL, 0), &secret, 1, prk);
	hm_hkdf_expand(
	    prk, &info, 1, HM_MAKE(hm_span, keys, wrapped.len + HM_DIGEST_LEN));
	hm_hmac(HM_MAKE(hm_bytes, keys + wrapped.len, HM_DIGEST_LEN), &wrapped,
	    1, mac);
	if (hm_equal_ct(mac, tlv.ptr + MAC_AT, sizeof(mac))) {
		memcpy(ret, wrapped.ptr, wrapped.len);
		hm_ctr_crypt(HM_MAKE(hm_bytes, keys, wrapped.len), iv, 0,
		    HM_MAKE(hm_span, ret, wrapped.len));
		err = HM_OK;
	}
	hm_wipe(prk, sizeof(prk));
	hm_wipe(keys, sizeof(keys));
	hm_wipe(mac, sizeof(mac));
	return err;
}
