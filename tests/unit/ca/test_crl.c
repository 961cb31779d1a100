/* SPDX-License-Identifier: Apache-2.0 */
/* ca: revocation lists, as OpenSSL reads them */
#include "authority.h"

#include <openssl/x509v3.h>

static int
setup(void **state)
{
	(void)state;
	signer_fails = HM_OK;
	return 0;
}

static X509_CRL *
parse_crl(struct hm_bytes der)
{
	const uint8_t *at = der.ptr;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);

	assert_non_null(crl);
	assert_ptr_equal(at, der.ptr + der.len);
	return crl;
}

static void
check_signature(X509_CRL *crl)
{
	X509 *sub = parse(buf_bytes(&sub_der));
	EVP_PKEY *key = X509_get_pubkey(sub);

	assert_int_equal(X509_CRL_verify(crl, key), 1);
	assert_int_equal(
	    X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(sub)),
	    0);
	EVP_PKEY_free(key);
	X509_free(sub);
}

static void
lists_each_certificate_with_its_reason(void **state)
{
	static const uint8_t reasons[] = { 0, 1, 2, 3, 4, 5, 6, 9, 10 };
	struct ca_revoked revoked[9] = { 0 };
	struct ca_issuer issuer = sub_issuer();
	AUTO(buf) struct buf der = { 0 };
	ASN1_INTEGER *number;
	X509_CRL *crl;

	(void)state;
	buf_init(&der, 8192);
	for (size_t i = 0; i < 9; i++) {
		memset(revoked[i].serial, 0x41 + (int)i, CA_SERIAL_LEN);
		revoked[i].revoked_s = NOW;
		revoked[i].reason = reasons[i];
	}
	assert_int_equal(
	    ca_crl_make(&issuer, 300, NOW, NOW + DAY, revoked, 9, &der), HM_OK);
	crl = parse_crl(buf_bytes(&der));
	check_signature(crl);
	assert_int_equal(X509_CRL_get_version(crl), 1);
	number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	assert_int_equal(ASN1_INTEGER_get(number), 300);
	ASN1_INTEGER_free(number);
	assert_true(X509_CRL_get_ext_by_NID(
			crl, NID_authority_key_identifier, -1) >= 0);
	for (size_t i = 0; i < 9; i++) {
		BIGNUM *serial =
		    BN_bin2bn(revoked[i].serial, CA_SERIAL_LEN, NULL);
		ASN1_INTEGER *asked = BN_to_ASN1_INTEGER(serial, NULL);
		ASN1_ENUMERATED *reason;
		X509_REVOKED *entry = NULL;

		assert_int_equal(
		    X509_CRL_get0_by_serial(crl, &entry, asked), 1);
		reason =
		    X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
		assert_int_equal(reason != NULL, reasons[i] != 0);
		if (reason)
			assert_int_equal(
			    ASN1_ENUMERATED_get(reason), reasons[i]);
		ASN1_ENUMERATED_free(reason);
		ASN1_INTEGER_free(asked);
		BN_free(serial);
	}
	X509_CRL_free(crl);
}

static void
leaves_an_empty_list_out(void **state)
{
	struct ca_issuer issuer = root_issuer();
	AUTO(buf) struct buf der = { 0 };
	X509_CRL *crl;

	(void)state;
	buf_init(&der, 8192);
	assert_int_equal(
	    ca_crl_make(&issuer, 0, NOW, NOW + DAY, NULL, 0, &der), HM_OK);
	crl = parse_crl(buf_bytes(&der));
	assert_null(X509_CRL_get_REVOKED(crl));
	X509_CRL_free(crl);
}

static void
lists_ten_thousand(void **state)
{
	struct ca_revoked *revoked = calloc(10000, sizeof(*revoked));
	struct ca_issuer issuer = sub_issuer();
	AUTO(buf) struct buf der = { 0 };
	X509_CRL *crl;

	(void)state;
	assert_non_null(revoked);
	buf_init(&der, 1 << 20);
	for (size_t i = 0; i < 10000; i++) {
		revoked[i].serial[0] = 0x40;
		revoked[i].serial[18] = (uint8_t)(i >> 8);
		revoked[i].serial[19] = (uint8_t)i;
		revoked[i].revoked_s = NOW;
		revoked[i].reason = 1;
	}
	assert_int_equal(
	    ca_crl_make(&issuer, 1, NOW, NOW + DAY, revoked, 10000, &der),
	    HM_OK);
	crl = parse_crl(buf_bytes(&der));
	check_signature(crl);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 10000);
	X509_CRL_free(crl);
	free(revoked);
}

static void
refuses_a_list_that_would_not_be_valid_and_changes_nothing(void **state)
{
	struct ca_revoked revoked = { .serial = { 0x40 }, .revoked_s = NOW };
	struct ca_issuer issuer = sub_issuer();
	struct p256_pair *other;
	AUTO(buf) struct buf der = { 0 };

	(void)state;
	buf_init(&der, 8192);
	assert_int_equal(
	    ca_crl_make(&issuer, 1, NOW, NOW, &revoked, 1, &der), HM_E_CERT);
	for (int reason = 7; reason < 256; reason++) {
		if (reason == 9 || reason == 10)
			continue;
		revoked.reason = (uint8_t)reason;
		assert_int_equal(
		    ca_crl_make(&issuer, 1, NOW, NOW + DAY, &revoked, 1, &der),
		    HM_E_CERT);
	}
	revoked.reason = 0;
	revoked.serial[0] = 0x80;
	assert_int_equal(
	    ca_crl_make(&issuer, 1, NOW, NOW + DAY, &revoked, 1, &der),
	    HM_E_CERT);
	revoked.serial[0] = 0x40;
	signer_fails = HM_E_TOKEN_GONE;
	assert_int_equal(
	    ca_crl_make(&issuer, 1, NOW, NOW + DAY, &revoked, 1, &der),
	    HM_E_TOKEN_GONE);
	signer_fails = HM_OK;
	assert_int_equal(p256_pair_new(&other), HM_OK);
	issuer.context = other;
	assert_int_equal(
	    ca_crl_make(&issuer, 1, NOW, NOW + DAY, &revoked, 1, &der),
	    HM_E_SIGNATURE);
	p256_pair_free(other);
	issuer = sub_issuer();
	der.max = 100;
	assert_int_equal(
	    ca_crl_make(&issuer, 1, NOW, NOW + DAY, &revoked, 1, &der),
	    HM_E_TOO_LARGE);
	assert_int_equal(der.len, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(lists_each_certificate_with_its_reason),
		TEST(leaves_an_empty_list_out),
		TEST(lists_ten_thousand),
		TEST(
		    refuses_a_list_that_would_not_be_valid_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, authority_start, authority_stop);
}
