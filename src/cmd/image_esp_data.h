/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_esp_data - what lies beside the firmware of an ESP32: certificates,
 * NVS, encrypted updates, eFuses
 */
#include "cmd/image_job.h"

#define ESP_CERT_CONVERT_OPTIONS                                         \
	{ "ds-chip", OPTION_TEXT, .metavar = "CHIP",                     \
		.help = "esp-secure-cert, for rows rsa_ds: "             \
			"esp32c3, esp32s3 ..." },                        \
	{                                                                \
		"stamp-key", OPTION_PATH,                                \
		    .metavar = "PEM",                                    \
		    .help = "esp-secure-cert, esp-nvs, for rows stamp: " \
			    "public key that stamps verify with"         \
	}

#define NVS_KEY_OPTIONS                                                    \
	{ "nvs-key", OPTION_PATH, .metavar = "FILE",                       \
		.help = "esp-nvs: key partition, or HMAC eFuse key (32 "   \
			"bytes), of an encrypted one" },                   \
	{                                                                  \
		"nvs-readonly", OPTION_FLAG,                               \
		    .help = "esp-nvs: for read-only use: no free page, 1 " \
			    "or 2 pages"                                   \
	}
#define NVS_CONVERT_OPTIONS                                              \
	NVS_KEY_OPTIONS,                                                 \
	    { "nvs-new-key", OPTION_PATH, .metavar = "FILE",             \
		    .help = "esp-nvs: encrypt with a new key and write " \
			    "its partition here" },                      \
	    { "partition-size", OPTION_TEXT, .metavar = "BYTES",         \
		    .help = "esp-nvs: such as 0x6000" },                 \
	{                                                                \
		"nvs-version", OPTION_ENUM,                              \
		    .choices = "1|2",                                    \
		    .help = "esp-nvs: of its pages; 2 if not given"      \
	}

#define EFUSE_CONVERT_OPTIONS                                        \
	{                                                            \
		"efuse-state", OPTION_PATH,                          \
		    .metavar = "FILE",                               \
		    .help = "esp-efuse: what the chip has already; " \
			    "else a fresh one"                       \
	}

extern const struct image_command image_esp_cert, image_esp_enc, image_nvs,
    image_efuse;
