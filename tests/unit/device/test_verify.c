/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of images and payload keys, against the host's OpenSSL. */
#include "hallmark/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/pkey.h"

#define ROUNDS 8

static void
hex(const char *text, uint8_t *ret, size_t len)
{
	assert_int_equal(hex_parse(hm_bytes_of(text), ret, len), HM_OK);
}

static void
digests_longer_like_the_host(void **unused)
{
	uint8_t data[300], ours[HASH_MAX], theirs[HASH_MAX];
	struct hm_sha512 sha;

	(void)unused;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		const struct hm_bytes all = { data, len };

		hm_sha512_init(&sha);
		hm_sha512_add(&sha, (struct hm_bytes){ data, len / 3 });
		hm_sha512_add(
		    &sha, (struct hm_bytes){ data + len / 3, len - len / 3 });
		hm_sha512_end(&sha, ours);
		assert_int_equal(hash_one(HASH_SHA512, all, theirs), HM_OK);
		assert_memory_equal(ours, theirs, 64);

		memset(ours, 0x77, sizeof(ours));
		hm_sha384_init(&sha);
		hm_sha512_add(&sha, all);
		hm_sha512_end(&sha, ours);
		assert_int_equal(hash_one(HASH_SHA384, all, theirs), HM_OK);
		assert_memory_equal(ours, theirs, 48);
		for (size_t i = 48; i < 64; i++)
			assert_int_equal(ours[i], 0x77);
	}
}

/* A signature by `key`, fresh or given, of `input`. */
static void
sign(struct pkey *key, pkey_scheme scheme, hash_kind hash,
    struct hm_bytes bytes, struct hm_span ret)
{
	const struct pkey_input input = {
		.scheme = scheme, .hash = hash, .bytes = bytes
	};
	size_t len;

	assert_int_equal(pkey_sign(key, &input, ret, &len), HM_OK);
	assert_int_equal(len, ret.len);
}

static void
verifies_p384_like_the_host(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ROUNDS; i++) {
		struct pkey *key = NULL;
		struct buf point = { 0 };
		uint8_t digest[48] = { (uint8_t)(i + 1) }, sig[96];

		buf_init(&point, 97);
		assert_int_equal(pkey_generate(PKEY_P384, 0, &key), HM_OK);
		assert_int_equal(pkey_point(key, &point), HM_OK);
		sign(key, PKEY_ECDSA, HASH_SHA384, HM_BYTES(digest),
		    (struct hm_span){ sig, sizeof(sig) });
		assert_int_equal(
		    hm_p384_verify(point.ptr, digest, sig), HM_VERDICT_YES);
		for (size_t at = i; at < sizeof(sig); at += ROUNDS * 2) {
			sig[at] ^= 0x40;
			assert_int_equal(hm_p384_verify(point.ptr, digest, sig),
			    HM_VERDICT_NO);
			sig[at] ^= 0x40;
			digest[at / 2] ^= 1;
			assert_int_equal(hm_p384_verify(point.ptr, digest, sig),
			    HM_VERDICT_NO);
			digest[at / 2] ^= 1;
			point.ptr[at] ^= 1;
			assert_int_equal(hm_p384_verify(point.ptr, digest, sig),
			    HM_VERDICT_NO);
			point.ptr[at] ^= 1;
		}
		assert_int_equal(
		    hm_p384_verify(point.ptr, digest, sig), HM_VERDICT_YES);
		buf_done(&point);
		pkey_free(key);
	}
}

static void
verifies_pss_like_the_host(void **unused)
{
	(void)unused;
	for (unsigned bits = 2048; bits <= 3072; bits += 1024) {
		struct pkey *key = NULL;
		struct buf n = { 0 };
		uint8_t digest[32] = { (uint8_t)bits }, room[HM_RSA_MAX];
		const struct hm_span sig = { room, bits / 8 };
		const struct hm_bytes got = { room, bits / 8 };

		buf_init(&n, HM_RSA_MAX);
		assert_int_equal(pkey_generate(PKEY_RSA, bits, &key), HM_OK);
		assert_int_equal(pkey_modulus(key, &n), HM_OK);
		for (size_t i = 0; i < ROUNDS; i++) {
			digest[i] ^= 0x55;
			sign(key, PKEY_PSS, HASH_SHA256, HM_BYTES(digest), sig);
			assert_int_equal(
			    hm_pss_verify(buf_bytes(&n), digest, got),
			    HM_VERDICT_YES);
			room[i * 31] ^= 1;
			assert_int_equal(
			    hm_pss_verify(buf_bytes(&n), digest, got),
			    HM_VERDICT_NO);
			room[i * 31] ^= 1;
			digest[i * 4] ^= 0x80;
			assert_int_equal(
			    hm_pss_verify(buf_bytes(&n), digest, got),
			    HM_VERDICT_NO);
		}
		buf_done(&n);
		pkey_free(key);
	}
}

static void
verifies_ed25519_like_the_host(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ROUNDS; i++) {
		struct pkey *key = NULL;
		struct buf point = { 0 };
		uint8_t text[200], sig[64];
		const struct hm_bytes message = { text, i * 28 };

		memset(text, (int)i, sizeof(text));
		buf_init(&point, 32);
		assert_int_equal(pkey_generate(PKEY_ED25519, 0, &key), HM_OK);
		assert_int_equal(pkey_point(key, &point), HM_OK);
		sign(key, PKEY_EDDSA, HASH_SHA512, message,
		    (struct hm_span){ sig, sizeof(sig) });
		assert_int_equal(
		    hm_ed25519_verify(point.ptr, message, sig), HM_VERDICT_YES);
		for (size_t at = i; at < sizeof(sig); at += ROUNDS) {
			sig[at] ^= 0x10;
			assert_int_equal(
			    hm_ed25519_verify(point.ptr, message, sig),
			    HM_VERDICT_NO);
			sig[at] ^= 0x10;
			point.ptr[at / 2] ^= 1;
			assert_int_equal(
			    hm_ed25519_verify(point.ptr, message, sig),
			    HM_VERDICT_NO);
			point.ptr[at / 2] ^= 1;
		}
		buf_done(&point);
		pkey_free(key);
	}
}

/* RFC 8032, 7.1: tests 1, 2, 3. */
static void
verifies_the_examples_of_the_rfc(void **unused)
{
	static const struct {
		const char *key, *message, *signature;
	} rows[] = {
		{ "d75a980182b10ab7d54bfed3c964073a"
		  "0ee172f3daa62325af021a68f707511a",
		    "",
		    "e5564300c360ac729086e2cc806e828a"
		    "84877f1eb8e5d974d873e06522490155"
		    "5fb8821590a33bacc61e39701cf9b46b"
		    "d25bf5f0595bbe24655141438e7a100b" },
		{ "3d4017c3e843895a92b70aa74d1b7ebc"
		  "9c982ccf2ec4968cc0cd55f12af4660c",
		    "72",
		    "92a009a9f0d4cab8720e820b5f642540"
		    "a2b27b5416503f8fb3762223ebdb69da"
		    "085ac1e43e15996e458f3613d0f11d8c"
		    "387b2eaeb4302aeeb00d291612bb0c00" },
		{ "fc51cd8e6218a1a38da47ed00230f058"
		  "0816ed13ba3303ac5deb911548908025",
		    "af82",
		    "6291d657deec24024827e69c3abe01a3"
		    "0ce548a284743a445e3680d7db5ac3ac"
		    "18ff9b538d16f290ae67f760984dc659"
		    "4a7c15e9716ed28dc027beceea1ec40a" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t key[32], text[2], sig[64];
		size_t len = strlen(rows[i].message) / 2;

		hex(rows[i].key, key, 32);
		hex(rows[i].message, text, len);
		hex(rows[i].signature, sig, 64);
		assert_int_equal(
		    hm_ed25519_verify(key, (struct hm_bytes){ text, len }, sig),
		    HM_VERDICT_YES);
	}
}

/* A row of edges.json, as bytes. */
struct edge {
	const char *alg, *id;
	uint8_t key[400], message[48], sig[400];
	size_t key_len, message_len, sig_len;
};

static size_t
bytes_of(const json_t *row, const char *name, uint8_t *ret, size_t room)
{
	const char *text = json_string_value(json_object_get(row, name));
	size_t len;

	assert_non_null(text);
	len = strlen(text) / 2;
	assert_true(len <= room);
	hex(text, ret, len);
	return len;
}

static hm_verdict
device_says(const struct edge *edge)
{
	const struct hm_bytes key = { edge->key, edge->key_len };
	const struct hm_bytes message = { edge->message, edge->message_len };
	const struct hm_bytes sig = { edge->sig, edge->sig_len };

	if (strcmp(edge->alg, "p256") == 0)
		return hm_p256_verify(key.ptr, message.ptr, sig.ptr);
	if (strcmp(edge->alg, "p384") == 0)
		return hm_p384_verify(key.ptr, message.ptr, sig.ptr);
	if (strcmp(edge->alg, "ed25519") == 0)
		return hm_ed25519_verify(key.ptr, message, sig.ptr);
	return hm_pss_verify(key, message.ptr, sig);
}

static bool
host_says(const struct edge *edge)
{
	static const struct {
		const char *alg;
		pkey_type type;
		struct pkey_input input;
	} rows[] = {
		{ "p256", PKEY_P256,
		    { .scheme = PKEY_ECDSA, .hash = HASH_SHA256 } },
		{ "p384", PKEY_P384,
		    { .scheme = PKEY_ECDSA, .hash = HASH_SHA384 } },
		{ "ed25519", PKEY_ED25519,
		    { .scheme = PKEY_EDDSA, .hash = HASH_SHA512 } },
		{ "rsa", PKEY_RSA,
		    { .scheme = PKEY_PSS, .hash = HASH_SHA256 } },
	};
	const struct hm_bytes point = { edge->key, edge->key_len };
	size_t at = 0;
	AUTO_PKEY struct pkey *key = NULL;
	struct pkey_input input;
	hm_err err;

	while (strcmp(rows[at].alg, edge->alg) != 0)
		at++;
	input = rows[at].input;
	input.bytes = (struct hm_bytes){ edge->message, edge->message_len };
	err = rows[at].type == PKEY_RSA
		  ? pkey_from_modulus(point, &key)
		  : pkey_from_point(rows[at].type, point, &key);
	return err == HM_OK &&
	       pkey_verify(key, &input,
		   (struct hm_bytes){ edge->sig, edge->sig_len }) == HM_OK;
}

static void
edge_of(const json_t *row, struct edge *ret)
{
	ret->alg = json_string_value(json_object_get(row, "alg"));
	ret->id = json_string_value(json_object_get(row, "id"));
	ret->key_len = bytes_of(row, "key", ret->key, 400);
	ret->message_len = bytes_of(row, "message", ret->message, 48);
	ret->sig_len = bytes_of(row, "signature", ret->sig, 400);
}

static void
judges_each_edge_as_written(void **unused)
{
	json_t *all = json_load_file(EDGES, 0, NULL), *row;
	struct edge edge;
	size_t at, wrong = 0;

	(void)unused;
	assert_non_null(all);
	assert_true(json_array_size(json_object_get(all, "rows")) > 200);
	json_array_foreach(json_object_get(all, "rows"), at, row)
	{
		const json_t *expect = json_object_get(row, "expect");
		hm_verdict right =
		    json_is_true(expect) ? HM_VERDICT_YES : HM_VERDICT_NO;

		edge_of(row, &edge);
		if (!json_is_null(expect) && device_says(&edge) != right) {
			print_error("device: %s %s\n", edge.alg, edge.id);
			wrong++;
		}
		if (host_says(&edge) !=
		    json_is_true(json_object_get(row, "host"))) {
			print_error("host: %s %s\n", edge.alg, edge.id);
			wrong++;
		}
	}
	json_decref(all);
	assert_int_equal(wrong, 0);
}

/* AES-CTR of the host, from block `first` of a zero iv. */
static void
ctr_by_host(struct hm_bytes key, uint32_t first, struct hm_span text)
{
	AUTO_CIPHER struct cipher *cipher = NULL;
	uint8_t iv[16] = { 0 };

	hm_put_u32(iv + 12, first);
	assert_int_equal(
	    cipher_new(key.len == 16 ? CIPHER_AES128_CTR : CIPHER_AES256_CTR,
		true, key, HM_BYTES(iv), &cipher),
	    HM_OK);
	assert_int_equal(cipher_update(cipher,
			     (struct hm_bytes){ text.ptr, text.len }, text.ptr),
	    HM_OK);
}

static void
counts_blocks_like_the_host(void **unused)
{
	static const uint8_t iv[12];
	const uint32_t firsts[] = { 0, 1, 255, 65535, 0x01020304, 0xfffffff8 };
	uint8_t key[32] = { 7 }, ours[120], theirs[120];

	(void)unused;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		for (size_t len = 0; len <= sizeof(ours); len++) {
			const struct hm_bytes k = { key, len & 1 ? 16 : 32 };

			memset(ours, (int)len, sizeof(ours));
			memset(theirs, (int)len, sizeof(theirs));
			hm_ctr_crypt(
			    k, iv, firsts[i], (struct hm_span){ ours, len });
			ctr_by_host(
			    k, firsts[i], (struct hm_span){ theirs, len });
			assert_memory_equal(ours, theirs, sizeof(ours));
		}
	}
}

/* A text that goes on after a restart. */
static void
goes_on_at_any_block(void **unused)
{
	static const uint8_t iv[12] = { 1 };
	uint8_t key[16] = { 7 }, once[100] = { 0 }, parts[100] = { 0 };
	const struct hm_bytes k = HM_BYTES(key);

	(void)unused;
	hm_ctr_crypt(k, iv, 5, (struct hm_span){ once, 100 });
	hm_ctr_crypt(k, iv, 5, (struct hm_span){ parts, 16 });
	hm_ctr_crypt(k, iv, 6, (struct hm_span){ parts + 16, 48 });
	hm_ctr_crypt(k, iv, 9, (struct hm_span){ parts + 64, 36 });
	assert_memory_equal(once, parts, sizeof(once));
}

/* Wrapped by the host as MCUboot has it; nothing that was touched opens. */
static void
unwraps_what_the_host_wraps(void **unused)
{
	(void)unused;
	for (size_t len = 16; len <= 32; len += 16) {
		uint8_t agreed[32] = { 9 }, keys[64], tlv[129] = { 4 };
		uint8_t key[32] = { 1, 2, 3 }, mac[HASH_MAX], ret[32];
		const struct hash_hkdf from = { .secret = HM_BYTES(agreed),
			.info = HM_LITERAL("MCUBoot_ECIES_v1") };
		const struct hm_bytes all = { tlv, 97 + len };

		assert_int_equal(hash_hkdf(HASH_SHA256, &from,
				     (struct hm_span){ keys, len + 32 }),
		    HM_OK);
		memcpy(tlv + 97, key, len);
		ctr_by_host((struct hm_bytes){ keys, len }, 0,
		    (struct hm_span){ tlv + 97, len });
		assert_int_equal(
		    hash_hmac(HASH_SHA256, (struct hm_bytes){ keys + len, 32 },
			(struct hm_bytes){ tlv + 97, len }, mac),
		    HM_OK);
		memcpy(tlv + 65, mac, 32);
		assert_int_equal(hm_ecies_unwrap(agreed, all, ret), HM_OK);
		assert_memory_equal(ret, key, len);
		memset(ret, 0x77, sizeof(ret));
		for (size_t at = 65; at < all.len; at++) {
			tlv[at] ^= 4;
			assert_int_equal(
			    hm_ecies_unwrap(agreed, all, ret), HM_E_OPEN);
			tlv[at] ^= 4;
		}
		for (size_t short_len = 0; short_len <= 129; short_len++) {
			if (short_len == all.len)
				continue;
			assert_int_equal(
			    hm_ecies_unwrap(agreed,
				(struct hm_bytes){ tlv, short_len }, ret),
			    HM_E_OPEN);
		}
		for (size_t at = 0; at < sizeof(ret); at++)
			assert_int_equal(ret[at], 0x77);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_longer_like_the_host),
		cmocka_unit_test(verifies_p384_like_the_host),
		cmocka_unit_test(verifies_pss_like_the_host),
		cmocka_unit_test(verifies_ed25519_like_the_host),
		cmocka_unit_test(verifies_the_examples_of_the_rfc),
		cmocka_unit_test(judges_each_edge_as_written),
		cmocka_unit_test(counts_blocks_like_the_host),
		cmocka_unit_test(goes_on_at_any_block),
		cmocka_unit_test(unwraps_what_the_host_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
