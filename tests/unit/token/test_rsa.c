/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys in a token, whose signatures OpenSSL judges */
#include "soft.h"

#include <openssl/bn.h>
#include <openssl/rsa.h>

static struct token *token;

static const struct {
	const char *label;
	token_key_type type;
	size_t len;
} kinds[] = { { "rsa-2048", TOKEN_RSA2048, 256 },
	{ "rsa-3072", TOKEN_RSA3072, 384 },
	{ "rsa-4096", TOKEN_RSA4096, 512 } };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct token_key *
key_of(size_t i)
{
	struct token_key *key = NULL;
	struct why why = { 0 };
	char uri[80];

	(void)snprintf(uri, sizeof(uri), SOFT_URI ";object=%s", kinds[i].label);
	if (token_key(token, uri, TOKEN_SIGN, &key, NULL) == HM_OK)
		return key;
	if (token_generate(token, kinds[i].label, kinds[i].type, TOKEN_SIGN,
		&key, &why) != HM_OK)
		print_error("%s\n", why.text);
	assert_non_null(key);
	return key;
}

static EVP_PKEY *
openssl_key(const struct token_key *key)
{
	struct hm_bytes n = token_key_public(key);
	BIGNUM *modulus = BN_bin2bn(n.ptr, (int)n.len, NULL);
	uint8_t native[512];
	unsigned exponent = 65537;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *made = NULL;

	assert_int_equal(
	    BN_bn2nativepad(modulus, native, (int)n.len), (int)n.len);
	OSSL_PARAM params[] = { OSSL_PARAM_BN(
				    OSSL_PKEY_PARAM_RSA_N, native, n.len),
		OSSL_PARAM_uint(OSSL_PKEY_PARAM_RSA_E, &exponent),
		OSSL_PARAM_END };
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(
	    EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(context);
	BN_free(modulus);
	return made;
}

/* With a salt of exactly the digest's length. */
static bool
is_good(const struct token_key *key, const struct token_rsa *what,
    struct hm_bytes signature)
{
	const EVP_MD *md = what->digest.len == 32   ? EVP_sha256()
			   : what->digest.len == 48 ? EVP_sha384()
						    : EVP_sha512();
	EVP_PKEY *public = openssl_key(key);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public, NULL);
	bool pss = what->padding == TOKEN_PSS, good;

	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context,
			     pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING),
	    1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, md), 1);
	if (pss)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(
				     context, RSA_PSS_SALTLEN_DIGEST),
		    1);
	good = EVP_PKEY_verify(context, signature.ptr, signature.len,
		   what->digest.ptr, what->digest.len) == 1;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(public);
	return good;
}

static void
check_one(size_t i, token_padding padding, size_t digest_len)
{
	struct token_key *key = key_of(i);
	uint8_t digest[64], signature[TOKEN_SIGNATURE_MAX];
	struct token_rsa what = { .padding = padding,
		.digest = { digest, digest_len } };
	struct hm_bytes made = { signature, kinds[i].len };

	memset(digest, 0x5a, sizeof(digest));
	assert_int_equal(token_key_kind(key), kinds[i].type);
	assert_int_equal(token_key_public(key).len, kinds[i].len);
	assert_int_equal(
	    token_sign_rsa(key, &what, signature, kinds[i].len, NULL), HM_OK);
	assert_true(is_good(key, &what, made));
	signature[5] ^= 1;
	assert_false(is_good(key, &what, made));
}

static void
signs_in_each_way_what_openssl_verifies(void **state)
{
	static const size_t lens[] = { 32, 48, 64 };

	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		for (size_t j = 0; j < 3; j++) {
			check_one(i, TOKEN_PKCS1, lens[j]);
			check_one(i, TOKEN_PSS, lens[j]);
		}
}

static void
refuses_what_is_not_for_rsa_and_changes_nothing(void **state)
{
	struct token_key *rsa = key_of(0), *ec = NULL;
	uint8_t digest[33] = { 1 }, signature[256] = { 0 };
	uint8_t untouched[256] = { 0 };
	struct token_rsa what = { .padding = TOKEN_PSS,
		.digest = { digest, 32 } };

	(void)state;
	assert_int_equal(
	    token_generate(token, "curve", TOKEN_P256, TOKEN_SIGN, &ec, NULL),
	    HM_OK);
	assert_int_equal(
	    token_sign(rsa, what.digest, signature, 256), HM_E_KEY);
	assert_int_equal(
	    token_sign_rsa(ec, &what, signature, 256, NULL), HM_E_KEY);
	assert_int_equal(
	    token_sign_rsa(rsa, &what, signature, 255, NULL), HM_E_NO_ROOM);
	what.digest.len = 33;
	assert_int_equal(
	    token_sign_rsa(rsa, &what, signature, 256, NULL), HM_E_BAD_INPUT);
	assert_memory_equal(signature, untouched, sizeof(signature));
}

/* SoftHSM offers what its configuration says from C_Initialize on. */
static void
set_mechanisms(const char *list)
{
	FILE *file = fopen(getenv("SOFTHSM2_CONF"), "we");

	assert_non_null(file);
	assert_true(fprintf(file,
			"directories.tokendir = %s\n"
			"objectstore.backend = file\n"
			"log.level = ERROR\n"
			"slots.mechanisms = %s\n",
			soft_dir, list) > 0);
	assert_int_equal(fclose(file), 0);
	token_free(token);
	token = soft_open(getenv("SOFTHSM"));
}

static void
gives_the_message_to_a_token_that_hashes_itself(void **state)
{
	static uint8_t message[200001];
	struct input input = input_of(HM_BYTES(message));
	uint8_t digest[32], signature[TOKEN_SIGNATURE_MAX];
	struct token_rsa what = { .digest = HM_BYTES(digest) };
	struct why why = { 0 };

	(void)state;
	(void)key_of(1);
	memset(message, 0xa5, sizeof(message));
	assert_int_equal(EVP_Digest(message, sizeof(message), digest, NULL,
			     EVP_sha256(), NULL),
	    1);
	set_mechanisms("CKM_SHA256_RSA_PKCS,CKM_SHA256_RSA_PKCS_PSS");
	for (int i = 0; i < 2; i++) {
		what.padding = i == 0 ? TOKEN_PKCS1 : TOKEN_PSS;
		what.message = NULL;
		assert_int_equal(
		    token_sign_rsa(key_of(1), &what, signature, 384, &why),
		    HM_E_TOKEN_MECHANISM);
		what.message = &input;
		assert_int_equal(
		    token_sign_rsa(key_of(1), &what, signature, 384, NULL),
		    HM_OK);
		assert_true(is_good(
		    key_of(1), &what, (struct hm_bytes){ signature, 384 }));
	}
	set_mechanisms("ALL");
}

static void
survives_a_message_that_cannot_be_read(void **state)
{
	uint8_t digest[32] = { 1 }, signature[TOKEN_SIGNATURE_MAX];
	/* A descriptor that is not open. */
	struct input gone = { .size = 10, .fd = 1023 };
	struct token_rsa what = { .padding = TOKEN_PSS,
		.digest = HM_BYTES(digest),
		.message = &gone };

	(void)state;
	set_mechanisms("CKM_SHA256_RSA_PKCS_PSS");
	assert_int_equal(
	    token_sign_rsa(key_of(0), &what, signature, 256, NULL), HM_E_IO);
	set_mechanisms("ALL");
	check_one(0, TOKEN_PSS, 32);
}

static int
start(void **state)
{
	(void)soft_start(state);
	token = soft_open(getenv("SOFTHSM"));
	return 0;
}

static int
stop(void **state)
{
	token_free(token);
	return soft_stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_in_each_way_what_openssl_verifies),
		cmocka_unit_test(
		    refuses_what_is_not_for_rsa_and_changes_nothing),
		cmocka_unit_test(
		    gives_the_message_to_a_token_that_hashes_itself),
		cmocka_unit_test(survives_a_message_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
