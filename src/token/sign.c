/* SPDX-License-Identifier: Apache-2.0 */
#include "token/inside.h"

#include <string.h>

struct job {
	struct token_key *key;
	struct hm_bytes input;
	uint8_t signature[TOKEN_SIGNATURE_MAX];
};

hm_err
session_sign(struct session *session, CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE object, struct hm_bytes input, struct hm_span ret)
{
	CK_FUNCTION_LIST *p11 = session->p11;
	CK_ULONG len = (CK_ULONG)ret.len;

	HM_TRY(session_check(
	    session, p11->C_SignInit(session->handle, mechanism, object)));
	/* PKCS#11 has no const; C_Sign reads. */
	HM_TRY(session_check(session,
	    p11->C_Sign(session->handle, (CK_BYTE_PTR)(uintptr_t)input.ptr,
		(CK_ULONG)input.len, ret.ptr, &len)));
	/* A signature of another length is a token that lies. */
	return len == ret.len ? HM_OK
			      : session_check(session, CKR_GENERAL_ERROR);
}

static hm_err
work(struct session *session, void *context, struct why *why)
{
	struct job *job = context;
	struct token_key *key = job->key;
	CK_OBJECT_HANDLE handle;
	struct key_way way;

	HM_TRY(key_handle(session, key, &handle, why));
	key_way(key->type, &way);
	return session_sign(session, &way.mechanism, handle, job->input,
	    (struct hm_span){ job->signature, key_signature_len(key->type) });
}

hm_err
token_sign(
    struct token_key *key, struct hm_bytes input, uint8_t *ret, size_t ret_len)
{
	struct job job = { .key = key, .input = input };
	size_t input_len = key_input_len(key->type);

	if (key_is_rsa(key->type))
		return HM_E_KEY; /* it has to be told the padding */
	if (ret_len != key_signature_len(key->type))
		return HM_E_NO_ROOM;
	if (input_len != 0 && input.len != input_len &&
	    !(key->type == TOKEN_P384 && input.len == 32))
		return HM_E_BAD_INPUT;
	HM_TRY(token_run(key->token, work, &job, NULL));
	memcpy(ret, job.signature, ret_len);
	return HM_OK;
}

hm_err
token_digest_signer(
    void *context, const uint8_t digest[static 32], uint8_t ret[static 64])
{
	struct token_key *key = context;

	if (key->type != TOKEN_P256)
		return HM_E_KEY;
	return token_sign(key, (struct hm_bytes){ digest, 32 }, ret, 64);
}
