/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers, key blocks and purposes as ESP-IDF of July 2026 has them
 * (components/soc/.../efuse_reg.h, components/efuse/.../esp_efuse_chip.h).
 * Burns of every chip were compared with Espressif's emulator.
 */
#include <string.h>

#include "image/efuse_parts.h"
#include "image/esp_chip.h"

/* Purposes, a bit each. */
#define BIT(use) (1u << (use))
#define XTS128 BIT(EFUSE_XTS128)
#define XTS256 (BIT(EFUSE_XTS256_1) | BIT(EFUSE_XTS256_2))
#define HMAC                                                    \
	(BIT(EFUSE_HMAC_DOWN_ALL) | BIT(EFUSE_HMAC_DOWN_JTAG) | \
	    BIT(EFUSE_HMAC_DOWN_DS) | BIT(EFUSE_HMAC_UP))
#define DIGESTS (BIT(EFUSE_DIGEST0) | BIT(EFUSE_DIGEST1) | BIT(EFUSE_DIGEST2))
#define PSRAM \
	(BIT(EFUSE_PSRAM256_1) | BIT(EFUSE_PSRAM256_2) | BIT(EFUSE_PSRAM128))
#define EC BIT(EFUSE_ECDSA_P256)
#define ECS (EC | BIT(EFUSE_ECDSA_P192) | BIT(EFUSE_P384_L) | BIT(EFUSE_P384_H))
#define MOST (BIT(EFUSE_USER) | XTS128 | HMAC | DIGESTS)
#define ALL (MOST | XTS256 | PSRAM | ECS | BIT(EFUSE_KM_INIT))
/* A bug of some: not in the sixth block. */
#define NO_XTS (XTS128 | XTS256 | PSRAM)

#define CHIP(n) .name = #n, .fields = efuse_fields_##n
/* What most have in the same place. */
#define USUAL                                                                 \
	.size = 512, .block0 = 0x2c, .key0 = 0x9c, .keys = 6, .key_lock = 23, \
	.hidden_len = 32, .digests = 3, .is_coded = true

static const struct efuse_chip chips[] = {
	{ CHIP(esp32s2), USUAL, .use_bits = 4, .uses = MOST | XTS256 },
	/* The two together: a bug of its ROM. */
	{ CHIP(esp32s3), USUAL, .use_bits = 4, .uses = MOST | XTS256,
	    .not_in_5 = NO_XTS,
	    .not_both = { "DIS_USB_JTAG", "DIS_USB_SERIAL_JTAG" } },
	{ CHIP(esp32c3), USUAL, .use_bits = 4, .uses = MOST,
	    .not_in_5 = NO_XTS },
	{ CHIP(esp32c6), USUAL, .use_bits = 4, .uses = MOST,
	    .not_in_5 = NO_XTS },
	{ CHIP(esp32h2), USUAL, .use_bits = 4, .uses = MOST | EC,
	    .not_in_5 = NO_XTS | EC },
	{ CHIP(esp32h21), USUAL, .use_bits = 4, .uses = MOST | EC },
	/* Before revision 3, which has a fifth bit of purposes elsewhere. */
	{ CHIP(esp32p4), USUAL, .use_bits = 4,
	    .uses = MOST | XTS256 | EC | BIT(EFUSE_KM_INIT) },
	{ CHIP(esp32c5), USUAL, .use_bits = 5,
	    .uses = MOST | ECS | BIT(EFUSE_KM_INIT) | BIT(EFUSE_PSRAM128) },
	{ CHIP(esp32c61), USUAL, .use_bits = 4,
	    .uses = BIT(EFUSE_USER) | XTS128 | DIGESTS | EC },
	{ CHIP(esp32h4), USUAL, .use_bits = 5, .uses = ALL,
	    .not_in_5 = NO_XTS },
	{ CHIP(esp32s31), .size = 512, .block0 = 0x2c, .key0 = 0xa8, .keys = 5,
	    .key_lock = 23, .hidden_len = 32, .digests = 3, .is_coded = true,
	    .use_bits = 5, .uses = ALL | BIT(EFUSE_SDC_DIGEST) },
	{ CHIP(esp32c2), .size = 512, .block0 = 0x2c, .key0 = 0x60, .keys = 1,
	    .key_lock = 7, .hidden_len = 16, .digests = 1, .is_coded = true },
	{ CHIP(esp32), .size = 288, .block0 = 0x00, .key0 = 0x38, .keys = 2,
	    .key_lock = 7, .hidden_len = 32, .digests = 1 },
};

const struct efuse_chip *
efuse_chip_named(const char *name)
{
	const struct esp_chip *chip = esp_chip_named(name);

	if (chip == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
		if (strcmp(chips[i].name, chip->name) == 0)
			return &chips[i];
	return NULL;
}
