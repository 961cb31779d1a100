/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "image/efuse_parts.h"

/* Those of two blocks after their first half: a number finds that. */
static const struct efuse_purpose purposes[] = {
	{ "USER", EFUSE_USER, 32, false, false, NULL },
	{ "ECDSA_KEY", EFUSE_ECDSA_P256, 32, true, true, NULL },
	{ "ECDSA_KEY_P256", EFUSE_ECDSA_P256, 32, true, true, NULL },
	{ "XTS_AES_256_KEY_1", EFUSE_XTS256_1, 32, true, true, NULL },
	{ "XTS_AES_256_KEY_2", EFUSE_XTS256_2, 32, true, true, NULL },
	{ "XTS_AES_256_KEY", EFUSE_XTS256_1, 64, true, true,
	    "XTS_AES_256_KEY_2" },
	{ "XTS_AES_128_KEY", EFUSE_XTS128, 32, true, true, NULL },
	{ "HMAC_DOWN_ALL", EFUSE_HMAC_DOWN_ALL, 32, false, true, NULL },
	{ "HMAC_DOWN_JTAG", EFUSE_HMAC_DOWN_JTAG, 32, false, true, NULL },
	{ "HMAC_DOWN_DIGITAL_SIGNATURE", EFUSE_HMAC_DOWN_DS, 32, false, true,
	    NULL },
	{ "HMAC_UP", EFUSE_HMAC_UP, 32, false, true, NULL },
	{ "SECURE_BOOT_DIGEST0", EFUSE_DIGEST0, 32, false, false, NULL },
	{ "SECURE_BOOT_DIGEST1", EFUSE_DIGEST1, 32, false, false, NULL },
	{ "SECURE_BOOT_DIGEST2", EFUSE_DIGEST2, 32, false, false, NULL },
	{ "KM_INIT_KEY", EFUSE_KM_INIT, 32, false, true, NULL },
	{ "XTS_AES_256_PSRAM_KEY_1", EFUSE_PSRAM256_1, 32, true, true, NULL },
	{ "XTS_AES_256_PSRAM_KEY_2", EFUSE_PSRAM256_2, 32, true, true, NULL },
	{ "XTS_AES_256_PSRAM_KEY", EFUSE_PSRAM256_1, 64, true, true,
	    "XTS_AES_256_PSRAM_KEY_2" },
	{ "XTS_AES_128_PSRAM_KEY", EFUSE_PSRAM128, 32, true, true, NULL },
	{ "ECDSA_KEY_P192", EFUSE_ECDSA_P192, 24, true, true, NULL },
	{ "ECDSA_KEY_P384_L", EFUSE_P384_L, 32, true, true, NULL },
	{ "ECDSA_KEY_P384_H", EFUSE_P384_H, 32, true, true, NULL },
	{ "ECDSA_KEY_P384", EFUSE_P384_H, 48, true, true, "ECDSA_KEY_P384_L" },
	{ "SDC_KEY_DIGEST", EFUSE_SDC_DIGEST, 32, false, true, NULL },
};
#define COUNT (sizeof(purposes) / sizeof(purposes[0]))

const struct efuse_purpose *
efuse_purpose_named(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(purposes[i].name, name) == 0)
			return &purposes[i];
	return NULL;
}

static const struct efuse_purpose *
purpose_of(uint32_t use)
{
	for (size_t i = 0; i < COUNT; i++)
		if (purposes[i].use == use)
			return &purposes[i];
	return NULL;
}

const char *
efuse_use_name(uint32_t use)
{
	const struct efuse_purpose *purpose = purpose_of(use);

	return purpose == NULL ? "?" : purpose->name;
}

bool
efuse_use_is_secret(uint32_t use)
{
	const struct efuse_purpose *purpose = purpose_of(use);

	return purpose != NULL && purpose->is_hidden;
}
