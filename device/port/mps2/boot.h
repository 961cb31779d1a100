/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * boot - what the boot loader leaves for the application, above its RAM
 *
 *   magic u32 | offset in flash u32 | size u32 | digest of the image 32 |
 *   CRC-32 of all before u32
 *
 * RAM is not cleared by a reset: whoever reads it believes the sum only.
 */

#include <stdint.h>

#include "wire/limits.h"

#define HANDOVER_MAGIC 0x4d484f42u

struct handover {
	uint32_t magic;
	uint32_t at, size; /* of the whole image, as its file was */
	uint8_t digest[HM_DIGEST_LEN];
	uint32_t crc;
};

/* NULL: there is none. */
const struct handover *boot_handover(void);
