/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* curve_mbedtls - what the files of the Mbed TLS provider share */

#include "hallmark/crypto.h"

#include <mbedtls/ecp.h>

/* ECDSA on the curve `id`; the signature is two numbers of its size. */
hm_verdict hm_mbedtls_verify(mbedtls_ecp_group_id id, struct hm_bytes point,
    struct hm_bytes digest, struct hm_bytes signature);
