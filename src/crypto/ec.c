/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ec.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>

/* SEC 2 sections 2.4.2 and 2.5.1 */
struct ec_curve ec_p256 = {
	.name = "prime256v1",
	.size = 32,
	.order = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
	    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 },
};

struct ec_curve ec_p384 = {
	.name = "secp384r1",
	.size = 48,
	.order = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
	    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19,
	    0x6a, 0xcc, 0xc5, 0x29, 0x73 },
};

hm_err
ec_start(struct ec_curve *curve)
{
	if (curve->import != NULL)
		return HM_OK;
	curve->import = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (curve->import == NULL ||
	    EVP_PKEY_fromdata_init(curve->import) != 1) {
		EVP_PKEY_CTX_free(curve->import);
		curve->import = NULL;
		return ossl_failed(HM_E_NO_MEMORY);
	}
	return HM_OK;
}

hm_err
ec_import(struct ec_curve *curve, const uint8_t *point, EVP_PKEY **ret)
{
	uint8_t copy[EC_POINT_MAX];
	size_t len = 1 + 2 * curve->size;
	OSSL_PARAM params[3] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, copy, len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	if (point[0] != 0x04)
		return HM_E_KEY;
	HM_TRY(ec_start(curve));
	memcpy(copy, point, len);
	ERR_clear_error();
	if (EVP_PKEY_fromdata(
		curve->import, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		EVP_PKEY_free(key);
		return ossl_failed_import();
	}
	*ret = key;
	return HM_OK;
}

bool
ec_is_scalar(const struct ec_curve *curve, const uint8_t *scalar)
{
	uint32_t borrow = 0, any = 0;

	/* scalar - order borrows at the top exactly if scalar < order */
	for (size_t i = curve->size; i-- > 0;) {
		uint32_t less = (uint32_t)scalar[i] - curve->order[i] - borrow;

		borrow = less >> 31;
		any |= scalar[i];
	}
	return (borrow & ((0 - any) >> 31)) == 1;
}

EVP_PKEY_CTX *
ec_verifier(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return NULL;
}

hm_err
ec_verify(const struct ec_curve *curve, EVP_PKEY_CTX *verifier,
    const uint8_t *digest, const uint8_t *signature)
{
	uint8_t der[EC_DER_MAX];
	size_t len;
	int said;

	if (!ec_is_scalar(curve, signature) ||
	    !ec_is_scalar(curve, signature + curve->size))
		return HM_E_SIGNATURE;
	len = ec_to_der(signature, curve->size, der);
	said = EVP_PKEY_verify(verifier, der, len, digest, curve->size);
	if (said == 1)
		return HM_OK;
	/* 0: computed, and it is another; less: it could not be computed */
	ERR_clear_error();
	return said == 0 ? HM_E_SIGNATURE : HM_E_NO_MEMORY;
}

hm_err
ec_verify_once(struct ec_curve *curve, const uint8_t *point,
    const uint8_t *digest, const uint8_t *signature)
{
	EVP_PKEY_CTX *verifier;
	EVP_PKEY *key;
	hm_err err = HM_E_NO_MEMORY;

	HM_TRY(ec_import(curve, point, &key));
	verifier = ec_verifier(key);
	if (verifier != NULL)
		err = ec_verify(curve, verifier, digest, signature);
	EVP_PKEY_CTX_free(verifier);
	EVP_PKEY_free(key);
	return err;
}
