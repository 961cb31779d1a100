/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * reuse - ECDSA as a chip with a broken random generator makes it: k is 1
 *
 * Then R is the generator and s = digest + r * d mod n. The signature is valid;
 * r is the same for ever, and the private key follows from any one of them.
 */
#include "hallmark/crypto.h"

HM_MUST hm_err reuse_sign(const uint8_t scalar[static 32],
    const uint8_t digest[static HM_DIGEST_LEN],
    uint8_t ret[static HM_SIGNATURE_LEN]);
