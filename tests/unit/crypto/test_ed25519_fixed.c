/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/ed25519_fixed: it says what OpenSSL's own verification says */
#include "hex.h"

#include "crypto/digest.h"
#include "crypto/ed25519_fixed.h"

#define RANDOM_KEYS 8
#define RANDOM_MESSAGES 16
#define MESSAGE_MAX 300

/* RFC 8032 section 5.1: the order, lowest byte first */
#define ORDER "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"

static uint8_t seed[32], key[ED25519_KEY_LEN];
static uint8_t signature[ED25519_SIGNATURE_LEN];
static struct ed25519_fixed *fixed;

static void
fill(uint8_t *bytes, size_t len)
{
	assert_int_equal(random_bytes((struct hm_span){ bytes, len }), HM_OK);
}

static void
take_seed(const char *hex)
{
	ed25519_fixed_free(fixed);
	fixed = NULL;
	if (hex != NULL)
		unhex(hex, seed, sizeof(seed));
	else
		fill(seed, sizeof(seed));
	assert_int_equal(ed25519_public(seed, key), HM_OK);
	assert_int_equal(ed25519_fixed_new(key, &fixed), HM_OK);
}

static int
teardown(void **state)
{
	(void)state;
	ed25519_fixed_free(fixed);
	return 0;
}

/* Both must agree. */
static hm_err
check_both(struct hm_bytes message)
{
	hm_err err = ed25519_fixed_verify(fixed, message, signature);

	assert_int_equal(err, ed25519_verify(key, message, signature));
	return err;
}

static void
sign(struct hm_bytes message)
{
	assert_int_equal(ed25519_sign(seed, message, signature), HM_OK);
}

static void
verifies_the_examples_of_rfc_8032(void **state)
{
	uint8_t message[] = { 0x72 };

	(void)state;
	take_seed("9d61b19deffd5a60ba844af492ec2cc4"
		  "4449c5697b326919703bac031cae7f60");
	assert_hex(key, sizeof(key),
	    "d75a980182b10ab7d54bfed3c964073a"
	    "0ee172f3daa62325af021a68f707511a");
	unhex(
	    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
	    signature, sizeof(signature));
	assert_int_equal(check_both((struct hm_bytes){ 0 }), HM_OK);
	take_seed("4ccd089b28ff96da9db6c346ec114e0f"
		  "5b8a319f35aba624da8cf6ed4fb8a6fb");
	unhex(
	    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
	    signature, sizeof(signature));
	assert_int_equal(check_both(HM_BYTES(message)), HM_OK);
}

static void
verifies_what_is_signed_and_nothing_else(void **state)
{
	uint8_t bytes[MESSAGE_MAX], byte;
	struct hm_bytes message = { bytes, 0 };

	(void)state;
	for (int i = 0; i < RANDOM_KEYS; i++) {
		take_seed(NULL);
		for (int j = 0; j < RANDOM_MESSAGES; j++) {
			fill(bytes, sizeof(bytes));
			message.len = (size_t)(bytes[0] + j);
			sign(message);
			assert_int_equal(check_both(message), HM_OK);
			bytes[1] ^= 1;
			message.len += 2;
			assert_int_equal(check_both(message), HM_E_SIGNATURE);
			message.len -= 2;
			bytes[1] ^= 1;
			byte = bytes[2] % ED25519_SIGNATURE_LEN;
			signature[byte] ^= (uint8_t)(1 << bytes[3] % 8);
			assert_int_equal(check_both(message), HM_E_SIGNATURE);
		}
	}
}

static void
refuses_a_single_bit_anywhere(void **state)
{
	struct hm_bytes message = HM_LITERAL("checkpoint");

	(void)state;
	take_seed(NULL);
	sign(message);
	for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(check_both(message), HM_E_SIGNATURE);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(check_both(message), HM_OK);
}

/* S and S + order are the same number, and only one of them is allowed. */
static void
refuses_a_number_that_is_not_below_the_order(void **state)
{
	struct hm_bytes message = HM_LITERAL("checkpoint");
	uint8_t order[32];
	unsigned over = 0;

	(void)state;
	take_seed(NULL);
	sign(message);
	unhex(ORDER, order, sizeof(order));
	for (size_t i = 0; i < sizeof(order); i++) {
		over += signature[32 + i] + order[i];
		signature[32 + i] = (uint8_t)over;
		over >>= 8;
	}
	assert_int_equal(check_both(message), HM_E_SIGNATURE);
	memcpy(signature + 32, order, sizeof(order));
	assert_int_equal(check_both(message), HM_E_SIGNATURE);
	memset(signature + 32, 0xff, 32);
	assert_int_equal(check_both(message), HM_E_SIGNATURE);
	memset(signature, 0, sizeof(signature));
	assert_int_equal(check_both(message), HM_E_SIGNATURE);
}

/* What OpenSSL takes for a point is one here, too: half of all numbers. */
static void
refuses_a_key_that_is_no_point(void **state)
{
	struct hm_bytes message = HM_LITERAL("checkpoint");
	struct ed25519_fixed *made;
	int points = 0;
	hm_err err;

	(void)state;
	take_seed(NULL);
	sign(message);
	for (int i = 0; i < 64; i++) {
		fill(key, sizeof(key));
		err = ed25519_fixed_new(key, &made);
		if (err == HM_OK) {
			points++;
			assert_int_equal(
			    ed25519_fixed_verify(made, message, signature),
			    HM_E_SIGNATURE);
			ed25519_fixed_free(made);
		} else {
			assert_int_equal(err, HM_E_KEY);
		}
	}
	assert_in_range(points, 8, 56);
	memset(key, 0, sizeof(key));
	key[0] = 2; /* y = 2: x^2 is no square */
	assert_int_equal(ed25519_fixed_new(key, &made), HM_E_KEY);
}

/* The neutral point as a key: S B = R for whatever was signed. */
static void
agrees_on_keys_of_small_order(void **state)
{
	struct hm_bytes message = HM_LITERAL("checkpoint");
	static const char *const keys[] = {
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"00000000000000000000000000000000000000000000000000000000000000"
		"00",
		"00000000000000000000000000000000000000000000000000000000000000"
		"80",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc"
		"05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03"
		"7a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		take_seed(NULL);
		ed25519_fixed_free(fixed);
		unhex(keys[i], key, sizeof(key));
		assert_int_equal(ed25519_fixed_new(key, &fixed), HM_OK);
		memset(signature, 0, sizeof(signature));
		signature[0] = 1; /* R is neutral, S is 0 */
		(void)check_both(message);
		sign(message);
		(void)check_both(message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_the_examples_of_rfc_8032),
		cmocka_unit_test(verifies_what_is_signed_and_nothing_else),
		cmocka_unit_test(refuses_a_single_bit_anywhere),
		cmocka_unit_test(refuses_a_number_that_is_not_below_the_order),
		cmocka_unit_test(refuses_a_key_that_is_no_point),
		cmocka_unit_test(agrees_on_keys_of_small_order),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
