/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/cose: a pair in memory as a signer */
#include "hex.h"

#include <openssl/rand.h>

#include "crypto/cose.h"
#include "crypto/p256.h"

static void
a_pair_is_a_signer(void **state)
{
	uint8_t digest[32] = { 1 }, signature[64], point[P256_POINT_LEN];
	struct p256_pair *pair;
	digest_signer signer = p256_pair_signer;

	(void)state;
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	p256_pair_point(pair, point);
	assert_int_equal(signer(pair, digest, signature), HM_OK);
	assert_int_equal(p256_verify(point, digest, signature), HM_OK);
	p256_pair_free(pair);
}

static int
no_bytes(unsigned char *ret, int len)
{
	(void)ret, (void)len;
	return 0;
}

static void
nothing_is_made_or_signed_without_entropy(void **state)
{
	static const RAND_METHOD broken = { .bytes = no_bytes };
	uint8_t digest[32] = { 1 }, signature[64], before[64];
	struct p256_pair *pair, *other = NULL;

	(void)state;
	memset(before, 0x5a, sizeof(before));
	memcpy(signature, before, sizeof(before));
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	RAND_set_rand_method(&broken);
	assert_int_equal(p256_pair_new(&other), HM_E_NO_ENTROPY);
	assert_null(other);
	assert_int_equal(
	    p256_pair_sign(pair, digest, signature), HM_E_NO_ENTROPY);
	assert_memory_equal(signature, before, sizeof(before));
	RAND_set_rand_method(NULL);
	assert_int_equal(p256_pair_sign(pair, digest, signature), HM_OK);
	p256_pair_free(pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_a_signer),
		cmocka_unit_test(nothing_is_made_or_signed_without_entropy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
