/* SPDX-License-Identifier: Apache-2.0 */
/* seal/hpke: RFC 9180 A.3.1 (P-256, AES-128-GCM, base), and what stays shut.
 * tests/e2e/test_crypto.py opens ours with an implementation of its own. */
#include "../crypto/hex.h"

#include <openssl/rand.h>

#include "crypto/aead.h"
#include "crypto/digest.h"
#include "seal/hpke.h"

#define RECIPIENT \
	"fcabb035645cbd80f4e63e8a339c34aae82c7c79c51ddbe04890f277a6a8a249"
#define EPHEMERAL \
	"44d89b96fa66ec92dff344aa2df82e99d438da3c602ee705fffc1c7d5949181b"
#define ENC                                                                  \
	"046c62e9ee75fe5b73c4aed592220c08b100a8dd0bc8ed09bfe3ccdcc2fcb12c84" \
	"fc09748089abca1a2310ceebbbf3cc14e56bd325f74ba2dc8242b789f503f400"
#define CIPHER                                                               \
	"b7481ce0b49e40d4a71a73b60beda9c5ea5656815608b96eb65ad9932511de4c23" \
	"54e2444d310db8b9593ffb2c"
#define INFO "Ode on a Grecian Urn"
#define AAD "Count-0"
#define PLAIN "Beauty is truth, truth beauty"

static struct p256_pair *recipient;
static uint8_t point[P256_POINT_LEN], enc[P256_POINT_LEN];
static uint8_t cipher[sizeof(PLAIN) - 1 + GCM_TAG_LEN];

static struct p256_pair *
pair_of(const char *scalar)
{
	uint8_t bytes[P256_SCALAR_LEN];
	struct p256_pair *pair;

	unhex(scalar, bytes, sizeof(bytes));
	assert_int_equal(p256_pair_from(bytes, &pair), HM_OK);
	return pair;
}

static const struct hpke_message plain = { HPKE_AES_128_GCM,
	{ (const uint8_t *)INFO, sizeof(INFO) - 1 },
	{ (const uint8_t *)AAD, sizeof(AAD) - 1 },
	{ (const uint8_t *)PLAIN, sizeof(PLAIN) - 1 } };

static int
setup(void **state)
{
	(void)state;
	recipient = pair_of(RECIPIENT);
	p256_pair_point(recipient, point);
	unhex(ENC, enc, sizeof(enc));
	unhex(CIPHER, cipher, sizeof(cipher));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	p256_pair_free(recipient);
	return 0;
}

static hm_err
open_as(struct p256_pair *who, const char *info, const char *aad, uint8_t *ret)
{
	return hpke_open(
	    &(struct hpke_message){ HPKE_AES_128_GCM, hm_bytes_of(info),
		hm_bytes_of(aad), HM_BYTES(cipher) },
	    who, enc, ret);
}

static hm_err
open_it(hpke_aead aead, uint8_t *ret)
{
	return hpke_open(&(struct hpke_message){ aead, HM_LITERAL(INFO),
			     HM_LITERAL(AAD), HM_BYTES(cipher) },
	    recipient, enc, ret);
}

static void
knows_the_example_of_rfc_9180_both_ways(void **state)
{
	struct p256_pair *ephemeral = pair_of(EPHEMERAL);
	uint8_t out[sizeof(cipher)], out_enc[P256_POINT_LEN];

	(void)state;
	assert_int_equal(
	    hpke_seal_with(&plain, ephemeral, point, out_enc, out), HM_OK);
	assert_memory_equal(out, cipher, sizeof(cipher));
	assert_memory_equal(out_enc, enc, sizeof(enc));
	p256_pair_free(ephemeral);
	assert_int_equal(open_it(HPKE_AES_128_GCM, out), HM_OK);
	assert_memory_equal(out, PLAIN, sizeof(PLAIN) - 1);
}

static void
seals_with_a_key_of_its_own_each_time(void **state)
{
	hpke_aead aeads[] = { HPKE_AES_128_GCM, HPKE_AES_256_GCM };
	uint8_t before[P256_POINT_LEN], out[sizeof(PLAIN) - 1];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct hpke_message message = plain;

		message.aead = aeads[i % 2];
		memcpy(before, enc, sizeof(enc));
		assert_int_equal(
		    hpke_seal(&message, point, enc, cipher), HM_OK);
		assert_memory_not_equal(before, enc, sizeof(enc));
		assert_int_equal(open_it(aeads[i % 2], out), HM_OK);
		assert_memory_equal(out, PLAIN, sizeof(out));
		assert_int_equal(open_it(aeads[1 - i % 2], out), HM_E_OPEN);
	}
}

static void
stays_shut_for_everybody_else(void **state)
{
	struct p256_pair *other = pair_of(EPHEMERAL);
	uint8_t out[sizeof(PLAIN) - 1], zeros[sizeof(out)] = { 0 };

	(void)state;
	memset(out, 1, sizeof(out));
	assert_int_equal(open_as(other, INFO, AAD, out), HM_E_OPEN);
	assert_memory_equal(out, zeros, sizeof(out));
	p256_pair_free(other);
	assert_int_equal(
	    open_as(recipient, "Ode on a Grecian Urm", AAD, out), HM_E_OPEN);
	assert_int_equal(open_as(recipient, INFO, "Count-1", out), HM_E_OPEN);
	for (size_t bit = 0; bit < 8 * sizeof(cipher); bit += 7) {
		cipher[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_it(HPKE_AES_128_GCM, out), HM_E_OPEN);
		cipher[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(open_it(HPKE_AES_128_GCM, out), HM_OK);
}

static void
refuses_less_than_a_tag(void **state)
{
	uint8_t out[1] = { 7 };

	(void)state;
	for (size_t len = 0; len < GCM_TAG_LEN; len++) {
		struct hpke_message message = plain;

		message.text = (struct hm_bytes){ cipher, len };
		assert_int_equal(
		    hpke_open(&message, recipient, enc, out), HM_E_OPEN);
	}
	assert_int_equal(out[0], 7);
}

/* Off the curve, compressed, infinity: neither to seal to nor to open from. */
static void
refuses_what_is_no_point_and_writes_nothing(void **state)
{
	static const uint8_t first[] = { 0x02, 0x06, 0x00 };
	uint8_t out[sizeof(cipher)], before[sizeof(cipher)];
	uint8_t no_enc[P256_POINT_LEN] = { 9 };

	(void)state;
	memset(before, 0x5a, sizeof(before));
	memcpy(out, before, sizeof(out));
	for (size_t i = 0; i < 4; i++) {
		point[64] ^= i == 3;
		enc[64] ^= i == 3;
		point[0] = enc[0] = i == 3 ? 4 : first[i];
		assert_int_equal(
		    hpke_seal(&plain, point, no_enc, out), HM_E_KEY);
		assert_int_equal(open_it(HPKE_AES_128_GCM, out), HM_E_KEY);
	}
	assert_memory_equal(out, before, sizeof(out));
	assert_int_equal(no_enc[0], 9);
}

static int
no_bytes(unsigned char *ret, int len)
{
	(void)ret, (void)len;
	return 0;
}

static void
seals_nothing_without_entropy(void **state)
{
	static const RAND_METHOD broken = { .bytes = no_bytes };
	hm_err err;

	(void)state;
	RAND_set_rand_method(&broken);
	err = hpke_seal(&plain, point, enc, cipher);
	RAND_set_rand_method(NULL);
	assert_int_equal(err, HM_E_NO_ENTROPY);
	assert_hex(enc, sizeof(enc), ENC);
	assert_hex(cipher, sizeof(cipher), CIPHER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(knows_the_example_of_rfc_9180_both_ways),
		TEST(seals_with_a_key_of_its_own_each_time),
		TEST(stays_shut_for_everybody_else),
		TEST(refuses_less_than_a_tag),
		TEST(refuses_what_is_no_point_and_writes_nothing),
		TEST(seals_nothing_without_entropy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
