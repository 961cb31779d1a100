/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/p256 and p384: RFC 6979 and NIST examples; what no key and no
 * signature may be */
#include "hex.h"

#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

/* RFC 6979 A.2.5 and A.2.6, message "sample" */
#define SCALAR \
	"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define POINT                                                                \
	"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define SIGNATURE                                                          \
	"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" \
	"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define PRIME "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

static uint8_t point[P256_POINT_LEN], signature[P256_SIGNATURE_LEN];
static uint8_t digest[SHA256_LEN];

static int
setup(void **state)
{
	(void)state;
	unhex(POINT, point, sizeof(point));
	unhex(SIGNATURE, signature, sizeof(signature));
	sha256_one(HM_LITERAL("sample"), digest);
	return 0;
}

static void
assert_refused(hm_err err)
{
	struct p256_public *key;

	assert_int_equal(p256_verify(point, digest, signature), err);
	if (err == HM_E_KEY) {
		assert_int_equal(p256_check(point), HM_E_KEY);
		assert_int_equal(p256_public_new(point, &key), HM_E_KEY);
		return;
	}
	assert_int_equal(p256_public_new(point, &key), HM_OK);
	assert_int_equal(p256_verify_with(key, digest, signature), err);
	p256_public_free(key);
}

static void
verifies_the_example_of_rfc_6979(void **state)
{
	struct p256_public *key;

	(void)state;
	assert_int_equal(p256_check(point), HM_OK);
	assert_int_equal(p256_verify(point, digest, signature), HM_OK);
	assert_int_equal(p256_public_new(point, &key), HM_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    p256_verify_with(key, digest, signature), HM_OK);
		digest[i] ^= 1;
		assert_int_equal(
		    p256_verify_with(key, digest, signature), HM_E_SIGNATURE);
		digest[i] ^= 1;
	}
	p256_public_free(key);
	p256_public_free(NULL);
}

static void
takes_high_and_low_s(void **state)
{
	uint8_t order[32];
	int borrow = 0;

	(void)state;
	unhex(ORDER, order, sizeof(order));
	for (size_t i = 32; i-- > 0;) {
		int less = order[i] - signature[32 + i] - borrow;

		borrow = less < 0;
		signature[32 + i] = (uint8_t)less;
	}
	assert_int_equal(p256_verify(point, digest, signature), HM_OK);
}

static void
refuses_every_flipped_bit_of_the_signature(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    p256_verify(point, digest, signature), HM_E_SIGNATURE);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
refuses_numbers_out_of_range(void **state)
{
	static const char *const bad[] = {
		"0000000000000000000000000000000000000000000000000000000000000"
		"000",
		ORDER,
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632"
		"552",
		"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"fff",
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		unhex(bad[i], signature, 32);
		assert_refused(HM_E_SIGNATURE);
		setup(NULL);
		unhex(bad[i], signature + 32, 32);
		assert_refused(HM_E_SIGNATURE);
		setup(NULL);
	}
	/* r + n would be the same r to one that reduces: no room in 256 bits
	 * for this r, but for s = 0 and s = n both are zero. */
	memset(signature, 0, sizeof(signature));
	assert_refused(HM_E_SIGNATURE);
}

static void
refuses_what_is_no_point(void **state)
{
	(void)state;
	point[64] ^= 1; /* off the curve */
	assert_refused(HM_E_KEY);
	point[64] ^= 1;
	memset(point, 0, sizeof(point)); /* infinity, and padded */
	assert_refused(HM_E_KEY);
	point[0] = 0x04; /* (0, 0) */
	assert_refused(HM_E_KEY);
	memset(point + 1, 0xff, 64); /* beyond the field */
	assert_refused(HM_E_KEY);
	setup(NULL);
	for (unsigned form = 0; form < 256; form++) {
		point[0] = (uint8_t)form; /* compressed 2 3, hybrid 6 7 ... */
		assert_int_equal(
		    p256_check(point), form == 4 ? HM_OK : HM_E_KEY);
	}
}

static void
refuses_a_coordinate_that_needs_reducing(void **state)
{
	uint8_t prime[32];

	(void)state;
	/* (0, sqrt(b)) is on the curve; (p, sqrt(b)) is the same point to one
	 * that reduces. */
	unhex(
	    "04"
	    "0000000000000000000000000000000000000000000000000000000000000000"
	    "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
	    point, sizeof(point));
	assert_int_equal(p256_check(point), HM_OK);
	unhex(PRIME, prime, sizeof(prime));
	memcpy(point + 1, prime, sizeof(prime));
	assert_refused(HM_E_KEY);
}

static void
a_failed_import_does_not_spoil_the_next(void **state)
{
	uint8_t bad[P256_POINT_LEN];

	(void)state;
	memcpy(bad, point, sizeof(bad));
	bad[1] ^= 1;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(p256_verify(bad, digest, signature), HM_E_KEY);
		assert_int_equal(p256_verify(point, digest, signature), HM_OK);
	}
}

/* Points pass through one kept key: none may be taken for the next. */
static void
points_do_not_mix(void **state)
{
	uint8_t keys[2][P256_POINT_LEN], signatures[2][P256_SIGNATURE_LEN];
	uint8_t bad[P256_POINT_LEN], x[2][32], again[32];
	struct p256_pair *pairs[2];

	(void)state;
	memset(bad, 0x04, sizeof(bad));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p256_pair_new(&pairs[i]), HM_OK);
		p256_pair_point(pairs[i], keys[i]);
		assert_int_equal(
		    p256_pair_sign(pairs[i], digest, signatures[i]), HM_OK);
		assert_int_equal(
		    p256_pair_agree(pairs[0], keys[i], x[i]), HM_OK);
	}
	for (int i = 0; i < 8; i++) {
		uint8_t *key = keys[i % 2];

		assert_int_equal(
		    p256_verify(key, digest, signatures[i % 2]), HM_OK);
		assert_int_equal(p256_check(keys[1 - i % 2]), HM_OK);
		assert_int_equal(
		    p256_verify(key, digest, signatures[1 - i % 2]),
		    HM_E_SIGNATURE);
		assert_int_equal(p256_pair_agree(pairs[0], key, again), HM_OK);
		assert_memory_equal(again, x[i % 2], sizeof(again));
		assert_int_equal(
		    p256_pair_agree(pairs[0], bad, again), HM_E_KEY);
		assert_int_equal(
		    p256_verify(bad, digest, signatures[i % 2]), HM_E_KEY);
	}
	p256_pair_free(pairs[0]);
	p256_pair_free(pairs[1]);
}

static void
makes_a_pair_of_a_scalar(void **state)
{
	uint8_t scalar[P256_SCALAR_LEN], out[P256_POINT_LEN];
	struct p256_pair *pair;

	(void)state;
	unhex(SCALAR, scalar, sizeof(scalar));
	assert_int_equal(p256_pair_from(scalar, &pair), HM_OK);
	p256_pair_point(pair, out);
	assert_memory_equal(out, point, sizeof(out));
	memset(out, 0, sizeof(out));
	p256_pair_scalar(pair, out);
	assert_memory_equal(out, scalar, sizeof(scalar));
	p256_pair_free(pair);
	p256_pair_free(NULL);
}

static void
refuses_scalars_out_of_range(void **state)
{
	uint8_t scalar[P256_SCALAR_LEN] = { 0 };
	struct p256_pair *pair = NULL;

	(void)state;
	assert_int_equal(p256_pair_from(scalar, &pair), HM_E_KEY);
	unhex(ORDER, scalar, sizeof(scalar));
	assert_int_equal(p256_pair_from(scalar, &pair), HM_E_KEY);
	memset(scalar, 0xff, sizeof(scalar));
	assert_int_equal(p256_pair_from(scalar, &pair), HM_E_KEY);
	assert_null(pair);
	unhex(ORDER, scalar, sizeof(scalar));
	scalar[31]--; /* n - 1: its point is -G */
	assert_int_equal(p256_pair_from(scalar, &pair), HM_OK);
	p256_pair_point(pair, point);
	assert_hex(point + 1, 32,
	    "6b17d1f2e12c4247f8bce6e563a440f2"
	    "77037d812deb33a0f4a13945d898c296");
	p256_pair_free(pair);
}

static void
signs_what_verifies_and_never_with_the_same_r(void **state)
{
	uint8_t first[P256_SIGNATURE_LEN], key[P256_POINT_LEN];
	struct p256_pair *pair;

	(void)state;
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	p256_pair_point(pair, key);
	assert_int_equal(p256_pair_sign(pair, digest, first), HM_OK);
	assert_int_equal(p256_verify(key, digest, first), HM_OK);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(
		    p256_pair_sign(pair, digest, signature), HM_OK);
		assert_int_equal(p256_verify(key, digest, signature), HM_OK);
		assert_memory_not_equal(first, signature, 32);
	}
	assert_int_equal(p256_verify(point, digest, signature), HM_E_SIGNATURE);
	p256_pair_free(pair);
}

static void
agrees_as_nist_says(void **state)
{
	uint8_t scalar[P256_SCALAR_LEN], peer[P256_POINT_LEN], x[32];
	struct p256_pair *pair;

	(void)state;
	unhex("7d7dc5f71eb29ddaf80d6214632eeae0"
	      "3d9058af1fb6d22ed80badb62bc1a534",
	    scalar, sizeof(scalar));
	unhex("04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d2"
	      "87db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4"
	      "ac",
	    peer, sizeof(peer));
	assert_int_equal(p256_pair_from(scalar, &pair), HM_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p256_pair_agree(pair, peer, x), HM_OK);
		assert_hex(x, sizeof(x),
		    "46fc62106420ff012e54a434fbdd2d25"
		    "ccc5852060561e68040dd7778997bd7b");
	}
	p256_pair_free(pair);
}

static void
agrees_once_with_who_has_the_key(void **state)
{
	uint8_t own[2][P256_POINT_LEN], x[2][32], theirs[32];
	struct p256_pair *pair;

	(void)state;
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	p256_pair_point(pair, point);
	for (int i = 0; i < 20; i++) {
		int at = i % 2;

		assert_int_equal(p256_agree_once(point, own[at], x[at]), HM_OK);
		assert_int_equal(p256_check(own[at]), HM_OK);
		assert_int_equal(p256_pair_agree(pair, own[at], theirs), HM_OK);
		assert_memory_equal(x[at], theirs, sizeof(theirs));
	}
	assert_memory_not_equal(own[0], own[1], sizeof(own[0]));
	point[64] ^= 1;
	memcpy(theirs, x[0], sizeof(theirs));
	assert_int_equal(p256_agree_once(point, own[0], x[0]), HM_E_KEY);
	point[64] ^= 1;
	point[0] = 6 | (point[64] & 1); /* hybrid */
	assert_int_equal(p256_agree_once(point, own[0], x[0]), HM_E_KEY);
	assert_memory_equal(x[0], theirs, sizeof(theirs));
	p256_pair_free(pair);
}

/* The agreement skips OpenSSL's second validation: the first must hold. */
static void
agrees_with_no_point_that_is_not_on_the_curve(void **state)
{
	uint8_t x[32], before[32];
	struct p256_pair *pair;

	(void)state;
	memset(before, 0x5a, sizeof(before));
	memcpy(x, before, sizeof(x));
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	point[64] ^= 1;
	assert_int_equal(p256_pair_agree(pair, point, x), HM_E_KEY);
	point[64] ^= 1;
	point[0] = 0x02; /* compressed */
	assert_int_equal(p256_pair_agree(pair, point, x), HM_E_KEY);
	memset(point, 0, sizeof(point)); /* infinity */
	assert_int_equal(p256_pair_agree(pair, point, x), HM_E_KEY);
	point[0] = 0x04;
	assert_int_equal(p256_pair_agree(pair, point, x), HM_E_KEY);
	assert_memory_equal(x, before, sizeof(x));
	setup(NULL);
	assert_int_equal(p256_pair_agree(pair, point, x), HM_OK);
	p256_pair_free(pair);
}

static void
verifies_p384_for_roots(void **state)
{
	uint8_t key[P384_POINT_LEN], sample[48], sig[P384_SIGNATURE_LEN];

	(void)state;
	unhex("04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c"
	      "64def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c621"
	      "896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd25332647"
	      "20",
	    key, sizeof(key));
	unhex("94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa7"
	      "3d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
	      "99ef4aeb15f178cea1fe40db2603138f130e740a19624526"
	      "203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
	    sig, sizeof(sig));
	sha384_one(HM_LITERAL("sample"), sample);
	assert_int_equal(p384_check(key), HM_OK);
	assert_int_equal(p384_verify(key, sample, sig), HM_OK);
	sig[95] ^= 1;
	assert_int_equal(p384_verify(key, sample, sig), HM_E_SIGNATURE);
	memset(sig, 0xff, 48); /* r beyond n */
	assert_int_equal(p384_verify(key, sample, sig), HM_E_SIGNATURE);
	memset(sig, 0, 48);
	assert_int_equal(p384_verify(key, sample, sig), HM_E_SIGNATURE);
	key[96] ^= 1;
	assert_int_equal(p384_check(key), HM_E_KEY);
	assert_int_equal(p384_verify(key, sample, sig), HM_E_KEY);
	key[96] ^= 1;
	key[0] = 0x06;
	assert_int_equal(p384_check(key), HM_E_KEY);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(verifies_the_example_of_rfc_6979),
		TEST(takes_high_and_low_s),
		TEST(refuses_every_flipped_bit_of_the_signature),
		TEST(refuses_numbers_out_of_range),
		TEST(refuses_what_is_no_point),
		TEST(refuses_a_coordinate_that_needs_reducing),
		TEST(a_failed_import_does_not_spoil_the_next),
		TEST(points_do_not_mix),
		TEST(makes_a_pair_of_a_scalar),
		TEST(refuses_scalars_out_of_range),
		TEST(signs_what_verifies_and_never_with_the_same_r),
		TEST(agrees_as_nist_says),
		TEST(agrees_once_with_who_has_the_key),
		TEST(agrees_with_no_point_that_is_not_on_the_curve),
		TEST(verifies_p384_for_roots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
