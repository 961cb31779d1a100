/* SPDX-License-Identifier: Apache-2.0 */
/* One process, so one order: what was looked for first is found from then on.
 */
#include "hex.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "crypto/init.h"

static void
everything_works_as_before(void **state)
{
	(void)state;
	assert_int_equal(crypto_few_decoders(), HM_OK);
	assert_int_equal(crypto_few_decoders(), HM_OK);
	assert_int_equal(crypto_init(), HM_OK);
	crypto_done();
}

static EVP_PKEY *
make(const char *kind)
{
	EVP_PKEY *key = NULL;

	if (strcmp(kind, "P-256") == 0 || strcmp(kind, "P-384") == 0)
		key = EVP_EC_gen(kind);
	else if (strcmp(kind, "RSA") == 0)
		key = EVP_RSA_gen(2048);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	assert_non_null(key);
	return key;
}

/* Is its public half, as it stands in a certificate, read again? */
static bool
public_half_is_read(const EVP_PKEY *key)
{
	unsigned char *der = NULL;
	const unsigned char *at;
	int len = i2d_PUBKEY(key, &der);
	EVP_PKEY *again;
	bool read;

	assert_true(len > 0);
	at = der;
	again = d2i_PUBKEY(NULL, &at, len);
	read = again != NULL && EVP_PKEY_eq(key, again) == 1;
	EVP_PKEY_free(again);
	OPENSSL_free(der);
	ERR_clear_error();
	return read;
}

/* As a token that computes keeps it. */
static bool
private_half_is_read(const EVP_PKEY *key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	EVP_PKEY *again;
	bool read;

	assert_non_null(info);
	again = EVP_PKCS82PKEY(info);
	read = again != NULL && EVP_PKEY_eq(key, again) == 1;
	EVP_PKEY_free(again);
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	return read;
}

static void
reads_keys_that_a_server_meets(void **state)
{
	static const char *const kinds[] = { "P-256", "P-384", "RSA",
		"ED25519" };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = make(kinds[i]);

		assert_true(public_half_is_read(key));
		assert_true(private_half_is_read(key));
		EVP_PKEY_free(key);
	}
}

/* Public ones: for private ones OpenSSL has an older way besides. */
static void
reads_no_keys_of_other_kinds(void **state)
{
	static const char *const kinds[] = { "X448", "ED448", "X25519" };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = make(kinds[i]);

		assert_false(public_half_is_read(key));
		EVP_PKEY_free(key);
	}
}

/* Groups of TLS are no algorithms: a provider has to name them. */
static void
tls_has_its_groups(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char groups[] = "X25519:P-256";

	(void)state;
	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_set1_groups_list(ctx, groups), 1);
	SSL_CTX_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_works_as_before),
		cmocka_unit_test(reads_keys_that_a_server_meets),
		cmocka_unit_test(reads_no_keys_of_other_kinds),
		cmocka_unit_test(tls_has_its_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
