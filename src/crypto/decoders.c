/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default provider is loaded into a library context of its own, and stands
 * in the process's one behind a provider that passes on what it has to offer
 * but for most decoders and some ciphers. Its functions never learn of it: they
 * get the context that they were made with.
 */
#include "crypto/init.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#include "core/check.h"
#include "crypto/ossl.h"

#define DECODERS_MAX 15
#define CIPHERS_MAX 127

static OSSL_PROVIDER *whole, *narrow;
/* An empty one is the end. */
static OSSL_ALGORITHM decoders[DECODERS_MAX + 1], ciphers[CIPHERS_MAX + 1];

/*
 * A key as it stands in a certificate or in PKCS#8, in DER. From PEM, from a
 * passphrase and from older forms OpenSSL has ways that need no decoder, once
 * it has found none (test_decoders).
 */
static bool
is_wanted_decoder(const OSSL_ALGORITHM *decoder)
{
	static const char *const kinds[] = { "EC", "ED25519", "RSA" };
	const char *what = decoder->property_definition;

	if (strstr(what, "structure=PrivateKeyInfo") == NULL &&
	    strstr(what, "structure=SubjectPublicKeyInfo") == NULL)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(decoder->algorithm_names, kinds[i]) == 0)
			return true;
	return false;
}

/* Modules of tokens may want any but these: AES, Triple-DES, ChaCha20. */
static bool
is_wanted_cipher(const OSSL_ALGORITHM *cipher)
{
	static const char *const families[] = { "ARIA-", "CAMELLIA-", "SM4-" };
	const char *name = cipher->algorithm_names;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strncmp(name, families[i], strlen(families[i])) == 0)
			return false;
	return true;
}

static void
keep(int operation, bool (*is_wanted)(const OSSL_ALGORITHM *),
    OSSL_ALGORITHM *ret, size_t max)
{
	int no_cache = 0;
	const OSSL_ALGORITHM *all =
	    OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
	size_t count = 0;

	for (; all != NULL && all->algorithm_names != NULL; all++)
		if (is_wanted(all)) {
			hm_assert(count < max);
			ret[count++] = *all;
		}
}

static const OSSL_ALGORITHM *
query(void *context, int operation, int *ret_no_cache)
{
	(void)context;
	*ret_no_cache = 0;
	if (operation == OSSL_OP_DECODER)
		return decoders;
	if (operation == OSSL_OP_CIPHER)
		return ciphers;
	return OSSL_PROVIDER_query_operation(whole, operation, ret_no_cache);
}

/* The groups of TLS are there. */
static int
capabilities(void *context, const char *which, OSSL_CALLBACK *tell, void *told)
{
	(void)context;
	return OSSL_PROVIDER_get_capabilities(whole, which, tell, told);
}

static int
init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **ret_out, void **ret_context)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES,
		    (void (*)(void))capabilities },
		{ 0, NULL },
	};

	(void)core;
	(void)in;
	*ret_out = functions;
	*ret_context = OSSL_PROVIDER_get0_provider_ctx(whole);
	return 1;
}

hm_err
crypto_few_algorithms(void)
{
	OSSL_LIB_CTX *behind;

	if (narrow != NULL)
		return HM_OK;
	behind = OSSL_LIB_CTX_new();
	if (behind != NULL)
		whole = OSSL_PROVIDER_load(behind, "default");
	if (whole == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	keep(OSSL_OP_DECODER, is_wanted_decoder, decoders, DECODERS_MAX);
	keep(OSSL_OP_CIPHER, is_wanted_cipher, ciphers, CIPHERS_MAX);
	if (OSSL_PROVIDER_add_builtin(NULL, "hallmark", init) == 1)
		narrow = OSSL_PROVIDER_load(NULL, "hallmark");
	return narrow != NULL ? HM_OK : ossl_failed(HM_E_NO_MEMORY);
}
