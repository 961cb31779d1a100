/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/aead: the GCM specification's test cases 4 and 16; every bit counts */
#include "hex.h"

#include "crypto/aead.h"

#define PLAIN                                                      \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d" \
	"8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657" \
	"ba637b39"

struct example {
	const char *key, *cipher;
	size_t key_len;
};

static const struct example examples[] = {
	{ "feffe9928665731c6d6a8f9467308308",
	    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e23"
	    "29aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
	    "3d58e0915bc94fbc3221a5db94fae95ae7121a47",
	    16 },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd"
	    "2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
	    "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
	    32 },
};

struct message {
	uint8_t key[32], nonce[GCM_NONCE_LEN], aad[20], plain[60], cipher[76];
	struct hm_bytes key_bytes;
};

static void
load(const struct example *example, struct message *ret)
{
	unhex(example->key, ret->key, example->key_len);
	unhex("cafebabefacedbaddecaf888", ret->nonce, sizeof(ret->nonce));
	unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", ret->aad,
	    sizeof(ret->aad));
	unhex(PLAIN, ret->plain, sizeof(ret->plain));
	unhex(example->cipher, ret->cipher, sizeof(ret->cipher));
	ret->key_bytes = (struct hm_bytes){ ret->key, example->key_len };
}

static void
knows_the_test_cases_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct message m;
		uint8_t out[76];

		load(&examples[i], &m);
		assert_int_equal(gcm_seal(m.key_bytes, m.nonce, HM_BYTES(m.aad),
				     HM_BYTES(m.plain), out),
		    HM_OK);
		assert_memory_equal(out, m.cipher, sizeof(m.cipher));
		assert_int_equal(gcm_open(m.key_bytes, m.nonce, HM_BYTES(m.aad),
				     HM_BYTES(m.cipher), out),
		    HM_OK);
		assert_memory_equal(out, m.plain, sizeof(m.plain));
	}
}

static void
assert_shut(const struct message *m)
{
	uint8_t out[60], zeros[60] = { 0 };

	memset(out, 1, sizeof(out));
	assert_int_equal(gcm_open(m->key_bytes, m->nonce, HM_BYTES(m->aad),
			     HM_BYTES(m->cipher), out),
	    HM_E_OPEN);
	assert_memory_equal(out, zeros, sizeof(out));
}

static void
opens_for_nobody_else_and_leaves_no_plaintext(void **state)
{
	struct message m;

	(void)state;
	load(&examples[0], &m);
	for (size_t bit = 0; bit < 8 * sizeof(m.cipher); bit++) {
		m.cipher[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_shut(&m);
		m.cipher[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	m.key[15] ^= 1;
	assert_shut(&m);
	m.key[15] ^= 1;
	m.nonce[0] ^= 1;
	assert_shut(&m);
	m.nonce[0] ^= 1;
	m.aad[19] ^= 1;
	assert_shut(&m);
}

static void
refuses_less_than_a_tag(void **state)
{
	struct message m;
	uint8_t out[1] = { 7 };

	(void)state;
	load(&examples[0], &m);
	for (size_t len = 0; len < GCM_TAG_LEN; len++)
		assert_int_equal(gcm_open(m.key_bytes, m.nonce, HM_BYTES(m.aad),
				     (struct hm_bytes){ m.cipher, len }, out),
		    HM_E_OPEN);
	assert_int_equal(out[0], 7);
}

static void
seals_nothing_to_a_tag(void **state)
{
	struct message m;
	struct hm_bytes none = { 0 };
	uint8_t tag[GCM_TAG_LEN], out[1];

	(void)state;
	load(&examples[1], &m);
	assert_int_equal(
	    gcm_seal(m.key_bytes, m.nonce, none, none, tag), HM_OK);
	assert_int_equal(
	    gcm_open(m.key_bytes, m.nonce, none, HM_BYTES(tag), out), HM_OK);
	tag[0] ^= 1;
	assert_int_equal(
	    gcm_open(m.key_bytes, m.nonce, none, HM_BYTES(tag), out),
	    HM_E_OPEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_test_cases_both_ways),
		cmocka_unit_test(opens_for_nobody_else_and_leaves_no_plaintext),
		cmocka_unit_test(refuses_less_than_a_tag),
		cmocka_unit_test(seals_nothing_to_a_tag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
