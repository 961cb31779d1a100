/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/cipher: answers of SP 800-38A, IEEE 1619, RFC 3394; limits; altered */
#include "hex.h"

#include "crypto/cipher.h"

struct example {
	cipher_kind kind;
	const char *key, *iv, *plain, *cipher;
};

#define BLOCKS                             \
	"6bc1bee22e409f96e93d7e117393172a" \
	"ae2d8a571e03ac9c9eb76fac45af8e51"
#define KEY256 \
	"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"

static const struct example examples[] = {
	{ CIPHER_AES128_CTR, "2b7e151628aed2a6abf7158809cf4f3c",
	    "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", BLOCKS,
	    "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdf"
	    "f" },
	{ CIPHER_AES256_CTR, KEY256, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", BLOCKS,
	    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c"
	    "5" },
	{ CIPHER_AES256_ECB, KEY256, "", BLOCKS,
	    "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a3136287"
	    "0" },
	{ CIPHER_AES256_CBC, KEY256, "000102030405060708090a0b0c0d0e0f", BLOCKS,
	    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7"
	    "d" },
	{ CIPHER_AES128_XTS,
	    "1111111111111111111111111111111122222222222222222222222222222222",
	    "33333333330000000000000000000000",
	    "4444444444444444444444444444444444444444444444444444444444444444",
	    "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f"
	    "0" },
};

static struct hm_bytes
load(const char *hex, uint8_t *room)
{
	unhex(hex, room, strlen(hex) / 2);
	return (struct hm_bytes){ room, strlen(hex) / 2 };
}

static void
check(const struct example *example, bool encrypt)
{
	uint8_t key[64], iv[16], from[64], want[64], got[64];
	struct hm_bytes plain =
	    load(encrypt ? example->plain : example->cipher, from);
	struct hm_bytes answer =
	    load(encrypt ? example->cipher : example->plain, want);
	struct cipher *cipher;

	assert_int_equal(
	    cipher_new(example->kind, encrypt, load(example->key, key),
		load(example->iv, iv), &cipher),
	    HM_OK);
	for (int again = 0; again < 2; again++) {
		memset(got, 0, sizeof(got));
		assert_int_equal(cipher_update(cipher, plain, got), HM_OK);
		assert_memory_equal(got, want, answer.len);
		assert_int_equal(
		    cipher_restart(cipher, load(example->iv, iv)), HM_OK);
	}
	/* In place. */
	assert_int_equal(cipher_update(cipher, plain, from), HM_OK);
	assert_memory_equal(from, want, answer.len);
	cipher_free(cipher);
}

static void
knows_the_published_answers_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		check(&examples[i], true);
		check(&examples[i], false);
	}
}

static void
refuses_keys_and_ivs_of_other_lengths(void **state)
{
	static const uint8_t zeros[64];
	struct cipher *cipher;

	(void)state;
	for (cipher_kind kind = CIPHER_AES128_CTR; kind <= CIPHER_AES256_GCM;
	     kind++) {
		assert_int_equal(
		    cipher_new(kind, true, (struct hm_bytes){ zeros, 15 },
			(struct hm_bytes){ zeros, 16 }, &cipher),
		    HM_E_BAD_INPUT);
		assert_int_equal(
		    cipher_new(kind, true, (struct hm_bytes){ zeros, 32 },
			(struct hm_bytes){ zeros, 17 }, &cipher),
		    HM_E_BAD_INPUT);
	}
	/* XTS with two equal halves is no XTS. */
	assert_int_equal(
	    cipher_new(CIPHER_AES256_XTS, true, (struct hm_bytes){ zeros, 64 },
		(struct hm_bytes){ zeros, 16 }, &cipher),
	    HM_E_BAD_INPUT);
}

static void
gcm_finds_every_altered_bit(void **state)
{
	uint8_t key[32] = { 1 }, iv[16] = { 2 }, text[40] = { 3 }, tag[16];
	struct cipher *cipher;

	(void)state;
	assert_int_equal(cipher_new(CIPHER_AES256_GCM, true, HM_BYTES(key),
			     HM_BYTES(iv), &cipher),
	    HM_OK);
	assert_int_equal(cipher_aad(cipher, HM_LITERAL("head")), HM_OK);
	assert_int_equal(cipher_update(cipher, HM_BYTES(text), text), HM_OK);
	assert_int_equal(cipher_tag(cipher, tag), HM_OK);
	cipher_free(cipher);
	for (size_t bit = 0; bit <= 8 * (sizeof(text) + sizeof(tag)); bit++) {
		uint8_t both[56], plain[40];

		memcpy(both, text, 40);
		memcpy(both + 40, tag, 16);
		if (bit < 8 * sizeof(both))
			both[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(cipher_new(CIPHER_AES256_GCM, false,
				     HM_BYTES(key), HM_BYTES(iv), &cipher),
		    HM_OK);
		assert_int_equal(cipher_aad(cipher, HM_LITERAL("head")), HM_OK);
		assert_int_equal(
		    cipher_update(cipher, (struct hm_bytes){ both, 40 }, plain),
		    HM_OK);
		assert_int_equal(cipher_check(cipher, both + 40),
		    bit == 8 * sizeof(both) ? HM_OK : HM_E_OPEN);
		cipher_free(cipher);
	}
}

static void
wraps_keys_as_rfc3394_says(void **state)
{
	uint8_t kek[32], plain[32], want[40], got[40];
	struct hm_bytes key = load("000102030405060708090A0B0C0D0E0F"
				   "101112131415161718191A1B1C1D1E1F",
	    kek);
	struct hm_bytes data = load("00112233445566778899AABBCCDDEEFF"
				    "000102030405060708090A0B0C0D0E0F",
	    plain);
	struct hm_bytes wrapped = load(
	    "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43B"
	    "FB988B9B7A02DD21",
	    want);

	(void)state;
	assert_int_equal(keywrap_wrap(key, data, got), HM_OK);
	assert_memory_equal(got, want, 40);
	assert_int_equal(keywrap_unwrap(key, wrapped, got), HM_OK);
	assert_memory_equal(got, plain, 32);
	want[7] ^= 1;
	assert_int_equal(keywrap_unwrap(key, wrapped, got), HM_E_OPEN);
	wrapped.len = 39;
	assert_int_equal(keywrap_unwrap(key, wrapped, got), HM_E_BAD_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_published_answers_both_ways),
		cmocka_unit_test(refuses_keys_and_ivs_of_other_lengths),
		cmocka_unit_test(gcm_finds_every_altered_bit),
		cmocka_unit_test(wraps_keys_as_rfc3394_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
