/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/crypto.h"

#include <string.h>

#include <bearssl.h>

hm_verdict
hm_p384_verify(const uint8_t point[HM_STATIC HM_P384_POINT_LEN],
    const uint8_t digest[HM_STATIC HM_SHA384_LEN],
    const uint8_t signature[HM_STATIC HM_P384_SIGNATURE_LEN])
{
	uint8_t q[HM_P384_POINT_LEN];
	br_ec_public_key key = { BR_EC_secp384r1, q, sizeof(q) };

	memcpy(q, point, sizeof(q));
	if (br_ecdsa_i31_vrfy_raw(&br_ec_prime_i31, digest, HM_SHA384_LEN, &key,
		signature, HM_P384_SIGNATURE_LEN) != 1)
		return HM_VERDICT_NO;
	return HM_VERDICT_YES;
}
