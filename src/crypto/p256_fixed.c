/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA, SEC 1 section 4.1.4: w = 1/s, u1 = e w, u2 = r w, and the x coordinate
 * of u1 G + u2 Q is r. OpenSSL has a table for multiples of a group's generator
 * only, so Q becomes the generator of a copy of the group. That is deprecated
 * in OpenSSL 3 without a successor, which is why it stands alone here. Without
 * a table (another machine, another OpenSSL) the result is the same, later.
 *
 * Everything is public: no call here needs a constant time.
 */
#include "crypto/p256_fixed.h"

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include "base/auto.h"
#include "crypto/ec.h"

#define LIMBS 4

__extension__ typedef unsigned __int128 wide;

struct p256_fixed {
	EC_GROUP *group, *group_q; /* the second has Q as generator */
};

/* ---- 1/s ---- */

/* 256 bits, the least significant first. */
struct number {
	uint64_t limb[LIMBS];
};

static void
number_read(const uint8_t bytes[static 32], struct number *ret)
{
	for (size_t i = 0; i < LIMBS; i++)
		ret->limb[i] = hm_get_u64(bytes + 8 * (LIMBS - 1 - i));
}

static void
number_write(const struct number *number, uint8_t ret[static 32])
{
	for (size_t i = 0; i < LIMBS; i++)
		hm_put_u64(ret + 8 * (LIMBS - 1 - i), number->limb[i]);
}

static bool
is_zero(const struct number *a)
{
	return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

/* a += b & mask; the carry. */
static uint64_t
add(struct number *a, const struct number *b, uint64_t mask)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < LIMBS; i++) {
		wide sum = (wide)a->limb[i] + (b->limb[i] & mask) + carry;

		a->limb[i] = (uint64_t)sum;
		carry = (uint64_t)(sum >> 64);
	}
	return carry;
}

/* a -= b; the borrow. */
static uint64_t
subtract(struct number *a, const struct number *b)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < LIMBS; i++) {
		wide left = (wide)a->limb[i] - b->limb[i] - borrow;

		a->limb[i] = (uint64_t)left;
		borrow = (uint64_t)(left >> 64) & 1;
	}
	return borrow;
}

static void
halve(struct number *a, uint64_t top)
{
	for (size_t i = 0; i + 1 < LIMBS; i++)
		a->limb[i] = a->limb[i] >> 1 | a->limb[i + 1] << 63;
	a->limb[LIMBS - 1] = a->limb[LIMBS - 1] >> 1 | top << 63;
}

static void
swap(struct number *a, struct number *b)
{
	struct number was = *a;

	*a = *b;
	*b = was;
}

/*
 * Modulo the order, by the binary algorithm (HAC 14.61, with odd modulus):
 * always a = u s and b = v s. A quarter of the time of BN_mod_inverse(), which
 * would be a third of a verification.
 */
static void
invert(const struct number *s, const struct number *order, struct number *ret)
{
	struct number a = *s, b = *order, u = { { 1 } }, v = { { 0 } }, less;

	while (!is_zero(&a)) {
		while ((a.limb[0] & 1) == 0) {
			halve(&a, 0);
			halve(&u, add(&u, order, 0 - (u.limb[0] & 1)));
		}
		less = a;
		if (subtract(&less, &b) != 0) {
			swap(&a, &b);
			swap(&u, &v);
			less = a;
			(void)subtract(&less, &b);
		}
		a = less;
		(void)add(&u, order, 0 - subtract(&u, &v));
	}
	*ret = v;
}

/* ---- the key ---- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/* Without a table the group works as well. */
static void
make_table(EC_GROUP *group)
{
	if (EC_GROUP_precompute_mult(group, NULL) != 1)
		ERR_clear_error();
}
#pragma GCC diagnostic pop

static bool
make_groups(struct p256_fixed *key, const uint8_t *point)
{
	EC_POINT *q;
	bool ok;

	key->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	if (key->group == NULL)
		return false;
	key->group_q = EC_GROUP_dup(key->group);
	q = EC_POINT_new(key->group);
	ok = key->group_q != NULL && q != NULL &&
	     EC_POINT_oct2point(key->group, q, point, P256_POINT_LEN, NULL) ==
		 1 &&
	     EC_GROUP_set_generator(key->group_q, q,
		 EC_GROUP_get0_order(key->group), BN_value_one()) == 1;
	EC_POINT_free(q);
	if (ok)
		make_table(key->group_q);
	return ok;
}

hm_err
p256_fixed_new(
    const uint8_t point[static P256_POINT_LEN], struct p256_fixed **ret)
{
	struct p256_fixed *key;

	HM_TRY(p256_check(point));
	key = calloc(1, sizeof(*key));
	if (key == NULL)
		return HM_E_NO_MEMORY;
	if (!make_groups(key, point)) {
		p256_fixed_free(key);
		return ossl_failed(HM_E_NO_MEMORY);
	}
	*ret = key;
	return HM_OK;
}

void
p256_fixed_free(struct p256_fixed *key)
{
	if (key == NULL)
		return;
	EC_GROUP_free(key->group_q);
	EC_GROUP_free(key->group);
	free(key);
}

/* ---- verifying ---- */

/* What one verification computes with; owned. */
struct sums {
	BN_CTX *ctx;
	BIGNUM *r, *s, *w, *u1, *u2, *x; /* of ctx */
	EC_POINT *a, *b;
};

static void
sums_done(struct sums *sums)
{
	EC_POINT_free(sums->a);
	EC_POINT_free(sums->b);
	BN_CTX_free(sums->ctx);
}

static bool
sums_begin(struct sums *sums, const EC_GROUP *group)
{
	sums->ctx = BN_CTX_new();
	sums->a = EC_POINT_new(group);
	sums->b = EC_POINT_new(group);
	if (sums->ctx == NULL || sums->a == NULL || sums->b == NULL)
		return false;
	BN_CTX_start(sums->ctx);
	sums->r = BN_CTX_get(sums->ctx);
	sums->s = BN_CTX_get(sums->ctx);
	sums->w = BN_CTX_get(sums->ctx);
	sums->u1 = BN_CTX_get(sums->ctx);
	sums->u2 = BN_CTX_get(sums->ctx);
	sums->x = BN_CTX_get(sums->ctx);
	return sums->x != NULL;
}

/* w = 1/s, believed only if w s = 1. */
static bool
find_inverse(struct sums *sums, const BIGNUM *n, const uint8_t s[static 32])
{
	struct number number, order, inverse;
	uint8_t bytes[32];

	number_read(s, &number);
	number_read(ec_p256.order, &order);
	invert(&number, &order, &inverse);
	number_write(&inverse, bytes);
	return BN_bin2bn(s, 32, sums->s) != NULL &&
	       BN_bin2bn(bytes, sizeof(bytes), sums->w) != NULL &&
	       BN_mod_mul(sums->x, sums->w, sums->s, n, sums->ctx) == 1 &&
	       (BN_is_one(sums->x) ||
		   BN_mod_inverse(sums->w, sums->s, n, sums->ctx) != NULL);
}

/* x = the x coordinate of u1 G + u2 Q, modulo n; *ret_none: it has none. */
static bool
find_x(const struct p256_fixed *key, struct sums *sums, const BIGNUM *n,
    bool *ret_none)
{
	BN_CTX *ctx = sums->ctx;
	bool ok =
	    EC_POINT_mul(key->group, sums->a, sums->u1, NULL, NULL, ctx) == 1 &&
	    EC_POINT_mul(key->group_q, sums->b, sums->u2, NULL, NULL, ctx) ==
		1 &&
	    EC_POINT_add(key->group, sums->a, sums->a, sums->b, ctx) == 1;

	*ret_none = ok && EC_POINT_is_at_infinity(key->group, sums->a) == 1;
	if (!ok || *ret_none)
		return ok;
	return EC_POINT_get_affine_coordinates(
		   key->group, sums->a, sums->x, NULL, ctx) == 1 &&
	       BN_nnmod(sums->x, sums->x, n, ctx) == 1;
}

hm_err
p256_fixed_verify(const struct p256_fixed *key, const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN])
{
	const BIGNUM *n = EC_GROUP_get0_order(key->group);
	AUTO(sums) struct sums sums = { 0 };
	bool none = false, ok;

	if (!ec_is_scalar(&ec_p256, signature) ||
	    !ec_is_scalar(&ec_p256, signature + 32))
		return HM_E_SIGNATURE;
	ok = sums_begin(&sums, key->group) &&
	     find_inverse(&sums, n, signature + 32) &&
	     BN_bin2bn(signature, 32, sums.r) != NULL &&
	     BN_bin2bn(digest, 32, sums.u1) != NULL &&
	     BN_mod_mul(sums.u1, sums.u1, sums.w, n, sums.ctx) == 1 &&
	     BN_mod_mul(sums.u2, sums.r, sums.w, n, sums.ctx) == 1 &&
	     find_x(key, &sums, n, &none);
	if (!ok)
		return ossl_failed(HM_E_NO_MEMORY);
	return !none && BN_cmp(sums.x, sums.r) == 0 ? HM_OK : HM_E_SIGNATURE;
}
