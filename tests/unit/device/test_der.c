/* SPDX-License-Identifier: Apache-2.0 */
#include "der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "wire/limits.h"

/* Made by OpenSSL 3.0: openssl req -new -x509, P-256. */
static const char CERTIFICATE[] =
    "3082019a3082013fa0030201020214408a21aacfaa66b69ef780a1e0804fd7ec"
    "38393c300a06082a8648ce3d04030230223111300f060355040a0c0848616c6c"
    "6d61726b310d300b06035504051304484d2d31301e170d323631313231313535"
    "3534375a170d3336313131383135353534375a30223111300f060355040a0c08"
    "48616c6c6d61726b310d300b06035504051304484d2d313059301306072a8648"
    "ce3d020106082a8648ce3d03010703420004d8f16c4a98056f3ae3c32f071d07"
    "537fb6bfb90fde37eda781f3856c69f64497de434350920f0864028657f2810c"
    "a478a93221cdb897b977629e30cd2979a401a3533051301d0603551d0e041604"
    "1410d57eef368c8f08af399989723f993a502603d2301f0603551d2304183016"
    "801410d57eef368c8f08af399989723f993a502603d2300f0603551d130101ff"
    "040530030101ff300a06082a8648ce3d0403020349003046022100813707808f"
    "c6cf8fd308d2a7247da66284d0c05262f778800d6197c492773da4022100811a"
    "10f683e42a48413ae714f819cda6624834d5ba9e038f002009727e7035aa";
static const char SPKI[] =
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004d8f16c4a98"
    "056f3ae3c32f071d07537fb6bfb90fde37eda781f3856c69f64497de43435092"
    "0f0864028657f2810ca478a93221cdb897b977629e30cd2979a401";

#define LEN 414

static uint8_t der[LEN + 1], spki[HM_SPKI_LEN];

static int
load(void **unused)
{
	(void)unused;
	assert_int_equal(hex_parse(hm_bytes_of(CERTIFICATE), der, LEN), HM_OK);
	assert_int_equal(
	    hex_parse(hm_bytes_of(SPKI), spki, sizeof(spki)), HM_OK);
	return 0;
}

static hm_err
walk(size_t len, struct hm_bytes *ret)
{
	return hm_cert_spki((struct hm_bytes){ der, len }, ret);
}

static void
finds_the_key_of_a_certificate(void **unused)
{
	struct hm_bytes found;

	(void)unused;
	assert_int_equal(walk(LEN, &found), HM_OK);
	assert_true(hm_bytes_equal(found, HM_BYTES(spki)));
}

static void
refuses_a_certificate_that_is_cut_or_followed(void **unused)
{
	struct hm_bytes found = { NULL, 4711 };

	(void)unused;
	for (size_t len = 0; len < LEN; len++)
		assert_int_equal(walk(len, &found), HM_E_CERT);
	assert_int_equal(walk(LEN + 1, &found), HM_E_CERT);
	assert_int_equal(found.len, 4711);
}

/* Each tag and length on the way to the key. */
static void
refuses_altered_structure(void **unused)
{
	static const size_t heads[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14,
		35, 36 };

	(void)unused;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct hm_bytes found;

			der[heads[i]] ^= (uint8_t)(1u << bit);
			assert_int_equal(walk(LEN, &found), HM_E_CERT);
			der[heads[i]] ^= (uint8_t)(1u << bit);
		}
}

static void
refuses_lengths_that_are_not_shortest(void **unused)
{
	/* 30 81 05 ...: long form for a length that fits into the short one */
	static const uint8_t loose[] = { 0x30, 0x81, 0x05, 0x30, 0x81, 0x02,
		0xa0, 0x00 };
	static const uint8_t endless[] = { 0x30, 0x80, 0x00, 0x00 };
	struct hm_bytes found;

	(void)unused;
	assert_int_equal(hm_cert_spki(HM_BYTES(loose), &found), HM_E_CERT);
	assert_int_equal(hm_cert_spki(HM_BYTES(endless), &found), HM_E_CERT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(finds_the_key_of_a_certificate, load),
		cmocka_unit_test_setup(
		    refuses_a_certificate_that_is_cut_or_followed, load),
		cmocka_unit_test_setup(refuses_altered_structure, load),
		cmocka_unit_test_setup(
		    refuses_lengths_that_are_not_shortest, load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
