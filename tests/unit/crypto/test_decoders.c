/* SPDX-License-Identifier: Apache-2.0 */
/* One process, so one order: what was looked for first is found from then on.
 */
#include "hex.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "crypto/init.h"

static void
everything_works_as_before(void **state)
{
	(void)state;
	assert_int_equal(crypto_few_algorithms(), HM_OK);
	assert_int_equal(crypto_few_algorithms(), HM_OK);
	assert_int_equal(crypto_init(), HM_OK);
	crypto_done();
}

static EVP_PKEY *
generate(const char *kind)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *key = NULL;

	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
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
		key = generate(kind);
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

static bool
is_read(BIO *pem, const EVP_PKEY *key, bool private)
{
	char word[] = "word";
	EVP_PKEY *again = private
			      ? PEM_read_bio_PrivateKey(pem, NULL, NULL, word)
			      : PEM_read_bio_PUBKEY(pem, NULL, NULL, NULL);
	bool read = again != NULL && EVP_PKEY_eq(key, again) == 1;

	EVP_PKEY_free(again);
	(void)BIO_reset(pem);
	ERR_clear_error();
	return read;
}

/* A server's TLS key may be in any of these. */
static void
reads_keys_in_each_form_of_pem(void **state)
{
	static const char *const kinds[] = { "P-256", "P-384", "RSA",
		"ED25519" };
	BIO *pem = BIO_new(BIO_s_mem());

	(void)state;
	assert_non_null(pem);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = make(kinds[i]);

		assert_int_equal(PEM_write_bio_PUBKEY(pem, key), 1);
		assert_true(is_read(pem, key, false));
		assert_int_equal(PEM_write_bio_PrivateKey(
				     pem, key, NULL, NULL, 0, NULL, NULL),
		    1);
		assert_true(is_read(pem, key, true));
		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(pem, key,
				     EVP_aes_128_cbc(), "word", 4, NULL, NULL),
		    1);
		assert_true(is_read(pem, key, true));
		if (strcmp(kinds[i], "ED25519") != 0) {
			assert_int_equal(
			    PEM_write_bio_PrivateKey_traditional(
				pem, key, NULL, NULL, 0, NULL, NULL),
			    1);
			assert_true(is_read(pem, key, true));
		}
		EVP_PKEY_free(key);
	}
	BIO_free(pem);
}

static int
no_word(char *text, int size, int writing, void *context)
{
	(void)text, (void)size, (void)writing, (void)context;
	return -1;
}

static void
reads_no_key_behind_a_passphrase_that_nobody_says(void **state)
{
	EVP_PKEY *key = make("P-256");
	BIO *pem = BIO_new(BIO_s_mem());

	(void)state;
	assert_non_null(pem);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(pem, key,
			     EVP_aes_128_cbc(), "word", 4, NULL, NULL),
	    1);
	assert_null(PEM_read_bio_PrivateKey(pem, NULL, no_word, NULL));
	ERR_clear_error();
	BIO_free(pem);
	EVP_PKEY_free(key);
}

/* Public ones: for private ones OpenSSL has an older way besides. */
static void
reads_no_keys_of_other_kinds(void **state)
{
	static const char *const kinds[] = { "X448", "ED448", "X25519",
		"RSA-PSS" };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		EVP_PKEY *key = make(kinds[i]);

		assert_false(public_half_is_read(key));
		EVP_PKEY_free(key);
	}
}

static bool
has_cipher(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);

	ERR_clear_error();
	EVP_CIPHER_free(cipher);
	return cipher != NULL;
}

/* Of TLS, and of what tokens' modules and their keys are wrapped with. */
static void
has_the_ciphers_that_are_in_use(void **state)
{
	static const char *const there[] = { "AES-128-GCM", "AES-256-GCM",
		"AES-128-CBC", "AES-256-CBC", "AES-256-ECB", "AES-256-CTR",
		"AES-128-CFB", "AES-256-CCM", "AES-256-WRAP",
		"AES-256-WRAP-PAD", "DES-EDE3-CBC", "ChaCha20-Poly1305" };
	static const char *const gone[] = { "ARIA-256-GCM", "CAMELLIA-128-CBC",
		"SM4-CBC" };

	(void)state;
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		assert_true(has_cipher(there[i]));
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert_false(has_cipher(gone[i]));
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
		cmocka_unit_test(reads_keys_in_each_form_of_pem),
		cmocka_unit_test(
		    reads_no_key_behind_a_passphrase_that_nobody_says),
		cmocka_unit_test(reads_no_keys_of_other_kinds),
		cmocka_unit_test(has_the_ciphers_that_are_in_use),
		cmocka_unit_test(tls_has_its_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
