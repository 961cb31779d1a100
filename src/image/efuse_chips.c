/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields as ESP-IDF's tables of July 2026 have them. Chips whose burns were
 * compared with Espressif's emulator: esp32, s2, s3, c2, c3, c5, c6, h2, p4.
 */
#include <string.h>

#include "image/efuse.h"

#define END                    \
	{                      \
		NULL, 0, 0, -1 \
	}
#define SIX(first, bits)                                         \
	{ "KEY_PURPOSE_0", first, bits, 8 },                     \
	    { "KEY_PURPOSE_1", (first) + (bits), bits, 9 },      \
	    { "KEY_PURPOSE_2", (first) + 2 * (bits), bits, 10 }, \
	    { "KEY_PURPOSE_3", (first) + 3 * (bits), bits, 11 }, \
	    { "KEY_PURPOSE_4", (first) + 4 * (bits), bits, 12 }, \
	{                                                        \
		"KEY_PURPOSE_5", (first) + 5 * (bits), bits, 13  \
	}
#define REVOKE(first)                                         \
	{ "SECURE_BOOT_KEY_REVOKE0", first, 1, 5 },           \
	    { "SECURE_BOOT_KEY_REVOKE1", (first) + 1, 1, 6 }, \
	{                                                     \
		"SECURE_BOOT_KEY_REVOKE2", (first) + 2, 1, 7  \
	}
/* What S2, S3, C3, C6, H2 and P4 have in the same place. */
#define COMMON                                                        \
	{ "RD_DIS", 32, 7, 0 }, { "SPI_BOOT_CRYPT_CNT", 82, 3, 4 },   \
	    REVOKE(85), SIX(88, 4), { "SECURE_BOOT_EN", 116, 1, 15 }, \
	    { "SECURE_BOOT_AGGRESSIVE_REVOKE", 117, 1, -1 },          \
	    { "DIS_DOWNLOAD_MODE", 128, 1, -1 },                      \
	{                                                             \
		"ENABLE_SECURITY_DOWNLOAD", 133, 1, -1                \
	}

static const struct efuse_field s2[] = { COMMON,
	{ "SECURE_VERSION", 139, 16, 18 }, { "SOFT_DIS_JTAG", 49, 1, -1 },
	{ "DIS_DOWNLOAD_MANUAL_ENCRYPT", 51, 1, -1 },
	{ "UART_PRINT_CONTROL", 134, 2, -1 }, END };
static const struct efuse_field s3[] = { COMMON,
	{ "SECURE_VERSION", 142, 16, 18 }, { "DIS_DIRECT_BOOT", 129, 1, -1 },
	{ "DIS_PAD_JTAG", 51, 1, -1 }, { "DIS_USB_JTAG", 118, 1, -1 },
	{ "SOFT_DIS_JTAG", 48, 3, -1 },
	{ "DIS_DOWNLOAD_MANUAL_ENCRYPT", 52, 1, -1 }, END };
static const struct efuse_field c3[] = { COMMON,
	{ "SECURE_VERSION", 142, 16, 18 }, { "DIS_DIRECT_BOOT", 129, 1, -1 },
	{ "DIS_PAD_JTAG", 51, 1, -1 }, { "DIS_USB_JTAG", 41, 1, -1 },
	{ "DIS_DOWNLOAD_ICACHE", 42, 1, -1 }, { "SOFT_DIS_JTAG", 48, 3, -1 },
	{ "DIS_DOWNLOAD_MANUAL_ENCRYPT", 52, 1, -1 }, END };
static const struct efuse_field h2[] = { COMMON,
	{ "SECURE_VERSION", 137, 16, 18 }, { "DIS_DIRECT_BOOT", 129, 1, -1 },
	{ "DIS_PAD_JTAG", 51, 1, -1 }, { "DIS_USB_JTAG", 41, 1, -1 },
	{ "SOFT_DIS_JTAG", 48, 3, -1 },
	{ "ECDSA_FORCE_USE_HARDWARE_K", 114, 1, -1 },
	{ "DIS_DOWNLOAD_MANUAL_ENCRYPT", 52, 1, -1 }, END };
static const struct efuse_field p4[] = { COMMON,
	{ "SECURE_VERSION", 137, 16, 18 }, { "DIS_DIRECT_BOOT", 129, 1, -1 },
	{ "DIS_PAD_JTAG", 51, 1, -1 }, { "DIS_USB_JTAG", 41, 1, -1 },
	{ "SOFT_DIS_JTAG", 48, 3, -1 },
	{ "FORCE_USE_KEY_MANAGER_KEY", 73, 4, -1 },
	{ "XTS_KEY_LENGTH_256", 78, 1, -1 },
	{ "DIS_DOWNLOAD_MANUAL_ENCRYPT", 52, 1, -1 }, END };
static const struct efuse_field c5[] = { { "RD_DIS", 32, 7, 0 },
	{ "SPI_BOOT_CRYPT_CNT", 80, 3, 4 }, REVOKE(83), SIX(86, 5),
	{ "SECURE_BOOT_EN", 121, 1, 15 },
	{ "SECURE_BOOT_AGGRESSIVE_REVOKE", 122, 1, -1 },
	{ "SECURE_BOOT_SHA384_EN", 159, 1, -1 },
	{ "DIS_DOWNLOAD_MODE", 128, 1, -1 },
	{ "ENABLE_SECURITY_DOWNLOAD", 133, 1, -1 },
	{ "SECURE_VERSION", 137, 9, 18 }, { "DIS_DIRECT_BOOT", 129, 1, -1 },
	{ "DIS_PAD_JTAG", 51, 1, -1 }, { "DIS_USB_JTAG", 41, 1, -1 },
	{ "SOFT_DIS_JTAG", 48, 3, -1 },
	{ "FORCE_USE_KEY_MANAGER_KEY", 74, 4, -1 },
	{ "DIS_DOWNLOAD_MANUAL_ENCRYPT", 52, 1, -1 }, END };
static const struct efuse_field c2[] = { { "RD_DIS", 32, 2, 0 },
	{ "DIS_PAD_JTAG", 36, 1, -1 },
	{ "DIS_DOWNLOAD_MANUAL_ENCRYPT", 38, 1, -1 },
	{ "SPI_BOOT_CRYPT_CNT", 39, 3, -1 },
	{ "XTS_KEY_LENGTH_256", 42, 1, -1 }, { "DIS_DOWNLOAD_MODE", 46, 1, -1 },
	{ "DIS_DIRECT_BOOT", 47, 1, -1 },
	{ "ENABLE_SECURITY_DOWNLOAD", 48, 1, -1 },
	{ "SECURE_BOOT_EN", 53, 1, -1 }, { "SECURE_VERSION", 54, 4, -1 }, END };
static const struct efuse_field esp32[] = { { "RD_DIS", 16, 4, 0 },
	{ "FLASH_CRYPT_CNT", 20, 7, 2 }, { "UART_DOWNLOAD_DIS", 27, 1, -1 },
	{ "FLASH_CRYPT_CONFIG", 188, 4, -1 }, { "CODING_SCHEME", 192, 2, -1 },
	{ "ABS_DONE_0", 196, 1, -1 }, { "ABS_DONE_1", 197, 1, -1 },
	{ "JTAG_DISABLE", 198, 1, -1 }, END };

static const struct efuse_chip chips[] = {
	{ "esp32s2", s2, 512, 0x2c, 0x9c, 6, 23, 4, 3, false, true },
	{ "esp32s3", s3, 512, 0x2c, 0x9c, 6, 23, 4, 3, true, true },
	{ "esp32c3", c3, 512, 0x2c, 0x9c, 6, 23, 4, 3, true, true },
	{ "esp32c6", c3, 512, 0x2c, 0x9c, 6, 23, 4, 3, true, true },
	{ "esp32h2", h2, 512, 0x2c, 0x9c, 6, 23, 4, 3, true, true },
	{ "esp32p4", p4, 512, 0x2c, 0x9c, 6, 23, 4, 3, false, true },
	{ "esp32c5", c5, 512, 0x2c, 0x9c, 6, 23, 5, 3, false, true },
	{ "esp32c2", c2, 512, 0x2c, 0x60, 1, 7, 0, 1, false, true },
	{ "esp32", esp32, 288, 0x00, 0x38, 2, 7, 0, 1, false, false },
};

const struct efuse_chip *
efuse_chip_named(const char *name)
{
	for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
		if (strcmp(chips[i].name, name) == 0)
			return &chips[i];
	return NULL;
}
