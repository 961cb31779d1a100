/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pkey.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>

#include "crypto/p256.h"
#include "crypto/pkey_parts.h"

#define RSA_MIN 2048
#define RSA_MAX 4096

static const struct {
	const char *name, *group;
	unsigned bits;
} kinds[] = {
	[PKEY_P192] = { "p192", "prime192v1", 192 },
	[PKEY_P256] = { "p256", "prime256v1", 256 },
	[PKEY_P384] = { "p384", "secp384r1", 384 },
	[PKEY_ED25519] = { "ed25519", NULL, 256 },
	[PKEY_X25519] = { "x25519", NULL, 256 },
};

void
pkey_free(struct pkey *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->evp); /* wipes what is private */
	free(key);
}

void
pkey_clean(struct pkey **key)
{
	pkey_free(*key);
}

/* ---- kinds ---- */

/* Odd, of a length that is taken, and with the exponent that all have. */
static hm_err
check_rsa(struct pkey *key)
{
	BIGNUM *n = NULL, *e = NULL;
	hm_err err = HM_OK;

	key->type = PKEY_RSA;
	key->bits = (unsigned)EVP_PKEY_get_bits(key->evp);
	if (EVP_PKEY_get_bn_param(key->evp, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(key->evp, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		err = ossl_failed(HM_E_KEY);
	else if (!BN_is_odd(n) || !BN_is_word(e, 65537) ||
		 key->bits < RSA_MIN || key->bits > RSA_MAX ||
		 key->bits % 1024 != 0)
		err = HM_E_KEY_WEAK;
	BN_free(n);
	BN_free(e);
	return err;
}

static hm_err
check_ec(struct pkey *key)
{
	char group[32];
	size_t len;

	if (EVP_PKEY_get_utf8_string_param(key->evp, OSSL_PKEY_PARAM_GROUP_NAME,
		group, sizeof(group), &len) != 1)
		return ossl_failed(HM_E_KEY);
	for (pkey_type t = PKEY_P192; t <= PKEY_P384; t++)
		if (strcmp(group, kinds[t].group) == 0)
			key->type = t;
	if (key->type == 0)
		return HM_E_KEY;
	key->bits = kinds[key->type].bits;
	/* One form of the point, whatever the file had. */
	if (EVP_PKEY_set_utf8_string_param(key->evp,
		OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
		OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
		return ossl_failed(HM_E_KEY);
	return HM_OK;
}

static hm_err
check_kind(struct pkey *key)
{
	switch (EVP_PKEY_get_base_id(key->evp)) {
	case EVP_PKEY_RSA:
		return check_rsa(key);
	case EVP_PKEY_EC:
		return check_ec(key);
	case EVP_PKEY_ED25519:
		key->type = PKEY_ED25519;
		break;
	case EVP_PKEY_X25519:
		key->type = PKEY_X25519;
		break;
	default:
		return HM_E_KEY;
	}
	key->bits = kinds[key->type].bits;
	return HM_OK;
}

hm_err
pkey_adopt(EVP_PKEY *evp, bool is_private, struct pkey **ret)
{
	struct pkey *key;
	hm_err err;

	if (evp == NULL)
		return ossl_failed(HM_E_KEY);
	key = calloc(1, sizeof(*key));
	if (key == NULL) {
		EVP_PKEY_free(evp);
		return HM_E_NO_MEMORY;
	}
	key->evp = evp;
	key->is_private = is_private;
	err = check_kind(key);
	if (err != HM_OK) {
		pkey_free(key);
		return err;
	}
	*ret = key;
	return HM_OK;
}

pkey_type
pkey_kind(const struct pkey *key)
{
	return key->type;
}

unsigned
pkey_bits(const struct pkey *key)
{
	return key->bits;
}

bool
pkey_is_private(const struct pkey *key)
{
	return key->is_private;
}

bool
pkey_is_ec(const struct pkey *key)
{
	return key->type >= PKEY_P192 && key->type <= PKEY_P384;
}

bool
pkey_equal(const struct pkey *a, const struct pkey *b)
{
	return a->type == b->type && EVP_PKEY_eq(a->evp, b->evp) == 1;
}

const char *
pkey_name(const struct pkey *key)
{
	if (key->type != PKEY_RSA)
		return kinds[key->type].name;
	return key->bits == 2048
		   ? "rsa-2048"
		   : (key->bits == 3072 ? "rsa-3072" : "rsa-4096");
}

size_t
pkey_field_len(const struct pkey *key)
{
	return key->bits / 8;
}

size_t
pkey_signature_len(const struct pkey *key)
{
	return key->type == PKEY_RSA ? key->bits / 8 : key->bits / 4;
}

/* ---- in ---- */

static hm_err
from_any_der(struct hm_bytes der, struct pkey **ret)
{
	const uint8_t *at = der.ptr;
	EVP_PKEY *evp = d2i_PUBKEY(NULL, &at, (long)der.len);

	if (evp == NULL) {
		(void)ossl_failed(HM_E_KEY);
		at = der.ptr;
		evp = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
	}
	if (evp != NULL && at != der.ptr + der.len) {
		EVP_PKEY_free(evp);
		return HM_E_KEY;
	}
	return pkey_adopt(evp, false, ret);
}

static EVP_PKEY *
from_params(const char *kind, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *evp = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1)
		evp = NULL;
	EVP_PKEY_CTX_free(ctx);
	return evp;
}

hm_err
pkey_from_point(pkey_type type, struct hm_bytes point, struct pkey **ret)
{
	OSSL_PARAM params[3];

	if (type == PKEY_ED25519 || type == PKEY_X25519)
		return pkey_adopt(EVP_PKEY_new_raw_public_key(
				      type == PKEY_ED25519 ? EVP_PKEY_ED25519
							   : EVP_PKEY_X25519,
				      NULL, point.ptr, point.len),
		    false, ret);
	if (type < PKEY_P192 || type > PKEY_P384 ||
	    point.len != 1 + kinds[type].bits / 4 || point.ptr[0] != 4)
		return HM_E_KEY;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
	    (char *)(uintptr_t)kinds[type].group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.ptr, point.len);
	params[2] = OSSL_PARAM_construct_end();
	return pkey_adopt(from_params("EC", params), false, ret);
}

hm_err
pkey_from_der(struct hm_bytes der, struct pkey **ret)
{
	struct hm_bytes point;
	pkey_type type;

	return pkey_der_is_point(der, &type, &point)
		   ? pkey_from_point(type, point, ret)
		   : from_any_der(der, ret);
}

hm_err
pkey_from_modulus(struct hm_bytes modulus, struct pkey **ret)
{
	uint8_t native[RSA_MAX / 8];
	unsigned long e = 65537;
	OSSL_PARAM params[3];

	if (modulus.len < RSA_MIN / 8 || modulus.len > sizeof(native))
		return HM_E_KEY_WEAK;
	for (size_t i = 0; i < modulus.len; i++)
		native[i] = modulus.ptr[modulus.len - 1 - i];
	params[0] =
	    OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, native, modulus.len);
	params[1] = OSSL_PARAM_construct_ulong(OSSL_PKEY_PARAM_RSA_E, &e);
	params[2] = OSSL_PARAM_construct_end();
	return pkey_adopt(from_params("RSA", params), false, ret);
}

hm_err
pkey_from_scalar(pkey_type type, struct hm_bytes scalar, struct pkey **ret)
{
	uint8_t sec1[P256_SEC1_LEN];
	const uint8_t *at = sec1;
	struct p256_pair *pair;
	size_t len;
	hm_err err;

	if (scalar.len != 32)
		return HM_E_KEY;
	if (type == PKEY_X25519)
		return pkey_adopt(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519,
				      NULL, scalar.ptr, scalar.len),
		    true, ret);
	if (type != PKEY_P256)
		return HM_E_KEY;
	HM_TRY(p256_pair_from(scalar.ptr, &pair));
	err =
	    p256_pair_sec1(pair, (struct hm_span){ sec1, sizeof(sec1) }, &len);
	p256_pair_free(pair);
	if (err == HM_OK)
		err = pkey_adopt(
		    d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, (long)len), true,
		    ret);
	hm_wipe(sec1, sizeof(sec1));
	return err;
}

hm_err
pkey_generate(pkey_type type, unsigned bits, struct pkey **ret)
{
	EVP_PKEY *evp = NULL;

	if (type == PKEY_RSA)
		evp = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	else if (type == PKEY_ED25519 || type == PKEY_X25519)
		evp = EVP_PKEY_Q_keygen(
		    NULL, NULL, type == PKEY_ED25519 ? "ED25519" : "X25519");
	else
		evp = EVP_PKEY_Q_keygen(NULL, NULL, "EC", kinds[type].group);
	if (evp == NULL)
		return ossl_failed(HM_E_NO_ENTROPY);
	return pkey_adopt(evp, true, ret);
}

/* ---- out ---- */

/* What i2d_*() wrote, appended and freed. */
static hm_err
add_der(int len, uint8_t *der, struct buf *ret)
{
	hm_err err;

	if (len <= 0)
		return ossl_failed(HM_E_KEY);
	err = buf_add(ret, (struct hm_bytes){ der, (size_t)len });
	OPENSSL_free(der);
	return err;
}

hm_err
pkey_spki(const struct pkey *key, struct buf *ret)
{
	uint8_t *der = NULL;
	int len;

	if (key->type != PKEY_RSA)
		return pkey_der_spki(key, ret);
	len = i2d_PUBKEY(key->evp, &der);
	return add_der(len, der, ret);
}

hm_err
pkey_rsa_der(const struct pkey *key, struct buf *ret)
{
	uint8_t *der = NULL;
	int len;

	if (key->type != PKEY_RSA)
		return HM_E_KEY;
	len = i2d_PublicKey(key->evp, &der);
	return add_der(len, der, ret);
}

static hm_err
add_number(
    const struct pkey *key, const char *name, size_t len, struct buf *ret)
{
	BIGNUM *bn = NULL;
	uint8_t *at;
	hm_err err;

	if (EVP_PKEY_get_bn_param(key->evp, name, &bn) != 1)
		return ossl_failed(HM_E_KEY);
	err = buf_reserve(ret, len, &at);
	if (err == HM_OK && BN_bn2binpad(bn, at, (int)len) != (int)len)
		err = HM_E_KEY;
	if (err == HM_OK)
		ret->len += len;
	BN_free(bn);
	return err;
}

hm_err
pkey_modulus(const struct pkey *key, struct buf *ret)
{
	if (key->type != PKEY_RSA)
		return HM_E_KEY;
	return add_number(key, OSSL_PKEY_PARAM_RSA_N, key->bits / 8, ret);
}

hm_err
pkey_point(const struct pkey *key, struct buf *ret)
{
	static const uint8_t uncompressed = 4;
	uint8_t raw[32];
	size_t len = sizeof(raw);

	if (key->type == PKEY_RSA)
		return HM_E_KEY;
	if (pkey_is_ec(key)) {
		HM_TRY(buf_add(ret, (struct hm_bytes){ &uncompressed, 1 }));
		HM_TRY(add_number(
		    key, OSSL_PKEY_PARAM_EC_PUB_X, pkey_field_len(key), ret));
		return add_number(
		    key, OSSL_PKEY_PARAM_EC_PUB_Y, pkey_field_len(key), ret);
	}
	if (EVP_PKEY_get_raw_public_key(key->evp, raw, &len) != 1)
		return ossl_failed(HM_E_KEY);
	return buf_add(ret, (struct hm_bytes){ raw, len });
}

static hm_err
private_number(
    const struct pkey *key, const char *name, size_t len, struct secret *ret)
{
	BIGNUM *bn = NULL;
	bool good = EVP_PKEY_get_bn_param(key->evp, name, &bn) == 1 &&
		    BN_bn2binpad(bn, ret->bytes, (int)len) == (int)len;

	ret->len = good ? len : 0;
	BN_clear_free(bn);
	return good ? HM_OK : ossl_failed(HM_E_KEY);
}

hm_err
pkey_private_exponent(const struct pkey *key, struct secret *ret)
{
	if (key->type != PKEY_RSA || !key->is_private)
		return HM_E_KEY;
	return private_number(key, OSSL_PKEY_PARAM_RSA_D, key->bits / 8, ret);
}

hm_err
pkey_private_scalar(const struct pkey *key, struct secret *ret)
{
	if (!pkey_is_ec(key) || !key->is_private)
		return HM_E_KEY;
	return private_number(
	    key, OSSL_PKEY_PARAM_PRIV_KEY, pkey_field_len(key), ret);
}

/* R^2 mod n and -1/n mod 2^32; `t` and `n` are scratch and the modulus. */
static bool
montgomery(BIGNUM *t, const BIGNUM *n, BN_CTX *ctx, struct hm_span r2,
    uint32_t *ret_n0)
{
	int bits = BN_num_bits(n);
	uint8_t low[4];

	BN_zero(t);
	if (!BN_set_bit(t, 2 * bits) || !BN_mod(t, t, n, ctx) ||
	    BN_bn2binpad(t, r2.ptr, (int)r2.len) < 0)
		return false;
	BN_zero(t);
	if (!BN_set_bit(t, 32) || BN_mod_inverse(t, n, t, ctx) == NULL ||
	    BN_bn2binpad(t, low, 4) < 0)
		return false;
	*ret_n0 = 0u - hm_get_u32(low);
	return true;
}

hm_err
pkey_montgomery(const struct pkey *key, struct hm_span ret_r2, uint32_t *ret_n0)
{
	BIGNUM *n = NULL, *t = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	bool good;

	if (key->type == PKEY_RSA)
		(void)EVP_PKEY_get_bn_param(
		    key->evp, OSSL_PKEY_PARAM_RSA_N, &n);
	good = n != NULL && t != NULL && ctx != NULL &&
	       ret_r2.len == key->bits / 8 &&
	       montgomery(t, n, ctx, ret_r2, ret_n0);
	BN_free(n);
	BN_free(t);
	BN_CTX_free(ctx);
	return good ? HM_OK : ossl_failed(HM_E_KEY);
}
