/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p256_desk.h"

#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "crypto/ec.h"
#include "crypto/p256_inverse.h"

static _Thread_local struct p256_desk desk_of_thread;

void
p256_desk_stop(void)
{
	struct p256_desk *desk = &desk_of_thread;

	EC_POINT_free(desk->key);
	EC_POINT_free(desk->sum);
	EC_POINT_free(desk->other);
	BN_free(desk->r);
	BN_free(desk->u1);
	BN_free(desk->u2);
	BN_free(desk->a);
	BN_free(desk->b);
	BN_free(desk->c);
	BN_MONT_CTX_free(desk->order);
	BN_MONT_CTX_free(desk->field);
	BN_CTX_free(desk->ctx);
	EC_GROUP_free(desk->group);
	*desk = (struct p256_desk){ 0 };
}

static bool
make_numbers(struct p256_desk *desk)
{
	desk->ctx = BN_CTX_new();
	desk->r = BN_new();
	desk->u1 = BN_new();
	desk->u2 = BN_new();
	desk->a = BN_new();
	desk->b = BN_new();
	desk->c = BN_new();
	return desk->ctx != NULL && desk->r != NULL && desk->u1 != NULL &&
	       desk->u2 != NULL && desk->a != NULL && desk->b != NULL &&
	       desk->c != NULL;
}

static bool
make_points(struct p256_desk *desk)
{
	desk->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	if (desk->group == NULL)
		return false;
	desk->key = EC_POINT_new(desk->group);
	desk->sum = EC_POINT_new(desk->group);
	desk->other = EC_POINT_new(desk->group);
	return desk->key != NULL && desk->sum != NULL && desk->other != NULL;
}

static bool
make_moduli(struct p256_desk *desk)
{
	const BIGNUM *n = EC_GROUP_get0_order(desk->group);
	const BIGNUM *p = EC_GROUP_get0_field(desk->group);

	desk->order = BN_MONT_CTX_new();
	desk->field = BN_MONT_CTX_new();
	return desk->order != NULL && desk->field != NULL &&
	       BN_MONT_CTX_set(desk->order, n, desk->ctx) == 1 &&
	       BN_MONT_CTX_set(desk->field, p, desk->ctx) == 1;
}

hm_err
p256_desk_open(struct p256_desk **ret)
{
	struct p256_desk *desk = &desk_of_thread;

	if (desk->group == NULL &&
	    !(make_points(desk) && make_numbers(desk) && make_moduli(desk))) {
		p256_desk_stop();
		return ossl_failed(HM_E_NO_MEMORY);
	}
	*ret = desk;
	return HM_OK;
}

hm_err
p256_desk_load(
    struct p256_desk *desk, const uint8_t point[static P256_POINT_LEN])
{
	if (point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return HM_E_KEY;
	ERR_clear_error();
	if (EC_POINT_oct2point(
		desk->group, desk->key, point, P256_POINT_LEN, desk->ctx) != 1)
		return ossl_failed_import();
	return HM_OK;
}

/* b = 1/s in Montgomery's form, believed only if s b = 1: what is multiplied by
 * it has the plain form again. */
static bool
find_inverse(struct p256_desk *desk, const uint8_t s[static 32])
{
	const BIGNUM *n = EC_GROUP_get0_order(desk->group);
	uint8_t inverse[32];

	p256_order_invert(s, inverse);
	if (BN_bin2bn(s, 32, desk->a) == NULL ||
	    BN_bin2bn(inverse, sizeof(inverse), desk->b) == NULL ||
	    BN_to_montgomery(desk->b, desk->b, desk->order, desk->ctx) != 1 ||
	    BN_mod_mul_montgomery(
		desk->c, desk->a, desk->b, desk->order, desk->ctx) != 1)
		return false;
	return BN_is_one(desk->c) ||
	       (BN_mod_inverse(desk->b, desk->a, n, desk->ctx) != NULL &&
		   BN_to_montgomery(desk->b, desk->b, desk->order, desk->ctx) ==
		       1);
}

/* a = the digest modulo n, which is less than 2^256 < 2 n. */
static bool
take_digest(struct p256_desk *desk, const uint8_t digest[static 32])
{
	const BIGNUM *n = EC_GROUP_get0_order(desk->group);

	return BN_bin2bn(digest, 32, desk->a) != NULL &&
	       (BN_cmp(desk->a, n) < 0 || BN_sub(desk->a, desk->a, n) == 1);
}

hm_err
p256_desk_begin(struct p256_desk *desk, const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN])
{
	if (!ec_is_scalar(&ec_p256, signature) ||
	    !ec_is_scalar(&ec_p256, signature + 32))
		return HM_E_SIGNATURE;
	if (find_inverse(desk, signature + 32) && take_digest(desk, digest) &&
	    BN_bin2bn(signature, 32, desk->r) != NULL &&
	    BN_mod_mul_montgomery(
		desk->u1, desk->a, desk->b, desk->order, desk->ctx) == 1 &&
	    BN_mod_mul_montgomery(
		desk->u2, desk->r, desk->b, desk->order, desk->ctx) == 1)
		return HM_OK;
	return ossl_failed(HM_E_NO_MEMORY);
}

/* a = X and b = Z^2, in Montgomery's form, of the sum, whose x coordinate is
 * X / Z^2. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static bool
find_x(struct p256_desk *desk)
{
	return EC_POINT_get_Jprojective_coordinates_GFp(desk->group, desk->sum,
		   desk->a, NULL, desk->c, desk->ctx) == 1 &&
	       BN_to_montgomery(desk->c, desk->c, desk->field, desk->ctx) ==
		   1 &&
	       BN_mod_mul_montgomery(
		   desk->b, desk->c, desk->c, desk->field, desk->ctx) == 1;
}
#pragma GCC diagnostic pop

/* Is X = x Z^2 modulo p? An x beyond the field is none. */
static bool
compare(struct p256_desk *desk, const BIGNUM *x, bool *ret_same)
{
	const BIGNUM *p = EC_GROUP_get0_field(desk->group);

	*ret_same = false;
	if (BN_cmp(x, p) >= 0)
		return true;
	if (BN_mod_mul_montgomery(
		desk->c, x, desk->b, desk->field, desk->ctx) != 1)
		return false;
	*ret_same = BN_cmp(desk->a, desk->c) == 0;
	return true;
}

/* Two x coordinates may be r modulo n: r and r + n. No division is needed to
 * find out which it is. */
hm_err
p256_desk_judge(struct p256_desk *desk)
{
	const BIGNUM *n = EC_GROUP_get0_order(desk->group);
	bool same = false;

	if (EC_POINT_is_at_infinity(desk->group, desk->sum) == 1)
		return HM_E_SIGNATURE;
	if (!find_x(desk) || !compare(desk, desk->r, &same))
		return ossl_failed(HM_E_NO_MEMORY);
	if (same)
		return HM_OK;
	if (BN_add(desk->u1, desk->r, n) != 1 ||
	    !compare(desk, desk->u1, &same))
		return ossl_failed(HM_E_NO_MEMORY);
	return same ? HM_OK : HM_E_SIGNATURE;
}
