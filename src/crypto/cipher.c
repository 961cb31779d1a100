/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cipher.h"

#include <limits.h>
#include <stdlib.h>

#include "crypto/ossl.h"

struct cipher {
	EVP_CIPHER_CTX *ctx;
	cipher_kind kind;
	bool encrypt;
};

static const EVP_CIPHER *
cipher_of(cipher_kind kind)
{
	switch (kind) {
	case CIPHER_AES128_CTR:
		return EVP_aes_128_ctr();
	case CIPHER_AES256_CTR:
		return EVP_aes_256_ctr();
	case CIPHER_AES128_XTS:
		return EVP_aes_128_xts();
	case CIPHER_AES256_XTS:
		return EVP_aes_256_xts();
	case CIPHER_AES256_ECB:
		return EVP_aes_256_ecb();
	case CIPHER_AES128_ECB:
		return EVP_aes_128_ecb();
	case CIPHER_AES128_CBC:
		return EVP_aes_128_cbc();
	case CIPHER_AES256_CBC:
		return EVP_aes_256_cbc();
	case CIPHER_AES128_GCM:
		return EVP_aes_128_gcm();
	case CIPHER_AES256_GCM:
	default:
		return EVP_aes_256_gcm();
	}
}

static bool
is_gcm(cipher_kind kind)
{
	return kind == CIPHER_AES128_GCM || kind == CIPHER_AES256_GCM;
}

static bool
lengths_fit(cipher_kind kind, struct hm_bytes key, struct hm_bytes iv)
{
	const EVP_CIPHER *evp = cipher_of(kind);

	if (key.len != (size_t)EVP_CIPHER_get_key_length(evp))
		return false;
	if (is_gcm(kind))
		return iv.len >= 1 && iv.len <= 16;
	return iv.len == (size_t)EVP_CIPHER_get_iv_length(evp);
}

static hm_err
start(struct cipher *c, struct hm_bytes key, struct hm_bytes iv)
{
	if (EVP_CipherInit_ex2(
		c->ctx, cipher_of(c->kind), NULL, NULL, c->encrypt, NULL) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	if (is_gcm(c->kind) &&
	    EVP_CIPHER_CTX_ctrl(
		c->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)iv.len, NULL) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	/* XTS refuses a key of two equal halves. */
	if (EVP_CipherInit_ex2(c->ctx, NULL, key.ptr,
		iv.len > 0 ? iv.ptr : NULL, c->encrypt, NULL) != 1)
		return ossl_failed(HM_E_BAD_INPUT);
	EVP_CIPHER_CTX_set_padding(c->ctx, 0);
	return HM_OK;
}

hm_err
cipher_new(cipher_kind kind, bool encrypt, struct hm_bytes key,
    struct hm_bytes iv, struct cipher **ret)
{
	struct cipher *c;
	hm_err err;

	if (!lengths_fit(kind, key, iv))
		return HM_E_BAD_INPUT;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return HM_E_NO_MEMORY;
	c->kind = kind;
	c->encrypt = encrypt;
	c->ctx = EVP_CIPHER_CTX_new();
	err = c->ctx == NULL ? HM_E_NO_MEMORY : start(c, key, iv);
	if (err != HM_OK) {
		cipher_free(c);
		return err;
	}
	*ret = c;
	return HM_OK;
}

void
cipher_free(struct cipher *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->ctx); /* wipes */
	free(c);
}

void
cipher_clean(struct cipher **cipher)
{
	cipher_free(*cipher);
}

hm_err
cipher_restart(struct cipher *c, struct hm_bytes iv)
{
	if (EVP_CipherInit_ex2(c->ctx, NULL, NULL, iv.len > 0 ? iv.ptr : NULL,
		c->encrypt, NULL) != 1)
		return ossl_failed(HM_E_BAD_INPUT);
	return HM_OK;
}

hm_err
cipher_rekey(struct cipher *c, struct hm_bytes key)
{
	struct hm_bytes none = { 0 };

	if (!lengths_fit(c->kind, key, none))
		return HM_E_BAD_INPUT;
	if (EVP_CipherInit_ex2(c->ctx, NULL, key.ptr, NULL, c->encrypt, NULL) !=
	    1)
		return ossl_failed(HM_E_BAD_INPUT);
	return HM_OK;
}

hm_err
cipher_aad(struct cipher *c, struct hm_bytes aad)
{
	int len;

	if (aad.len > INT_MAX)
		return HM_E_BAD_INPUT;
	if (aad.len > 0 &&
	    EVP_CipherUpdate(c->ctx, NULL, &len, aad.ptr, (int)aad.len) != 1)
		return ossl_failed(HM_E_BAD_INPUT);
	return HM_OK;
}

hm_err
cipher_update(struct cipher *c, struct hm_bytes from, uint8_t *ret)
{
	int len = 0;

	if (from.len > INT_MAX)
		return HM_E_BAD_INPUT;
	if (from.len == 0)
		return HM_OK;
	if (EVP_CipherUpdate(c->ctx, ret, &len, from.ptr, (int)from.len) != 1)
		return ossl_failed(HM_E_BAD_INPUT);
	return (size_t)len == from.len ? HM_OK : HM_E_BAD_INPUT;
}

hm_err
cipher_tag(struct cipher *c, uint8_t ret[static 16])
{
	uint8_t none[16];
	int len = 0;

	if (EVP_CipherFinal_ex(c->ctx, none, &len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, 16, ret) != 1)
		return ossl_failed(HM_E_BAD_INPUT);
	return HM_OK;
}

hm_err
cipher_check(struct cipher *c, const uint8_t tag[static 16])
{
	uint8_t none[16];
	int len = 0;

	if (EVP_CIPHER_CTX_ctrl(
		c->ctx, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(uintptr_t)tag) != 1)
		return ossl_failed(HM_E_BAD_INPUT);
	if (EVP_CipherFinal_ex(c->ctx, none, &len) != 1)
		return ossl_failed(HM_E_OPEN);
	return HM_OK;
}

/* ---- RFC 3394 ---- */

static hm_err
keywrap(bool wrap, struct hm_bytes key, struct hm_bytes from, uint8_t *ret)
{
	const EVP_CIPHER *evp =
	    key.len == 16 ? EVP_aes_128_wrap() : EVP_aes_256_wrap();
	EVP_CIPHER_CTX *ctx;
	int len = 0, good;

	if (key.len != 16 && key.len != 32)
		return HM_E_BAD_INPUT;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	good = EVP_CipherInit_ex2(ctx, evp, key.ptr, NULL, wrap, NULL) == 1 &&
	       EVP_CipherUpdate(ctx, ret, &len, from.ptr, (int)from.len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return good ? HM_OK : ossl_failed(HM_E_OPEN);
}

hm_err
keywrap_wrap(struct hm_bytes key, struct hm_bytes plain, uint8_t *ret)
{
	if (plain.len != 16 && plain.len != 32)
		return HM_E_BAD_INPUT;
	return keywrap(true, key, plain, ret);
}

hm_err
keywrap_unwrap(struct hm_bytes key, struct hm_bytes wrapped, uint8_t *ret)
{
	hm_err err;

	if (wrapped.len != 24 && wrapped.len != 40)
		return HM_E_BAD_INPUT;
	err = keywrap(false, key, wrapped, ret);
	if (err != HM_OK)
		hm_wipe(ret, wrapped.len - 8);
	return err;
}
