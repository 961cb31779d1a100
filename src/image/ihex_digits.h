/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* ihex_digits - many hex digits at once; as ihex.h, for its file only */
#include "core/bytes.h"

/* 2 * count digits of either case to `count` bytes. False: one is none, and
 * what was written means nothing. */
HM_MUST bool ihex_decode(const uint8_t *text, size_t count, uint8_t *ret);
/* The other way, upper case. */
void ihex_encode(const uint8_t *bytes, size_t count, uint8_t *ret);
/* All bytes together, modulo 256. */
uint8_t ihex_sum(const uint8_t *bytes, size_t count);
