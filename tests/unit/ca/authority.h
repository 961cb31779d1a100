/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * authority - a root and a sub-CA in memory, for tests. Included once a test
 * program. The root's P-384 key is OpenSSL's own business, so its signatures
 * come from code that is not ours.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/auto.h"
#include "ca/ca.h"
#include "crypto/p256.h"

#define NOW UINT64_C(1790000000) /* 2026-09-21 */
#define DAY UINT64_C(86400)
#define YEAR (365 * DAY)

static EVP_PKEY *root_key;
static uint8_t root_point[97];
static struct p256_pair *sub_pair;
static uint8_t sub_point[65];
static struct buf root_der, sub_der;
static hm_err signer_fails; /* what the signers answer, if not HM_OK */

static hm_err
root_sign(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	EVP_PKEY_CTX *key = EVP_PKEY_CTX_new(root_key, NULL);
	const uint8_t *at;
	uint8_t der[128];
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	(void)context;
	assert_int_equal(digest.len, 48);
	assert_int_equal(ret_len, 96);
	if (signer_fails != HM_OK)
		return signer_fails;
	at = der;
	assert_int_equal(EVP_PKEY_sign_init(key), 1);
	assert_int_equal(
	    EVP_PKEY_sign(key, der, &len, digest.ptr, digest.len), 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
	assert_non_null(sig);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 48), 48);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 48, 48), 48);
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(key);
	return HM_OK;
}

static hm_err
sub_sign(void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	assert_int_equal(digest.len, 32);
	assert_int_equal(ret_len, 64);
	if (signer_fails != HM_OK)
		return signer_fails;
	return p256_pair_sign(context, digest.ptr, ret);
}

/* Self-signed: without a certificate. */
static struct ca_issuer
root_issuer(void)
{
	return (struct ca_issuer){ buf_bytes(&root_der), CA_ES384, root_sign,
		NULL };
}

static struct ca_issuer
sub_issuer(void)
{
	return (struct ca_issuer){ buf_bytes(&sub_der), CA_ES256, sub_sign,
		sub_pair };
}

static struct ca_request
request_of(ca_profile profile, const char *name, struct hm_bytes key)
{
	return (struct ca_request){ .profile = profile,
		.common_name = name,
		.organization = "Example Works",
		.public_key = key,
		.not_before_s = NOW,
		.not_after_s = NOW + 300 * DAY };
}

static int
authority_start(void **state)
{
	struct ca_request request;
	struct ca_issuer issuer;
	size_t len = 0;

	(void)state;
	root_key = EVP_EC_gen("P-384");
	assert_int_equal(EVP_PKEY_get_octet_string_param(root_key, "pub",
			     root_point, sizeof(root_point), &len),
	    1);
	assert_int_equal(len, 97);
	assert_int_equal(p256_pair_new(&sub_pair), HM_OK);
	p256_pair_point(sub_pair, sub_point);
	buf_init(&root_der, 4096);
	buf_init(&sub_der, 4096);
	request = request_of(CA_ROOT, "Example Root", HM_BYTES(root_point));
	request.not_after_s = NOW + 20 * YEAR;
	issuer = root_issuer();
	assert_int_equal(ca_make(&issuer, &request, &root_der, NULL), HM_OK);
	request = request_of(CA_SUB, "Example Sub", HM_BYTES(sub_point));
	request.not_after_s = NOW + 10 * YEAR;
	issuer = root_issuer();
	assert_int_equal(ca_make(&issuer, &request, &sub_der, NULL), HM_OK);
	return 0;
}

static int
authority_stop(void **state)
{
	(void)state;
	EVP_PKEY_free(root_key);
	p256_pair_free(sub_pair);
	buf_done(&root_der);
	buf_done(&sub_der);
	return 0;
}

/* A certificate as OpenSSL reads it; the caller frees. */
__attribute__((unused)) static X509 *
parse(struct hm_bytes der)
{
	const uint8_t *at = der.ptr;
	X509 *x509 = d2i_X509(NULL, &at, (long)der.len);

	assert_non_null(x509);
	assert_ptr_equal(at, der.ptr + der.len);
	return x509;
}
