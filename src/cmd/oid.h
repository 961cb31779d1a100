/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* oid - what people type for products: OIDs and evidence keys */

#include "wire/limits.h"
#include "core/bytes.h"

/* Content octets of an OBJECT IDENTIFIER from its dotted form.
 * HM_E_BAD_INPUT, HM_E_NO_ROOM */
HM_MUST hm_err oid_parse(
    const char *dotted, uint8_t *ret, size_t size, size_t *ret_len);

/* SHA-256 of the 65-byte point that `hex` is: X || Y, or 04 || X || Y.
 * HM_E_BAD_INPUT, HM_E_KEY */
HM_MUST hm_err enrol_digest(
    struct hm_bytes hex, uint8_t ret[static HM_DIGEST_LEN]);
