/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_token.h"

static hm_err
public_of(const struct token_key *private, struct pkey **ret)
{
	struct hm_bytes key = token_key_public(private);

	switch (token_key_kind(private)) {
	case TOKEN_P256:
		return pkey_from_point(PKEY_P256, key, ret);
	case TOKEN_P384:
		return pkey_from_point(PKEY_P384, key, ret);
	case TOKEN_ED25519:
		return pkey_from_point(PKEY_ED25519, key, ret);
	}
	return HM_E_KEY;
}

static hm_err
find(const struct image_token_place *place, struct image_token *at,
    struct why *why)
{
	hm_err err;

	HM_TRY(token_key(at->token, place->uri, TOKEN_SIGN, &at->private, why));
	err = public_of(at->private, &at->key);
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
sign(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	struct image_token *at = context;
	size_t len = pkey_signature_len(at->key);
	hm_err err;

	if (room.len < len)
		return HM_E_NO_ROOM;
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
