/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* scalar - private keys of P-256, for every provider */

#include "hallmark/crypto.h"

/* 1 to n - 1? In a time that does not depend on it. */
bool hm_p256_is_scalar(const uint8_t scalar[HM_STATIC 32]);
