/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256.h"

#include <stdlib.h>

#include "crypto/ec.h"
#include "crypto/p256_desk.h"

struct p256_public {
	EVP_PKEY *key;
	EVP_PKEY_CTX *verifier;
};

hm_err
p256_public_new(
    const uint8_t point[static P256_POINT_LEN], struct p256_public **ret)
{
	struct p256_public *key = calloc(1, sizeof(*key));
	hm_err err;

	if (key == NULL)
		return HM_E_NO_MEMORY;
	err = ec_import(&ec_p256, point, &key->key);
	if (err == HM_OK) {
		key->verifier = ec_verifier(key->key);
		if (key->verifier == NULL)
			err = HM_E_NO_MEMORY;
	}
	if (err != HM_OK) {
		p256_public_free(key);
		return err;
	}
	*ret = key;
	return HM_OK;
}

void
p256_public_free(struct p256_public *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_CTX_free(key->verifier);
	EVP_PKEY_free(key->key);
	free(key);
}

hm_err
p256_verify_with(struct p256_public *key, const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN])
{
	return ec_verify(&ec_p256, key->verifier, digest, signature);
}

hm_err
p256_verify(const uint8_t point[static P256_POINT_LEN],
    const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN])
{
	struct p256_desk *desk;

	HM_TRY(p256_desk_open(&desk));
	HM_TRY(p256_desk_load(desk, point));
	HM_TRY(p256_desk_begin(desk, digest, signature));
	if (EC_POINT_mul(desk->group, desk->sum, desk->u1, desk->key, desk->u2,
		desk->ctx) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	return p256_desk_judge(desk);
}

hm_err
p256_check(const uint8_t point[static P256_POINT_LEN])
{
	struct p256_desk *desk;

	HM_TRY(p256_desk_open(&desk));
	return p256_desk_load(desk, point);
}
