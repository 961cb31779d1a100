/* SPDX-License-Identifier: Apache-2.0 */
#include "curve_mbedtls.h"

hm_verdict
hm_p384_verify(const uint8_t point[HM_STATIC HM_P384_POINT_LEN],
    const uint8_t digest[HM_STATIC HM_SHA384_LEN],
    const uint8_t signature[HM_STATIC HM_P384_SIGNATURE_LEN])
{
	return hm_mbedtls_verify(MBEDTLS_ECP_DP_SECP384R1,
	    HM_MAKE(hm_bytes, point, HM_P384_POINT_LEN),
	    HM_MAKE(hm_bytes, digest, HM_SHA384_LEN),
	    HM_MAKE(hm_bytes, signature, HM_P384_SIGNATURE_LEN));
}
