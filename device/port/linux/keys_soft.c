/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity and KEM key are those of softkey.c (softkeys.h). The key that signs
 * evidence is a third scalar: nothing of the library knows of it.
 */
#include "keys.h"

#define SCALAR_LEN 32
#define TRIES 4
#define ATTEST "attest"

hm_err softkeys_make(hm_key key);
hm_err softkeys_public(hm_key key, uint8_t ret[static HM_POINT_LEN]);
hm_err softkeys_sign(hm_key key, const uint8_t digest[static HM_DIGEST_LEN],
    uint8_t ret[static HM_SIGNATURE_LEN]);
hm_err softkeys_agree(hm_key key, const uint8_t point[static HM_POINT_LEN],
    uint8_t ret[static 32]);

static hm_err
open_soft(const struct linux_config *config, const char *where)
{
	(void)config;
	return where[0] == 0 ? HM_OK : HM_E_USAGE;
}

static void
close_soft(void)
{
}

static hm_err
load(uint8_t ret[static SCALAR_LEN])
{
	size_t len = 0;

	HM_TRY(linux_store_read(
	    ATTEST, (struct hm_span){ ret, SCALAR_LEN }, &len));
	return len == SCALAR_LEN ? HM_OK : HM_E_STORAGE;
}

static hm_err
make_attest(void)
{
	uint8_t scalar[SCALAR_LEN], point[HM_POINT_LEN];
	hm_err err = load(scalar);

	if (err == HM_E_NOT_FOUND) {
		err = HM_E_KEY;
		for (int i = 0; i < TRIES && err == HM_E_KEY; i++) {
			err = hm_port_random(
			    (struct hm_span){ scalar, SCALAR_LEN });
			if (err == HM_OK)
				err = hm_p256_public(scalar, point);
		}
		if (err == HM_OK)
			err = linux_store_write(
			    ATTEST, (struct hm_bytes){ scalar, SCALAR_LEN });
	}
	hm_wipe(scalar, sizeof(scalar));
	return err == HM_E_KEY ? HM_E_NO_ENTROPY : err;
}

static hm_err
make(hm_key key)
{
	return key == KEYS_ATTEST ? make_attest() : softkeys_make(key);
}

static hm_err
point(hm_key key, uint8_t ret[static HM_POINT_LEN])
{
	uint8_t scalar[SCALAR_LEN];
	hm_err err;

	if (key != KEYS_ATTEST)
		return softkeys_public(key, ret);
	err = load(scalar);
	if (err == HM_OK)
		err = hm_p256_public(scalar, ret);
	hm_wipe(scalar, sizeof(scalar));
	return err == HM_OK ? HM_OK : HM_E_STORAGE;
}

static hm_err
sign(hm_key key, const uint8_t digest[static HM_DIGEST_LEN],
    uint8_t ret[static HM_SIGNATURE_LEN])
{
	uint8_t scalar[SCALAR_LEN];
	hm_err err;

	if (key != KEYS_ATTEST)
		return softkeys_sign(key, digest, ret);
	err = load(scalar);
	if (err == HM_OK)
		err = hm_p256_sign(scalar, digest, ret);
	hm_wipe(scalar, sizeof(scalar));
	return err == HM_OK ? HM_OK : HM_E_STORAGE;
}

static hm_err
agree(hm_key key, const uint8_t other[static HM_POINT_LEN],
    uint8_t ret[static 32])
{
	return key == HM_KEY_KEM ? softkeys_agree(key, other, ret)
				 : HM_E_STORAGE;
}

const struct keys keys_soft = {
	.name = "soft",
	.in_folder = true,
	.open = open_soft,
	.close = close_soft,
	.make = make,
	.point = point,
	.sign = sign,
	.agree = agree,
};
