/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_esp - what ESP32 chips boot: options and steps of `hallmark image` */
#include "base/secret.h"
#include "cmd/image_job.h"
#include "image/esp.h"

/* Rows of options. Each is in one of the four lists for image.c below, and in
 * the lists of the steps that take it. */
#define ESP_CHIP_OPTION                                                  \
	{                                                                \
		"chip", OPTION_TEXT,                                     \
		    .metavar = "NAME",                                   \
		    .help = "esp: the chip that shall boot it (esp32, "  \
			    "esp32c3 ...); any: do not ask what it can", \
	}
#define ESP_CONTENT_OPTION                                          \
	{                                                           \
		"content", OPTION_ENUM,                             \
		    .choices = "app|bootloader|data",               \
		    .help = "esp: what the file is; without it app" \
	}
#define ESP_PARTITION_OPTION                                         \
	{                                                            \
		"partition-size", OPTION_TEXT,                       \
		    .metavar = "SIZE",                               \
		    .help = "esp: it has to fit with its signature " \
			    "(0x100000, 1M)"                         \
	}
#define ESP_COUNTER_OPTION                                                \
	{                                                                 \
		"secure-version-min", OPTION_INT,                         \
		    .min = 0, .max = 32,                                  \
		    .help = "esp: refuse an app whose secure version is " \
			    "below"                                       \
	}
#define ESP_BOOT_KEY_OPTION                                            \
	{                                                              \
		"boot-key", OPTION_PATH,                               \
		    .metavar = "FILE",                                 \
		    .help = "esp-secure-boot-v1: the 32 bytes of the " \
			    "boot loader's digest key"                 \
	}
#define ESP_IV_OPTION                                                     \
	{                                                                 \
		"iv", OPTION_PATH,                                        \
		    .metavar = "FILE",                                    \
		    .help = "esp-secure-boot-v1: 128 bytes for the boot " \
			    "loader's digest; without it random ones"     \
	}
#define ESP_DIGEST_OPTION                                                      \
	{                                                                      \
		"key-digest", OPTION_TEXT, .repeated = true, .metavar = "HEX", \
					   .help = "esp: a key to trust, as "  \
						   "burned: 32 bytes, or 16 "  \
						   "(C2)"                      \
	}
#define ESP_REVOKED_OPTION                                                  \
	{                                                                   \
		"revoked", OPTION_TEXT, .repeated = true, .metavar = "HEX", \
					.help = "esp: a key digest whose "  \
						"eFuse is revoked"          \
	}
#define ESP_FLASH_SIZE_OPTION                                       \
	{                                                           \
		"flash-size", OPTION_TEXT,                          \
		    .metavar = "SIZE",                              \
		    .help = "esp: no partition may lie behind (4M)" \
	}
#define ESP_TABLE_AT_OPTION                                         \
	{                                                           \
		"table-offset", OPTION_TEXT,                        \
		    .metavar = "ADDRESS",                           \
		    .help = "esp: where the partition table lies; " \
			    "without it 0x8000"                     \
	}
#define ESP_FLASH_KEY_OPTION                                                \
	{                                                                   \
		"flash-key", OPTION_PATH,                                   \
		    .metavar = "FILE",                                      \
		    .help = "esp: the flash encryption key, 16, 24, 32 or " \
			    "64 bytes"                                      \
	}
#define ESP_ADDRESS_OPTION                                               \
	{                                                                \
		"address", OPTION_TEXT,                                  \
		    .metavar = "ADDRESS",                                \
		    .help = "esp: where in flash the file's first byte " \
			    "lies (0x10000)"                             \
	}
#define ESP_TABLE_OPTION                                                   \
	{                                                                  \
		"table", OPTION_PATH,                                      \
		    .metavar = "FILE",                                     \
		    .help = "esp: a partition table, binary or CSV; only " \
			    "what the chip reads encrypted is"             \
	}
#define ESP_CONFIG_OPTION                                                    \
	{                                                                    \
		"flash-crypt-config", OPTION_INT,                            \
		    .min = 0, .max = 15,                                     \
		    .help = "esp32: FLASH_CRYPT_CONFIG; without it 15 (0xF)" \
	}
#define ESP_PAD_OPTION                                                        \
	{                                                                     \
		"pad", OPTION_FLAG,                                           \
		    .help = "esp: fill the last row of 16 bytes (esp32: 32) " \
			    "with FF"                                         \
	}
#define ESP_SECURE_PAD_OPTION                                \
	{                                                    \
		"secure-pad", OPTION_ENUM,                   \
		    .choices = "v1|v2",                      \
		    .help = "esp-app-image: add zeros so "   \
			    "that a signature starts a page" \
	}
#define ESP_PAGE_OPTION                                     \
	{                                                   \
		"mmu-page", OPTION_ENUM,                    \
		    .choices = "8K|16K|32K|64K",            \
		    .help = "esp-app-image: size of a page" \
	}

/* For the lists of image.c. */
#define ESP_RULE_OPTIONS                                           \
	ESP_CHIP_OPTION, ESP_CONTENT_OPTION, ESP_PARTITION_OPTION, \
	    ESP_COUNTER_OPTION
#define ESP_SIGN_OPTIONS ESP_RULE_OPTIONS, ESP_BOOT_KEY_OPTION, ESP_IV_OPTION
#define ESP_VERIFY_OPTIONS                                        \
	ESP_RULE_OPTIONS, ESP_BOOT_KEY_OPTION, ESP_DIGEST_OPTION, \
	    ESP_REVOKED_OPTION, ESP_FLASH_SIZE_OPTION, ESP_TABLE_AT_OPTION
#define ESP_CRYPT_OPTIONS                                                 \
	ESP_CHIP_OPTION, ESP_FLASH_KEY_OPTION, ESP_ADDRESS_OPTION,        \
	    ESP_TABLE_OPTION, ESP_FLASH_SIZE_OPTION, ESP_TABLE_AT_OPTION, \
	    ESP_CONFIG_OPTION, ESP_PAD_OPTION
#define ESP_CONVERT_OPTIONS                                            \
	ESP_SECURE_PAD_OPTION, ESP_PAGE_OPTION, ESP_FLASH_SIZE_OPTION, \
	    ESP_TABLE_AT_OPTION

extern const struct image_command image_esp_app, image_esp_sbv1, image_esp_sbv2,
    image_esp_table, image_esp_flash;

/* ---- for image_esp_*.c ---- */

/* An option of this verb; NULL: not given, or the verb has none such. */
const char *esp_option(const struct image_job *job, const char *name);
/* 0x10000, 64K; *ret stays if it was not given. HM_E_USAGE */
HM_MUST hm_err esp_option_number(const struct image_job *job, const char *name,
    uint32_t *ret, struct why *why);
/* --chip; *ret_any if it is "any". NULL: not given. HM_E_USAGE */
HM_MUST hm_err esp_option_chip(const struct image_job *job,
    const struct esp_chip **ret, bool *ret_any, struct why *why);
/* A key of raw bytes, at most `max`. HM_E_FILE, HM_E_TOO_LARGE, HM_E_IO */
HM_MUST hm_err esp_option_key(const struct image_job *job, const char *name,
    struct secret *ret, struct why *why);
HM_MUST hm_err esp_table_options(
    const struct image_job *job, struct esp_table_rules *ret, struct why *why);
