/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/token_sign.h"

#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/p384.h"

static hm_err
verify(const struct token_key *key, struct hm_bytes input,
    const uint8_t *signature)
{
	const uint8_t *point = token_key_public(key).ptr;
	token_key_type kind = token_key_kind(key);

	if (kind == TOKEN_P256)
		return p256_verify(point, input.ptr, signature);
	if (kind == TOKEN_P384 && input.len != 48)
		return HM_E_BAD_INPUT; /* a token would sign another digest */
	if (kind == TOKEN_P384)
		return p384_verify(point, input.ptr, signature);
	if (kind == TOKEN_ED25519)
		return ed25519_verify(point, input, signature);
	return HM_E_KEY; /* RSA is for images (cmd/image_token.c) */
}

hm_err
token_sign_verified(
    struct token_key *key, struct hm_bytes input, uint8_t *ret, size_t ret_len)
{
	hm_err err;

	/* It has looked at both lengths. */
	HM_TRY(token_sign(key, input, ret, ret_len));
	err = verify(key, input, ret);
	if (err != HM_OK)
		hm_wipe(ret, ret_len);
	return err == HM_E_SIGNATURE ? HM_E_TOKEN_WRONG : err;
}

hm_err
token_digest_verified(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	return token_sign_verified(
	    context, (struct hm_bytes){ digest, 32 }, ret, 64);
}
