/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The curve is given to OpenSSL in Weierstrass's form, which is the same group
 * (RFC 7748, section 4.1): X = u + 486662/3, Y = v of Montgomery's form, and
 *
 *     y = (u - 1) / (u + 1)      x = sqrt(-486664) u / v
 *
 * EC_POINT_mul() of the generator alone is Montgomery's ladder with blinded
 * coordinates, as for OpenSSL's own curves without code of their own.
 */
#include "crypto/ed25519_stream.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>

#include "base/auto.h"
#include "core/check.h"
#include "crypto/hash.h"
#include "crypto/ossl.h"

#define LEN 32
#define COFACTOR 8

/* Of the field, the group and the ways between the forms. */
typedef enum number {
	P,     /* 2^255 - 19 */
	A,     /* of Weierstrass's form */
	B,     /* of Weierstrass's form */
	D,     /* of Edwards's form: -121665/121666 */
	C,     /* sqrt(-486664) */
	SHIFT, /* 486662/3 */
	GEN_X, /* the generator */
	GEN_Y, /* the generator */
	ORDER, /* 2^252 + ... */
	NUMBERS
} number;

static const char *const numbers[NUMBERS] = {
	[P] = "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
	      "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFED",
	[A] = "2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAAAAA984914A144",
	[B] = "7B425ED097B425ED097B425ED097B425"
	      "ED097B425ED097B4260B5E9C7710C864",
	[D] = "52036CEE2B6FFE738CC740797779E898"
	      "00700A4D4141D8AB75EB4DCA135978A3",
	[C] = "70D9120B9F5FF9442D84F723FC03B081"
	      "3A5E2C2EB482E57D3391FB5500BA81E7",
	[SHIFT] = "2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAD2451",
	[GEN_X] = "2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAD245A",
	[GEN_Y] = "20AE19A1B8A086B4E01EDD2C7748D14C"
		  "923D4D7E6D7C61B229E9C5A27ECED3D9",
	[ORDER] = "10000000000000000000000000000000"
		  "14DEF9DEA2F79CD65812631A5CF5D3ED",
};

struct curve {
	BIGNUM *n[NUMBERS];
	EC_GROUP *group;
	BN_CTX *ctx;
	/* scratch, wiped */
	BIGNUM *x, *y, *u, *v, *t;
	EC_POINT *point, *other;
};

static void
curve_done(struct curve *c)
{
	BIGNUM *scratch[] = { c->x, c->y, c->u, c->v, c->t };

	for (size_t i = 0; i < NUMBERS; i++)
		BN_free(c->n[i]);
	for (size_t i = 0; i < sizeof(scratch) / sizeof(scratch[0]); i++)
		BN_clear_free(scratch[i]);
	EC_POINT_clear_free(c->point);
	EC_POINT_clear_free(c->other);
	EC_GROUP_free(c->group);
	BN_CTX_free(c->ctx);
}

static bool
make_numbers(struct curve *c)
{
	for (size_t i = 0; i < NUMBERS; i++)
		if (BN_hex2bn(&c->n[i], numbers[i]) == 0)
			return false;
	c->ctx = BN_CTX_secure_new();
	c->x = BN_new();
	c->y = BN_new();
	c->u = BN_new();
	c->v = BN_new();
	c->t = BN_new();
	return c->ctx != NULL && c->x != NULL && c->y != NULL && c->u != NULL &&
	       c->v != NULL && c->t != NULL;
}

static bool
make_group(struct curve *c)
{
	c->group = EC_GROUP_new_curve_GFp(c->n[P], c->n[A], c->n[B], c->ctx);
	if (c->group == NULL)
		return false;
	c->point = EC_POINT_new(c->group);
	c->other = EC_POINT_new(c->group);
	return c->point != NULL && c->other != NULL &&
	       EC_POINT_set_affine_coordinates(
		   c->group, c->point, c->n[GEN_X], c->n[GEN_Y], c->ctx) == 1 &&
	       BN_set_word(c->t, COFACTOR) == 1 &&
	       EC_GROUP_set_generator(c->group, c->point, c->n[ORDER], c->t) ==
		   1;
}

static hm_err
curve_make(struct curve *c)
{
	if (make_numbers(c) && make_group(c))
		return HM_OK;
	return ossl_failed(HM_E_NO_MEMORY);
}

/* ret = a / b in the field */
static bool
divide(struct curve *c, BIGNUM *ret, const BIGNUM *a, const BIGNUM *b)
{
	return BN_mod_inverse(c->t, b, c->n[P], c->ctx) != NULL &&
	       BN_mod_mul(ret, a, c->t, c->n[P], c->ctx) == 1;
}

/* ---- points ---- */

/* x and y of Edwards's form into 32 bytes. */
static bool
put_point(const struct curve *c, uint8_t ret[static LEN])
{
	if (BN_bn2lebinpad(c->y, ret, LEN) != LEN)
		return false;
	ret[LEN - 1] |= (uint8_t)(BN_is_odd(c->x) << 7);
	return true;
}

/* c->point, which is public from here on. */
static bool
encode(struct curve *c, uint8_t ret[static LEN])
{
	const BIGNUM *p = c->n[P];

	memset(ret, 0, LEN);
	ret[0] = 1;
	if (EC_POINT_is_at_infinity(c->group, c->point))
		return true; /* x = 0, y = 1 */
	if (EC_POINT_get_affine_coordinates(
		c->group, c->point, c->u, c->v, c->ctx) != 1 ||
	    BN_mod_sub(c->u, c->u, c->n[SHIFT], p, c->ctx) != 1)
		return false;
	if (BN_is_zero(c->v)) { /* the point of order 2: x = 0, y = -1 */
		BN_zero(c->x);
		return BN_copy(c->y, p) != NULL && BN_sub_word(c->y, 1) == 1 &&
		       put_point(c, ret);
	}
	if (BN_mod_mul(c->x, c->u, c->n[C], p, c->ctx) != 1 ||
	    !divide(c, c->x, c->x, c->v))
		return false;
	if (BN_copy(c->y, c->u) == NULL || BN_sub_word(c->y, 1) != 1 ||
	    BN_add_word(c->u, 1) != 1 || BN_nnmod(c->y, c->y, p, c->ctx) != 1 ||
	    !divide(c, c->y, c->y, c->u))
		return false;
	return put_point(c, ret);
}

/* x from y: x^2 = (y^2 - 1) / (d y^2 + 1). False: there is none. */
static bool
find_x(struct curve *c, bool is_odd)
{
	const BIGNUM *p = c->n[P];

	if (BN_mod_sqr(c->u, c->y, p, c->ctx) != 1 ||
	    BN_mod_mul(c->v, c->u, c->n[D], p, c->ctx) != 1 ||
	    BN_add_word(c->v, 1) != 1 || BN_sub_word(c->u, 1) != 1 ||
	    BN_nnmod(c->u, c->u, p, c->ctx) != 1 ||
	    !divide(c, c->x, c->u, c->v))
		return false;
	if (BN_mod_sqrt(c->x, c->x, p, c->ctx) == NULL || BN_is_zero(c->x))
		return false;
	return BN_is_odd(c->x) == is_odd || BN_sub(c->x, p, c->x) == 1;
}

/* Into c->other. False: no point, or one of order 1 or 2 (x is 0). */
static bool
decode(struct curve *c, const uint8_t from[static LEN])
{
	const BIGNUM *p = c->n[P];
	uint8_t raw[LEN];

	memcpy(raw, from, LEN);
	raw[LEN - 1] &= 0x7f;
	if (BN_lebin2bn(raw, LEN, c->y) == NULL || BN_cmp(c->y, p) >= 0 ||
	    !find_x(c, from[LEN - 1] >> 7))
		return false;
	/* u = (1 + y) / (1 - y), v = sqrt(-486664) u / x */
	if (BN_one(c->v) != 1 || BN_mod_sub(c->v, c->v, c->y, p, c->ctx) != 1 ||
	    BN_add_word(c->y, 1) != 1 || !divide(c, c->u, c->y, c->v) ||
	    BN_mod_mul(c->v, c->u, c->n[C], p, c->ctx) != 1 ||
	    !divide(c, c->v, c->v, c->x) ||
	    BN_mod_add(c->u, c->u, c->n[SHIFT], p, c->ctx) != 1)
		return false;
	return EC_POINT_set_affine_coordinates(
		   c->group, c->other, c->u, c->v, c->ctx) == 1;
}

/* ---- messages ---- */

static hm_err
to_buf(void *context, struct hm_bytes piece)
{
	return buf_add(context, piece);
}

hm_err
ed25519_message_load(
    const struct ed25519_message *message, size_t max, struct buf *ret)
{
	uint8_t *room;

	if (message->size > max)
		return HM_E_TOO_LARGE;
	buf_init(ret, (size_t)message->size);
	HM_TRY(buf_reserve(ret, (size_t)message->size, &room));
	return message->walk(message->context, to_buf, ret);
}

static hm_err
to_hash(void *context, struct hm_bytes piece)
{
	hash_run_add(context, piece);
	return HM_OK;
}

struct two_runs {
	struct hash_run *first, *second;
};

static void
two_runs_done(struct two_runs *runs)
{
	hash_run_free(runs->first);
	hash_run_free(runs->second);
}

static hm_err
to_both(void *context, struct hm_bytes piece)
{
	struct two_runs *runs = context;

	hash_run_add(runs->first, piece);
	hash_run_add(runs->second, piece);
	return HM_OK;
}

/* 64 bytes as a number modulo the order. */
static bool
reduce(struct curve *c, const uint8_t hash[static HASH_MAX], BIGNUM *ret)
{
	return BN_lebin2bn(hash, HASH_MAX, ret) != NULL &&
	       BN_nnmod(ret, ret, c->n[ORDER], c->ctx) == 1;
}

/* ---- sign ---- */

struct signing {
	struct curve curve;
	struct two_runs runs;
	uint8_t secret[HASH_MAX]; /* scalar, prefix */
	uint8_t nonce[HASH_MAX], again[HASH_MAX], challenge[HASH_MAX];
	uint8_t key[LEN];
	BIGNUM *r, *a, *k;
};

static void
signing_done(struct signing *s)
{
	curve_done(&s->curve);
	two_runs_done(&s->runs);
	BN_clear_free(s->r);
	BN_clear_free(s->a);
	BN_clear_free(s->k);
	hm_wipe(s, sizeof(*s));
}

static hm_err
begin(struct signing *s, const uint8_t seed[static 32])
{
	HM_TRY(curve_make(&s->curve));
	HM_TRY(ed25519_public(seed, s->key));
	HM_TRY(
	    hash_one(HASH_SHA512, (struct hm_bytes){ seed, LEN }, s->secret));
	HM_TRY(hash_run_new(HASH_SHA512, &s->runs.first));
	HM_TRY(hash_run_new(HASH_SHA512, &s->runs.second));
	s->secret[0] &= 0xf8;
	s->secret[LEN - 1] = (s->secret[LEN - 1] & 0x7f) | 0x40;
	s->r = BN_secure_new();
	s->a = BN_secure_new();
	s->k = BN_new();
	if (s->r == NULL || s->a == NULL || s->k == NULL ||
	    BN_lebin2bn(s->secret, LEN, s->a) == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	BN_set_flags(s->r, BN_FLG_CONSTTIME);
	BN_set_flags(s->a, BN_FLG_CONSTTIME);
	return HM_OK;
}

/* R, by the nonce of the first walk. */
static hm_err
make_point(struct signing *s, const struct ed25519_message *message,
    uint8_t ret[static LEN])
{
	struct hm_bytes prefix = { s->secret + LEN, LEN };
	struct curve *c = &s->curve;

	hash_run_add(s->runs.first, prefix);
	HM_TRY(message->walk(message->context, to_hash, s->runs.first));
	hash_run_end(s->runs.first, s->nonce);
	if (!reduce(c, s->nonce, s->r) ||
	    EC_POINT_mul(c->group, c->point, s->r, NULL, NULL, c->ctx) != 1 ||
	    !encode(c, ret))
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

/* S = r + k a, by the challenge of the second walk. */
static hm_err
make_number(struct signing *s, const struct ed25519_message *message,
    const uint8_t point[static LEN], uint8_t ret[static LEN])
{
	struct hm_bytes prefix = { s->secret + LEN, LEN };
	struct curve *c = &s->curve;
	const BIGNUM *order = c->n[ORDER];

	hash_run_restart(s->runs.first);
	hash_run_add(s->runs.first, prefix);
	hash_run_add(s->runs.second, (struct hm_bytes){ point, LEN });
	hash_run_add(s->runs.second, HM_BYTES(s->key));
	HM_TRY(message->walk(message->context, to_both, &s->runs));
	hash_run_end(s->runs.first, s->again);
	hash_run_end(s->runs.second, s->challenge);
	if (!hm_equal_ct(s->again, s->nonce, sizeof(s->nonce)))
		return HM_E_IO;
	if (!reduce(c, s->challenge, s->k) ||
	    BN_mod_mul(s->k, s->k, s->a, order, c->ctx) != 1 ||
	    BN_mod_add(s->k, s->k, s->r, order, c->ctx) != 1 ||
	    BN_bn2lebinpad(s->k, ret, LEN) != LEN)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

hm_err
ed25519_stream_sign(const uint8_t seed[static 32],
    const struct ed25519_message *message,
    uint8_t ret[static ED25519_SIGNATURE_LEN])
{
	AUTO(signing) struct signing s = { 0 };
	uint8_t made[ED25519_SIGNATURE_LEN];

	HM_TRY(begin(&s, seed));
	HM_TRY(make_point(&s, message, made));
	HM_TRY(make_number(&s, message, made, made + LEN));
	memcpy(ret, made, sizeof(made));
	return HM_OK;
}

/* ---- verify ---- */

static hm_err
make_challenge(const struct ed25519_message *message,
    const uint8_t point[static LEN], const uint8_t key[static LEN],
    uint8_t ret[static HASH_MAX])
{
	struct hash_run *run;
	hm_err err;

	HM_TRY(hash_run_new(HASH_SHA512, &run));
	hash_run_add(run, (struct hm_bytes){ point, LEN });
	hash_run_add(run, (struct hm_bytes){ key, LEN });
	err = message->walk(message->context, to_hash, run);
	if (err == HM_OK)
		hash_run_end(run, ret);
	hash_run_free(run);
	return err;
}

/* Is R = S B - k A? k is c->x then, and S c->y. */
static hm_err
compare(struct curve *c, const uint8_t challenge[static HASH_MAX],
    const uint8_t signature[static ED25519_SIGNATURE_LEN])
{
	uint8_t point[LEN];

	if (!reduce(c, challenge, c->x) ||
	    BN_lebin2bn(signature + LEN, LEN, c->y) == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	if (BN_cmp(c->y, c->n[ORDER]) >= 0)
		return HM_E_SIGNATURE;
	if (EC_POINT_invert(c->group, c->other, c->ctx) != 1 ||
	    EC_POINT_mul(c->group, c->point, c->y, c->other, c->x, c->ctx) !=
		1 ||
	    !encode(c, point))
		return ossl_failed(HM_E_NO_MEMORY);
	return memcmp(point, signature, LEN) == 0 ? HM_OK : HM_E_SIGNATURE;
}

hm_err
ed25519_stream_verify(const uint8_t key[static ED25519_KEY_LEN],
    const struct ed25519_message *message,
    const uint8_t signature[static ED25519_SIGNATURE_LEN])
{
	AUTO(curve) struct curve c = { 0 };
	uint8_t challenge[HASH_MAX];

	HM_TRY(curve_make(&c));
	if (!decode(&c, key))
		return ossl_failed(HM_E_SIGNATURE);
	HM_TRY(make_challenge(message, signature, key, challenge));
	return compare(&c, challenge, signature);
}
