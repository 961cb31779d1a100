/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "image/esp_chip.h"

#define RSA ESP_RSA3072
#define EC (ESP_P192 | ESP_P256)
#define NONE         \
	{            \
		0, 0 \
	}

static const struct esp_chip chips[] = {
	{ "esp32", 0, RSA, 1, true, false, 32, 0x1000,
	    { { 0x3f400000, 0x3f800000 }, { 0x400d0000, 0x40400000 } } },
	{ "esp32s2", 2, RSA, 3, false, false, 16, 0x1000,
	    { { 0x3f000000, 0x3f3f0000 }, { 0x40080000, 0x40800000 } } },
	{ "esp32c3", 5, RSA, 3, false, false, 16, 0,
	    { { 0x3c000000, 0x3c800000 }, { 0x42000000, 0x42800000 } } },
	{ "esp32s3", 9, RSA, 3, false, false, 16, 0,
	    { { 0x3c000000, 0x3e000000 }, { 0x42000000, 0x44000000 } } },
	{ "esp32c2", 12, EC, 1, false, false, 4, 0,
	    { { 0x3c000000, 0x3c400000 }, { 0x42000000, 0x42400000 } } },
	{ "esp32c6", 13, RSA | EC, 3, false, false, 16, 0,
	    { { 0x42000000, 0x43000000 }, NONE } },
	{ "esp32h2", 16, RSA | EC, 3, false, true, 16, 0,
	    { { 0x42000000, 0x43000000 }, NONE } },
	{ "esp32p4", 18, RSA | EC | ESP_P384, 3, false, true, 16, 0x2000,
	    { { 0x40000000, 0x4c000000 }, NONE } },
	{ "esp32c61", 20, EC, 3, false, true, 16, 0,
	    { { 0x42000000, 0x44000000 }, NONE } },
	{ "esp32c5", 23, RSA | EC | ESP_P384, 3, false, true, 9, 0x2000,
	    { { 0x42000000, 0x44000000 }, NONE } },
	{ "esp32h21", 25, RSA, 3, false, false, 16, 0, { NONE, NONE } },
	{ "esp32h4", 28, 0, 3, false, false, 16, 0x2000, { NONE, NONE } },
	{ "esp32e22", 31, 0, 3, false, false, 16, 0, { NONE, NONE } },
	{ "esp32s31", 32, RSA, 3, false, false, 16, 0x2000, { NONE, NONE } },
};
#define COUNT (sizeof(chips) / sizeof(chips[0]))

static bool
is_name(const char *text, const char *name)
{
	for (; *text != '\0'; text++) {
		if (*text == '-')
			continue;
		if (*text != *name)
			return false;
		name++;
	}
	return *name == '\0';
}

const struct esp_chip *
esp_chip_named(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (is_name(name, chips[i].name))
			return &chips[i];
	return NULL;
}

const struct esp_chip *
esp_chip_of(uint16_t id)
{
	for (size_t i = 0; i < COUNT; i++)
		if (chips[i].id == id)
			return &chips[i];
	return NULL;
}

bool
esp_chip_maps(const struct esp_chip *chip, uint32_t address)
{
	for (size_t i = 0; i < 2; i++)
		if (address >= chip->flash[i].from &&
		    address < chip->flash[i].to)
			return true;
	return false;
}

const char *
esp_scheme_name(unsigned scheme)
{
	switch (scheme) {
	case ESP_RSA3072:
		return "rsa-3072";
	case ESP_P192:
		return "ecdsa-p192";
	case ESP_P256:
		return "ecdsa-p256";
	case ESP_P384:
		return "ecdsa-p384";
	default:
		return "unknown";
	}
}
