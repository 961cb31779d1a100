/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* ed25519 - verification, and signing with a key in memory (witnesses, tests)
 */
#include "core/bytes.h"

#define ED25519_KEY_LEN 32
#define ED25519_SIGNATURE_LEN 64

/* HM_E_SIGNATURE, HM_E_NO_MEMORY. A key that is no point verifies nothing. */
HM_MUST hm_err ed25519_verify(const uint8_t key[static ED25519_KEY_LEN],
    struct hm_bytes message,
    const uint8_t signature[static ED25519_SIGNATURE_LEN]);
/* HM_E_NO_MEMORY */
HM_MUST hm_err ed25519_public(
    const uint8_t seed[static 32], uint8_t ret[static ED25519_KEY_LEN]);
HM_MUST hm_err ed25519_sign(const uint8_t seed[static 32],
    struct hm_bytes message, uint8_t ret[static ED25519_SIGNATURE_LEN]);
