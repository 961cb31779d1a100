/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"

#include "base/auto.h"
#include "crypto/ossl.h"

/* Owners of OpenSSL's objects. */
struct tools {
	EVP_PKEY *key;
	EVP_MD_CTX *ctx;
};

static void
tools_done(struct tools *tools)
{
	EVP_MD_CTX_free(tools->ctx);
	EVP_PKEY_free(tools->key);
}

hm_err
ed25519_verify(const uint8_t key[static ED25519_KEY_LEN],
    struct hm_bytes message,
    const uint8_t signature[static ED25519_SIGNATURE_LEN])
{
	AUTO(tools) struct tools tools = { 0 };
	int said;

	tools.key = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, key, ED25519_KEY_LEN);
	tools.ctx = EVP_MD_CTX_new();
	if (tools.key == NULL || tools.ctx == NULL ||
	    EVP_DigestVerifyInit(tools.ctx, NULL, NULL, NULL, tools.key) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	said = EVP_DigestVerify(tools.ctx, signature, ED25519_SIGNATURE_LEN,
	    message.ptr, message.len);
	return said == 1 ? HM_OK : ossl_failed(HM_E_SIGNATURE);
}

hm_err
ed25519_public(
    const uint8_t seed[static 32], uint8_t ret[static ED25519_KEY_LEN])
{
	AUTO(tools) struct tools tools = { 0 };
	size_t len = ED25519_KEY_LEN;

	tools.key =
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	if (tools.key == NULL ||
	    EVP_PKEY_get_raw_public_key(tools.key, ret, &len) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

hm_err
ed25519_sign(const uint8_t seed[static 32], struct hm_bytes message,
    uint8_t ret[static ED25519_SIGNATURE_LEN])
{
	AUTO(tools) struct tools tools = { 0 };
	size_t len = ED25519_SIGNATURE_LEN;

	tools.key =
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	tools.ctx = EVP_MD_CTX_new();
	if (tools.key == NULL || tools.ctx == NULL ||
	    EVP_DigestSignInit(tools.ctx, NULL, NULL, NULL, tools.key) != 1 ||
	    EVP_DigestSign(tools.ctx, ret, &len, message.ptr, message.len) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}
