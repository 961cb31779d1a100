/* SPDX-License-Identifier: Apache-2.0 */
/* ca: certificates of CAs, servers, stations and clients */
#include "authority.h"

#include <openssl/x509v3.h>
#include <stdio.h>

static uint8_t leaf_point[65];

static int
setup(void **state)
{
	struct p256_pair *pair;

	(void)state;
	signer_fails = HM_OK;
	assert_int_equal(p256_pair_new(&pair), HM_OK);
	p256_pair_point(pair, leaf_point);
	p256_pair_free(pair);
	return 0;
}

/* OpenSSL's path building, at the time of the tests, for a purpose. */
static int
chain_result(struct hm_bytes leaf, int purpose, const char *host)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *root = parse(buf_bytes(&root_der));
	X509 *sub = parse(buf_bytes(&sub_der)), *x509 = parse(leaf);
	int result;

	assert_int_equal(X509_STORE_add_cert(store, root), 1);
	sk_X509_push(chain, sub);
	assert_int_equal(X509_STORE_CTX_init(context, store, x509, chain), 1);
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, (time_t)(NOW + DAY));
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_purpose(param, purpose);
	if (host)
		X509_VERIFY_PARAM_set1_host(param, host, 0);
	result = X509_verify_cert(context) == 1
		     ? X509_V_OK
		     : X509_STORE_CTX_get_error(context);
	if (result != X509_V_OK)
		print_message("%s\n", X509_verify_cert_error_string(result));
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	sk_X509_free(chain);
	X509_free(root);
	X509_free(sub);
	X509_free(x509);
	return result;
}

static void
makes_cas_that_keep_their_profile(void **state)
{
	struct ca_view root, sub;

	(void)state;
	assert_int_equal(ca_view(buf_bytes(&root_der), &root), HM_OK);
	assert_int_equal(ca_view(buf_bytes(&sub_der), &sub), HM_OK);
	assert_int_equal(ca_check(&root, CA_ROOT, NULL), HM_OK);
	assert_int_equal(ca_check(&sub, CA_SUB, NULL), HM_OK);
	assert_int_equal(ca_check(&root, CA_SUB, NULL), HM_E_CERT);
	assert_int_equal(ca_check(&sub, CA_ROOT, NULL), HM_E_CERT);
	assert_int_equal(ca_check(&sub, CA_DEVICE, NULL), HM_E_CERT);
	assert_int_equal(root.sig, CA_ES384);
	assert_int_equal(sub.sig, CA_ES384);
	assert_int_equal(root.public_key.len, 97);
	assert_memory_equal(sub.point, sub_point, 65);
	assert_int_equal(root.serial.len, CA_SERIAL_LEN);
	assert_int_equal(sub.path_len, 0);
	assert_true(hm_bytes_equal(sub.common_name, HM_LITERAL("Example Sub")));
	assert_int_equal(chain_result(buf_bytes(&sub_der), 0, NULL), X509_V_OK);
}

static void
makes_leaves_that_openssl_takes_for_their_purpose_only(void **state)
{
	static const char *const hosts[] = { "prov.example.com", "192.0.2.7",
		"2001:db8::7", NULL };
	static const struct {
		ca_profile profile;
		int good, bad;
	} cases[] = {
		{ CA_SERVER, X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT },
		{ CA_STATION, X509_PURPOSE_SSL_CLIENT,
		    X509_PURPOSE_SSL_SERVER },
		{ CA_CLIENT, X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER },
	};
	struct ca_issuer issuer = sub_issuer();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct ca_request request = request_of(
		    cases[i].profile, "line-3", HM_BYTES(leaf_point));
		AUTO(buf) struct buf der = { 0 };
		struct ca_view view;
		bool is_server = cases[i].profile == CA_SERVER;

		buf_init(&der, 4096);
		request.hosts = is_server ? hosts : NULL;
		assert_int_equal(ca_make(&issuer, &request, &der, NULL), HM_OK);
		assert_int_equal(ca_view(buf_bytes(&der), &view), HM_OK);
		for (ca_profile p = CA_ROOT; p <= CA_DEVICE; p++)
			assert_int_equal(ca_check(&view, p, NULL),
			    p == cases[i].profile ? HM_OK : HM_E_CERT);
		assert_int_equal(view.not_before_s, NOW);
		assert_int_equal(view.not_after_s, NOW + 300 * DAY);
		assert_int_equal(chain_result(buf_bytes(&der), cases[i].good,
				     is_server ? "prov.example.com" : NULL),
		    X509_V_OK);
		assert_int_equal(
		    chain_result(buf_bytes(&der), cases[i].bad, NULL),
		    X509_V_ERR_INVALID_PURPOSE);
		if (is_server)
			assert_int_equal(chain_result(buf_bytes(&der),
					     cases[i].good, "evil.example.com"),
			    X509_V_ERR_HOSTNAME_MISMATCH);
	}
}

/* One wrong thing in a request that is fine otherwise. */
static hm_err
try(ca_profile profile, void (*spoil)(struct ca_request *request))
{
	static const char *const hosts[] = { "a.example", NULL };
	struct ca_request request =
	    request_of(profile, "line-3", HM_BYTES(leaf_point));
	struct ca_issuer root = root_issuer(), sub = sub_issuer();
	AUTO(buf) struct buf der = { 0 };
	struct why why = { 0 };
	hm_err err;

	buf_init(&der, 4096);
	if (profile == CA_ROOT)
		request.public_key = HM_BYTES(root_point);
	if (profile == CA_ROOT)
		root.certificate = (struct hm_bytes){ 0 };
	if (profile == CA_SERVER)
		request.hosts = hosts;
	if (spoil)
		spoil(&request);
	err = ca_make(profile <= CA_SUB ? &root : &sub, &request, &der, &why);
	assert_int_equal(err == HM_OK, der.len > 0);
	return err;
}

static void
no_name(struct ca_request *request)
{
	request->common_name = "";
}
static void
long_name(struct ca_request *request)
{
	request->common_name = "0123456789012345678901234567890123456789012345"
			       "6789012345678901234";
}
static void
control_name(struct ca_request *request)
{
	request->common_name = "a\nb";
}
static void
bad_utf8(struct ca_request *request)
{
	request->organization = "\xc0\x80";
}
static void
no_organization(struct ca_request *request)
{
	request->organization = NULL;
}
static void
empty_organization(struct ca_request *request)
{
	request->organization = "";
}
static void
ends_first(struct ca_request *request)
{
	request->not_after_s = request->not_before_s;
}
static void
too_long(struct ca_request *request)
{
	request->not_after_s = request->not_before_s + CA_LEAF_MAX_S + 1;
}
static void
outlives_root(struct ca_request *request)
{
	request->not_after_s = NOW + 21 * YEAR;
}
static void
before_issuer(struct ca_request *request)
{
	request->not_before_s = NOW - 1;
}
static void
own_hosts(struct ca_request *request)
{
	static const char *const hosts[] = { "a.example", NULL };

	request->hosts = hosts;
}
static void
no_hosts(struct ca_request *request)
{
	request->hosts = NULL;
}
static void
root_key_of_p256(struct ca_request *request)
{
	request->public_key = HM_BYTES(leaf_point);
}
static void
key_of_p384(struct ca_request *request)
{
	request->public_key = HM_BYTES(root_point);
}
static void
key_of_issuer(struct ca_request *request)
{
	request->public_key = HM_BYTES(sub_point);
}
static void
off_curve(struct ca_request *request)
{
	static uint8_t point[65];

	memcpy(point, leaf_point, 65);
	point[64] ^= 1;
	request->public_key = HM_BYTES(point);
}
static void
as_device(struct ca_request *request)
{
	request->profile = CA_DEVICE;
}

static void
refuses_what_a_profile_does_not_allow(void **state)
{
	static const struct {
		ca_profile profile;
		void (*spoil)(struct ca_request *request);
		hm_err expect;
	} cases[] = {
		{ CA_ROOT, NULL, HM_OK },
		{ CA_SUB, NULL, HM_OK },
		{ CA_SERVER, NULL, HM_OK },
		{ CA_STATION, no_organization, HM_OK },
		{ CA_SUB, no_name, HM_E_CERT },
		{ CA_SUB, long_name, HM_E_CERT },
		{ CA_STATION, control_name, HM_E_CERT },
		{ CA_STATION, bad_utf8, HM_E_CERT },
		{ CA_STATION, empty_organization, HM_E_CERT },
		{ CA_ROOT, ends_first, HM_E_CERT },
		{ CA_STATION, too_long, HM_E_CERT },
		{ CA_SERVER, too_long, HM_E_CERT },
		{ CA_CLIENT, too_long, HM_E_CERT },
		{ CA_SUB, outlives_root, HM_E_CERT },
		{ CA_SUB, before_issuer, HM_E_CERT },
		{ CA_STATION, own_hosts, HM_E_CERT },
		{ CA_SERVER, no_hosts, HM_E_CERT },
		{ CA_ROOT, root_key_of_p256, HM_E_KEY },
		{ CA_SUB, key_of_p384, HM_E_KEY },
		{ CA_STATION, key_of_issuer, HM_E_KEY },
		{ CA_STATION, off_curve, HM_E_KEY },
		{ CA_STATION, as_device, HM_E_CERT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hm_err got = try(cases[i].profile, cases[i].spoil);

		if (got != cases[i].expect)
			print_error("case %zu\n", i);
		assert_int_equal(got, cases[i].expect);
	}
}

static void
takes_host_names_and_addresses_only(void **state)
{
	static const struct {
		const char *host;
		hm_err expect;
	} cases[] = {
		{ "a", HM_OK },
		{ "A-1.b.example", HM_OK },
		{ "127.0.0.1", HM_OK },
		{ "::1", HM_OK },
		{ "", HM_E_CERT },
		{ ".a", HM_E_CERT },
		{ "a.", HM_E_CERT },
		{ "a..b", HM_E_CERT },
		{ "-a", HM_E_CERT },
		{ "a-", HM_E_CERT },
		{ "*.example.com", HM_E_CERT },
		{ "a b", HM_E_CERT },
		{ "h\xc3\xb6st", HM_E_CERT },
		{ "0123456789012345678901234567890123456789012345678901234567"
		  "890123",
		    HM_E_CERT },
	};
	struct ca_issuer issuer = sub_issuer();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const hosts[] = { cases[i].host, NULL };
		struct ca_request request =
		    request_of(CA_SERVER, "server", HM_BYTES(leaf_point));
		AUTO(buf) struct buf der = { 0 };

		buf_init(&der, 4096);
		request.hosts = hosts;
		assert_int_equal(
		    ca_make(&issuer, &request, &der, NULL), cases[i].expect);
	}
}

static void
does_not_issue_under_what_is_no_ca(void **state)
{
	struct ca_issuer sub = sub_issuer(), leaf_issuer, nothing;
	struct ca_request request =
	    request_of(CA_STATION, "s", HM_BYTES(leaf_point));
	AUTO(buf) struct buf leaf = { 0 };
	AUTO(buf) struct buf der = { 0 };

	(void)state;
	buf_init(&leaf, 4096);
	buf_init(&der, 4096);
	assert_int_equal(ca_make(&sub, &request, &leaf, NULL), HM_OK);
	leaf_issuer = sub;
	leaf_issuer.certificate = buf_bytes(&leaf);
	assert_int_equal(
	    ca_make(&leaf_issuer, &request, &der, NULL), HM_E_CERT);
	nothing = sub;
	nothing.certificate = HM_LITERAL("\x30\x00");
	assert_int_equal(ca_make(&nothing, &request, &der, NULL), HM_E_CERT);
	/* A sub-CA makes no CA. */
	request.profile = CA_SUB;
	assert_int_equal(ca_make(&sub, &request, &der, NULL), HM_E_CERT);
	assert_int_equal(der.len, 0);
}

static void
forwards_the_signer_and_checks_what_it_gave(void **state)
{
	struct ca_issuer sub = sub_issuer();
	struct ca_request request =
	    request_of(CA_STATION, "s", HM_BYTES(leaf_point));
	struct p256_pair *other;
	AUTO(buf) struct buf der = { 0 };

	(void)state;
	buf_init(&der, 4096);
	assert_int_equal(buf_add(&der, HM_LITERAL("kept")), HM_OK);
	signer_fails = HM_E_TOKEN_GONE;
	assert_int_equal(ca_make(&sub, &request, &der, NULL), HM_E_TOKEN_GONE);
	signer_fails = HM_OK;
	assert_int_equal(p256_pair_new(&other), HM_OK);
	sub.context = other;
	assert_int_equal(ca_make(&sub, &request, &der, NULL), HM_E_SIGNATURE);
	p256_pair_free(other);
	assert_int_equal(der.len, 4);
	buf_clear(&der);
	der.max = 100;
	sub = sub_issuer();
	assert_int_equal(ca_make(&sub, &request, &der, NULL), HM_E_TOO_LARGE);
	assert_int_equal(der.len, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(makes_cas_that_keep_their_profile),
		TEST(makes_leaves_that_openssl_takes_for_their_purpose_only),
		TEST(refuses_what_a_profile_does_not_allow),
		TEST(takes_host_names_and_addresses_only),
		TEST(does_not_issue_under_what_is_no_ca),
		TEST(forwards_the_signer_and_checks_what_it_gave),
	};
	return cmocka_run_group_tests(tests, authority_start, authority_stop);
}
