/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ed25519_fixed - verifying by one Ed25519 key again and again
 *
 * What p256_fixed.h is for P-256: the key is one that we sign with ourselves in
 * a token, and what it gave is verified before it leaves. Multiples of the
 * generator and of the key are computed once (160 KiB, 0.4 ms), so that
 * S B - k A takes 128 additions and no doubling: 28 us where ed25519_verify()
 * takes 141 (bench_crypto). The answers are the same. All of it is public: the
 * time depends on the signature.
 *
 * A key may be used by several threads at once.
 */
#include "crypto/ed25519.h"

struct ed25519_fixed; /* opaque, heap */

/* HM_E_KEY (it is no point), HM_E_NO_MEMORY */
HM_MUST hm_err ed25519_fixed_new(
    const uint8_t key[static ED25519_KEY_LEN], struct ed25519_fixed **ret);
/* NULL is fine. */
void ed25519_fixed_free(struct ed25519_fixed *key);
/* HM_E_SIGNATURE, HM_E_NO_MEMORY */
HM_MUST hm_err ed25519_fixed_verify(const struct ed25519_fixed *key,
    struct hm_bytes message,
    const uint8_t signature[static ED25519_SIGNATURE_LEN]);
