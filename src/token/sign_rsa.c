/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images are hashed here, a token signs the digest: PSS by CKM_RSA_PKCS_PSS,
 * PKCS#1 v1.5 by CKM_RSA_PKCS over a DigestInfo. A token that only offers the
 * mechanisms that hash as well is given the message, if there is one.
 */
#include "token/inside.h"

#include <string.h>

#define DIGEST_INFO_HEAD 19
#define DIGEST_MAX 64

/* RFC 8017, section 9.2, note 1: SEQUENCE { { id-sha*, NULL }, OCTET STRING }
 */
static const struct hash {
	size_t len;
	CK_MECHANISM_TYPE hash, pkcs1, pss; /* those that hash as well */
	CK_RSA_PKCS_MGF_TYPE mgf;
	uint8_t head[DIGEST_INFO_HEAD];
} hashes[] = {
	{ 32, CKM_SHA256, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS,
	    CKG_MGF1_SHA256,
	    { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
		0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 } },
	{ 48, CKM_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS,
	    CKG_MGF1_SHA384,
	    { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
		0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30 } },
	{ 64, CKM_SHA512, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS,
	    CKG_MGF1_SHA512,
	    { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
		0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40 } },
};

static const struct hash *
hash_of(size_t digest_len)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (hashes[i].len == digest_len)
			return &hashes[i];
	return NULL;
}

bool
pss_params(size_t digest_len, CK_RSA_PKCS_PSS_PARAMS *ret)
{
	const struct hash *hash = hash_of(digest_len);

	if (hash == NULL)
		return false;
	*ret = (CK_RSA_PKCS_PSS_PARAMS){ .hashAlg = hash->hash,
		.mgf = hash->mgf,
		.sLen = (CK_ULONG)digest_len };
	return true;
}

struct job {
	struct token_key *key;
	const struct token_rsa *what;
	const struct hash *hash;
	CK_OBJECT_HANDLE object;
	struct session *session;
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	size_t len;
};

static hm_err
sign_digest(struct job *job, CK_MECHANISM *mechanism)
{
	uint8_t info[DIGEST_INFO_HEAD + DIGEST_MAX];
	struct hm_bytes input = job->what->digest;

	if (job->what->padding == TOKEN_PKCS1) {
		memcpy(info, job->hash->head, DIGEST_INFO_HEAD);
		memcpy(info + DIGEST_INFO_HEAD, input.ptr, input.len);
		input = (struct hm_bytes){ info, DIGEST_INFO_HEAD + input.len };
	}
	return session_sign(job->session, mechanism, job->object, input,
	    (struct hm_span){ job->signature, job->len });
}

static hm_err
add_piece(void *context, struct hm_bytes piece)
{
	struct job *job = context;
	struct session *session = job->session;

	/* PKCS#11 has no const; C_SignUpdate reads. */
	return session_check(session,
	    session->p11->C_SignUpdate(session->handle,
		(CK_BYTE_PTR)(uintptr_t)piece.ptr, (CK_ULONG)piece.len));
}

static hm_err
sign_message(struct job *job, CK_MECHANISM *mechanism)
{
	const struct input *message = job->what->message;
	struct session *session = job->session;
	CK_ULONG len = (CK_ULONG)job->len;
	hm_err err;

	HM_TRY(session_check(session,
	    session->p11->C_SignInit(session->handle, mechanism, job->object)));
	err = input_walk(message, 0, message->size, add_piece, job);
	if (err != HM_OK) {
		/* The operation is active: this session is of no use. */
		session->rv = CKR_GENERAL_ERROR;
		return err;
	}
	HM_TRY(session_check(session,
	    session->p11->C_SignFinal(session->handle, job->signature, &len)));
	return len == job->len ? HM_OK
			       : session_check(session, CKR_GENERAL_ERROR);
}

static hm_err
work(struct session *session, void *context, struct why *why)
{
	struct job *job = context;
	bool pss = job->what->padding == TOKEN_PSS;
	CK_RSA_PKCS_PSS_PARAMS params;
	CK_MECHANISM mechanism = { pss ? CKM_RSA_PKCS_PSS : CKM_RSA_PKCS,
		pss ? &params : NULL, pss ? sizeof(params) : 0 };

	hm_err err;

	(void)pss_params(job->what->digest.len, &params);
	job->session = session;
	HM_TRY(key_handle(session, job->key, &job->object, why));
	/* What C_GetMechanismInfo says is not what C_SignInit takes. */
	err = sign_digest(job, &mechanism);
	if (err != HM_E_TOKEN_MECHANISM)
		return err;
	mechanism.mechanism = pss ? job->hash->pss : job->hash->pkcs1;
	if (job->what->message != NULL)
		err = sign_message(job, &mechanism);
	if (err != HM_E_TOKEN_MECHANISM)
		return err;
	return WHY(why, HM_E_TOKEN_MECHANISM,
	    "the token does not sign by RSA %s a digest of %zu bytes",
	    pss ? "PSS" : "PKCS#1 v1.5", job->what->digest.len);
}

hm_err
token_sign_rsa(struct token_key *key, const struct token_rsa *what,
    uint8_t *ret, size_t ret_len, struct why *why)
{
	struct job job = { .key = key,
		.what = what,
		.hash = hash_of(what->digest.len),
		.len = key_signature_len(key->type) };

	if (!key_is_rsa(key->type))
		return WHY(why, HM_E_KEY, "the key is not an RSA key");
	if (job.hash == NULL)
		return HM_E_BAD_INPUT;
	if (ret_len != job.len)
		return HM_E_NO_ROOM;
	HM_TRY(token_run(key->token, work, &job, why));
	memcpy(ret, job.signature, ret_len);
	return HM_OK;
}
