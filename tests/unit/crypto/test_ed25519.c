/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/ed25519: RFC 8032 section 7.1, and what must not verify */
#include "hex.h"

#include "crypto/ed25519.h"

struct example {
	const char *seed, *key, *message, *signature;
	size_t message_len;
};

static const struct example examples[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
	    "",
	    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
	    0 },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	    "af82",
	    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
	    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
	    2 },
};

static void
knows_the_examples_of_rfc_8032(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct example *e = &examples[i];
		uint8_t seed[32], key[ED25519_KEY_LEN], message[2];
		uint8_t signature[ED25519_SIGNATURE_LEN];
		struct hm_bytes bytes = { message, e->message_len };

		unhex(e->seed, seed, sizeof(seed));
		unhex(e->message, message, e->message_len);
		assert_int_equal(ed25519_public(seed, key), HM_OK);
		assert_hex(key, sizeof(key), e->key);
		assert_int_equal(ed25519_sign(seed, bytes, signature), HM_OK);
		assert_hex(signature, sizeof(signature), e->signature);
		assert_int_equal(ed25519_verify(key, bytes, signature), HM_OK);
	}
}

static void
refuses_every_flipped_bit(void **state)
{
	const struct example *e = &examples[1];
	uint8_t key[ED25519_KEY_LEN], signature[ED25519_SIGNATURE_LEN];
	uint8_t message[2];

	(void)state;
	unhex(e->key, key, sizeof(key));
	unhex(e->message, message, sizeof(message));
	unhex(e->signature, signature, sizeof(signature));
	for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    ed25519_verify(key, HM_BYTES(message), signature),
		    HM_E_SIGNATURE);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	message[1] ^= 1;
	assert_int_equal(
	    ed25519_verify(key, HM_BYTES(message), signature), HM_E_SIGNATURE);
	message[1] ^= 1;
	memset(key, 0xff, sizeof(key)); /* y beyond the field */
	assert_int_equal(
	    ed25519_verify(key, HM_BYTES(message), signature), HM_E_SIGNATURE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_examples_of_rfc_8032),
		cmocka_unit_test(refuses_every_flipped_bit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
