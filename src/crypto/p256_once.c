/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiplying by the secret number is OpenSSL's, in a time that does not depend
 * on it. What held it or the shared point is cleared and freed: nothing of
 * that is the thread's.
 */
#include "crypto/p256_desk.h"

#include "base/auto.h"
#include "crypto/digest.h"
#include "crypto/ec.h"

struct once {
	BN_CTX *ctx;
	BIGNUM *scalar, *x;
	EC_POINT *own, *shared;
};

static void
once_done(struct once *once)
{
	EC_POINT_clear_free(once->shared);
	EC_POINT_clear_free(once->own);
	BN_clear_free(once->x);
	BN_clear_free(once->scalar);
	BN_CTX_free(once->ctx);
}

/* 1 <= scalar < n, each as likely. */
static hm_err
draw(uint8_t ret[static P256_SCALAR_LEN])
{
	do
		HM_TRY(random_secret((struct hm_span){ ret, P256_SCALAR_LEN }));
	while (!ec_is_scalar(&ec_p256, ret));
	return HM_OK;
}

static bool
once_begin(struct once *once, const EC_GROUP *group,
    const uint8_t scalar[static P256_SCALAR_LEN])
{
	once->ctx = BN_CTX_new();
	once->scalar = BN_secure_new();
	once->x = BN_secure_new();
	once->own = EC_POINT_new(group);
	once->shared = EC_POINT_new(group);
	if (once->ctx == NULL || once->scalar == NULL || once->x == NULL ||
	    once->own == NULL || once->shared == NULL)
		return false;
	BN_set_flags(once->scalar, BN_FLG_CONSTTIME);
	return BN_bin2bn(scalar, P256_SCALAR_LEN, once->scalar) != NULL;
}

static bool
multiply(const struct p256_desk *desk, struct once *once)
{
	return EC_POINT_mul(desk->group, once->own, once->scalar, NULL, NULL,
		   once->ctx) == 1 &&
	       EC_POINT_mul(desk->group, once->shared, NULL, desk->key,
		   once->scalar, once->ctx) == 1 &&
	       EC_POINT_get_affine_coordinates(
		   desk->group, once->shared, once->x, NULL, once->ctx) == 1;
}

hm_err
p256_agree_once(const uint8_t point[static P256_POINT_LEN],
    uint8_t ret_own[static P256_POINT_LEN], uint8_t ret_x[static 32])
{
	AUTO(once) struct once once = { 0 };
	uint8_t scalar[P256_SCALAR_LEN], own[P256_POINT_LEN];
	struct p256_desk *desk;
	bool ok;

	HM_TRY(p256_desk_open(&desk));
	HM_TRY(p256_desk_load(desk, point));
	HM_TRY(draw(scalar));
	ok = once_begin(&once, desk->group, scalar);
	hm_wipe(scalar, sizeof(scalar));
	ok = ok && multiply(desk, &once) &&
	     EC_POINT_point2oct(desk->group, once.own,
		 POINT_CONVERSION_UNCOMPRESSED, own, sizeof(own),
		 once.ctx) == sizeof(own) &&
	     BN_bn2binpad(once.x, ret_x, 32) == 32;
	if (!ok)
		return ossl_failed(HM_E_NO_MEMORY);
	memcpy(ret_own, own, sizeof(own));
	return HM_OK;
}
