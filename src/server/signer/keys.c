/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/keys.h"

#include <string.h>

#include "seal/sign1.h"

static hm_err
sign_certificate(
    void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	return token_sign(context, digest, ret, ret_len);
}

static hm_err
find(struct token *token, const char *uri, token_key_type wanted,
    struct token_key **ret, struct why *why)
{
	struct token_key *key;

	HM_TRY(token_key(token, uri, TOKEN_SIGN, &key, why));
	if (token_key_kind(key) != wanted) {
		why_where(why, "%s", uri);
		return WHY(why, HM_E_KEY, "the key is of the wrong kind");
	}
	*ret = key;
	return HM_OK;
}

/* The certificate that devices will chain to must be of the key that signs. */
static hm_err
check_issuer(const struct signer_options *options, const struct token_key *key,
    struct why *why)
{
	struct ca_view view;

	HM_TRY(ca_view(options->issuer_certificate, &view));
	if (!hm_bytes_equal(HM_BYTES(view.point), token_key_public(key)))
		return WHY(why, HM_E_CERT,
		    "the issuing certificate is not that of the issuing key");
	return HM_OK;
}

hm_err
signer_keys_open(const struct signer_options *options, const struct secret *pin,
    struct signer_keys *ret, struct why *why)
{
	struct token_options token = { .uri = options->token_uri,
		.module = options->module,
		.timeout_ms = options->timeout_ms };

	HM_TRY(token_open(&token, pin, &ret->token, why));
	HM_TRY(find(
	    ret->token, options->issuer_key, TOKEN_P256, &ret->issuer, why));
	HM_TRY(
	    find(ret->token, options->stamp_key, TOKEN_P256, &ret->stamp, why));
	HM_TRY(
	    find(ret->token, options->log_key, TOKEN_ED25519, &ret->log, why));
	HM_TRY(check_issuer(options, ret->issuer, why));

	ret->ca = (struct ca_issuer){
		.certificate = options->issuer_certificate,
		.sig = CA_ES256,
		.sign = sign_certificate,
		.context = ret->issuer,
	};
	sign1_kid(token_key_public(ret->stamp).ptr, ret->stamp_kid);
	return HM_OK;
}

void
signer_keys_done(struct signer_keys *keys)
{
	token_free(keys->token);
	*keys = (struct signer_keys){ 0 };
}

hm_err
signer_keys_shared(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len)
{
	struct signer_keys *keys = context;

	return token_data_load(keys->token, label, room, ret_len);
}
