/* SPDX-License-Identifier: Apache-2.0 */
/* ca: reading certificates, on the linter's cases and on altered ones */
#include "authority.h"

#include <jansson.h>
#include <stdio.h>

#include "base/text.h"
#include "ca/parts.h"

static struct buf
hex_of(const json_t *vector, const char *key)
{
	const char *hex = json_string_value(json_object_get(vector, key));
	struct buf ret = { 0 };
	uint8_t *room;

	buf_init(&ret, 8192);
	if (!hex)
		return ret;
	assert_int_equal(buf_reserve(&ret, strlen(hex) / 2, &room), HM_OK);
	assert_int_equal(
	    hex_parse(hm_bytes_of(hex), room, strlen(hex) / 2), HM_OK);
	ret.len = strlen(hex) / 2;
	return ret;
}

static const char *
text_of(const json_t *vector, const char *key)
{
	const char *text = json_string_value(json_object_get(vector, key));

	return text ? text : "";
}

/* The profile's rules; a profile that is not ours is only read. */
static hm_err
judge(const char *profile, struct hm_bytes der, struct hm_bytes issuer)
{
	static const struct {
		const char *name;
		ca_profile profile;
	} profiles[] = { { "idevid", CA_DEVICE }, { "station", CA_STATION },
		{ "server", CA_SERVER } };
	struct ca_view view;

	HM_TRY(ca_view(der, &view));
	for (size_t i = 0; i < 3; i++)
		if (strcmp(profiles[i].name, profile) == 0)
			HM_TRY(ca_check(&view, profiles[i].profile, NULL));
	return ca_verify(der, issuer);
}

static json_t *
load(const char *name)
{
	char path[512];
	json_error_t error;
	json_t *all;

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("VECTORS"), name);
	all = json_load_file(path, 0, &error);
	if (!all)
		print_error("%s: %s\n", path, error.text);
	assert_non_null(all);
	return all;
}

static void
judges_the_known_certificates_as_they_are_meant(void **state)
{
	json_t *all = load("profiles.json"), *vector;
	size_t at, ours = 0;

	(void)state;
	json_array_foreach(json_object_get(all, "vectors"), at, vector)
	{
		const char *id = text_of(vector, "id");
		const char *profile = text_of(vector, "profile");
		bool is_good = strcmp(text_of(vector, "expect"), "accept") == 0;
		AUTO(buf) struct buf der = hex_of(vector, "certificate");
		AUTO(buf)
		struct buf above = hex_of(vector, "issuer_certificate");
		hm_err err = judge(profile, buf_bytes(&der), buf_bytes(&above));

		if (strncmp(profile, "matter", 6) == 0 ||
		    strncmp(profile, "aws", 3) == 0 ||
		    strncmp(profile, "azure", 5) == 0 ||
		    strncmp(profile, "ca-prove", 8) == 0) {
			/* Profiles of others: good ones are certificates. */
			if (is_good && err != HM_OK)
				print_error("%s: HM-%d\n", id, err);
			assert_true(!is_good || err == HM_OK);
			continue;
		}
		if ((err == HM_OK) != is_good)
			print_error("%s: HM-%d\n", id, err);
		assert_int_equal(err == HM_OK, is_good);
		ours++;
	}
	assert_true(ours >= 28);
	json_decref(all);
}

/* OpenSSL's opinion of each field that we give. */
static void
reads_the_fields_as_openssl_does(void **state)
{
	json_t *all = load("profiles.json"), *vector;
	size_t at;

	(void)state;
	json_array_foreach(json_object_get(all, "vectors"), at, vector)
	{
		AUTO(buf) struct buf der = hex_of(vector, "certificate");
		struct ca_view view;
		const ASN1_BIT_STRING *bits;
		uint8_t serial[20];
		BIGNUM *number;
		X509 *x509;

		if (ca_view(buf_bytes(&der), &view) != HM_OK)
			continue;
		x509 = parse(buf_bytes(&der));
		number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
		assert_int_equal(
		    BN_bn2binpad(number, serial, (int)view.serial.len),
		    view.serial.len);
		assert_memory_equal(serial, view.serial.ptr, view.serial.len);
		bits = X509_get0_pubkey_bitstr(x509);
		assert_int_equal(bits->length, view.public_key.len);
		assert_memory_equal(
		    bits->data, view.public_key.ptr, view.public_key.len);
		BN_free(number);
		X509_free(x509);
	}
	json_decref(all);
}

/* Each cut and each changed byte: never accepted with other content under the
 * same signature, and never read outside (the sanitizer watches). */
static void
refuses_every_cut_and_every_changed_byte(void **state)
{
	struct hm_bytes whole = buf_bytes(&sub_der);
	uint8_t *copy = malloc(whole.len);
	struct ca_view view;

	(void)state;
	assert_non_null(copy);
	assert_int_equal(ca_verify(whole, buf_bytes(&root_der)), HM_OK);
	for (size_t len = 0; len < whole.len; len++) {
		uint8_t *cut = malloc(len + 1);

		assert_non_null(cut);
		memcpy(cut, whole.ptr, len);
		assert_int_equal(
		    ca_view((struct hm_bytes){ cut, len }, &view), HM_E_CERT);
		free(cut);
	}
	for (size_t i = 0; i < whole.len; i++) {
		memcpy(copy, whole.ptr, whole.len);
		copy[i] ^= 0x01;
		assert_int_not_equal(
		    ca_verify((struct hm_bytes){ copy, whole.len },
			buf_bytes(&root_der)),
		    HM_OK);
	}
	free(copy);
}

static bool
takes_authority(const char *hex)
{
	uint8_t der[64];
	size_t len = strlen(hex) / 2;
	struct hm_bytes key_id = { 0 };
	struct der_reader in;

	assert_int_equal(hex_parse(hm_bytes_of(hex), der, len), HM_OK);
	in = der_reader_of((struct hm_bytes){ der, len });
	read_authority(&in, &key_id);
	return der_close(&in) == HM_OK;
}

/* [0] key; [1] { [4] { name } }; [2] serial number */
#define KEY "8001aa"
#define NAME "a40e300c310a300806035504030c0141"
#define ONE "820101"

static void
takes_an_authority_by_key_or_by_name_and_number(void **state)
{
	(void)state;
	assert_true(takes_authority("3000"));
	assert_true(takes_authority("3003" KEY));
	assert_true(takes_authority("3018" KEY "a110" NAME ONE));
	assert_true(takes_authority("3015a110" NAME ONE));
	/* a key without bytes */
	assert_false(takes_authority("30028000"));
	/* one without the other */
	assert_false(takes_authority("3015" KEY "a110" NAME));
	assert_false(takes_authority("3006" KEY ONE));
	/* no name, two names, a name without its tag */
	assert_false(takes_authority("3008" KEY "a100" ONE));
	assert_false(takes_authority("3028" KEY "a120" NAME NAME ONE));
	assert_false(
	    takes_authority("3016" KEY "a10e300c310a300806035504030c0141" ONE));
	/* a number that is none, or negative */
	assert_false(takes_authority("3017" KEY "a110" NAME "8200"));
	assert_false(takes_authority("3018" KEY "a110" NAME "8201ff"));
}

static void
leaves_the_result_alone_on_failure(void **state)
{
	struct ca_view view, before;

	(void)state;
	memset(&view, 0x5a, sizeof(view));
	memcpy(&before, &view, sizeof(view));
	assert_int_equal(
	    ca_view((struct hm_bytes){ sub_der.ptr, sub_der.len - 1 }, &view),
	    HM_E_CERT);
	assert_memory_equal(&view, &before, sizeof(view));
}

static void
verifies_only_under_the_issuer_that_signed(void **state)
{
	struct ca_issuer issuer = sub_issuer();
	struct ca_request request =
	    request_of(CA_CLIENT, "auditor", (struct hm_bytes){ 0 });
	AUTO(buf) struct buf der = { 0 };
	struct p256_pair *pair;
	uint8_t point[65];

	(void)state;
	buf_init(&der, 4096);
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	p256_pair_point(pair, point);
	p256_pair_free(pair);
	request.public_key = HM_BYTES(point);
	assert_int_equal(ca_make(&issuer, &request, &der, NULL), HM_OK);
	assert_int_equal(
	    ca_verify(buf_bytes(&der), buf_bytes(&sub_der)), HM_OK);
	/* The root did not issue it, and a leaf is no issuer. */
	assert_int_equal(
	    ca_verify(buf_bytes(&der), buf_bytes(&root_der)), HM_E_CERT);
	assert_int_equal(
	    ca_verify(buf_bytes(&sub_der), buf_bytes(&der)), HM_E_CERT);
	assert_int_equal(
	    ca_verify(buf_bytes(&root_der), buf_bytes(&root_der)), HM_OK);
	/* One bit of the signature. */
	der.ptr[der.len - 1] ^= 1;
	assert_int_equal(
	    ca_verify(buf_bytes(&der), buf_bytes(&sub_der)), HM_E_SIGNATURE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    judges_the_known_certificates_as_they_are_meant),
		cmocka_unit_test(reads_the_fields_as_openssl_does),
		cmocka_unit_test(refuses_every_cut_and_every_changed_byte),
		cmocka_unit_test(
		    takes_an_authority_by_key_or_by_name_and_number),
		cmocka_unit_test(leaves_the_result_alone_on_failure),
		cmocka_unit_test(verifies_only_under_the_issuer_that_signed),
	};
	return cmocka_run_group_tests(tests, authority_start, authority_stop);
}
