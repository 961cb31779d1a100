/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/p256_fixed: it says what OpenSSL's own verification says */
#include "hex.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/digest.h"
#include "crypto/p256_fixed.h"
#include "crypto/p256_inverse.h"

/* RFC 6979 A.2.5, message "sample" */
#define SCALAR \
	"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define SIGNATURE                                                          \
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" \
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

#define RANDOM_KEYS 8
#define RANDOM_SIGNATURES 64

static uint8_t point[P256_POINT_LEN], signature[P256_SIGNATURE_LEN];
static uint8_t digest[SHA256_LEN];
static struct p256_pair *pair;
static struct p256_fixed *fixed;

static void
take_pair(struct p256_pair *taken)
{
	pair = taken;
	p256_pair_point(pair, point);
	assert_int_equal(p256_fixed_new(point, &fixed), HM_OK);
}

static int
setup(void **state)
{
	struct p256_pair *taken;
	uint8_t scalar[32];

	(void)state;
	unhex(SCALAR, scalar, sizeof(scalar));
	unhex(SIGNATURE, signature, sizeof(signature));
	sha256_one(HM_LITERAL("sample"), digest);
	assert_int_equal(p256_pair_from(scalar, &taken), HM_OK);
	take_pair(taken);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	p256_pair_free(pair);
	p256_fixed_free(fixed);
	return 0;
}

/* The three of us must agree; p256_verify_with() is OpenSSL's own. */
static hm_err
check_all(void)
{
	hm_err err = p256_fixed_verify(fixed, digest, signature);
	struct p256_public *key;

	assert_int_equal(err, p256_verify(point, digest, signature));
	assert_int_equal(p256_public_new(point, &key), HM_OK);
	assert_int_equal(err, p256_verify_with(key, digest, signature));
	p256_public_free(key);
	return err;
}

static void
verifies_the_example_of_rfc_6979(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(check_all(), HM_OK);
}

static void
agrees_on_random_keys_and_messages(void **state)
{
	struct p256_pair *taken;

	for (int i = 0; i < RANDOM_KEYS; i++) {
		teardown(state);
		assert_int_equal(p256_pair_new(&taken), HM_OK);
		take_pair(taken);
		for (int j = 0; j < RANDOM_SIGNATURES; j++) {
			assert_int_equal(
			    random_bytes((struct hm_span){ digest, 32 }),
			    HM_OK);
			assert_int_equal(
			    p256_pair_sign(pair, digest, signature), HM_OK);
			assert_int_equal(check_all(), HM_OK);
			digest[j % 32] ^= 0x40;
			assert_int_equal(check_all(), HM_E_SIGNATURE);
		}
	}
}

static void
refuses_every_flipped_bit(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8 * sizeof(signature); i++) {
		signature[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(check_all(), HM_E_SIGNATURE);
		signature[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < 8 * sizeof(digest); i++) {
		digest[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(check_all(), HM_E_SIGNATURE);
		digest[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(check_all(), HM_OK);
}

static void
refuses_what_random_bytes_say(void **state)
{
	struct hm_span all = { signature, sizeof(signature) };

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(random_bytes(all), HM_OK);
		assert_int_equal(check_all(), HM_E_SIGNATURE);
	}
	memset(signature, 0, sizeof(signature));
	assert_int_equal(check_all(), HM_E_SIGNATURE);
	memset(signature, 0xff, sizeof(signature));
	assert_int_equal(check_all(), HM_E_SIGNATURE);
}

static void
refuses_r_and_s_out_of_range(void **state)
{
	uint8_t good[P256_SIGNATURE_LEN];

	(void)state;
	memcpy(good, signature, sizeof(good));
	for (size_t half = 0; half < 64; half += 32) {
		memset(signature + half, 0, 32);
		assert_int_equal(check_all(), HM_E_SIGNATURE);
		unhex(ORDER, signature + half, 32);
		assert_int_equal(check_all(), HM_E_SIGNATURE);
		signature[half + 31]++;
		assert_int_equal(check_all(), HM_E_SIGNATURE);
		signature[half + 31] = 0x50; /* n - 1: allowed, but wrong */
		assert_int_equal(check_all(), HM_E_SIGNATURE);
		memset(signature + half, 0, 32);
		signature[half + 31] = 1;
		assert_int_equal(check_all(), HM_E_SIGNATURE);
		memcpy(signature, good, sizeof(good));
	}
}

static void
takes_the_other_s_as_well(void **state)
{
	BIGNUM *s = BN_bin2bn(signature + 32, 32, NULL), *n = NULL;

	(void)state;
	assert_int_equal(BN_hex2bn(&n, ORDER), 64);
	assert_int_equal(BN_sub(s, n, s), 1);
	assert_int_equal(BN_bn2binpad(s, signature + 32, 32), 32);
	assert_int_equal(check_all(), HM_OK);
	BN_free(s);
	BN_free(n);
}

static void
verifies_by_no_other_key(void **state)
{
	struct p256_pair *taken;

	teardown(state);
	assert_int_equal(p256_pair_new(&taken), HM_OK);
	take_pair(taken);
	assert_int_equal(check_all(), HM_E_SIGNATURE);
}

static void
refuses_points_that_are_none(void **state)
{
	struct p256_fixed *none = NULL;

	(void)state;
	point[64] ^= 1;
	assert_int_equal(p256_fixed_new(point, &none), HM_E_KEY);
	point[64] ^= 1;
	point[0] = 2;
	assert_int_equal(p256_fixed_new(point, &none), HM_E_KEY);
	memset(point, 0, sizeof(point));
	assert_int_equal(p256_fixed_new(point, &none), HM_E_KEY);
	assert_null(none);
	p256_fixed_free(NULL);
}

/* ---- 1/s ---- */

struct numbers {
	EC_GROUP *group;
	BN_CTX *ctx;
	const BIGNUM *n;
	BIGNUM *r, *s, *e, *d, *u;
};

static void
numbers_init(struct numbers *with)
{
	uint8_t scalar[32];

	with->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	with->ctx = BN_CTX_new();
	with->n = EC_GROUP_get0_order(with->group);
	with->r = BN_bin2bn(signature, 32, NULL);
	with->s = BN_bin2bn(signature + 32, 32, NULL);
	with->e = BN_new();
	with->u = BN_new();
	p256_pair_scalar(pair, scalar);
	with->d = BN_bin2bn(scalar, 32, NULL);
}

static void
numbers_done(struct numbers *with)
{
	BN_free(with->r);
	BN_free(with->s);
	BN_free(with->e);
	BN_free(with->d);
	BN_free(with->u);
	BN_CTX_free(with->ctx);
	EC_GROUP_free(with->group);
}

static void
assert_inverted(const struct numbers *with, const uint8_t s[static 32])
{
	uint8_t inverse[32];

	p256_order_invert(s, inverse);
	BN_bin2bn(s, 32, with->s);
	BN_bin2bn(inverse, 32, with->u);
	assert_true(BN_cmp(with->u, with->n) < 0);
	assert_int_equal(
	    BN_mod_mul(with->e, with->s, with->u, with->n, with->ctx), 1);
	assert_true(BN_is_one(with->e));
}

static void
inverts_small_large_and_random_numbers(void **state)
{
	struct numbers with;
	uint8_t s[32] = { 0 };

	(void)state;
	numbers_init(&with);
	for (int i = 0; i < 256; i++) { /* 2^i, and what is next to it */
		memset(s, 0, sizeof(s));
		s[31 - i / 8] = (uint8_t)(1 << i % 8);
		assert_inverted(&with, s);
		s[31] |= 1;
		assert_inverted(&with, s);
	}
	unhex(ORDER, s, sizeof(s));
	for (int i = 1; i <= 0x51; i++) { /* n - i */
		s[31] = (uint8_t)(0x51 - i);
		assert_inverted(&with, s);
	}
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(
		    random_bytes((struct hm_span){ s, 32 }), HM_OK);
		s[0] &= (uint8_t)(0xff >> i % 9);
		s[i % 32] = 0;
		assert_inverted(&with, s);
	}
	numbers_done(&with);
}

/* ---- sums that are special ---- */

static void
copes_with_sums_of_equal_and_of_opposite_points(void **state)
{
	struct numbers with;

	(void)state;
	numbers_init(&with);
	/* e = r d: both points are the same. */
	BN_mod_mul(with.e, with.r, with.d, with.n, with.ctx);
	assert_int_equal(BN_bn2binpad(with.e, digest, 32), 32);
	assert_int_equal(check_all(), HM_E_SIGNATURE);
	/* e = -r d: the sum is the point at infinity. */
	BN_sub(with.e, with.n, with.e);
	assert_int_equal(BN_bn2binpad(with.e, digest, 32), 32);
	assert_int_equal(check_all(), HM_E_SIGNATURE);
	/* e = 0: there is only one point. */
	memset(digest, 0, sizeof(digest));
	assert_int_equal(check_all(), HM_E_SIGNATURE);
	assert_int_equal(p256_pair_sign(pair, digest, signature), HM_OK);
	assert_int_equal(check_all(), HM_OK);
	numbers_done(&with);
}

/* The key for which (e, r, s) is a signature whose R has x = `from` or the
 * next larger one that is on the curve. */
static void
find_key(struct numbers *with, BIGNUM *from)
{
	EC_POINT *at = EC_POINT_new(with->group);

	while (EC_POINT_set_compressed_coordinates(
		   with->group, at, from, 0, with->ctx) != 1)
		BN_add_word(from, 1);
	BN_nnmod(with->r, from, with->n, with->ctx);
	BN_bin2bn(digest, 32, with->e);
	/* Q = (s R - e G) / r */
	BN_mod_inverse(with->u, with->r, with->n, with->ctx);
	BN_mod_mul(with->s, with->s, with->u, with->n, with->ctx);
	BN_mod_mul(with->e, with->e, with->u, with->n, with->ctx);
	BN_sub(with->e, with->n, with->e);
	assert_int_equal(
	    EC_POINT_mul(with->group, at, with->e, at, with->s, with->ctx), 1);
	assert_int_equal(
	    EC_POINT_point2oct(with->group, at, POINT_CONVERSION_UNCOMPRESSED,
		point, sizeof(point), with->ctx),
	    sizeof(point));
	assert_int_equal(BN_bn2binpad(with->r, signature, 32), 32);
	EC_POINT_free(at);
}

static void
reduces_an_x_beyond_the_order(void **state)
{
	struct numbers with;
	BIGNUM *from;

	(void)state;
	numbers_init(&with);
	from = BN_dup(with.n);
	find_key(&with, from);
	assert_true(BN_cmp(from, with.n) >= 0 && BN_cmp(from, with.r) > 0);
	p256_fixed_free(fixed);
	assert_int_equal(p256_fixed_new(point, &fixed), HM_OK);
	assert_int_equal(check_all(), HM_OK);
	signature[31] ^= 1;
	assert_int_equal(check_all(), HM_E_SIGNATURE);
	BN_free(from);
	numbers_done(&with);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(verifies_the_example_of_rfc_6979),
		TEST(agrees_on_random_keys_and_messages),
		TEST(refuses_every_flipped_bit),
		TEST(refuses_what_random_bytes_say),
		TEST(refuses_r_and_s_out_of_range),
		TEST(takes_the_other_s_as_well),
		TEST(verifies_by_no_other_key),
		TEST(refuses_points_that_are_none),
		TEST(inverts_small_large_and_random_numbers),
		TEST(copes_with_sums_of_equal_and_of_opposite_points),
		TEST(reduces_an_x_beyond_the_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
