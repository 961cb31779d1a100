/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_flash_plan - which parts of a flash the chip reads through decryption
 *
 * The boot loader, the partition table, all apps, otadata, NVS keys, and the
 * rows with the flag; never NVS, which has an encryption of its own. The same
 * that the chip itself would encrypt at its first start.
 */
#include "image/esp_flash.h"
#include "image/esp_table.h"

struct esp_flash_plan {
	size_t count;
	struct esp_flash_area areas[ESP_FLASH_AREAS];
};

struct esp_flash_layout {
	const struct esp_chip *chip; /* whose boot loader lies where */
	uint32_t table_at;
	const struct esp_table *table; /* checked: nothing overlaps */
};
/* Areas in rising order; what they are, as parts of the findings. */
void esp_flash_plan(const struct esp_flash_layout *layout,
    struct findings *findings, struct esp_flash_plan *ret);
