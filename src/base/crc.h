/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* crc - CRC-32 as zlib computes it (reflected 0xEDB88320), with zlib */
#include "core/bytes.h"

/* Continue from `crc`, which is 0 at the start: crc32_add(crc32_add(0, a), b)
 * is that of a and b together. Espressif's data start from UINT32_MAX. */
uint32_t crc32_add(uint32_t crc, struct hm_bytes bytes);
