/* SPDX-License-Identifier: Apache-2.0 */
/* The provider against the host's OpenSSL and published examples. */
#include "hallmark/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "memport.h"
#include "seal/hpke.h"

#define ROUNDS 20

static void
hex(const char *text, uint8_t *ret, size_t len)
{
	assert_int_equal(hex_parse(hm_bytes_of(text), ret, len), HM_OK);
}

static void
digests_like_the_host(void **unused)
{
	uint8_t data[200], ours[32], theirs[32];
	struct hm_sha256 sha;

	(void)unused;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		hm_sha256_init(&sha);
		hm_sha256_add(&sha, (struct hm_bytes){ data, len / 3 });
		hm_sha256_add(
		    &sha, (struct hm_bytes){ data + len / 3, len - len / 3 });
		hm_sha256_end(&sha, ours);
		sha256_one((struct hm_bytes){ data, len }, theirs);
		assert_memory_equal(ours, theirs, 32);

		const struct hm_bytes pieces[2] = { { data, len },
			HM_LITERAL("x") };
		hm_hmac((struct hm_bytes){ data, len }, pieces, 2, ours);
		hmac_sha256((struct hm_bytes){ data, len }, pieces, 2, theirs);
		assert_memory_equal(ours, theirs, 32);
	}
}

static void
derives_like_the_host(void **unused)
{
	const struct hm_bytes info[2] = { HM_LITERAL("a"), HM_LITERAL("b") };
	uint8_t ours[32], theirs[32], prk[32];

	(void)unused;
	hm_hkdf_extract((struct hm_bytes){ 0 }, info, 2, ours);
	hkdf_extract((struct hm_bytes){ 0 }, info, 2, prk);
	assert_memory_equal(ours, prk, 32);
	for (size_t len = 1; len <= 32; len++) {
		hm_hkdf_expand(prk, info, 2, (struct hm_span){ ours, len });
		hkdf_expand(prk, info, 2, (struct hm_span){ theirs, len });
		assert_memory_equal(ours, theirs, len);
	}
}

static void
derives_more_than_a_block_like_the_host(void **unused)
{
	const struct hash_hkdf from = { .secret = HM_LITERAL("secret"),
		.salt = HM_LITERAL("salt"),
		.info = HM_LITERAL("info") };
	static uint8_t ours[255 * 32 + 1], theirs[255 * 32];
	uint8_t prk[32];

	(void)unused;
	hm_hkdf_extract(from.salt, &from.secret, 1, prk);
	for (size_t len = 1; len <= sizeof(theirs); len += len / 7 + 1) {
		ours[len] = 0x77;
		hm_hkdf_expand(
		    prk, &from.info, 1, (struct hm_span){ ours, len });
		assert_int_equal(hash_hkdf(HASH_SHA256, &from,
				     (struct hm_span){ theirs, len }),
		    HM_OK);
		assert_memory_equal(ours, theirs, len);
		assert_int_equal(ours[len], 0x77);
	}
}

static void
seals_and_opens_like_the_host(void **unused)
{
	uint8_t key[32] = { 1, 2, 3 }, nonce[12] = { 9 }, plain[100];
	uint8_t ours[116], theirs[116], back[100];

	(void)unused;
	memset(plain, 0x5a, sizeof(plain));
	for (size_t len = 0; len <= sizeof(plain); len += 5) {
		for (size_t bytes = 16; bytes <= 32; bytes += 16) {
			struct hm_bytes k = { key, bytes };
			struct hm_bytes p = { plain, len };
			struct hm_bytes c = { ours, len + 16 };

			hm_gcm_seal(k, nonce, HM_LITERAL("aad"), p, ours);
			assert_int_equal(
			    gcm_seal(k, nonce, HM_LITERAL("aad"), p, theirs),
			    HM_OK);
			assert_memory_equal(ours, theirs, len + 16);
			assert_int_equal(
			    hm_gcm_open(k, nonce, HM_LITERAL("aad"), c, back),
			    HM_OK);
			assert_memory_equal(back, plain, len);
		}
	}
}

static void
opens_nothing_that_was_touched(void **unused)
{
	static const uint8_t zeros[20];
	uint8_t key[16] = { 1 }, nonce[12] = { 2 }, cipher[36], back[20];
	struct hm_bytes k = HM_BYTES(key);

	(void)unused;
	hm_gcm_seal(k, nonce, HM_LITERAL("aad"),
	    HM_LITERAL("twenty bytes of text"), cipher);
	for (size_t i = 0; i < sizeof(cipher); i++) {
		cipher[i] ^= 0x10;
		memset(back, 0xff, sizeof(back));
		assert_int_equal(hm_gcm_open(k, nonce, HM_LITERAL("aad"),
				     HM_BYTES(cipher), back),
		    HM_E_OPEN);
		assert_memory_equal(back, zeros, sizeof(back));
		cipher[i] ^= 0x10;
	}
	assert_int_equal(
	    hm_gcm_open(k, nonce, HM_LITERAL("aae"), HM_BYTES(cipher), back),
	    HM_E_OPEN);
	for (size_t len = 0; len < sizeof(cipher); len++)
		assert_int_equal(hm_gcm_open(k, nonce, HM_LITERAL("aad"),
				     (struct hm_bytes){ cipher, len }, back),
		    HM_E_OPEN);
}

/* Both directions, and nothing that was altered. */
static void
signs_and_verifies_like_the_host(void **unused)
{
	(void)unused;
	for (uint8_t i = 1; i <= ROUNDS; i++) {
		const uint8_t seed[1] = { i };
		uint8_t scalar[32], point[65], theirs[65], digest[32], sig[64];
		struct p256_pair *pair = NULL;

		sha256_one(HM_BYTES(seed), scalar);
		sha256_one(HM_BYTES(scalar), digest);
		assert_int_equal(p256_pair_from(scalar, &pair), HM_OK);
		p256_pair_point(pair, theirs);
		assert_int_equal(hm_p256_public(scalar, point), HM_OK);
		assert_memory_equal(point, theirs, 65);

		assert_int_equal(hm_p256_sign(scalar, digest, sig), HM_OK);
		assert_int_equal(p256_verify(point, digest, sig), HM_OK);
		assert_int_equal(p256_pair_sign(pair, digest, sig), HM_OK);
		assert_int_equal(
		    hm_p256_verify(point, digest, sig), HM_VERDICT_YES);
		sig[i] ^= 1;
		assert_int_equal(
		    hm_p256_verify(point, digest, sig), HM_VERDICT_NO);
		sig[i] ^= 1;
		digest[i] ^= 1;
		assert_int_equal(
		    hm_p256_verify(point, digest, sig), HM_VERDICT_NO);
		digest[i] ^= 1;
		point[i] ^= 1;
		assert_int_equal(
		    hm_p256_verify(point, digest, sig), HM_VERDICT_NO);
		p256_pair_free(pair);
	}
}

/* RFC 6979, A.2.5: P-256, SHA-256, "sample". */
static void
signs_as_the_rfc_says(void **unused)
{
	uint8_t scalar[32], digest[32], expected[64], signature[64];

	(void)unused;
	hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
	    scalar, 32);
	hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
	    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
	    expected, 64);
	hm_sha256(HM_LITERAL("sample"), digest);
	assert_int_equal(hm_p256_sign(scalar, digest, signature), HM_OK);
	assert_memory_equal(signature, expected, 64);
}

static void
agrees_like_the_host_and_on_the_curve_only(void **unused)
{
	(void)unused;
	for (uint8_t i = 1; i <= ROUNDS; i++) {
		const uint8_t seed[1] = { i };
		uint8_t scalar[32], point[65], ours[32], theirs[32];
		struct p256_pair *mine = NULL, *other = NULL;

		sha256_one(HM_BYTES(seed), scalar);
		assert_int_equal(p256_pair_from(scalar, &mine), HM_OK);
		assert_int_equal(p256_pair_new(&other), HM_OK);
		p256_pair_point(other, point);
		assert_int_equal(hm_p256_agree(scalar, point, ours), HM_OK);
		assert_int_equal(p256_pair_agree(mine, point, theirs), HM_OK);
		assert_memory_equal(ours, theirs, 32);
		point[64] ^= 1;
		memset(ours, 0x77, 32);
		assert_int_equal(hm_p256_agree(scalar, point, ours), HM_E_KEY);
		for (size_t at = 0; at < 32; at++)
			assert_int_equal(ours[at], 0x77);
		p256_pair_free(mine);
		p256_pair_free(other);
	}
}

static void
takes_scalars_from_1_to_n_less_1(void **unused)
{
	uint8_t scalar[32] = { 0 }, point[65], digest[32] = { 1 }, out[64];

	(void)unused;
	assert_int_equal(hm_p256_public(scalar, point), HM_E_KEY);
	assert_int_equal(hm_p256_sign(scalar, digest, out), HM_E_KEY);
	scalar[31] = 1;
	assert_int_equal(hm_p256_public(scalar, point), HM_OK);
	assert_int_equal(hm_p256_agree(scalar, point, out), HM_OK);
	hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
	    scalar, 32);
	assert_int_equal(hm_p256_public(scalar, point), HM_E_KEY);
	assert_int_equal(hm_p256_agree(scalar, point, out), HM_E_KEY);
	scalar[31]--;
	assert_int_equal(hm_p256_public(scalar, point), HM_OK);
}

/* RFC 9180, A.3.1 (base mode, AES-128-GCM), sequence number 0. */
static void
opens_the_example_of_the_rfc(void **unused)
{
	uint8_t scalar[32], own[65], enc[65], agreed[32], cipher[45], plain[29];
	const struct hm_hpke hpke = { .enc = enc,
		.recipient = own,
		.agreed = agreed,
		.key_len = 16,
		.info = HM_LITERAL("Ode on a Grecian Urn"),
		.aad = HM_LITERAL("Count-0") };

	(void)unused;
	hex("fcabb035645cbd80f4e63e8a339c34aae82c7c79c51ddbe04890f277a6a8a249",
	    scalar, 32);
	hex("046c62e9ee75fe5b73c4aed592220c08b100a8dd0bc8ed09bfe3ccdcc2fcb12c8"
	    "4fc09748089abca1a2310ceebbbf3cc14e56bd325f74ba2dc8242b789f503f4"
	    "00",
	    enc, 65);
	hex("b7481ce0b49e40d4a71a73b60beda9c5ea5656815608b96eb65ad9932511de4c2"
	    "354e2444d310db8b9593ffb2c",
	    cipher, 45);
	assert_int_equal(hm_p256_public(scalar, own), HM_OK);
	assert_int_equal(hm_p256_agree(scalar, enc, agreed), HM_OK);
	assert_int_equal(hm_hpke_open(&hpke, HM_BYTES(cipher), plain), HM_OK);
	assert_memory_equal(plain, "Beauty is truth, truth beauty", 29);
}

static void
opens_what_the_host_seals(void **unused)
{
	(void)unused;
	for (int aead = HPKE_AES_128_GCM; aead <= HPKE_AES_256_GCM; aead++) {
		uint8_t scalar[32], own[65], enc[65], agreed[32];
		uint8_t cipher[20], plain[4];
		struct hm_hpke hpke = { .enc = enc,
			.recipient = own,
			.agreed = agreed,
			.key_len = (size_t)aead * 16,
			.info = HM_LITERAL("info"),
			.aad = HM_LITERAL("aad") };

		sha256_one(HM_LITERAL("recipient"), scalar);
		assert_int_equal(hm_p256_public(scalar, own), HM_OK);
		assert_int_equal(
		    hpke_seal(&(struct hpke_message){ (hpke_aead)aead,
				  hpke.info, hpke.aad, HM_LITERAL("text") },
			own, enc, cipher),
		    HM_OK);
		assert_int_equal(hm_p256_agree(scalar, enc, agreed), HM_OK);
		assert_int_equal(
		    hm_hpke_open(&hpke, HM_BYTES(cipher), plain), HM_OK);
		assert_memory_equal(plain, "text", 4);
		hpke.info = HM_LITERAL("Info");
		assert_int_equal(
		    hm_hpke_open(&hpke, HM_BYTES(cipher), plain), HM_E_OPEN);
		hpke.info = HM_LITERAL("info");
		hpke.key_len = 48 - hpke.key_len; /* the other suite */
		assert_int_equal(
		    hm_hpke_open(&hpke, HM_BYTES(cipher), plain), HM_E_OPEN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_like_the_host),
		cmocka_unit_test(derives_like_the_host),
		cmocka_unit_test(derives_more_than_a_block_like_the_host),
		cmocka_unit_test(seals_and_opens_like_the_host),
		cmocka_unit_test(opens_nothing_that_was_touched),
		cmocka_unit_test(signs_and_verifies_like_the_host),
		cmocka_unit_test(signs_as_the_rfc_says),
		cmocka_unit_test(agrees_like_the_host_and_on_the_curve_only),
		cmocka_unit_test(takes_scalars_from_1_to_n_less_1),
		cmocka_unit_test(opens_the_example_of_the_rfc),
		cmocka_unit_test(opens_what_the_host_seals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
