/* SPDX-License-Identifier: Apache-2.0 */
/* wire/claims: keys in their one form, numbers in their ranges */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "samples.h"
#include "wire/claims.h"

static struct hm_claims
good(void)
{
	struct hm_claims claims = {
		.scheme = HM_SCHEME_SOFT,
		.counter = UINT32_MAX,
		.lock = HM_LOCK_LOCKED,
	};

	memcpy(claims.identity, sample_point_1, HM_POINT_LEN);
	memcpy(claims.kem, sample_point_2, HM_POINT_LEN);
	return claims;
}

static void
spki_is_that_of_a_p256_key_and_nothing_else(void **state)
{
	uint8_t spki[HM_SPKI_LEN], point[HM_POINT_LEN], before[HM_POINT_LEN];

	(void)state;
	hm_spki_encode(sample_point_1, spki);
	assert_int_equal(hm_spki_decode(HM_BYTES(spki), point), HM_OK);
	assert_memory_equal(point, sample_point_1, HM_POINT_LEN);

	memset(point, 0xa5, sizeof(point));
	memcpy(before, point, sizeof(point));
	for (size_t i = 0; i <= HM_SPKI_LEN - HM_POINT_LEN; i++) {
		spki[i] ^= 1; /* the last one is the 04 of the point */
		assert_int_equal(
		    hm_spki_decode(HM_BYTES(spki), point), HM_E_KEY);
		spki[i] ^= 1;
	}
	assert_int_equal(
	    hm_spki_decode((struct hm_bytes){ spki, HM_SPKI_LEN - 1 }, point),
	    HM_E_KEY);
	assert_int_equal(
	    hm_spki_decode((struct hm_bytes){ 0 }, point), HM_E_KEY);
	assert_memory_equal(point, before, sizeof(point));
}

static void
the_longest_claims_fit_their_maximum(void **state)
{
	struct hm_claims claims = good();
	uint8_t room[HM_CLAIMS_MAX];
	size_t len;

	(void)state;
	assert_int_equal(hm_claims_encode(&claims,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
}

static void
refuses_keys_of_another_form_both_ways(void **state)
{
	struct hm_claims claims = good(), before;
	uint8_t room[HM_CLAIMS_MAX];
	struct hm_span span = { room, sizeof(room) };
	size_t len, kept = 77;

	(void)state;
	assert_int_equal(hm_claims_encode(&claims, span, &len), HM_OK);
	memset(&before, 0xa5, sizeof(before));
	for (size_t i = 0; i + 1 < len; i++) {
		if (memcmp(room + i, sample_point_1, 8) != 0 &&
		    memcmp(room + i, sample_point_2, 8) != 0)
			continue;
		memset(&claims, 0xa5, sizeof(claims));
		room[i] = 2; /* a compressed one */
		assert_int_equal(
		    hm_claims_decode((struct hm_bytes){ room, len }, &claims),
		    HM_E_KEY);
		room[i] = 4;
		assert_memory_equal(&claims, &before, sizeof(claims));
	}
	claims = good();
	claims.identity[0] = 3;
	assert_int_equal(hm_claims_encode(&claims, span, &kept), HM_E_KEY);
	claims = good();
	claims.kem[0] = 0;
	assert_int_equal(hm_claims_encode(&claims, span, &kept), HM_E_KEY);
	assert_int_equal(kept, 77);
}

static void
refuses_unknown_schemes_and_lock_states(void **state)
{
	uint8_t room[HM_CLAIMS_MAX];
	struct hm_span span = { room, sizeof(room) };
	struct hm_claims claims = good();
	size_t len = 77;

	(void)state;
	claims.scheme = (hm_scheme)0;
	assert_int_equal(hm_claims_encode(&claims, span, &len), HM_E_BAD_INPUT);
	claims.scheme = (hm_scheme)(HM_SCHEME_IMX_MP + 1);
	assert_int_equal(hm_claims_encode(&claims, span, &len), HM_E_BAD_INPUT);
	claims = good();
	claims.lock = (hm_lock)(HM_LOCK_LOCKED + 1);
	assert_int_equal(hm_claims_encode(&claims, span, &len), HM_E_BAD_INPUT);
	assert_int_equal(len, 77);

	claims = good();
	assert_int_equal(hm_claims_encode(&claims, span, &len), HM_OK);
	assert_int_equal(room[len - 1], HM_LOCK_LOCKED);
	room[len - 1] = HM_LOCK_LOCKED + 1;
	assert_int_equal(
	    hm_claims_decode((struct hm_bytes){ room, len }, &claims),
	    HM_E_BAD_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spki_is_that_of_a_p256_key_and_nothing_else),
		cmocka_unit_test(the_longest_claims_fit_their_maximum),
		cmocka_unit_test(refuses_keys_of_another_form_both_ways),
		cmocka_unit_test(refuses_unknown_schemes_and_lock_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
