/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/rsa.h>

#include "base/auto.h"
#include "crypto/ec.h"
#include "crypto/pkey_parts.h"

static const EVP_MD *
md_of(hash_kind hash)
{
	switch (hash) {
	case HASH_SHA384:
		return EVP_sha384();
	case HASH_SHA512:
		return EVP_sha512();
	case HASH_SHA1:
		return EVP_sha1();
	case HASH_SHA256:
	case HASH_MD5: /* fits() lets none through */
	default:
		return EVP_sha256();
	}
}

/* Up to here OpenSSL does it at once, in half the time. */
#define LOADED_MAX (256u << 10) /* bytes */

/* Is this a scheme of that key, and the digest one of that hash? */
static bool
fits(const struct pkey *key, const struct pkey_input *input)
{
	if (input->scheme == PKEY_EDDSA)
		return key->type == PKEY_ED25519;
	if (input->stream != NULL)
		return false;
	if (input->bytes.len != hash_len(input->hash) ||
	    input->hash == HASH_MD5)
		return false;
	if (input->scheme == PKEY_ECDSA)
		return pkey_is_ec(key);
	return key->type == PKEY_RSA;
}

static bool
set_rsa(EVP_PKEY_CTX *ctx, const struct pkey_input *input)
{
	int padding = input->scheme == PKEY_PKCS1 ? RSA_PKCS1_PADDING
						  : RSA_PKCS1_PSS_PADDING;
	int salt = input->scheme == PKEY_PSS_ANY ? RSA_PSS_SALTLEN_AUTO
						 : RSA_PSS_SALTLEN_DIGEST;

	if (EVP_PKEY_CTX_set_rsa_padding(ctx, padding) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md_of(input->hash)) != 1)
		return false;
	return input->scheme == PKEY_PKCS1 ||
	       (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md_of(input->hash)) == 1 &&
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1);
}

/* ---- sign ---- */

static hm_err
sign_message(
    struct pkey *key, struct hm_bytes message, uint8_t *ret, size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good =
	    ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->evp) == 1 &&
	    EVP_DigestSign(ctx, ret, len, message.ptr, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good ? HM_OK : ossl_failed(HM_E_KEY);
}

static hm_err
sign_stream(struct pkey *key, const struct ed25519_message *message,
    uint8_t *ret, size_t *len)
{
	AUTO(buf) struct buf whole = { 0 };
	uint8_t seed[32];
	size_t seed_len = sizeof(seed);
	hm_err err;

	if (message->size <= LOADED_MAX) {
		HM_TRY(ed25519_message_load(message, LOADED_MAX, &whole));
		return sign_message(key, buf_bytes(&whole), ret, len);
	}
	if (EVP_PKEY_get_raw_private_key(key->evp, seed, &seed_len) != 1)
		return ossl_failed(HM_E_KEY);
	err = ed25519_stream_sign(seed, message, ret);
	hm_wipe(seed, sizeof(seed));
	*len = ED25519_SIGNATURE_LEN;
	return err;
}

static hm_err
sign_digest(
    struct pkey *key, const struct pkey_input *input, uint8_t *ret, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	bool good = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
		    (key->type != PKEY_RSA || set_rsa(ctx, input)) &&
		    EVP_PKEY_sign(
			ctx, ret, len, input->bytes.ptr, input->bytes.len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good ? HM_OK : ossl_failed(HM_E_NO_ENTROPY);
}

hm_err
pkey_sign(struct pkey *key, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len)
{
	uint8_t made[PKEY_SIGNATURE_MAX];
	size_t len = sizeof(made);

	if (!key->is_private || !fits(key, input) ||
	    input->scheme == PKEY_PSS_ANY)
		return HM_E_KEY;
	if (room.len < pkey_signature_len(key))
		return HM_E_NO_ROOM;
	if (input->stream != NULL)
		HM_TRY(sign_stream(key, input->stream, made, &len));
	else if (input->scheme == PKEY_EDDSA)
		HM_TRY(sign_message(key, input->bytes, made, &len));
	else
		HM_TRY(sign_digest(key, input, made, &len));
	*ret_len = pkey_signature_len(key);
	if (pkey_is_ec(key))
		return ec_from_der((struct hm_bytes){ made, len },
		    pkey_field_len(key), room.ptr);
	memcpy(room.ptr, made, len);
	return len == *ret_len ? HM_OK : HM_E_KEY;
}

/* ---- verify ---- */

static hm_err
verify_message(
    struct pkey *key, struct hm_bytes message, struct hm_bytes signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good = ctx == NULL || EVP_DigestVerifyInit(
				      ctx, NULL, NULL, NULL, key->evp) != 1
		       ? -1
		       : EVP_DigestVerify(ctx, signature.ptr, signature.len,
			     message.ptr, message.len);

	EVP_MD_CTX_free(ctx);
	return good == 1 ? HM_OK : ossl_failed(HM_E_SIGNATURE);
}

static hm_err
verify_stream(struct pkey *key, const struct ed25519_message *message,
    struct hm_bytes signature)
{
	AUTO(buf) struct buf whole = { 0 };
	uint8_t raw[ED25519_KEY_LEN];
	size_t raw_len = sizeof(raw);

	if (message->size <= LOADED_MAX) {
		HM_TRY(ed25519_message_load(message, LOADED_MAX, &whole));
		return verify_message(key, buf_bytes(&whole), signature);
	}
	if (EVP_PKEY_get_raw_public_key(key->evp, raw, &raw_len) != 1)
		return ossl_failed(HM_E_KEY);
	return ed25519_stream_verify(raw, message, signature.ptr);
}

static hm_err
verify_digest(
    struct pkey *key, const struct pkey_input *input, struct hm_bytes signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	bool good = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
		    (key->type != PKEY_RSA || set_rsa(ctx, input)) &&
		    EVP_PKEY_verify(ctx, signature.ptr, signature.len,
			input->bytes.ptr, input->bytes.len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good ? HM_OK : ossl_failed(HM_E_SIGNATURE);
}

/* Who signs verifies, and so do the strict verifier and the boot loader's
 * rules after that: the very same is asked three times. */
static bool
is_known_good(const struct pkey *key, const struct pkey_input *input,
    struct hm_bytes signature)
{
	const struct pkey_good *good = &key->good;

	return input->stream == NULL && good->scheme == input->scheme &&
	       good->hash == input->hash &&
	       hm_bytes_equal(
		   (struct hm_bytes){ good->bytes, good->len }, input->bytes) &&
	       hm_bytes_equal(
		   (struct hm_bytes){ good->signature, good->signature_len },
		   signature);
}

static void
keep_good(
    struct pkey *key, const struct pkey_input *input, struct hm_bytes signature)
{
	struct pkey_good *good = &key->good;

	if (input->stream != NULL || input->bytes.len > sizeof(good->bytes))
		return;
	good->scheme = input->scheme;
	good->hash = input->hash;
	good->len = input->bytes.len;
	if (good->len > 0)
		memcpy(good->bytes, input->bytes.ptr, good->len);
	good->signature_len = signature.len;
	memcpy(good->signature, signature.ptr, signature.len);
}

static hm_err
verify(
    struct pkey *key, const struct pkey_input *input, struct hm_bytes signature)
{
	uint8_t der[EC_DER_MAX];

	if (input->stream != NULL)
		return verify_stream(key, input->stream, signature);
	if (input->scheme == PKEY_EDDSA)
		return verify_message(key, input->bytes, signature);
	if (pkey_is_ec(key)) {
		signature.len =
		    ec_to_der(signature.ptr, pkey_field_len(key), der);
		signature.ptr = der;
	}
	return verify_digest(key, input, signature);
}

hm_err
pkey_verify(
    struct pkey *key, const struct pkey_input *input, struct hm_bytes signature)
{
	if (!fits(key, input))
		return HM_E_KEY;
	if (signature.len != pkey_signature_len(key))
		return HM_E_SIGNATURE;
	if (is_known_good(key, input, signature))
		return HM_OK;
	HM_TRY(verify(key, input, signature));
	keep_good(key, input, signature);
	return HM_OK;
}

hm_err
pkey_sig_to_der(const struct pkey *key, struct hm_bytes signature,
    struct hm_span room, size_t *ret_len)
{
	uint8_t der[EC_DER_MAX];

	if (!pkey_is_ec(key))
		return HM_E_KEY;
	if (signature.len != pkey_signature_len(key))
		return HM_E_BAD_INPUT;
	*ret_len = ec_to_der(signature.ptr, pkey_field_len(key), der);
	if (*ret_len > room.len)
		return HM_E_NO_ROOM;
	memcpy(room.ptr, der, *ret_len);
	return HM_OK;
}

hm_err
pkey_sig_from_der(const struct pkey *key, struct hm_bytes der,
    struct hm_span room, size_t *ret_len)
{
	if (!pkey_is_ec(key))
		return HM_E_KEY;
	*ret_len = pkey_signature_len(key);
	if (*ret_len > room.len)
		return HM_E_NO_ROOM;
	return ec_from_der(der, pkey_field_len(key), room.ptr);
}

/* ---- agree, encrypt ---- */

hm_err
pkey_agree(struct pkey *own, const struct pkey *other, struct hm_span room,
    size_t *ret_len)
{
	EVP_PKEY_CTX *ctx;
	size_t len = pkey_field_len(own);
	bool good;

	if (!own->is_private || own->type != other->type ||
	    own->type == PKEY_RSA || own->type == PKEY_ED25519)
		return HM_E_KEY;
	if (room.len < len)
		return HM_E_NO_ROOM;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own->evp, NULL);
	good = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	       EVP_PKEY_derive_set_peer(ctx, other->evp) == 1 &&
	       EVP_PKEY_derive(ctx, room.ptr, &len) == 1;
	EVP_PKEY_CTX_free(ctx);
	*ret_len = len;
	return good ? HM_OK : ossl_failed(HM_E_KEY);
}

static bool
set_padding(EVP_PKEY_CTX *ctx, pkey_padding padding)
{
	if (padding == PKEY_PKCS1_V15)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) ==
		       1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
}

hm_err
pkey_encrypt(struct pkey *key, pkey_padding padding, struct hm_bytes plain,
    struct hm_span room, size_t *ret_len)
{
	EVP_PKEY_CTX *ctx;
	bool good;

	if (key->type != PKEY_RSA)
		return HM_E_KEY;
	if (room.len < key->bits / 8)
		return HM_E_NO_ROOM;
	*ret_len = room.len;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	good =
	    ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
	    set_padding(ctx, padding) &&
	    EVP_PKEY_encrypt(ctx, room.ptr, ret_len, plain.ptr, plain.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good ? HM_OK : ossl_failed(HM_E_BAD_INPUT);
}

hm_err
pkey_decrypt(struct pkey *key, pkey_padding padding, struct hm_bytes cipher,
    struct hm_span room, size_t *ret_len)
{
	EVP_PKEY_CTX *ctx;
	bool good;

	if (key->type != PKEY_RSA || !key->is_private)
		return HM_E_KEY;
	if (room.len < key->bits / 8)
		return HM_E_NO_ROOM;
	*ret_len = room.len;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	good = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
	       set_padding(ctx, padding) &&
	       EVP_PKEY_decrypt(
		   ctx, room.ptr, ret_len, cipher.ptr, cipher.len) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (good)
		return HM_OK;
	hm_wipe(room.ptr, room.len);
	return ossl_failed(HM_E_OPEN);
}
