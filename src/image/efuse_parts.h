/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* efuse_parts - what the files of efuse.h share: the tables of block 0,
 * and of what keys are for */
#include "image/efuse.h"

/* By their first bit; the last one has no name. */
extern const struct efuse_field efuse_fields_esp32[], efuse_fields_esp32s2[],
    efuse_fields_esp32s3[], efuse_fields_esp32c2[], efuse_fields_esp32c3[],
    efuse_fields_esp32c5[], efuse_fields_esp32c6[], efuse_fields_esp32c61[],
    efuse_fields_esp32h2[], efuse_fields_esp32h21[], efuse_fields_esp32h4[],
    efuse_fields_esp32p4[], efuse_fields_esp32s31[];

struct efuse_purpose {
	const char *name; /* as Espressif's tool names it */
	uint8_t use, len;
	bool is_reversed, is_hidden; /* in the block; read-protected */
	const char
	    *second; /* of a key that takes the next block, too; or NULL */
};
/* NULL: none. */
const struct efuse_purpose *efuse_purpose_named(const char *name);
/* "?" for a number that is none. */
const char *efuse_use_name(uint32_t use);
/* Is it a key that nobody may read? */
bool efuse_use_is_secret(uint32_t use);
