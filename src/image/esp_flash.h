/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_flash - flash encryption of the ESP32 family, done on the host
 *
 * The chip decrypts what it reads by the absolute address in flash, so a file
 * is encrypted for one place, and the same bytes elsewhere are others. There is
 * no integrity: a changed bit garbles its row of 16 bytes and nothing says so.
 *
 * XTS (all but the first ESP32), a unit of 128 bytes at a time:
 *
 *   reverse all 128 bytes, AES-XTS with the tweak LE32(unit address) || 0^12,
 *   reverse all 128 bytes
 *
 * Classic (ESP32), a row of 16 bytes at a time:
 *
 *   reverse, AES-256 *decrypt* (the chip encrypts to read), reverse; the key's
 *   bits are xored with address bits 5 to 23, so every 32 bytes have their own
 *
 * Rows are worked on in one go: XTS is two ECB calls a piece, one for the
 * tweaks, one for the data. Keys are as espsecure writes them into files; a
 * chip burns them reversed.
 */
#include "image/esp_chip.h"
#include "image/image.h"

#define ESP_FLASH_ROW 16
#define ESP_FLASH_UNIT 128
#define ESP_FLASH_CONFIG 0xf /* FLASH_CRYPT_CONFIG of production */
#define ESP_FLASH_AREAS 112  /* 95 partitions, what lies before them */

typedef enum esp_flash_cipher {
	ESP_FLASH_XTS = 1, /* key 64: AES-256, 32: AES-128, 16: C2, derived */
	ESP_FLASH_CLASSIC, /* key 32, 24: 3/4 coding */
} esp_flash_cipher;

/* Flash that is encrypted; multiples of 16. */
struct esp_flash_area {
	uint64_t at, size;
};

struct esp_flash {
	esp_flash_cipher cipher;
	bool encrypt;
	struct hm_bytes key; /* borrowed */
	uint8_t config;      /* classic: FLASH_CRYPT_CONFIG */
	uint64_t address;    /* of the first byte, in flash */
	bool pad; /* FF up to a multiple of 16 (XTS) or 32 (classic) */
	/* Only these, rising; the rest passes as it is. NULL: all of it. */
	const struct esp_flash_area *areas;
	size_t area_count;
};

/* Encrypts or decrypts. HM_E_IMAGE_EMPTY; HM_E_KEY (its length), HM_E_KEY_WEAK;
 * HM_E_IMAGE_PLACE (address or length not a multiple of 16; beyond 16 MiB for
 * the classic cipher, whose key would repeat, or 4 GiB); HM_E_IO,
 * HM_E_NO_MEMORY
 */
HM_MUST hm_err esp_flash_convert(const struct esp_flash *how,
    const struct input *file, struct output *out, struct why *why);
