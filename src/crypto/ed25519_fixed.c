/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points have extended coordinates: x = X/Z, y = Y/Z, x y = T/Z. One formula
 * adds any two of them, equal ones and the neutral one too (Hisil, Wong, Carter
 * and Dawson, "Twisted Edwards Curves Revisited" (2008), section 3.1). Numbers
 * of the field are five limbs of 51 bits, which may be a little longer: sums
 * and differences are not carried, since multiplying bears limbs below 2^54.
 * The few operations on limbs are inlined: 28 us in place of 40.
 */
#include "crypto/ed25519_fixed.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>

#include "base/auto.h"
#include "crypto/hash.h"
#include "crypto/ossl.h"

#define LEN 32
#define LIMBS 5
#define BITS 51
#define MASK (UINT64_MAX >> (64 - BITS))
#define DIGITS 64 /* of a number, to the base 16, from -8 to 8 */
#define DIGIT_MAX 8

__extension__ typedef unsigned __int128 wide;

/* ---- the field modulo 2^255 - 19 ---- */

struct fe {
	uint64_t limb[LIMBS];
};

static const struct fe zero = { { 0 } }, one = { { 1 } };
/* -121665/121666, and twice that */
static const struct fe curve_d = { { 0x34dca135978a3, 0x1a8283b156ebd,
    0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff } };
static const struct fe curve_2d = { { 0x69b9426b2f159, 0x35050762add7a,
    0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff } };
static const struct fe root_of_minus_one = { { 0x61b274a0ea0b0, 0x0d5a5fc8f189d,
    0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d } };

static inline struct fe
add(const struct fe *a, const struct fe *b)
{
	struct fe sum;

	for (int i = 0; i < LIMBS; i++)
		sum.limb[i] = a->limb[i] + b->limb[i];
	return sum;
}

/* a - b + 4 p: limbs of b are below 2^53. */
static inline struct fe
subtract(const struct fe *a, const struct fe *b)
{
	struct fe rest;

	for (int i = 0; i < LIMBS; i++)
		rest.limb[i] =
		    a->limb[i] + 4 * (MASK - (i == 0 ? 18 : 0)) - b->limb[i];
	return rest;
}

/* cppcheck takes what is wide for an int. */
static inline wide
carried(wide sum)
{
	/* cppcheck-suppress shiftTooManyBits */
	return sum >> BITS;
}

/* Limbs of 51 bits but for the second one, which may have one more. */
static inline struct fe
carry(wide t[static LIMBS])
{
	struct fe ret;
	uint64_t last;

	for (int i = 0; i < LIMBS - 1; i++) {
		ret.limb[i] = (uint64_t)t[i] & MASK;
		t[i + 1] += carried(t[i]);
	}
	ret.limb[4] = (uint64_t)t[4] & MASK;
	last = ret.limb[0] + 19 * (uint64_t)carried(t[4]);
	ret.limb[0] = last & MASK;
	ret.limb[1] += last >> BITS;
	return ret;
}

static inline struct fe
multiply(const struct fe *x, const struct fe *y)
{
	const uint64_t *a = x->limb, *b = y->limb;
	uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];
	wide t[LIMBS];

	t[0] = (wide)a[0] * b[0] + (wide)a[1] * b4 + (wide)a[2] * b3 +
	       (wide)a[3] * b2 + (wide)a[4] * b1;
	t[1] = (wide)a[0] * b[1] + (wide)a[1] * b[0] + (wide)a[2] * b4 +
	       (wide)a[3] * b3 + (wide)a[4] * b2;
	t[2] = (wide)a[0] * b[2] + (wide)a[1] * b[1] + (wide)a[2] * b[0] +
	       (wide)a[3] * b4 + (wide)a[4] * b3;
	t[3] = (wide)a[0] * b[3] + (wide)a[1] * b[2] + (wide)a[2] * b[1] +
	       (wide)a[3] * b[0] + (wide)a[4] * b4;
	t[4] = (wide)a[0] * b[4] + (wide)a[1] * b[3] + (wide)a[2] * b[2] +
	       (wide)a[3] * b[1] + (wide)a[4] * b[0];
	return carry(t);
}

/* a^(2^times) b */
static struct fe
square_times(const struct fe *a, int times, const struct fe *b)
{
	struct fe ret = *a;

	for (int i = 0; i < times; i++)
		ret = multiply(&ret, &ret);
	return multiply(&ret, b);
}

/* a^(2^250 - 1), and a^11 */
static struct fe
raise_250(const struct fe *a, struct fe *ret_11)
{
	struct fe a9 = square_times(a, 3, a);
	struct fe a11 = square_times(a, 1, &a9);
	struct fe to_5 = square_times(&a11, 1, &a9); /* a^(2^5 - 1) */
	struct fe to_10 = square_times(&to_5, 5, &to_5);
	struct fe to_20 = square_times(&to_10, 10, &to_10);
	struct fe to_40 = square_times(&to_20, 20, &to_20);
	struct fe to_50 = square_times(&to_40, 10, &to_10);
	struct fe to_100 = square_times(&to_50, 50, &to_50);
	struct fe to_200 = square_times(&to_100, 100, &to_100);

	*ret_11 = a11;
	return square_times(&to_200, 50, &to_50);
}

/* a^(p - 2), which is 1/a */
static struct fe
invert(const struct fe *a)
{
	struct fe a11, power = raise_250(a, &a11);

	return square_times(&power, 5, &a11);
}

/* The highest bit is not of the number. */
static struct fe
fe_read(const uint8_t from[static LEN])
{
	uint64_t word[4];

	memcpy(word, from, sizeof(word));
	for (int i = 0; i < 4; i++)
		word[i] = le64toh(word[i]);
	return (struct fe){ { word[0] & MASK,
	    (word[0] >> 51 | word[1] << 13) & MASK,
	    (word[1] >> 38 | word[2] << 26) & MASK,
	    (word[2] >> 25 | word[3] << 39) & MASK, word[3] >> 12 & MASK } };
}

/* The only number of those that are the same modulo p which is below it. */
static void
fe_write(const struct fe *a, uint8_t ret[static LEN])
{
	struct fe n = multiply(a, &one);
	uint64_t above = 19, word[4];

	/* 1 if n >= p: n + 19 reaches 2^255 then. */
	for (int i = 0; i < LIMBS; i++)
		above = (n.limb[i] + above) >> BITS;
	above *= 19;
	for (int i = 0; i < LIMBS; i++) {
		above += n.limb[i];
		n.limb[i] = above & MASK;
		above >>= BITS;
	}
	word[0] = n.limb[0] | n.limb[1] << 51;
	word[1] = n.limb[1] >> 13 | n.limb[2] << 38;
	word[2] = n.limb[2] >> 26 | n.limb[3] << 25;
	word[3] = n.limb[3] >> 39 | n.limb[4] << 12;
	for (int i = 0; i < 4; i++)
		word[i] = htole64(word[i]);
	memcpy(ret, word, sizeof(word));
}

static bool
is_same(const struct fe *a, const struct fe *b)
{
	uint8_t left[LEN], right[LEN];

	fe_write(a, left);
	fe_write(b, right);
	return memcmp(left, right, LEN) == 0;
}

/* ---- points ---- */

struct point {
	struct fe x, y, z, t;
};

/* What is needed of a point that is added to others. */
struct term {
	struct fe plus, minus, z, t2d; /* Y + X, Y - X, Z, 2 d T */
};

static const struct point neutral = { .y = { { 1 } }, .z = { { 1 } } };

static struct term
term_of(const struct point *p)
{
	return (struct term){ .plus = add(&p->y, &p->x),
		.minus = subtract(&p->y, &p->x),
		.z = p->z,
		.t2d = multiply(&p->t, &curve_2d) };
}

/* p + q, or p - q */
static void
point_add(struct point *p, const struct term *q, bool negative)
{
	struct fe plus = add(&p->y, &p->x), minus = subtract(&p->y, &p->x);
	struct fe a = multiply(&plus, negative ? &q->minus : &q->plus);
	struct fe b = multiply(&minus, negative ? &q->plus : &q->minus);
	struct fe c = multiply(&p->t, &q->t2d), d = multiply(&p->z, &q->z);
	struct fe e = subtract(&a, &b), f, g, h = add(&a, &b);

	d = add(&d, &d);
	f = negative ? add(&d, &c) : subtract(&d, &c);
	g = negative ? subtract(&d, &c) : add(&d, &c);
	p->x = multiply(&e, &f);
	p->y = multiply(&g, &h);
	p->z = multiply(&f, &g);
	p->t = multiply(&e, &h);
}

/* x^2 = u/v by one power, RFC 8032 section 5.1.3. False: there is none. */
static bool
find_x(const struct fe *y, struct fe *ret)
{
	struct fe yy = multiply(y, y), u = subtract(&yy, &one);
	struct fe v = multiply(&yy, &curve_d), v3, x, check, unused;

	v = add(&v, &one);
	v3 = square_times(&v, 1, &v);
	x = square_times(&v3, 1, &v);
	x = multiply(&x, &u);
	check = raise_250(&x, &unused);
	x = square_times(&check, 2, &x);
	x = multiply(&x, &v3);
	x = multiply(&x, &u);
	check = square_times(&x, 1, &v);
	*ret = x;
	if (is_same(&check, &u))
		return true;
	check = subtract(&zero, &check);
	*ret = multiply(&x, &root_of_minus_one);
	return is_same(&check, &u);
}

static struct fe
negate(const struct fe *a)
{
	return subtract(&zero, a);
}

static bool
point_read(const uint8_t from[static LEN], struct point *ret)
{
	struct fe y = fe_read(from), x;
	uint8_t bytes[LEN];

	if (!find_x(&y, &x))
		return false;
	fe_write(&x, bytes);
	if ((bytes[0] & 1) != from[LEN - 1] >> 7)
		x = negate(&x);
	*ret = (struct point){ x, y, one, multiply(&x, &y) };
	return true;
}

static void
point_write(const struct point *p, uint8_t ret[static LEN])
{
	struct fe by = invert(&p->z);
	struct fe x = multiply(&p->x, &by), y = multiply(&p->y, &by);
	uint8_t bytes[LEN];

	fe_write(&x, bytes);
	fe_write(&y, ret);
	ret[LEN - 1] |= (uint8_t)(bytes[0] << 7);
}

/* ---- tables ---- */

/* [i][j] is (j + 1) 16^i times a point. */
struct table {
	struct term of[DIGITS][DIGIT_MAX];
};

static void
table_fill(struct table *table, struct point p)
{
	for (int i = 0; i < DIGITS; i++) {
		struct term *row = table->of[i];

		row[0] = term_of(&p);
		for (int j = 1; j < DIGIT_MAX; j++) {
			point_add(&p, &row[0], false);
			row[j] = term_of(&p);
		}
		point_add(&p, &row[DIGIT_MAX - 1], false);
	}
}

/* number < 2^255 */
static void
split(const uint8_t number[static LEN], int8_t ret[static DIGITS])
{
	int over = 0;

	for (int i = 0; i < DIGITS; i++) {
		int digit = (number[i / 2] >> 4 * (i % 2) & 15) + over;

		over = digit > DIGIT_MAX;
		ret[i] = (int8_t)(digit - 16 * over);
	}
}

static void
add_multiple(struct point *sum, const struct table *table,
    const uint8_t number[static LEN])
{
	int8_t digits[DIGITS];

	split(number, digits);
	for (int i = 0; i < DIGITS; i++)
		if (digits[i] != 0)
			point_add(sum, &table->of[i][abs(digits[i]) - 1],
			    digits[i] < 0);
}

/* ---- the key ---- */

struct ed25519_fixed {
	uint8_t key[ED25519_KEY_LEN];
	struct table generator, opposite; /* B and -A */
};

/* RFC 8032 section 5.1: y = 4/5, x is even; and the order, lowest byte first */
static const uint8_t generator[LEN] = { 0x58, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66 };
static const uint8_t order[LEN] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12,
	0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	[LEN - 1] = 0x10 };

hm_err
ed25519_fixed_new(
    const uint8_t key[static ED25519_KEY_LEN], struct ed25519_fixed **ret)
{
	struct ed25519_fixed *made;
	struct point b, a;

	if (!point_read(generator, &b) || !point_read(key, &a))
		return HM_E_KEY;
	made = malloc(sizeof(*made));
	if (made == NULL)
		return HM_E_NO_MEMORY;
	a.x = negate(&a.x);
	a.t = negate(&a.t);
	table_fill(&made->generator, b);
	table_fill(&made->opposite, a);
	memcpy(made->key, key, sizeof(made->key));
	*ret = made;
	return HM_OK;
}

void
ed25519_fixed_free(struct ed25519_fixed *key)
{
	free(key);
}

/* ---- verifying ---- */

static bool
is_below_order(const uint8_t number[static LEN])
{
	int i = LEN - 1;

	while (i > 0 && number[i] == order[i])
		i--;
	return number[i] < order[i];
}

struct numbers {
	BIGNUM *hash, *order;
	BN_CTX *ctx;
};

static void
numbers_done(struct numbers *n)
{
	BN_CTX_free(n->ctx);
	BN_free(n->order);
	BN_free(n->hash);
}

static hm_err
reduce(const uint8_t hash[static HASH_MAX], uint8_t ret[static LEN])
{
	AUTO(numbers)
	struct numbers n = { BN_lebin2bn(hash, HASH_MAX, NULL),
		BN_lebin2bn(order, LEN, NULL), BN_CTX_new() };

	if (n.hash == NULL || n.order == NULL || n.ctx == NULL ||
	    BN_nnmod(n.hash, n.hash, n.order, n.ctx) != 1 ||
	    BN_bn2lebinpad(n.hash, ret, LEN) != LEN)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

/* k = SHA-512(R, A, message) modulo the order */
static hm_err
make_challenge(const struct ed25519_fixed *key, struct hm_bytes message,
    const uint8_t *point, uint8_t ret[static LEN])
{
	struct hash_run *run;
	uint8_t hash[HASH_MAX];

	HM_TRY(hash_run_new(HASH_SHA512, &run));
	hash_run_add(run, (struct hm_bytes){ point, LEN });
	hash_run_add(run, HM_BYTES(key->key));
	hash_run_add(run, message);
	hash_run_end(run, hash);
	hash_run_free(run);
	return reduce(hash, ret);
}

hm_err
ed25519_fixed_verify(const struct ed25519_fixed *key, struct hm_bytes message,
    const uint8_t signature[static ED25519_SIGNATURE_LEN])
{
	const uint8_t *number = signature + LEN;
	struct point sum = neutral;
	uint8_t challenge[LEN], point[LEN];

	if (!is_below_order(number))
		return HM_E_SIGNATURE;
	HM_TRY(make_challenge(key, message, signature, challenge));
	add_multiple(&sum, &key->generator, number);
	add_multiple(&sum, &key->opposite, challenge);
	point_write(&sum, point);
	return memcmp(point, signature, LEN) == 0 ? HM_OK : HM_E_SIGNATURE;
}
