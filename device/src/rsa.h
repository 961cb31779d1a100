/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* rsa - what every provider asks of a modulus */

#include "hallmark/crypto.h"

/* 256 or 384 bytes, the first bit 1, odd? */
bool hm_rsa_is_modulus(struct hm_bytes modulus);
