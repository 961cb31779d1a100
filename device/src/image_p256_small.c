/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA P-256 verification alone, for boot loaders whose room counts: a third
 * of what a provider's needs, which has to sign and agree, too. All numbers
 * here are public, so that time may depend on them; nothing of this is fit for
 * private keys.
 *
 * Numbers are eight words, the lowest first, and in Montgomery's form with
 * R = 2^256 where it says so; points are Jacobian, z = 0 is infinity. Formulas
 * are lists for an interpreter, which are shorter than calls: dbl-2001-b of the
 * Explicit-Formulas Database, and the textbook's addition with its two
 * exceptions, which an attacker could reach.
 *
 * Numbers stand in static memory, none on the stack: an instruction that moves
 * the stack pointer and is not executed makes a return take a word of the stack
 * for its address, and what the numbers are is up to whoever signs.
 */
#include "image_parts.h"

#include <string.h>

#define SPKI_LEN 91 /* bytes of DER; the point is the last of it */
#define WORDS 8

struct num {
	uint32_t w[WORDS];
};
struct modulus {
	struct num m;
	uint32_t inverse; /* -1 / m, modulo 2^32 */
};
struct point {
	struct num x, y, z;
};

static const struct modulus field = {
	{ { 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 1, 0xFFFFFFFF } }, 1
};
static const struct modulus order = { { { 0xFC632551, 0xF3B9CAC2, 0xA7179E84,
					  0xBCE6FAAD, 0xFFFFFFFF, 0xFFFFFFFF, 0,
					  0xFFFFFFFF } },
	0xEE00BC4F };
static const struct num curve_b = { { 0x27D2604B, 0x3BCE3C3E, 0xCC53B0F6,
    0x651D06B0, 0x769886BC, 0xB3EBBD55, 0xAA3A93E7, 0x5AC635D8 } };
static const struct num base_x = { { 0xD898C296, 0xF4A13945, 0x2DEB33A0,
    0x77037D81, 0x63A440F2, 0xF8BCE6E5, 0xE12C4247, 0x6B17D1F2 } };
static const struct num base_y = { { 0x37BF51F5, 0xCBB64068, 0x6B315ECE,
    0x2BCE3357, 0x7C0F9E16, 0x8EE7EB4A, 0xFE1A7F9B, 0x4FE342E2 } };

/* ---- numbers ---- */

static struct num less; /* a difference, for as long as it is looked at */

/*
 * What works with words calls nobody meanwhile, and leaves none in a register:
 * whoever is called next saves those for its caller, or to fill its frame.
 */

static void
load(struct num *ret, const uint8_t *from)
{
	for (size_t i = 0; i < WORDS; i++)
		ret->w[i] = hm_get_u32(from + 4 * (WORDS - 1 - i));
}

/* a - b; the borrow, 0 or 1. */
HM_LEAVES_NOTHING static uint32_t
subtract(struct num *ret, const struct num *a, const struct num *b)
{
	uint64_t word = 0;

	for (size_t i = 0; i < WORDS; i++) {
		word = (uint64_t)a->w[i] - b->w[i] - (word >> 63);
		ret->w[i] = (uint32_t)word;
	}
	return (uint32_t)(word >> 63);
}

/* a + b; the carry, 0 or 1. */
HM_LEAVES_NOTHING static uint32_t
sum(struct num *ret, const struct num *a, const struct num *b)
{
	uint64_t word = 0;

	for (size_t i = 0; i < WORDS; i++) {
		word = (word >> 32) + a->w[i] + b->w[i];
		ret->w[i] = (uint32_t)word;
	}
	return (uint32_t)(word >> 32);
}

HM_LEAVES_NOTHING static void
copy(struct num *ret, const struct num *from)
{
	*ret = *from;
}

/* num + carry * 2^256, which is less than 2m, modulo m. */
static void
reduce(struct num *num, uint32_t carry, const struct modulus *mod)
{
	if (subtract(&less, num, &mod->m) <= carry)
		copy(num, &less);
}

static void
add(struct num *ret, const struct num *a, const struct num *b,
    const struct modulus *mod)
{
	reduce(ret, sum(ret, a, b), mod);
}

static void
sub(struct num *ret, const struct num *a, const struct num *b,
    const struct modulus *mod)
{
	if (subtract(ret, a, b) != 0)
		(void)sum(ret, ret, &mod->m);
}

/* t + a * b / R, less than 2m; t is 0 before. What is beyond 2^256, 0 or 1. */
HM_LEAVES_NOTHING static uint32_t
multiply(struct num *t, const struct num *a, const struct num *b,
    const struct modulus *mod)
{
	uint32_t top = 0, q;
	uint64_t low, high;

	for (size_t i = 0; i < WORDS; i++) {
		low = (uint64_t)a->w[i] * b->w[0] + t->w[0];
		q = (uint32_t)low * mod->inverse;
		high = (uint64_t)q * mod->m.w[0] + (uint32_t)low;
		for (size_t k = 1; k < WORDS; k++) {
			low =
			    (low >> 32) + t->w[k] + (uint64_t)a->w[i] * b->w[k];
			high = (uint64_t)q * mod->m.w[k] + (uint32_t)low +
			       (high >> 32);
			t->w[k - 1] = (uint32_t)high;
		}
		low = (low >> 32) + (high >> 32) + top;
		t->w[WORDS - 1] = (uint32_t)low;
		top = (uint32_t)(low >> 32);
	}
	return top;
}

/* a * b / R, modulo m; a is any, b less than m. */
static void
mul(struct num *ret, const struct num *a, const struct num *b,
    const struct modulus *mod)
{
	static struct num t;

	memset(&t, 0, sizeof(t));
	reduce(&t, multiply(&t, a, b, mod), mod);
	copy(ret, &t);
}

/* a * R: doubled 256 times; a is less than m. */
static void
to_form(struct num *a, const struct modulus *mod)
{
	for (size_t i = 0; i < 32 * WORDS; i++)
		add(a, a, a, mod);
}

static uint32_t
bits_of(const struct num *a)
{
	uint32_t any = 0;

	for (size_t i = 0; i < WORDS; i++)
		any |= a->w[i];
	return any;
}

static uint32_t
bit(const struct num *a, size_t at)
{
	return a->w[at / 32] >> (at % 32) & 1;
}

/* 1 to m - 1? */
static bool
is_scalar(const struct num *a, const struct modulus *mod)
{
	return bits_of(a) != 0 && subtract(&less, a, &mod->m) != 0;
}

/* 1 / a modulo the order, both in Montgomery's form: a^(n - 2). */
static void
invert(struct num *ret, const struct num *a)
{
	struct num power = order.m, one = { { 1 } };

	power.w[0] -= 2;
	to_form(&one, &order);
	*ret = one;
	for (size_t i = 32 * WORDS; i-- > 0;) {
		mul(ret, ret, ret, &order);
		if (bit(&power, i) != 0)
			mul(ret, ret, a, &order);
	}
}

/* ---- points ---- */

enum { X, Y, Z, X2, Y2, Z2, A, B, C, D, E, F, REGISTERS };
#define STEP(op, ret, a, b) (uint16_t)((op) << 12 | (ret) << 8 | (a) << 4 | (b))
#define MUL(ret, a, b) STEP(0, ret, a, b)
#define ADD(ret, a, b) STEP(1, ret, a, b)
#define SUB(ret, a, b) STEP(2, ret, a, b)
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const uint16_t doubling[] = { MUL(A, Z, Z), MUL(B, Y, Y), MUL(C, X, B),
	SUB(D, X, A), ADD(E, X, A), MUL(D, D, E), ADD(E, D, D), ADD(D, D, E),
	ADD(Z, Y, Z), MUL(Z, Z, Z), SUB(Z, Z, B), SUB(Z, Z, A), ADD(C, C, C),
	ADD(C, C, C), MUL(X, D, D), SUB(X, X, C), SUB(X, X, C), SUB(Y, C, X),
	MUL(Y, D, Y), ADD(B, B, B), MUL(B, B, B), ADD(B, B, B), SUB(Y, Y, B) };
/* B = u1, C = s1, D = u2 - u1, E = s2 - s1 */
static const uint16_t adding[] = { MUL(A, Z2, Z2), MUL(B, X, A), MUL(A, A, Z2),
	MUL(C, Y, A), MUL(A, Z, Z), MUL(D, X2, A), MUL(A, A, Z), MUL(E, Y2, A),
	SUB(D, D, B), SUB(E, E, C) };
static const uint16_t added[] = { MUL(Z, Z, Z2), MUL(Z, Z, D), MUL(A, D, D),
	MUL(F, A, D), MUL(A, B, A), MUL(X, E, E), SUB(X, X, F), SUB(X, X, A),
	SUB(X, X, A), SUB(A, A, X), MUL(Y, E, A), MUL(C, C, F), SUB(Y, Y, C) };
/* y^2 - x^3 + 3x - b into A; b is in B */
static const uint16_t curve[] = { MUL(A, Y, Y), MUL(C, X, X), MUL(C, C, X),
	SUB(A, A, C), ADD(A, A, X), ADD(A, A, X), ADD(A, A, X), SUB(A, A, B) };
/* A * z^2 - x into A */
static const uint16_t comparing[] = { MUL(B, Z, Z), MUL(A, A, B),
	SUB(A, A, X) };

static void
run(struct num *r, const uint16_t *steps, size_t count)
{
	struct num *ret;
	const struct num *a, *b;

	for (; count-- > 0; steps++) {
		ret = &r[*steps >> 8 & 15];
		a = &r[*steps >> 4 & 15];
		b = &r[*steps & 15];
		if (*steps >> 12 == 0)
			mul(ret, a, b, &field);
		else if (*steps >> 12 == 1)
			add(ret, a, b, &field);
		else
			sub(ret, a, b, &field);
	}
}

/* To the point at X, Y, Z. */
static void
add_point(struct num *r, const struct point *other)
{
	if (bits_of(&other->z) == 0)
		return;
	if (bits_of(&r[Z]) == 0) {
		memcpy(r, other, sizeof(*other));
		return;
	}
	memcpy(r + X2, other, sizeof(*other));
	run(r, adding, COUNT(adding));
	if (bits_of(&r[D]) != 0)
		run(r, added, COUNT(added));
	else if (bits_of(&r[E]) == 0)
		run(r, doubling, COUNT(doubling));
	else
		memset(&r[Z], 0, sizeof(r[Z]));
}

/* table[0] is the base, table[1] the key; a * base + b * key. */
static void
combine(struct num *r, struct point table[3], const struct num *a,
    const struct num *b)
{
	uint32_t which;

	memcpy(r, &table[0], sizeof(table[0]));
	add_point(r, &table[1]);
	memcpy(&table[2], r, sizeof(table[2]));
	memset(&r[Z], 0, sizeof(r[Z]));
	for (size_t i = 32 * WORDS; i-- > 0;) {
		run(r, doubling, COUNT(doubling));
		which = bit(a, i) + 2 * bit(b, i);
		if (which != 0)
			add_point(r, &table[which - 1]);
	}
}

/* In Montgomery's form; 0 only if it is on the curve. */
static uint32_t
load_point(struct num *r, const uint8_t *from, struct point *ret)
{
	uint32_t bad = from[0] ^ 4u;

	load(&r[X], from + 1);
	load(&r[Y], from + 33);
	bad |= subtract(&less, &r[X], &field.m) ^ 1;
	bad |= subtract(&less, &r[Y], &field.m) ^ 1;
	memset(&r[Z], 0, sizeof(r[Z]));
	r[Z].w[0] = 1;
	r[B] = curve_b;
	to_form(&r[X], &field);
	to_form(&r[Y], &field);
	to_form(&r[Z], &field);
	to_form(&r[B], &field);
	memcpy(ret, r, sizeof(*ret));
	run(r, curve, COUNT(curve));
	return bad | bits_of(&r[A]);
}

/* 0 only if x / z^2 is *to, which is less than the field's modulus. */
static uint32_t
compare(struct num *r, const struct num *to)
{
	memcpy(&r[A], to, sizeof(*to));
	to_form(&r[A], &field);
	run(r, comparing, COUNT(comparing));
	return bits_of(&r[A]);
}

/* All ones unless `any` is 0. */
static uint32_t
spread(uint32_t any)
{
	return 0 - ((any | (0 - any)) >> 31);
}

/* x is known modulo the order, which is less than the field's modulus. */
static uint32_t
compare_both(struct num *r, const struct num *x)
{
	static struct num more;
	uint32_t bad = spread(compare(r, x));

	if (sum(&more, x, &order.m) == 0 &&
	    subtract(&less, &more, &field.m) != 0)
		bad &= spread(compare(r, &more));
	return bad | spread(bits_of(&r[Z]) == 0);
}

hm_verdict
image_p256_small(
    const uint8_t *key, const uint8_t *digest, const uint8_t *signature)
{
	static struct num r, s, e, w, at[REGISTERS];
	static struct point table[3];
	uint32_t bad = 1;

	load(&r, signature);
	load(&s, signature + 32);
	memset(at, 0, sizeof(at));
	if (!is_scalar(&r, &order) || !is_scalar(&s, &order))
		return HM_VERDICT_NO;
	bad = load_point(at, key, &table[1]);
	if (bad != 0)
		return HM_VERDICT_NO;
	table[0] = HM_MAKE(point, base_x, base_y, table[1].z);
	to_form(&table[0].x, &field);
	to_form(&table[0].y, &field);
	load(&e, digest);
	reduce(&e, 0, &order);
	to_form(&s, &order);
	invert(&w, &s);
	mul(&e, &e, &w, &order);
	mul(&s, &r, &w, &order);
	combine(at, table, &e, &s);
	bad |= compare_both(at, &r);
	return HM_VERDICT_YES ^ spread(bad);
}

static hm_verdict
verify(struct hm_bytes key, const uint8_t *digest, struct hm_bytes signature)
{
	static uint8_t plain[HM_SIGNATURE_LEN];

	if (key.len != SPKI_LEN ||
	    !image_ecdsa_plain(signature, HM_SIGNATURE_LEN / 2, plain))
		return HM_VERDICT_NO;
	return image_p256_small(
	    key.ptr + SPKI_LEN - HM_POINT_LEN, digest, plain);
}

const struct hm_image_scheme hm_image_p256_small = {
	.type = TLV_ECDSA,
	.hash = &hm_image_sha256,
	.verify = verify,
};
