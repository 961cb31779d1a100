/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* aead - AES-GCM with 12-byte nonce and 16-byte tag behind the ciphertext */
#include "core/bytes.h"

#define GCM_NONCE_LEN 12
#define GCM_TAG_LEN 16

/* key: 16 or 32 bytes. `ret` has room for plain.len + 16. */
HM_MUST hm_err gcm_seal(struct hm_bytes key,
    const uint8_t nonce[static GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes plain, uint8_t *ret);
/* HM_E_OPEN: wrong key, nonce, aad or altered; `ret` (cipher.len - 16) is
 * wiped. */
HM_MUST hm_err gcm_open(struct hm_bytes key,
    const uint8_t nonce[static GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes cipher, uint8_t *ret);
