/* SPDX-License-Identifier: Apache-2.0 */
/* ca: revocation lists, as OpenSSL reads them */
#include "authority.h"

#include <jansson.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/text.h"

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
	    ca_crl_make(&issuer,
		&(struct ca_crl){ 300, NOW, NOW + DAY, revoked, 9 }, &der),
	    HM_OK);
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
	    ca_crl_make(
		&issuer, &(struct ca_crl){ 0, NOW, NOW + DAY, NULL, 0 }, &der),
	    HM_OK);
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
	    ca_crl_make(&issuer,
		&(struct ca_crl){ 1, NOW, NOW + DAY, revoked, 10000 }, &der),
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
	    ca_crl_make(
		&issuer, &(struct ca_crl){ 1, NOW, NOW, &revoked, 1 }, &der),
	    HM_E_CERT);
	for (int reason = 7; reason < 256; reason++) {
		if (reason == 9 || reason == 10)
			continue;
		revoked.reason = (uint8_t)reason;
		assert_int_equal(
		    ca_crl_make(&issuer,
			&(struct ca_crl){ 1, NOW, NOW + DAY, &revoked, 1 },
			&der),
		    HM_E_CERT);
	}
	revoked.reason = 0;
	revoked.serial[0] = 0x80;
	assert_int_equal(
	    ca_crl_make(&issuer,
		&(struct ca_crl){ 1, NOW, NOW + DAY, &revoked, 1 }, &der),
	    HM_E_CERT);
	revoked.serial[0] = 0x40;
	signer_fails = HM_E_TOKEN_GONE;
	assert_int_equal(
	    ca_crl_make(&issuer,
		&(struct ca_crl){ 1, NOW, NOW + DAY, &revoked, 1 }, &der),
	    HM_E_TOKEN_GONE);
	signer_fails = HM_OK;
	assert_int_equal(p256_pair_new(&other), HM_OK);
	issuer.context = other;
	assert_int_equal(
	    ca_crl_make(&issuer,
		&(struct ca_crl){ 1, NOW, NOW + DAY, &revoked, 1 }, &der),
	    HM_E_SIGNATURE);
	p256_pair_free(other);
	issuer = sub_issuer();
	der.max = 100;
	assert_int_equal(
	    ca_crl_make(&issuer,
		&(struct ca_crl){ 1, NOW, NOW + DAY, &revoked, 1 }, &der),
	    HM_E_TOO_LARGE);
	assert_int_equal(der.len, 0);
}

static void
hex_of(const json_t *vector, const char *key, struct buf *ret)
{
	const char *hex = json_string_value(json_object_get(vector, key));
	uint8_t *room;

	assert_non_null(hex);
	buf_init(ret, 8192);
	assert_int_equal(buf_reserve(ret, strlen(hex) / 2, &room), HM_OK);
	assert_int_equal(
	    hex_parse(hm_bytes_of(hex), room, strlen(hex) / 2), HM_OK);
	ret->len = strlen(hex) / 2;
}

static void
judges_the_known_lists_as_they_are_meant(void **state)
{
	json_t *all, *vector;
	char path[512];
	size_t at;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/crl.json", getenv("VECTORS"));
	all = json_load_file(path, 0, NULL);
	assert_non_null(all);
	assert_int_equal(json_array_size(json_object_get(all, "vectors")), 8);
	json_array_foreach(json_object_get(all, "vectors"), at, vector)
	{
		const char *expect =
		    json_string_value(json_object_get(vector, "expect"));
		const char *judge_at =
		    json_string_value(json_object_get(vector, "judge_at"));
		AUTO(buf) struct buf crl = { 0 };
		AUTO(buf) struct buf issuer = { 0 };
		struct ca_crl_view view = { .number = 99 };
		uint64_t now_s = 0;
		hm_err err;

		hex_of(vector, "crl", &crl);
		hex_of(vector, "issuer_certificate", &issuer);
		assert_int_equal(
		    time_parse(hm_bytes_of(judge_at), &now_s), HM_OK);
		err = ca_crl_check(
		    buf_bytes(&crl), buf_bytes(&issuer), now_s, &view);
		assert_int_equal(err == HM_OK, strcmp(expect, "accept") == 0);
		assert_int_equal(view.number, err == HM_OK ? 5 : 99);
		if (err == HM_OK)
			assert_int_equal(
			    ca_crl_lists(&view, HM_LITERAL("\x12\x34")),
			    view.revoked.len > 0);
	}
	json_decref(all);
}

static void
checks_its_own_lists_and_refuses_every_cut_and_change(void **state)
{
	struct ca_revoked revoked[2] = {
		{ .serial = { 0x40, 1 }, .revoked_s = NOW, .reason = 1 },
		{ .serial = { 0x40, 2 }, .revoked_s = NOW }
	};
	struct ca_issuer issuer = sub_issuer();
	uint8_t other[CA_SERIAL_LEN] = { 0x40, 3 };
	AUTO(buf) struct buf der = { 0 };
	struct ca_crl_view view = { 0 };

	(void)state;
	buf_init(&der, 8192);
	assert_int_equal(
	    ca_crl_make(&issuer,
		&(struct ca_crl){ UINT64_MAX, NOW, NOW + DAY, revoked, 2 },
		&der),
	    HM_OK);
	assert_int_equal(
	    ca_crl_check(buf_bytes(&der), buf_bytes(&sub_der), NOW + 1, &view),
	    HM_OK);
	assert_true(view.number == UINT64_MAX);
	assert_true(ca_crl_lists(&view, HM_BYTES(revoked[0].serial)));
	assert_true(ca_crl_lists(&view, HM_BYTES(revoked[1].serial)));
	assert_false(ca_crl_lists(&view, HM_BYTES(other)));
	assert_int_equal(ca_crl_check(buf_bytes(&der), buf_bytes(&sub_der),
			     NOW + DAY, &view),
	    HM_E_CERT_DATES);
	assert_int_equal(
	    ca_crl_check(buf_bytes(&der), buf_bytes(&sub_der), NOW - 1, &view),
	    HM_E_CERT_DATES);
	assert_int_equal(
	    ca_crl_check(buf_bytes(&der), buf_bytes(&root_der), NOW, &view),
	    HM_E_CERT);
	for (size_t i = 0; i < der.len; i++) {
		assert_int_equal(ca_crl_check((struct hm_bytes){ der.ptr, i },
				     buf_bytes(&sub_der), NOW, &view),
		    HM_E_CERT);
		der.ptr[i] ^= 1;
		assert_int_not_equal(ca_crl_check(buf_bytes(&der),
					 buf_bytes(&sub_der), NOW, &view),
		    HM_OK);
		der.ptr[i] ^= 1;
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(lists_each_certificate_with_its_reason),
		TEST(leaves_an_empty_list_out),
		TEST(lists_ten_thousand),
		TEST(judges_the_known_lists_as_they_are_meant),
		TEST(checks_its_own_lists_and_refuses_every_cut_and_change),
		TEST(
		    refuses_a_list_that_would_not_be_valid_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, authority_start, authority_stop);
}
