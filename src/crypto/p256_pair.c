/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private scalar lives in OpenSSL's key only (cleared when freed); it is
 * read out into the caller's memory, never kept beside it.
 */
#include "crypto/p256.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "core/check.h"
#include "crypto/cose.h"
#include "crypto/ec.h"

struct p256_pair {
	EVP_PKEY *key;
	EVP_PKEY_CTX *signer, *deriver; /* made at first use, then kept */
	uint8_t point[P256_POINT_LEN];
};

static _Thread_local EVP_PKEY_CTX *generator;
static _Thread_local EC_GROUP *group;

/* OpenSSL's numbers in parameters have the machine's byte order. */
static void
swap_native(uint8_t number[static P256_SCALAR_LEN])
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (size_t i = 0; i < P256_SCALAR_LEN / 2; i++) {
		uint8_t last = number[P256_SCALAR_LEN - 1 - i];

		number[P256_SCALAR_LEN - 1 - i] = number[i];
		number[i] = last;
	}
#else
	(void)number;
#endif
}

static hm_err
start(void)
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, ec_p256.name, 0),
		OSSL_PARAM_construct_end(),
	};

	if (group == NULL)
		group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	if (generator == NULL)
		generator = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (group == NULL || generator == NULL ||
	    EVP_PKEY_keygen_init(generator) != 1 ||
	    EVP_PKEY_CTX_set_params(generator, params) != 1) {
		EVP_PKEY_CTX_free(generator);
		generator = NULL;
		return ossl_failed(HM_E_NO_MEMORY);
	}
	return HM_OK;
}

void
p256_pair_stop(void)
{
	EVP_PKEY_CTX_free(generator);
	EC_GROUP_free(group);
	generator = NULL;
	group = NULL;
}

/* Wrap `key`, which is ours from now on, also on failure. */
static hm_err
wrap(EVP_PKEY *key, struct p256_pair **ret)
{
	struct p256_pair *pair = calloc(1, sizeof(*pair));
	OSSL_PARAM params[2];

	if (pair == NULL) {
		EVP_PKEY_free(key);
		return HM_E_NO_MEMORY;
	}
	pair->key = key;
	params[0] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, pair->point,
	    sizeof(pair->point));
	params[1] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_get_params(key, params) != 1 ||
	    params[0].return_size != P256_POINT_LEN || pair->point[0] != 4) {
		p256_pair_free(pair);
		return ossl_failed(HM_E_NO_MEMORY);
	}
	*ret = pair;
	return HM_OK;
}

hm_err
p256_pair_new(struct p256_pair **ret)
{
	EVP_PKEY *key = NULL;

	if (generator == NULL)
		HM_TRY(start());
	if (EVP_PKEY_generate(generator, &key) != 1) {
		EVP_PKEY_free(key);
		return ossl_failed(HM_E_NO_ENTROPY);
	}
	return wrap(key, ret);
}

/* scalar * G */
static bool
multiply(const uint8_t *scalar, uint8_t ret[static P256_POINT_LEN])
{
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *number = BN_bin2bn(scalar, P256_SCALAR_LEN, NULL);
	bool ok = false;

	if (point != NULL && number != NULL) {
		BN_set_flags(number, BN_FLG_CONSTTIME);
		ok =
		    EC_POINT_mul(group, point, number, NULL, NULL, NULL) == 1 &&
		    EC_POINT_point2oct(group, point,
			POINT_CONVERSION_UNCOMPRESSED, ret, P256_POINT_LEN,
			NULL) == P256_POINT_LEN;
	}
	BN_clear_free(number);
	EC_POINT_clear_free(point);
	return ok;
}

hm_err
p256_pair_from(
    const uint8_t scalar[static P256_SCALAR_LEN], struct p256_pair **ret)
{
	uint8_t point[P256_POINT_LEN], native[P256_SCALAR_LEN];
	OSSL_PARAM params[4] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, ec_p256.name, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_BN(
		    OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof(native)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;
	bool ok;

	if (!ec_is_scalar(&ec_p256, scalar))
		return HM_E_KEY;
	HM_TRY(ec_start(&ec_p256));
	if (generator == NULL)
		HM_TRY(start());
	if (!multiply(scalar, point))
		return ossl_failed(HM_E_NO_MEMORY);
	memcpy(native, scalar, sizeof(native));
	swap_native(native);
	ok = EVP_PKEY_fromdata(
		 ec_p256.import, &key, EVP_PKEY_KEYPAIR, params) == 1;
	hm_wipe(native, sizeof(native));
	if (!ok) {
		EVP_PKEY_free(key);
		return ossl_failed(HM_E_NO_MEMORY);
	}
	return wrap(key, ret);
}

void
p256_pair_free(struct p256_pair *pair)
{
	if (pair == NULL)
		return;
	EVP_PKEY_CTX_free(pair->signer);
	EVP_PKEY_CTX_free(pair->deriver);
	EVP_PKEY_free(pair->key);
	free(pair);
}

void
p256_pair_point(
    const struct p256_pair *pair, uint8_t ret[static P256_POINT_LEN])
{
	memcpy(ret, pair->point, P256_POINT_LEN);
}

void
p256_pair_scalar(
    const struct p256_pair *pair, uint8_t ret[static P256_SCALAR_LEN])
{
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_BN(
		    OSSL_PKEY_PARAM_PRIV_KEY, ret, P256_SCALAR_LEN),
		OSSL_PARAM_construct_end(),
	};

	hm_assert(EVP_PKEY_get_params(pair->key, params) == 1);
	swap_native(ret);
}

hm_err
p256_pair_sign(struct p256_pair *pair, const uint8_t digest[static 32],
    uint8_t ret[static P256_SIGNATURE_LEN])
{
	uint8_t der[EC_DER_MAX] = { 0 };
	size_t len = sizeof(der);

	if (pair->signer == NULL)
		pair->signer =
		    EVP_PKEY_CTX_new_from_pkey(NULL, pair->key, NULL);
	if (pair->signer == NULL || EVP_PKEY_sign_init(pair->signer) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	if (EVP_PKEY_sign(pair->signer, der, &len, digest, 32) != 1)
		return ossl_failed(HM_E_NO_ENTROPY);
	/* OpenSSL 3.0 reports success although the DER could not be allocated
	 * (test_memory found it), so its length or content may be nothing. */
	if (ecdsa_from_der((struct hm_bytes){ der, len }, ret) != HM_OK)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

/*
 * The peer is not validated a second time, which would cost as much as the
 * agreement (47 us): ec_load() found it on the curve, the cofactor of P-256
 * is 1, and the point at infinity has no 65-byte form.
 */
static bool
derive(struct p256_pair *pair, EVP_PKEY *peer, uint8_t ret[static 32])
{
	size_t len = 32;

	return EVP_PKEY_derive_init(pair->deriver) == 1 &&
	       EVP_PKEY_derive_set_peer_ex(pair->deriver, peer, 0) == 1 &&
	       EVP_PKEY_derive(pair->deriver, ret, &len) == 1 && len == 32;
}

hm_err
p256_pair_agree(struct p256_pair *pair,
    const uint8_t point[static P256_POINT_LEN], uint8_t ret[static 32])
{
	HM_TRY(ec_load(&ec_p256, point));
	if (pair->deriver == NULL)
		pair->deriver =
		    EVP_PKEY_CTX_new_from_pkey(NULL, pair->key, NULL);
	if (pair->deriver != NULL && derive(pair, ec_p256.guest, ret))
		return HM_OK;
	return ossl_failed(HM_E_NO_MEMORY);
}

hm_err
p256_pair_signer(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	return p256_pair_sign(context, digest, ret);
}
