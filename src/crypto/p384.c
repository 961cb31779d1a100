/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p384.h"

#include "crypto/ec.h"

_Static_assert(P384_DER_MAX == EC_DER_MAX, "der.c fills P384_DER_MAX");

hm_err
p384_check(const uint8_t point[static P384_POINT_LEN])
{
	return ec_load(&ec_p384, point);
}

hm_err
p384_verify(const uint8_t point[static P384_POINT_LEN],
    const uint8_t digest[static 48],
    const uint8_t signature[static P384_SIGNATURE_LEN])
{
	return ec_verify_once(&ec_p384, point, digest, signature);
}

size_t
p384_to_der(const uint8_t signature[static P384_SIGNATURE_LEN],
    uint8_t ret[static P384_DER_MAX])
{
	return ec_to_der(signature, EC_SIZE_MAX, ret);
}

hm_err
p384_from_der(struct hm_bytes der, uint8_t ret[static P384_SIGNATURE_LEN])
{
	return ec_from_der(der, EC_SIZE_MAX, ret);
}
