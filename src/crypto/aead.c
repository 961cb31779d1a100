/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context is kept, its content is not: a reset frees the key schedule with
 * OpenSSL's clearing free after each message.
 */
#include "crypto/aead.h"

#include <limits.h>
#include <string.h>

#include "core/check.h"
#include "crypto/ossl.h"

static _Thread_local EVP_CIPHER *aes128, *aes256;
static _Thread_local EVP_CIPHER_CTX *context;

/* One message: its direction, and what it is made with. */
struct pass {
	struct hm_bytes key;
	const uint8_t *nonce;
	struct hm_bytes aad;
	bool seals;
};

static hm_err
start(void)
{
	if (aes128 == NULL)
		aes128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	if (aes256 == NULL)
		aes256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (context == NULL)
		context = EVP_CIPHER_CTX_new();
	if (aes128 == NULL || aes256 == NULL || context == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

void
gcm_stop(void)
{
	EVP_CIPHER_CTX_free(context);
	EVP_CIPHER_free(aes128);
	EVP_CIPHER_free(aes256);
	context = NULL;
	aes128 = aes256 = NULL;
}

/* Key, nonce, aad and all of `from`; the tag is the caller's. */
static bool
run(const struct pass *pass, struct hm_bytes from, uint8_t *ret)
{
	const EVP_CIPHER *cipher = pass->key.len == 16 ? aes128 : aes256;
	int len;

	if (EVP_CipherInit_ex2(context, cipher, pass->key.ptr, pass->nonce,
		pass->seals, NULL) != 1)
		return false;
	if (pass->aad.len > 0 && EVP_CipherUpdate(context, NULL, &len,
				     pass->aad.ptr, (int)pass->aad.len) != 1)
		return false;
	return from.len == 0 || EVP_CipherUpdate(context, ret, &len, from.ptr,
				    (int)from.len) == 1;
}

static hm_err
check_sizes(struct hm_bytes key, struct hm_bytes aad, struct hm_bytes text)
{
	hm_assert(key.len == 16 || key.len == 32);
	hm_assert(aad.len <= INT_MAX && text.len <= INT_MAX);

	return context == NULL ? start() : HM_OK;
}

hm_err
gcm_seal(struct hm_bytes key, const uint8_t nonce[static GCM_NONCE_LEN],
    struct hm_bytes aad, struct hm_bytes plain, uint8_t *ret)
{
	struct pass pass = { key, nonce, aad, true };
	uint8_t *tag = ret + plain.len;
	int len;
	bool ok;

	HM_TRY(check_sizes(key, aad, plain));
	ok = run(&pass, plain, ret) &&
	     EVP_CipherFinal_ex(context, tag, &len) == 1 &&
	     EVP_CIPHER_CTX_ctrl(
		 context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, tag) == 1;
	EVP_CIPHER_CTX_reset(context);
	return ok ? HM_OK : ossl_failed(HM_E_NO_MEMORY);
}

hm_err
gcm_open(struct hm_bytes key, const uint8_t nonce[static GCM_NONCE_LEN],
    struct hm_bytes aad, struct hm_bytes cipher, uint8_t *ret)
{
	struct pass pass = { key, nonce, aad, false };
	uint8_t tag[GCM_TAG_LEN], nothing[1];
	struct hm_bytes text;
	hm_err err = HM_OK;
	int len;

	HM_TRY(check_sizes(key, aad, cipher));
	if (cipher.len < GCM_TAG_LEN)
		return HM_E_OPEN;
	text = (struct hm_bytes){ cipher.ptr, cipher.len - GCM_TAG_LEN };
	memcpy(tag, cipher.ptr + text.len, GCM_TAG_LEN);
	if (!run(&pass, text, ret) ||
	    EVP_CIPHER_CTX_ctrl(
		context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) != 1)
		err = ossl_failed(HM_E_NO_MEMORY);
	else if (EVP_CipherFinal_ex(context, nothing, &len) != 1)
		err = ossl_failed(HM_E_OPEN);
	EVP_CIPHER_CTX_reset(context);
	if (err != HM_OK && text.len > 0)
		hm_wipe(ret, text.len);
	return err;
}
