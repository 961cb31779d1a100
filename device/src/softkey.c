/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a chip that has none in hardware: scalar and public point in the
 * port's storage, one record a key. The record is whole or absent, so a key is
 * made once however often power is cut. The point is kept because it is asked
 * for five times in a provisioning, and takes as long as a signature; a record
 * of before has the scalar alone.
 */
#include "hallmark/crypto.h"

#include <string.h>

#define SCALAR_LEN 32
#define PAIR_LEN (SCALAR_LEN + HM_POINT_LEN)
/* A scalar is out of range once in 2^32: four in a row are no random numbers.
 */
#define TRIES 4

static hm_record
record_of(hm_key key)
{
	return key == HM_KEY_IDENTITY ? HM_RECORD_IDENTITY : HM_RECORD_KEM;
}

/* Scalar and point of a key. */
static hm_err
load(hm_key key, uint8_t ret[HM_STATIC PAIR_LEN])
{
	size_t len = 0;

	HM_TRY(hm_port_store_read(
	    record_of(key), HM_MAKE(hm_span, ret, PAIR_LEN), &len));
	if (len == PAIR_LEN)
		return HM_OK;
	if (len != SCALAR_LEN || hm_p256_public(ret, ret + SCALAR_LEN) != HM_OK)
		return HM_E_STORAGE;
	return HM_OK;
}

/* A key that must be there, for which `use` of the callers below needs it. */
static hm_err
load_made(hm_key key, uint8_t ret[HM_STATIC PAIR_LEN])
{
	return load(key, ret) == HM_OK ? HM_OK : HM_E_STORAGE;
}

static hm_err
make(hm_key key, uint8_t pair[HM_STATIC PAIR_LEN])
{
	for (int i = 0; i < TRIES; i++) {
		HM_TRY(hm_port_random(HM_MAKE(hm_span, pair, SCALAR_LEN)));
		if (hm_p256_public(pair, pair + SCALAR_LEN) == HM_OK)
			return hm_port_store_write(
			    record_of(key), HM_MAKE(hm_bytes, pair, PAIR_LEN));
	}
	return HM_E_NO_ENTROPY;
}

hm_err
hm_port_key_make(hm_key key)
{
	uint8_t pair[PAIR_LEN];
	hm_err err = load(key, pair);

	if (err == HM_E_NOT_FOUND)
		err = make(key, pair);
	else if (err != HM_OK)
		err = HM_E_STORAGE;
	hm_wipe(pair, sizeof(pair));
	return err;
}

hm_err
hm_port_key_public(hm_key key, uint8_t ret[HM_STATIC HM_POINT_LEN])
{
	uint8_t pair[PAIR_LEN];
	hm_err err = load_made(key, pair);

	if (err == HM_OK)
		memcpy(ret, pair + SCALAR_LEN, HM_POINT_LEN);
	hm_wipe(pair, sizeof(pair));
	return err;
}

hm_err
hm_port_key_sign(hm_key key, const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    uint8_t ret[HM_STATIC HM_SIGNATURE_LEN])
{
	uint8_t pair[PAIR_LEN];
	hm_err err = load_made(key, pair);

	if (err == HM_OK && hm_p256_sign(pair, digest, ret) != HM_OK)
		err = HM_E_STORAGE;
	hm_wipe(pair, sizeof(pair));
	return err;
}

hm_err
hm_port_key_agree(hm_key key, const uint8_t point[HM_STATIC HM_POINT_LEN],
    uint8_t ret[HM_STATIC 32])
{
	uint8_t pair[PAIR_LEN];
	hm_err err = load_made(key, pair);

	if (err == HM_OK)
		err = hm_p256_agree(pair, point, ret);
	hm_wipe(pair, sizeof(pair));
	return err;
}
