/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_flash_rows - the cheap half of XTS over many rows of 16 bytes
 *
 * Flash encryption turns each row round before the AES and again after it. One
 * instruction does that where the processor has it, which is asked for when the
 * program runs; all get the same bytes.
 */
#include "core/bytes.h"

/* A row, or the tweak of one, as it lies in memory. */
struct esp_flash_row {
	uint8_t bytes[16];
};

struct esp_flash_rows {
	/* The tweaks of each unit's eight rows from the first: its AES, doubled
	 * each time in GF(2^128) and turned; the last row takes the first. */
	void (*tweaks)(const struct esp_flash_row *units, size_t count,
	    struct esp_flash_row *ret);
	/* to = turned(from ^ tweak), and to = turned(from) ^ tweak, row by row;
	 * `to` may be `from`. */
	void (*before)(uint8_t *to, const uint8_t *from,
	    const struct esp_flash_row *tweaks, size_t rows);
	void (*after)(uint8_t *to, const uint8_t *from,
	    const struct esp_flash_row *tweaks, size_t rows);
};

/* The i-th best that this processor can run; the first is always there. NULL:
 * no more of them. */
const struct esp_flash_rows *esp_flash_rows_best(size_t i);
