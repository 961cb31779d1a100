/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_token.h"

hm_err
token_key_pkey(const struct token_key *key, struct pkey **ret)
{
	struct hm_bytes public = token_key_public(key);

	switch (token_key_kind(key)) {
	case TOKEN_P256:
		return pkey_from_point(PKEY_P256, public, ret);
	case TOKEN_P384:
		return pkey_from_point(PKEY_P384, public, ret);
	case TOKEN_ED25519:
		return pkey_from_point(PKEY_ED25519, public, ret);
	case TOKEN_RSA2048:
	case TOKEN_RSA3072:
	case TOKEN_RSA4096:
		return pkey_from_modulus(public, ret);
	}
	return HM_E_KEY;
}

static hm_err
find(const struct image_token_place *place, struct image_token *at,
    struct why *why)
{
	hm_err err;

	HM_TRY(token_key(at->token, place->uri, TOKEN_SIGN, &at->private, why));
	err = token_key_pkey(at->private, &at->key);
	if (err == HM_OK)
		return HM_OK;
	why_where(why, "%s", place->uri);
	return WHY(why, err, "the token's public key is not usable");
}

hm_err
image_token_open(const struct image_token_place *place, struct image_token *ret,
    struct why *why)
{
	struct token_options options = {
		.uri = place->uri, .module = place->module, .sessions = 1
	};
	struct image_token at = { 0 };
	hm_err err;

	HM_TRY(token_open(&options, place->pin, &at.token, why));
	err = find(place, &at, why);
	if (err != HM_OK) {
		image_token_done(&at);
		return err;
	}
	*ret = at;
	return HM_OK;
}

void
image_token_done(struct image_token *token)
{
	pkey_free(token->key);
	token_free(token->token);
	*token = (struct image_token){ 0 };
}

static hm_err
sign_rsa(struct image_token *at, const struct pkey_input *input, uint8_t *ret,
    size_t len, struct why *why)
{
	struct token_rsa what = {
		.padding =
		    input->scheme == PKEY_PKCS1 ? TOKEN_PKCS1 : TOKEN_PSS,
		.digest = input->bytes,
		.message = input->message,
	};

	return token_sign_rsa(at->private, &what, ret, len, why);
}

static hm_err
sign(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	struct image_token *at = context;
	size_t len = pkey_signature_len(at->key);
	hm_err err;

	if (room.len < len)
		return HM_E_NO_ROOM;
	if (pkey_kind(at->key) == PKEY_RSA)
		err = sign_rsa(at, input, room.ptr, len, why);
	else
		err = token_sign(at->private, input->bytes, room.ptr, len);
	if (err != HM_OK)
		return WHY(why, err, "the token did not sign");
	*ret_len = len;
	return HM_OK;
}

struct image_signer
image_token_signer(struct image_token *token)
{
	return (struct image_signer){
		.key = token->key, .sign = sign, .context = token
	};
}
