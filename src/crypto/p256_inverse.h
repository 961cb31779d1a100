/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * p256_inverse - this room's own header: 1/s modulo the order of P-256
 *
 * For signatures that are verified: s is public, and the time depends on it.
 */
#include "core/bytes.h"

/* `s` is 1 to n - 1, big-endian. The result is right for each of them, and
 * whoever uses it can see that: w s = 1. */
void p256_order_invert(const uint8_t s[static 32], uint8_t ret[static 32]);
