/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/ed25519: RFC 8032 section 7.1, and what must not verify */
#include "hex.h"

#include "crypto/digest.h"
#include "crypto/ed25519_stream.h"

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

/* ---- messages that come by walks ---- */

struct walked {
	struct hm_bytes bytes;
	size_t piece;  /* bytes at a time */
	size_t turns;  /* so far */
	size_t change; /* the turn whose first byte is another one */
	hm_err err;    /* of the second turn */
};

static hm_err
walk(void *context, input_walker *each, void *each_context)
{
	struct walked *w = context;
	struct hm_bytes left = w->bytes;

	w->turns++;
	if (w->turns == 2 && w->err != HM_OK)
		return w->err;
	if (left.len > 0 && w->turns == w->change) {
		uint8_t other = left.ptr[0] ^ 1;

		HM_TRY(each(each_context, (struct hm_bytes){ &other, 1 }));
		left.ptr++;
		left.len--;
	}
	while (left.len > 0) {
		size_t len = left.len < w->piece ? left.len : w->piece;

		HM_TRY(each(each_context, (struct hm_bytes){ left.ptr, len }));
		left.ptr += len;
		left.len -= len;
	}
	return HM_OK;
}

static void
signs_by_walks_what_openssl_signs_at_once(void **state)
{
	static uint8_t bytes[20000];
	uint8_t seed[32], key[ED25519_KEY_LEN];
	uint8_t wanted[ED25519_SIGNATURE_LEN], got[ED25519_SIGNATURE_LEN];

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		struct walked w = { { bytes, i * i * 5 }, 1 + i * 37, 0, 0,
			HM_OK };
		struct ed25519_message message = { w.bytes.len, walk, &w };

		assert_int_equal(
		    random_bytes((struct hm_span){ seed, 32 }), HM_OK);
		assert_int_equal(
		    random_bytes((struct hm_span){ bytes, sizeof(bytes) }),
		    HM_OK);
		if (i < 2) {
			unhex(examples[i].seed, seed, 32);
			unhex(examples[i].message, bytes,
			    examples[i].message_len);
			w.bytes.len = examples[i].message_len;
		}
		assert_int_equal(ed25519_public(seed, key), HM_OK);
		assert_int_equal(ed25519_sign(seed, w.bytes, wanted), HM_OK);
		assert_int_equal(
		    ed25519_stream_sign(seed, &message, got), HM_OK);
		assert_int_equal(w.turns, 2);
		assert_memory_equal(got, wanted, sizeof(got));
		assert_int_equal(
		    ed25519_stream_verify(key, &message, got), HM_OK);
		assert_int_equal(w.turns, 3);
	}
}

static void
loads_no_more_than_its_maximum(void **state)
{
	uint8_t bytes[300] = { 6 };
	struct walked w = { HM_BYTES(bytes), 7, 0, 0, HM_OK };
	struct ed25519_message message = { w.bytes.len, walk, &w };
	struct buf whole = { 0 };

	(void)state;
	assert_int_equal(
	    ed25519_message_load(&message, 299, &whole), HM_E_TOO_LARGE);
	assert_int_equal(w.turns, 0);
	assert_int_equal(ed25519_message_load(&message, 300, &whole), HM_OK);
	assert_int_equal(whole.len, sizeof(bytes));
	assert_memory_equal(whole.ptr, bytes, sizeof(bytes));
	buf_done(&whole);
	message.size = 299; /* it gives more than it said */
	assert_int_equal(
	    ed25519_message_load(&message, 300, &whole), HM_E_TOO_LARGE);
	buf_done(&whole);
}

/* Whatever is wrong, both say the same. */
static void
refuses_by_walks_what_openssl_refuses(void **state)
{
	uint8_t seed[32] = { 5 }, key[ED25519_KEY_LEN], bytes[300] = { 6 };
	uint8_t signature[ED25519_SIGNATURE_LEN];
	struct walked w = { HM_BYTES(bytes), 100, 0, 0, HM_OK };
	struct ed25519_message message = { w.bytes.len, walk, &w };

	(void)state;
	assert_int_equal(ed25519_public(seed, key), HM_OK);
	assert_int_equal(ed25519_sign(seed, w.bytes, signature), HM_OK);
	for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    ed25519_stream_verify(key, &message, signature),
		    HM_E_SIGNATURE);
		signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(key); bit++) {
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(
		    ed25519_stream_verify(key, &message, signature),
		    HM_E_SIGNATURE);
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	bytes[299] ^= 1;
	assert_int_equal(
	    ed25519_stream_verify(key, &message, signature), HM_E_SIGNATURE);
}

/* S + L, as in RFC 8032 section 5.1.7; R and S of a key of small order, which
 * fit every message. */
static void
refuses_by_walks_numbers_and_keys_of_two_meanings(void **state)
{
	static const char *const orders[] = {
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"01000000000000000000000000000000000000000000000000000000000000"
		"80",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ff",
	};
	uint8_t seed[32] = { 5 }, key[ED25519_KEY_LEN], bytes[3] = { 6 };
	uint8_t signature[ED25519_SIGNATURE_LEN], order[32];
	struct walked w = { HM_BYTES(bytes), 100, 0, 0, HM_OK };
	struct ed25519_message message = { w.bytes.len, walk, &w };
	unsigned carry = 0;

	(void)state;
	unhex(
	    "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
	    order, sizeof(order));
	assert_int_equal(ed25519_public(seed, key), HM_OK);
	assert_int_equal(ed25519_sign(seed, w.bytes, signature), HM_OK);
	for (size_t i = 0; i < 32; i++) {
		carry += signature[32 + i] + order[i];
		signature[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(
	    ed25519_stream_verify(key, &message, signature), HM_E_SIGNATURE);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		memset(signature, 0, sizeof(signature));
		unhex(orders[i], key, sizeof(key));
		unhex(orders[0], signature, 32);
		assert_int_equal(
		    ed25519_stream_verify(key, &message, signature),
		    HM_E_SIGNATURE);
	}
}

/* Two challenges under one nonce would give the key away. */
static void
signs_nothing_that_changes_between_walks(void **state)
{
	uint8_t seed[32] = { 5 }, bytes[300] = { 6 };
	uint8_t signature[ED25519_SIGNATURE_LEN] = { 7 };
	struct walked w = { HM_BYTES(bytes), 100, 0, 2, HM_OK };
	struct walked broken = { HM_BYTES(bytes), 100, 0, 0, HM_E_NO_ROOM };
	struct ed25519_message message = { w.bytes.len, walk, &w };

	(void)state;
	assert_int_equal(
	    ed25519_stream_sign(seed, &message, signature), HM_E_IO);
	message.context = &broken;
	assert_int_equal(
	    ed25519_stream_sign(seed, &message, signature), HM_E_NO_ROOM);
	assert_int_equal(signature[0], 7);
	for (size_t i = 1; i < sizeof(signature); i++)
		assert_int_equal(signature[i], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_examples_of_rfc_8032),
		cmocka_unit_test(refuses_every_flipped_bit),
		cmocka_unit_test(signs_by_walks_what_openssl_signs_at_once),
		cmocka_unit_test(loads_no_more_than_its_maximum),
		cmocka_unit_test(refuses_by_walks_what_openssl_refuses),
		cmocka_unit_test(
		    refuses_by_walks_numbers_and_keys_of_two_meanings),
		cmocka_unit_test(signs_nothing_that_changes_between_walks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
