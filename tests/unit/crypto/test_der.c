/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/der: one encoding of a pair of numbers, and no other is taken */
#include "hex.h"

#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

static void
goes_there_and_back(void **state)
{
	uint8_t signature[P256_SIGNATURE_LEN], again[P256_SIGNATURE_LEN];
	uint8_t der[ECDSA_DER_MAX];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct hm_span room = { signature, sizeof(signature) };
		size_t len;

		assert_int_equal(random_bytes(room), HM_OK);
		memset(signature, 0, (size_t)i % 33);
		memset(signature + 32, 0, (size_t)(i / 33) % 33);
		len = ecdsa_to_der(signature, der);
		assert_in_range(len, 8, ECDSA_DER_MAX);
		assert_int_equal(
		    ecdsa_from_der((struct hm_bytes){ der, len }, again),
		    HM_OK);
		assert_memory_equal(signature, again, sizeof(again));
	}
}

static void
pads_what_would_be_negative(void **state)
{
	uint8_t signature[P256_SIGNATURE_LEN] = { 0 }, der[ECDSA_DER_MAX];

	(void)state;
	signature[31] = 0x80;
	signature[63] = 0x7f;
	assert_int_equal(ecdsa_to_der(signature, der), 9);
	assert_hex(der, 9,
	    "3007020200800201"
	    "7f");
	memset(signature, 0xff, sizeof(signature));
	assert_int_equal(ecdsa_to_der(signature, der), ECDSA_DER_MAX);
}

static void
refuses_every_other_form_and_writes_nothing(void **state)
{
	static const struct {
		const char *der;
		size_t len;
	} bad[] = {
		{ "", 0 }, { "30", 1 }, { "3000", 2 },
		{ "3003020101", 5 },              /* one number */
		{ "3106020101020101", 8 },        /* a SET */
		{ "3006030101020101", 8 },        /* not an INTEGER */
		{ "3006020101040101", 8 },        /* the second one */
		{ "308106020101020101", 9 },      /* long length */
		{ "3080020101020101", 8 },        /* indefinite */
		{ "30060201010201010000", 10 },   /* end of contents behind */
		{ "3007020101020101", 8 },        /* too short */
		{ "3005020101020101", 8 },        /* too long */
		{ "300702020001020101", 9 },      /* zero in front of r */
		{ "300702010102020001", 9 },      /* zero in front of s */
		{ "3006020181020101", 8 },        /* negative r */
		{ "30060201010201ff", 8 },        /* negative s */
		{ "30050200020101", 7 },          /* empty r */
		{ "30050201010200", 7 },          /* empty s */
		{ "3006020301020101", 8 },        /* r eats s */
		{ "3006020101020201", 8 },        /* s beyond the end */
		{ "3009020101020101020101", 11 }, /* three numbers */
		{ "300702810101020101", 9 },      /* long length of r */
	};
	uint8_t der[16], ret[P256_SIGNATURE_LEN], before[P256_SIGNATURE_LEN];

	(void)state;
	memset(before, 0x5a, sizeof(before));
	memcpy(ret, before, sizeof(ret));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unhex(bad[i].der, der, bad[i].len);
		assert_int_equal(
		    ecdsa_from_der((struct hm_bytes){ der, bad[i].len }, ret),
		    HM_E_BAD_INPUT);
		assert_memory_equal(ret, before, sizeof(ret));
	}
}

static void
refuses_numbers_beyond_the_curve_size(void **state)
{
	uint8_t der[2 + 35 + 3], ret[P256_SIGNATURE_LEN];

	(void)state;
	memset(der, 0x11, sizeof(der));
	memcpy(der, (uint8_t[]){ 0x30, 38, 0x02, 33 }, 4);
	memcpy(der + 37, (uint8_t[]){ 0x02, 1, 1 }, 3);
	assert_int_equal(ecdsa_from_der(HM_BYTES(der), ret), HM_E_BAD_INPUT);
	der[4] = 0; /* 32 bytes, but a zero that does not belong */
	assert_int_equal(ecdsa_from_der(HM_BYTES(der), ret), HM_E_BAD_INPUT);
	der[5] = 0x80;
	assert_int_equal(ecdsa_from_der(HM_BYTES(der), ret), HM_OK);
}

static void
does_the_same_for_p384(void **state)
{
	uint8_t signature[P384_SIGNATURE_LEN], again[P384_SIGNATURE_LEN];
	uint8_t der[P384_DER_MAX];
	size_t len;

	(void)state;
	memset(signature, 0xee, sizeof(signature));
	len = p384_to_der(signature, der);
	assert_int_equal(len, P384_DER_MAX);
	assert_int_equal(
	    p384_from_der((struct hm_bytes){ der, len }, again), HM_OK);
	assert_memory_equal(signature, again, sizeof(again));
	assert_int_equal(
	    p384_from_der((struct hm_bytes){ der, len - 1 }, again),
	    HM_E_BAD_INPUT);
	assert_int_equal(ecdsa_from_der((struct hm_bytes){ der, len }, again),
	    HM_E_BAD_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_there_and_back),
		cmocka_unit_test(pads_what_would_be_negative),
		cmocka_unit_test(refuses_every_other_form_and_writes_nothing),
		cmocka_unit_test(refuses_numbers_beyond_the_curve_size),
		cmocka_unit_test(does_the_same_for_p384),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
