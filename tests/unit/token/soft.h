/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * soft - a SoftHSM token of its own for each test program, and the shim before
 * it. SOFTHSM and P11SHIM name the two modules. Included once a test program.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ecdsa.h>
#include <openssl/params.h>

#include "base/auto.h"
#include "token/token.h"

#define SOFT_LABEL "hallmark-test"
#define SOFT_URI "pkcs11:token=" SOFT_LABEL

static char soft_dir[] = "/tmp/hallmark-token-XXXXXX";
static struct secret soft_pin = { 4, "1234" };
static struct secret soft_so_pin = { 8, "87654321" };

__attribute__((unused)) static void
soft_control(const char *orders)
{
	static unsigned serial;
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/control.hangs", soft_dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/control", soft_dir);
	file = fopen(path, "we");
	assert_non_null(file);
	/* A comment that changes, so that counts begin anew. */
	assert_true(fprintf(file, "# %u\n%s\n", serial++, orders) > 0);
	assert_int_equal(fclose(file), 0);
}

/* How many calls hang, or did since the last soft_control()? */
__attribute__((unused)) static long
soft_hangs(void)
{
	struct stat about;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/control.hangs", soft_dir);
	return stat(path, &about) == 0 ? (long)about.st_size : 0;
}

static void
soft_make(const char *label)
{
	struct why why = { 0 };
	hm_err err = token_init_soft(
	    getenv("SOFTHSM"), label, &soft_so_pin, &soft_pin, &why);

	if (err != HM_OK)
		print_error("%s\n", why.text);
	assert_int_equal(err, HM_OK);
}

static int
soft_start(void **state)
{
	char path[64];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(soft_dir));
	(void)snprintf(path, sizeof(path), "%s/softhsm2.conf", soft_dir);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fprintf(file,
			"directories.tokendir = %s\n"
			"objectstore.backend = file\n"
			"log.level = ERROR\n",
			soft_dir) > 0);
	assert_int_equal(fclose(file), 0);
	setenv("SOFTHSM2_CONF", path, 1);
	(void)snprintf(path, sizeof(path), "%s/control", soft_dir);
	setenv("P11SHIM_CONTROL", path, 1);
	soft_make(SOFT_LABEL);
	return 0;
}

static int
remove_one(const char *path, const struct stat *about, int type, struct FTW *at)
{
	(void)about;
	(void)type;
	(void)at;
	return remove(path);
}

static int
soft_stop(void **state)
{
	(void)state;
	return nftw(soft_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static struct token *
soft_open(const char *module)
{
	struct token_options options = { .uri = SOFT_URI, .module = module };
	struct token *token = NULL;
	struct why why = { 0 };
	hm_err err = token_open(&options, &soft_pin, &token, &why);

	if (err != HM_OK)
		print_error("%s\n", why.text);
	assert_int_equal(err, HM_OK);
	return token;
}

/* Does OpenSSL accept the signature? */
__attribute__((unused)) static bool
soft_verify(const struct token_key *key, struct hm_bytes input,
    const uint8_t *signature)
{
	struct hm_bytes public = token_key_public(key);
	token_key_type type = token_key_kind(key);
	size_t half = type == TOKEN_P384 ? 48 : 32;
	char curve[8];
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string(
				    OSSL_PKEY_PARAM_GROUP_NAME, curve, 5),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    (void *)(uintptr_t) public.ptr, public.len),
		OSSL_PARAM_END };
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *context;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[128], *at = der;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int len, got;

	if (type == TOKEN_ED25519) {
		pkey = EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, public.ptr, public.len);
		assert_int_equal(
		    EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey), 1);
		got = EVP_DigestVerify(md, signature, 64, input.ptr, input.len);
	} else {
		(void)snprintf(curve, sizeof(curve), "%s",
		    type == TOKEN_P384 ? "P-384" : "P-256");
		context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
		assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
		assert_int_equal(EVP_PKEY_fromdata(context, &pkey,
				     EVP_PKEY_PUBLIC_KEY, params),
		    1);
		EVP_PKEY_CTX_free(context);
		ECDSA_SIG_set0(sig, BN_bin2bn(signature, (int)half, NULL),
		    BN_bin2bn(signature + half, (int)half, NULL));
		len = i2d_ECDSA_SIG(sig, &at);
		context = EVP_PKEY_CTX_new(pkey, NULL);
		assert_int_equal(EVP_PKEY_verify_init(context), 1);
		got = EVP_PKEY_verify(
		    context, der, (size_t)len, input.ptr, input.len);
		EVP_PKEY_CTX_free(context);
	}
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	return got == 1;
}
