/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * p384 - verification of ECDSA P-384, for root certificates
 *
 * 0.6 ms a verification in OpenSSL 3.0, ten times that of P-256: nothing that
 * is made once a device may need it. Point and signature as in p256.h.
 */
#include "core/bytes.h"

#define P384_POINT_LEN 97
#define P384_SIGNATURE_LEN 96

/* HM_E_KEY unless the point is on the curve. HM_E_NO_MEMORY */
HM_MUST hm_err p384_check(const uint8_t point[static P384_POINT_LEN]);
/* HM_E_KEY, HM_E_SIGNATURE, HM_E_NO_MEMORY */
HM_MUST hm_err p384_verify(const uint8_t point[static P384_POINT_LEN],
    const uint8_t digest[static 48],
    const uint8_t signature[static P384_SIGNATURE_LEN]);

/* r || s to and from DER, as ecdsa_to_der() in p256.h. HM_E_BAD_INPUT */
#define P384_DER_MAX 104
size_t p384_to_der(const uint8_t signature[static P384_SIGNATURE_LEN],
    uint8_t ret[static P384_DER_MAX]);
HM_MUST hm_err p384_from_der(
    struct hm_bytes der, uint8_t ret[static P384_SIGNATURE_LEN]);
