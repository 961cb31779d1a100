/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * p256_fixed - verifying by one key again and again
 *
 * For the keys that we sign with ourselves in a token: what it gave is verified
 * before it leaves, so the key is always the same. Multiples of its point are
 * computed once (a table of 150 KiB, 36 ms), and a verification is two
 * multiplications by points with tables: 25 us where p256_verify_with() takes
 * 88 (bench_crypto). The answers are the same.
 *
 * A key may be used by several threads at once.
 */
#include "crypto/p256.h"

struct p256_fixed; /* opaque, heap */

/* HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err p256_fixed_new(
    const uint8_t point[static P256_POINT_LEN], struct p256_fixed **ret);
/* NULL is fine. */
void p256_fixed_free(struct p256_fixed *key);
/* HM_E_SIGNATURE, HM_E_NO_MEMORY */
HM_MUST hm_err p256_fixed_verify(const struct p256_fixed *key,
    const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN]);
