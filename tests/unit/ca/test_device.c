/* SPDX-License-Identifier: Apache-2.0 */
/* ca: device certificates from a template */
#include "authority.h"

#include <openssl/x509v3.h>

#define HW_TYPE "\x2b\x06\x01\x04\x01\x81\xfd\x59\x01\x01"

static uint8_t point[65];
static const uint8_t hw_serial[32] = { 0, 1, 2, 3 };
static struct ca_template *template_;

static int
setup(void **state)
{
	struct ca_issuer issuer = sub_issuer();
	struct p256_pair *pair;

	(void)state;
	signer_fails = HM_OK;
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	p256_pair_point(pair, point);
	p256_pair_free(pair);
	assert_int_equal(ca_template_new(&issuer, HM_LITERAL("Example Works"),
			     HM_LITERAL(HW_TYPE), &template_),
	    HM_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ca_template_free(template_);
	template_ = NULL;
	return 0;
}

static struct ca_device
device_of(struct hm_bytes serial)
{
	return (struct ca_device){ .point = point,
		.serial = serial,
		.hw_serial = HM_BYTES(hw_serial),
		.not_before_s = NOW };
}

static void
makes_an_idevid_that_openssl_verifies(void **state)
{
	struct ca_device device = device_of(HM_LITERAL("SN-0001"));
	uint8_t serial[CA_SERIAL_LEN];
	AUTO(buf) struct buf der = { 0 };
	struct ca_view view;
	X509 *x509, *sub;
	EVP_PKEY *key;

	(void)state;
	buf_init(&der, 2048);
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_OK);
	assert_int_equal(ca_view(buf_bytes(&der), &view), HM_OK);
	assert_int_equal(ca_check(&view, CA_DEVICE, NULL), HM_OK);
	assert_int_equal(
	    ca_verify(buf_bytes(&der), buf_bytes(&sub_der)), HM_OK);
	assert_true(hm_bytes_equal(view.serial, HM_BYTES(serial)));
	assert_in_range(serial[0], 0x40, 0x7f);
	assert_memory_equal(view.point, point, 65);
	assert_true(hm_bytes_equal(view.serial_number, HM_LITERAL("SN-0001")));
	assert_true(hm_bytes_equal(view.common_name, HM_LITERAL("SN-0001")));
	assert_true(hm_bytes_equal(view.hw_type, HM_LITERAL(HW_TYPE)));
	assert_true(hm_bytes_equal(view.hw_serial, HM_BYTES(hw_serial)));
	assert_int_equal(view.not_before_s, NOW);
	assert_int_equal(view.subject_key_id.len, 0);
	x509 = parse(buf_bytes(&der));
	sub = parse(buf_bytes(&sub_der));
	key = X509_get_pubkey(sub);
	assert_int_equal(X509_verify(x509, key), 1);
	assert_int_equal(X509_check_issued(sub, x509), X509_V_OK);
	EVP_PKEY_free(key);
	X509_free(x509);
	X509_free(sub);
}

static void
makes_certificates_of_all_lengths(void **state)
{
	static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				   "0123456789 '()+,-./:=?";
	uint8_t long_serial[64] = { 9 };

	(void)state;
	for (size_t len = 1; len <= 64; len++) {
		struct ca_device device =
		    device_of((struct hm_bytes){ (const uint8_t *)text, len });
		uint8_t serial[CA_SERIAL_LEN];
		AUTO(buf) struct buf der = { 0 };
		struct ca_view view;

		buf_init(&der, 2048);
		device.hw_serial = (struct hm_bytes){ long_serial, len };
		/* From 2050 on the date has another form. */
		if (len > 60)
			device.not_before_s = UINT64_C(2524608000);
		assert_int_equal(
		    ca_device_make(template_, &device, serial, &der), HM_OK);
		assert_int_equal(ca_view(buf_bytes(&der), &view), HM_OK);
		assert_int_equal(view.serial_number.len, len);
		assert_int_equal(view.hw_serial.len, len);
		X509_free(parse(buf_bytes(&der)));
	}
}

static void
gives_each_certificate_another_serial_number(void **state)
{
	struct ca_device device = device_of(HM_LITERAL("SN-0001"));
	uint8_t serials[64][CA_SERIAL_LEN];

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		AUTO(buf) struct buf der = { 0 };

		buf_init(&der, 2048);
		assert_int_equal(
		    ca_device_make(template_, &device, serials[i], &der),
		    HM_OK);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(
			    serials[i], serials[j], CA_SERIAL_LEN);
	}
}

static void
refuses_a_device_that_cannot_be_named_and_changes_nothing(void **state)
{
	static const char long_text[] = "0123456789012345678901234567890123456"
					"7890123456789012345678901234";
	static const struct hm_bytes serials[] = {
		{ 0 },
		{ (const uint8_t *)"a_b", 3 },
		{ (const uint8_t *)"a\0b", 3 },
		{ (const uint8_t *)"a*b", 3 },
		{ (const uint8_t *)"\xc3\xa4", 2 },
		{ (const uint8_t *)long_text, 65 },
	};
	uint8_t serial[CA_SERIAL_LEN] = { 0 }, untouched[CA_SERIAL_LEN] = { 0 };
	uint8_t hw_long[65] = { 1 }, compressed[65] = { 2 };
	AUTO(buf) struct buf der = { 0 };
	struct ca_device device;

	(void)state;
	buf_init(&der, 2048);
	for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
		device = device_of(serials[i]);
		assert_int_equal(
		    ca_device_make(template_, &device, serial, &der),
		    HM_E_CERT);
	}
	device = device_of(HM_LITERAL("SN"));
	device.hw_serial = (struct hm_bytes){ 0 };
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_E_CERT);
	device.hw_serial = HM_BYTES(hw_long);
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_E_CERT);
	device = device_of(HM_LITERAL("SN"));
	device.point = compressed;
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_E_CERT);
	device = device_of(HM_LITERAL("SN"));
	device.not_before_s = NOW - 1; /* before its issuer */
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_E_CERT);
	device = device_of(HM_LITERAL("SN"));
	signer_fails = HM_E_TOKEN_BUSY;
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_E_TOKEN_BUSY);
	signer_fails = HM_OK;
	der.max = 300;
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_E_TOO_LARGE);
	assert_int_equal(der.len, 0);
	assert_memory_equal(serial, untouched, CA_SERIAL_LEN);
	der.max = 2048;
	assert_int_equal(
	    ca_device_make(template_, &device, serial, &der), HM_OK);
}

static void
compiles_no_template_that_would_not_be_valid(void **state)
{
	struct ca_issuer issuer = sub_issuer();
	struct ca_template *none = NULL;

	(void)state;
	assert_int_equal(ca_template_new(&issuer, HM_LITERAL(""),
			     HM_LITERAL(HW_TYPE), &none),
	    HM_E_CERT);
	assert_int_equal(ca_template_new(&issuer, HM_LITERAL("a\nb"),
			     HM_LITERAL(HW_TYPE), &none),
	    HM_E_CERT);
	assert_int_equal(ca_template_new(&issuer, HM_LITERAL("O"),
			     HM_LITERAL("\x2b\x80\x01"), &none),
	    HM_E_CERT);
	assert_int_equal(
	    ca_template_new(&issuer, HM_LITERAL("O"), HM_LITERAL(""), &none),
	    HM_E_CERT);
	issuer.sig = CA_ES384;
	assert_int_equal(ca_template_new(&issuer, HM_LITERAL("O"),
			     HM_LITERAL(HW_TYPE), &none),
	    HM_E_CERT);
	issuer = sub_issuer();
	issuer.certificate.len--;
	assert_int_equal(ca_template_new(&issuer, HM_LITERAL("O"),
			     HM_LITERAL(HW_TYPE), &none),
	    HM_E_CERT);
	assert_null(none);
	ca_template_free(NULL);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(makes_an_idevid_that_openssl_verifies),
		TEST(makes_certificates_of_all_lengths),
		TEST(gives_each_certificate_another_serial_number),
		TEST(refuses_a_device_that_cannot_be_named_and_changes_nothing),
		TEST(compiles_no_template_that_would_not_be_valid),
	};
	return cmocka_run_group_tests(tests, authority_start, authority_stop);
}
