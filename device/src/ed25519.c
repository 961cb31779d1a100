/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small, for verification only: all of it is public, so it may branch.
 *
 * A field element is any 256-bit number that is congruent to it modulo
 * p = 2^255 - 19; what runs over 2^256 comes back as 38. Points are extended
 * coordinates (x = X/Z, y = Y/Z, xy = T/Z); the one addition formula is
 * complete on this curve, so that it doubles as well, and nothing is special.
 */
#include "hallmark/crypto.h"

#include <string.h>

#define WORDS 8
#define FOLD 38u /* 2^256 modulo p */

struct fe {
	uint32_t w[WORDS]; /* little-endian */
};

struct point {
	struct fe x, y, z, t;
};

static const struct fe P = { { 0xffffffed, 0xffffffff, 0xffffffff, 0xffffffff,
    0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff } };
/* p - 2: the exponent of the inverse. */
static const struct fe P_2 = { { 0xffffffeb, 0xffffffff, 0xffffffff, 0xffffffff,
    0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff } };
/* (p - 5) / 8: the exponent of the square root (RFC 8032, 5.1.3). */
static const struct fe P_5_8 = { { 0xfffffffd, 0xffffffff, 0xffffffff,
    0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x0fffffff } };
static const struct fe D = { { 0x135978a3, 0x75eb4dca, 0x4141d8ab, 0x00700a4d,
    0x7779e898, 0x8cc74079, 0x2b6ffe73, 0x52036cee } };
/* The square root of -1. */
static const struct fe I = { { 0x4a0ea0b0, 0xc4ee1b27, 0xad2fe478, 0x2f431806,
    0x3dfbd7a7, 0x2b4d0099, 0x4fc1df0b, 0x2b832480 } };
static const struct fe BASE_X = { { 0x8f25d51a, 0xc9562d60, 0x9525a7b2,
    0x692cc760, 0xfdd6dc5c, 0xc0a4e231, 0xcd6e53fe, 0x216936d3 } };
static const struct fe BASE_Y = { { 0x66666658, 0x66666666, 0x66666666,
    0x66666666, 0x66666666, 0x66666666, 0x66666666, 0x66666666 } };
/* The order of the base point. */
static const struct fe L = { { 0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de,
    0x00000000, 0x00000000, 0x00000000, 0x10000000 } };
static const struct fe ONE = { { 1 } };
static const struct fe ZERO = { { 0 } };

/* r = a + b modulo 2^256; the carry. */
static uint32_t
words_add(struct fe *r, const struct fe *a, const struct fe *b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < WORDS; i++) {
		sum += (uint64_t)a->w[i] + b->w[i];
		r->w[i] = (uint32_t)sum;
		sum >>= 32;
	}
	return (uint32_t)sum;
}

/* r = a - b modulo 2^256; the borrow, 0 or 1. */
static uint32_t
words_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
	uint32_t borrow = 0;

	for (size_t i = 0; i < WORDS; i++) {
		uint64_t less = (uint64_t)a->w[i] - b->w[i] - borrow;

		r->w[i] = (uint32_t)less;
		borrow = (uint32_t)(less >> 63);
	}
	return borrow;
}

/* Add what stands over 2^256 as often as it takes: twice at most. */
static void
fold(struct fe *r, uint32_t over)
{
	uint32_t times = over;

	while (times > 0) {
		const struct fe more = { { times * FOLD } };

		times = words_add(r, r, &more);
	}
}

static void
add(struct fe *r, const struct fe *a, const struct fe *b)
{
	fold(r, words_add(r, a, b));
}

static void
sub(struct fe *r, const struct fe *a, const struct fe *b)
{
	const struct fe less = { { FOLD } };
	uint32_t borrow = words_sub(r, a, b);

	while (borrow > 0)
		borrow = words_sub(r, r, &less);
}

static void
mul(struct fe *r, const struct fe *a, const struct fe *b)
{
	uint32_t wide[2 * WORDS] = { 0 };
	uint64_t sum = 0;

	for (size_t i = 0; i < WORDS; i++) {
		for (size_t k = 0; k < WORDS; k++) {
			sum += (uint64_t)a->w[i] * b->w[k] + wide[i + k];
			wide[i + k] = (uint32_t)sum;
			sum >>= 32;
		}
		wide[i + WORDS] = (uint32_t)sum;
		sum = 0;
	}
	for (size_t i = 0; i < WORDS; i++) {
		sum += (uint64_t)wide[i + WORDS] * FOLD + wide[i];
		r->w[i] = (uint32_t)sum;
		sum >>= 32;
	}
	fold(r, (uint32_t)sum);
}

static bool
bit(const struct fe *a, size_t at)
{
	return (a->w[at / 32] >> (at % 32)) & 1;
}

/* r = a ^ exponent, from its highest bit down. */
static void
power(struct fe *r, const struct fe *a, const struct fe *exponent)
{
	struct fe base = *a;

	*r = ONE;
	for (size_t i = 256; i-- > 0;) {
		mul(r, r, r);
		if (bit(exponent, i))
			mul(r, r, &base);
	}
}

/* The one representative below p. */
static void
reduce(struct fe *r)
{
	struct fe less;

	while (words_sub(&less, r, &P) == 0)
		*r = less;
}

static bool
is_zero(const struct fe *a)
{
	struct fe r = *a;
	uint32_t any = 0;

	reduce(&r);
	for (size_t i = 0; i < WORDS; i++)
		any |= r.w[i];
	return any == 0;
}

static void
load(struct fe *r, const uint8_t at[HM_STATIC 32])
{
	for (size_t i = 0; i < WORDS; i++, at += 4)
		r->w[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 |
			  (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void
put(const struct fe *a, uint8_t ret[HM_STATIC 32])
{
	for (size_t i = 0; i < 32; i++)
		ret[i] = (uint8_t)(a->w[i / 4] >> (i % 4 * 8));
}

/* r = a + b, or 2 a; r may be either. Hisil et al. 2008, 3.1, for a = -1. */
static void
point_add(struct point *r, const struct point *p, const struct point *q)
{
	struct fe a, b, c, d, e, f;

	sub(&a, &p->y, &p->x);
	sub(&e, &q->y, &q->x);
	mul(&a, &a, &e);
	add(&b, &p->y, &p->x);
	add(&e, &q->y, &q->x);
	mul(&b, &b, &e);
	mul(&c, &p->t, &q->t);
	mul(&c, &c, &D);
	add(&c, &c, &c);
	mul(&d, &p->z, &q->z);
	add(&d, &d, &d);
	sub(&e, &b, &a);
	sub(&f, &d, &c);
	add(&d, &d, &c); /* g */
	add(&b, &b, &a); /* h */
	mul(&r->x, &e, &f);
	mul(&r->y, &d, &b);
	mul(&r->z, &f, &d);
	mul(&r->t, &e, &b);
}

/* x of the point whose y stands in `p`; its lowest bit is `odd`. */
static bool
find_x(struct point *p, bool odd)
{
	struct fe u, v, v3, x, check;

	mul(&u, &p->y, &p->y);
	mul(&v, &u, &D);
	sub(&u, &u, &ONE);
	add(&v, &v, &ONE);
	mul(&v3, &v, &v);
	mul(&v3, &v3, &v);
	mul(&x, &v3, &v3);
	mul(&x, &x, &v);
	mul(&x, &x, &u);
	power(&x, &x, &P_5_8);
	mul(&x, &x, &v3);
	mul(&x, &x, &u); /* u v^3 (u v^7)^((p - 5) / 8) */
	mul(&check, &x, &x);
	mul(&check, &check, &v);
	sub(&v3, &check, &u);
	if (!is_zero(&v3)) {
		add(&v3, &check, &u);
		if (!is_zero(&v3))
			return false;
		mul(&x, &x, &I);
	}
	reduce(&x);
	if (bit(&x, 0) != odd)
		sub(&x, &ZERO, &x);
	p->x = x;
	return true;
}

/* Shortest form, on the curve, and not of small order? */
static bool
decode(struct point *p, const uint8_t at[HM_STATIC 32])
{
	bool odd = at[31] >> 7;
	struct point eight;
	struct fe less;

	load(&p->y, at);
	p->y.w[7] &= 0x7fffffff;
	if (words_sub(&less, &p->y, &P) == 0)
		return false;
	if (!find_x(p, odd))
		return false;
	p->z = ONE;
	mul(&p->t, &p->x, &p->y);
	point_add(&eight, p, p);
	point_add(&eight, &eight, &eight);
	point_add(&eight, &eight, &eight);
	return !is_zero(&eight.x);
}

static void
encode(const struct point *p, uint8_t ret[HM_STATIC 32])
{
	struct fe inverse, x, y;

	power(&inverse, &p->z, &P_2);
	mul(&x, &p->x, &inverse);
	mul(&y, &p->y, &inverse);
	reduce(&x);
	reduce(&y);
	y.w[7] |= (x.w[0] & 1) << 31;
	put(&y, ret);
}

/* SHA-512(R || key || message) modulo the order, bit by bit. */
static void
challenge(const uint8_t *r, const uint8_t *key, struct hm_bytes message,
    struct fe *ret)
{
	uint8_t digest[HM_SHA512_LEN];
	struct hm_sha512 sha;
	struct fe less;

	hm_sha512_init(&sha);
	hm_sha512_add(&sha, HM_MAKE(hm_bytes, r, 32));
	hm_sha512_add(&sha, HM_MAKE(hm_bytes, key, HM_ED25519_KEY_LEN));
	hm_sha512_add(&sha, message);
	hm_sha512_end(&sha, digest);
	*ret = ZERO;
	for (size_t i = 8 * sizeof(digest); i-- > 0;) {
		(void)words_add(ret, ret, ret); /* below 2 L: no carry */
		ret->w[0] |= (uint32_t)digest[i / 8] >> (i % 8) & 1u;
		if (words_sub(&less, ret, &L) == 0)
			*ret = less;
	}
}

hm_verdict
hm_ed25519_verify(const uint8_t key[HM_STATIC HM_ED25519_KEY_LEN],
    struct hm_bytes message,
    const uint8_t signature[HM_STATIC HM_ED25519_SIGNATURE_LEN])
{
	struct point sum = { ZERO, ONE, ONE, ZERO };
	struct point base = { BASE_X, BASE_Y, ONE, ZERO }, a;
	struct fe s, k;
	uint8_t r[32];

	load(&s, signature + 32);
	if (words_sub(&k, &s, &L) == 0 || !decode(&a, key))
		return HM_VERDICT_NO;
	sub(&a.x, &ZERO, &a.x);
	sub(&a.t, &ZERO, &a.t);
	mul(&base.t, &base.x, &base.y);
	challenge(signature, key, message, &k);
	for (size_t i = 256; i-- > 0;) {
		point_add(&sum, &sum, &sum);
		if (bit(&s, i))
			point_add(&sum, &sum, &base);
		if (bit(&k, i))
			point_add(&sum, &sum, &a);
	}
	encode(&sum, r);
	if (memcmp(r, signature, sizeof(r)) != 0)
		return HM_VERDICT_NO;
	return HM_VERDICT_YES;
}
