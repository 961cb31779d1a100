/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/hash: FIPS 180-4 examples, RFC 4231, RFC 5869, RFC 7914 answers */
#include "hex.h"

#include "crypto/hash.h"

static const struct {
	hash_kind kind;
	const char *of_abc;
} examples[] = {
	{ HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff6"
		       "1f20015ad" },
	{ HASH_SHA384,
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7" },
	{ HASH_SHA512,
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49"
	    "f" },
};

static void
knows_abc_whole_and_in_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		hash_kind kind = examples[i].kind;
		uint8_t got[HASH_MAX];
		struct hash_run *run;

		assert_int_equal(hash_one(kind, HM_LITERAL("abc"), got), HM_OK);
		assert_hex(got, hash_len(kind), examples[i].of_abc);
		assert_int_equal(hash_run_new(kind, &run), HM_OK);
		for (int again = 0; again < 2; again++) {
			hash_run_add(run, HM_LITERAL("a"));
			hash_run_add(run, HM_LITERAL(""));
			hash_run_add(run, HM_LITERAL("bc"));
			hash_run_end(run, got);
			assert_hex(got, hash_len(kind), examples[i].of_abc);
			hash_run_restart(run);
		}
		hash_run_free(run);
	}
}

static void
knows_hmac_rfc4231_case_2(void **state)
{
	uint8_t got[HASH_MAX];

	(void)state;
	assert_int_equal(hash_hmac(HASH_SHA512, HM_LITERAL("Jefe"),
			     HM_LITERAL("what do ya want for nothing?"), got),
	    HM_OK);
	assert_hex(got, 64,
	    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
	    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

static void
knows_hkdf_rfc5869(void **state)
{
	uint8_t ikm[22], salt[13], info[10], got[42];
	struct hash_hkdf from = { .secret = HM_BYTES(ikm) };

	(void)state;
	memset(ikm, 0x0b, sizeof(ikm));
	for (uint8_t i = 0; i < 13; i++)
		salt[i] = i;
	for (uint8_t i = 0; i < 10; i++)
		info[i] = 0xf0 + i;
	from.salt = HM_BYTES(salt);
	from.info = HM_BYTES(info);
	assert_int_equal(
	    hash_hkdf(HASH_SHA256, &from, (struct hm_span){ got, sizeof(got) }),
	    HM_OK);
	assert_hex(got, 42,
	    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
	    "34007208d5b887185865");
	/* case 3: neither salt nor info */
	from.salt = from.info = (struct hm_bytes){ 0 };
	assert_int_equal(
	    hash_hkdf(HASH_SHA256, &from, (struct hm_span){ got, sizeof(got) }),
	    HM_OK);
	assert_hex(got, 42,
	    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
	    "9d201395faa4b61a96c8");
}

static void
knows_pbkdf2_rfc7914(void **state)
{
	uint8_t got[64];

	(void)state;
	assert_int_equal(
	    hash_pbkdf2(HASH_SHA256, HM_LITERAL("passwd"), HM_LITERAL("salt"),
		1, (struct hm_span){ got, sizeof(got) }),
	    HM_OK);
	assert_hex(got, 64,
	    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
	    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_abc_whole_and_in_pieces),
		cmocka_unit_test(knows_hmac_rfc4231_case_2),
		cmocka_unit_test(knows_hkdf_rfc5869),
		cmocka_unit_test(knows_pbkdf2_rfc7914),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
