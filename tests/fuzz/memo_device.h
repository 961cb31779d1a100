/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* memo_device - the device library's operations on P-256, remembered (memo.h)
 */
#include "core/bytes.h"

/* From now on this signature verifies: what is behind a signature can be
 * reached without making one. */
void memo_device_signed(const uint8_t point[HM_STATIC 65],
    const uint8_t digest[HM_STATIC 32], const uint8_t signature[HM_STATIC 64]);
