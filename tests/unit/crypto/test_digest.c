/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/digest: FIPS 180-4, RFC 4231 and RFC 5869 examples; no entropy */
#include "hex.h"

#include <openssl/rand.h>

#include "crypto/digest.h"
#include "crypto/init.h"

static void
knows_the_examples_of_fips_180(void **state)
{
	struct hm_bytes pieces[] = { HM_LITERAL("a"), { 0 }, HM_LITERAL("bc") };
	uint8_t digest[SHA384_LEN];

	(void)state;
	sha256(pieces, 3, digest);
	assert_hex(digest, SHA256_LEN,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	sha256_one((struct hm_bytes){ 0 }, digest);
	assert_hex(digest, SHA256_LEN,
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	sha384_one(HM_LITERAL("abc"), digest);
	assert_hex(digest, SHA384_LEN,
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
	    "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
	sha384_one((struct hm_bytes){ 0 }, digest);
	assert_hex(digest, SHA384_LEN,
	    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be0743"
	    "4c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b");
}

static void
runs_mix_with_other_digests_and_start_again(void **state)
{
	struct sha256_run *run;
	uint8_t chunk[1000], digest[SHA256_LEN], other[SHA256_LEN];

	(void)state;
	memset(chunk, 'a', sizeof(chunk));
	assert_int_equal(sha256_run_new(&run), HM_OK);
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 1000; i++) {
			sha256_run_add(run, HM_BYTES(chunk));
			if (i % 100 == 0)
				sha256_one(HM_BYTES(chunk), other);
		}
		sha256_run_add(run, (struct hm_bytes){ 0 });
		sha256_run_end(run, digest);
		assert_hex(digest, SHA256_LEN,
		    "cdc76e5c9914fb9281a1c7e284d73e67"
		    "f1809a48a497200e046d39ccc7112cd0");
	}
	sha256_run_free(run);
	sha256_run_free(NULL);
}

static void
knows_the_examples_of_rfc_4231(void **state)
{
	struct hm_bytes jefe[] = { HM_LITERAL("what do ya want "),
		HM_LITERAL("for nothing?") };
	struct hm_bytes large = HM_LITERAL(
	    "Test Using Larger Than Block-Size Key - Hash Key First");
	uint8_t key[131], mac[SHA256_LEN];

	(void)state;
	hmac_sha256(HM_LITERAL("Jefe"), jefe, 2, mac);
	assert_hex(mac, sizeof(mac),
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(HM_BYTES(key), &large, 1, mac);
	assert_hex(mac, sizeof(mac),
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
}

static void
knows_the_examples_of_rfc_5869(void **state)
{
	uint8_t ikm[22], salt[13], info[10], prk[SHA256_LEN], okm[42];
	struct hm_bytes ikms = HM_BYTES(ikm), none = { 0 };
	struct hm_bytes infos[] = { { info, 4 }, { info + 4, 6 } };

	(void)state;
	memset(ikm, 0x0b, sizeof(ikm));
	unhex("000102030405060708090a0b0c", salt, sizeof(salt));
	unhex("f0f1f2f3f4f5f6f7f8f9", info, sizeof(info));
	hkdf_extract(HM_BYTES(salt), &ikms, 1, prk);
	assert_hex(prk, sizeof(prk),
	    "077709362c2e32df0ddc3f0dc47bba63"
	    "90b6c73bb50f9c3122ec844ad7c2b3e5");
	hkdf_expand(prk, infos, 2, (struct hm_span){ okm, sizeof(okm) });
	assert_hex(okm, sizeof(okm),
	    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5"
	    "bf34007208d5b887185865");
	hkdf_extract(none, &ikms, 1, prk);
	hkdf_expand(prk, NULL, 0, (struct hm_span){ okm, sizeof(okm) });
	assert_hex(okm, sizeof(okm),
	    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d"
	    "2d9d201395faa4b61a96c8");
}

static int
no_bytes(unsigned char *ret, int len)
{
	(void)ret, (void)len;
	return 0;
}

static void
says_so_when_there_is_no_entropy_and_leaves_nothing(void **state)
{
	static const RAND_METHOD broken = { .bytes = no_bytes };
	uint8_t bytes[32], zeros[32] = { 0 };
	struct hm_span room = { bytes, sizeof(bytes) };

	(void)state;
	assert_int_equal(crypto_init(), HM_OK);
	RAND_set_rand_method(&broken);
	memset(bytes, 1, sizeof(bytes));
	assert_int_equal(random_bytes(room), HM_E_NO_ENTROPY);
	assert_memory_equal(bytes, zeros, sizeof(bytes));
	memset(bytes, 1, sizeof(bytes));
	assert_int_equal(random_secret(room), HM_E_NO_ENTROPY);
	assert_memory_equal(bytes, zeros, sizeof(bytes));
	assert_int_equal(crypto_init(), HM_E_NO_ENTROPY);
	assert_int_equal(random_bytes((struct hm_span){ 0 }), HM_OK);
	RAND_set_rand_method(NULL);
	assert_int_equal(random_bytes(room), HM_OK);
	assert_memory_not_equal(bytes, zeros, sizeof(bytes));
}

static void
draws_other_bytes_each_time(void **state)
{
	uint8_t a[16], b[16], c[16];

	(void)state;
	assert_int_equal(random_bytes((struct hm_span){ a, sizeof(a) }), HM_OK);
	assert_int_equal(random_bytes((struct hm_span){ b, sizeof(b) }), HM_OK);
	assert_int_equal(
	    random_secret((struct hm_span){ c, sizeof(c) }), HM_OK);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_examples_of_fips_180),
		cmocka_unit_test(runs_mix_with_other_digests_and_start_again),
		cmocka_unit_test(knows_the_examples_of_rfc_4231),
		cmocka_unit_test(knows_the_examples_of_rfc_5869),
		cmocka_unit_test(
		    says_so_when_there_is_no_entropy_and_leaves_nothing),
		cmocka_unit_test(draws_other_bytes_each_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
