/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_chip - what the formats of the ESP32 family have to know of each chip
 *
 * Facts of soc_caps and Kconfig of ESP-IDF (July 2026): which signatures the
 * ROM checks, how many blocks it looks at, where the boot loader lies, which
 * addresses are flash that is mapped into memory. A range of 0 is not known
 * here, and then nothing is checked against it.
 */
#include <stdbool.h>
#include <stdint.h>

/* Schemes of Secure Boot V2, as bits of a mask. */
enum esp_scheme {
	ESP_RSA3072 = 1,
	ESP_P192 = 2,
	ESP_P256 = 4,
	ESP_P384 = 8,
};

struct esp_range {
	uint32_t from, to; /* first address, and the one behind the last */
};

struct esp_chip {
	const char *name;     /* "esp32c3" */
	uint16_t id;          /* in the image header */
	uint8_t schemes;      /* mask of enum esp_scheme */
	uint8_t blocks;       /* signature blocks that its ROM looks at */
	bool is_classic;      /* flash encryption of the first ESP32 */
	bool ecdsa_fails;     /* "not functional for certain input vectors" */
	uint8_t counter_bits; /* secure_version can grow so often */
	uint32_t boot_at;     /* boot loader, flash address */
	struct esp_range flash[2]; /* mapped; the second may be empty */
};

/* NULL: not one of the table. `name` may be written with "-" ("esp32-c3"). */
const struct esp_chip *esp_chip_named(const char *name);
const struct esp_chip *esp_chip_of(uint16_t id);
/* Is that address flash that is mapped? */
bool esp_chip_maps(const struct esp_chip *chip, uint32_t address);
/* "rsa-3072", "ecdsa-p192" ... of one bit */
const char *esp_scheme_name(unsigned scheme);
