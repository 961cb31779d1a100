/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * secrets - making a device's secrets as its product says, and sealing them
 *
 * Runs in the signer only. Plaintext lives in one buffer that is wiped on every
 * way out; nothing but ciphertext leaves.
 */
#include "base/buf.h"
#include "wire/object.h"

/* Fetches a secret that the product shares, by its label in the token, into
 * `room`; *ret_len bytes. */
typedef hm_err (*shared_secret)(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len);

/*
 * Make and seal. `enc` and `ret` (appended) are what stands in the stamp.
 * HM_E_KEY, HM_E_NO_ENTROPY, HM_E_TOO_LARGE, what `shared` returns
 */
HM_MUST hm_err secrets_seal(const struct hm_product *product,
    const struct hm_claims *claims, struct hm_bytes order,
    struct hm_bytes serial, const uint8_t binding[static HM_DIGEST_LEN],
    shared_secret shared, void *context, uint8_t enc[static HM_POINT_LEN],
    struct buf *ret);
