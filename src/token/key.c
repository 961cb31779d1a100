/* SPDX-License-Identifier: Apache-2.0 */
#include "token/inside.h"

#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "token/policy.h"
#include "token/uri.h"

#define PARAMS_MAX 32
#define PKCS11_POINT_MAX 105 /* P-384 in its OCTET STRING */
#define PARAMS(text)                                      \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

/*
 * What differs by type. Ed25519 has two spellings of CKA_EC_PARAMS: the object
 * identifier of RFC 8410 (first, and the one that we generate with) and the
 * curve name of PKCS#11 v3.0.
 */
static const struct kind {
	token_key_type type;
	CK_KEY_TYPE key_type;
	CK_MECHANISM_TYPE mechanism;
	size_t public_len, signature_len, input_len;
	struct hm_bytes params, other_params;
} kinds[] = {
	{ TOKEN_P256, CKK_EC, CKM_ECDSA, 65, 64, 32,
	    PARAMS("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"), { 0 } },
	{ TOKEN_P384, CKK_EC, CKM_ECDSA, 97, 96, 48,
	    PARAMS("\x06\x05\x2b\x81\x04\x00\x22"), { 0 } },
	{ TOKEN_ED25519, CKK_EC_EDWARDS, CKM_EDDSA, 32, 64, 0,
	    PARAMS("\x06\x03\x2b\x65\x70"),
	    PARAMS("\x13\x0c"
		   "edwards25519") },
	{ TOKEN_RSA2048, CKK_RSA, CKM_RSA_PKCS_PSS, 256, 256, 32, { 0 },
	    { 0 } },
	{ TOKEN_RSA3072, CKK_RSA, CKM_RSA_PKCS_PSS, 384, 384, 32, { 0 },
	    { 0 } },
	{ TOKEN_RSA4096, CKK_RSA, CKM_RSA_PKCS_PSS, 512, 512, 32, { 0 },
	    { 0 } },
};

static const struct kind *
kind_of(token_key_type type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	hm_panic(__FILE__, __LINE__, "a key type of the list");
}

size_t
key_public_len(token_key_type type)
{
	return kind_of(type)->public_len;
}

size_t
key_signature_len(token_key_type type)
{
	return kind_of(type)->signature_len;
}

size_t
key_input_len(token_key_type type)
{
	return kind_of(type)->input_len;
}

bool
key_is_rsa(token_key_type type)
{
	return kind_of(type)->key_type == CKK_RSA;
}

void
key_way(token_key_type type, struct key_way *ret)
{
	const struct kind *kind = kind_of(type);

	*ret = (struct key_way){ .mechanism = { kind->mechanism, NULL, 0 } };
	if (kind->key_type != CKK_RSA)
		return;
	(void)pss_params(kind->input_len, &ret->pss);
	ret->mechanism.pParameter = &ret->pss;
	ret->mechanism.ulParameterLen = sizeof(ret->pss);
}

struct hm_bytes
key_params(token_key_type type)
{
	return kind_of(type)->params;
}

/* The modulus without zeros before it; its length is the kind. */
static hm_err
read_modulus(struct session *session, CK_OBJECT_HANDLE object,
    uint8_t ret[static TOKEN_PUBLIC_MAX], size_t *ret_len)
{
	uint8_t room[TOKEN_PUBLIC_MAX + 8];
	size_t len = 0, zeros = 0;

	HM_TRY(object_get(session, object, CKA_MODULUS,
	    (struct hm_span){ room, sizeof(room) }, &len));
	while (zeros < len && room[zeros] == 0)
		zeros++;
	len -= zeros;
	if (len > TOKEN_PUBLIC_MAX)
		return HM_E_TOKEN_MATCH;
	memcpy(ret, room + zeros, len);
	*ret_len = len;
	return HM_OK;
}

static bool
is_kind(const struct kind *kind, CK_KEY_TYPE key_type, struct hm_bytes got,
    size_t modulus_len)
{
	if (kind->key_type != key_type)
		return false;
	if (key_type == CKK_RSA)
		return kind->public_len == modulus_len;
	return hm_bytes_equal(kind->params, got) ||
	       hm_bytes_equal(kind->other_params, got);
}

static hm_err
read_kind(struct session *session, CK_OBJECT_HANDLE object,
    const struct kind **ret, struct why *why)
{
	uint8_t params[PARAMS_MAX], modulus[TOKEN_PUBLIC_MAX];
	struct hm_bytes got = { params, 0 };
	CK_KEY_TYPE key_type = 0;
	size_t len = 0, modulus_len = 0;

	HM_TRY(object_get(session, object, CKA_KEY_TYPE,
	    (struct hm_span){ (uint8_t *)&key_type, sizeof(key_type) }, &len));
	if (key_type == CKK_EC || key_type == CKK_EC_EDWARDS)
		HM_TRY(object_get(session, object, CKA_EC_PARAMS,
		    (struct hm_span){ params, sizeof(params) }, &got.len));
	if (key_type == CKK_RSA)
		HM_TRY(read_modulus(session, object, modulus, &modulus_len));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!is_kind(&kinds[i], key_type, got, modulus_len))
			continue;
		*ret = &kinds[i];
		return HM_OK;
	}
	return WHY(why, HM_E_TOKEN_MECHANISM,
	    "the key is none of P-256, P-384, Ed25519 and RSA of 2048, 3072 or "
	    "4096 bits");
}

/* CKA_EC_POINT is an OCTET STRING around the point; some tokens leave it out.
 * All lengths are below 128, and no length of one form is one of the other. */
static hm_err
unwrap_point(struct hm_bytes got, const struct kind *kind,
    uint8_t ret[static TOKEN_PUBLIC_MAX], struct why *why)
{
	if (got.len == kind->public_len + 2 && got.ptr[0] == 0x04 &&
	    got.ptr[1] == kind->public_len)
		got = (struct hm_bytes){ got.ptr + 2, kind->public_len };
	if (got.len != kind->public_len ||
	    (kind->key_type == CKK_EC && got.ptr[0] != 0x04))
		return WHY(why, HM_E_TOKEN_MECHANISM,
		    "CKA_EC_POINT of the public key is not understood");
	memcpy(ret, got.ptr, got.len);
	return HM_OK;
}

static hm_err
read_point(struct session *session, CK_OBJECT_HANDLE object,
    const struct kind *kind, uint8_t ret[static TOKEN_PUBLIC_MAX],
    struct why *why)
{
	uint8_t point[PKCS11_POINT_MAX] = { 0 };
	size_t len = 0;

	HM_TRY(object_get(session, object, CKA_EC_POINT,
	    (struct hm_span){ point, sizeof(point) }, &len));
	return unwrap_point((struct hm_bytes){ point, len }, kind, ret, why);
}

/* Modulus and exponent of the public key. */
static hm_err
read_rsa(struct session *session, CK_OBJECT_HANDLE object,
    const struct kind *kind, uint8_t ret[static TOKEN_PUBLIC_MAX],
    struct why *why)
{
	static const uint8_t f4[] = { 1, 0, 1 };
	uint8_t exponent[16] = { 0 };
	size_t len = 0, zeros = 0;

	HM_TRY(read_modulus(session, object, ret, &len));
	if (len != kind->public_len)
		return WHY(why, HM_E_TOKEN_MECHANISM,
		    "the public key beside it is of another length");
	HM_TRY(object_get(session, object, CKA_PUBLIC_EXPONENT,
	    (struct hm_span){ exponent, sizeof(exponent) }, &len));
	while (zeros < len && exponent[zeros] == 0)
		zeros++;
	if (len - zeros != sizeof(f4) ||
	    memcmp(exponent + zeros, f4, sizeof(f4)) != 0)
		return WHY(why, HM_E_TOKEN_MECHANISM,
		    "the public exponent is not 65537");
	return HM_OK;
}

static hm_err
find_public(struct session *session, CK_OBJECT_HANDLE object,
    CK_OBJECT_HANDLE *ret, struct why *why)
{
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	uint8_t name[TOKEN_ID_MAX];
	CK_ATTRIBUTE wanted[] = { ATTRIBUTE(CKA_CLASS, class),
		{ CKA_ID, name, 0 } };
	struct hm_span room = { name, sizeof(name) };
	size_t len = 0;
	hm_err err = object_get(session, object, CKA_ID, room, &len);

	if (err != HM_OK && err != HM_E_TOKEN_MATCH)
		return err;
	if (err != HM_OK || len == 0) {
		wanted[1].type = CKA_LABEL;
		HM_TRY(object_get(session, object, CKA_LABEL, room, &len));
	}
	wanted[1].ulValueLen = (CK_ULONG)len;
	err = object_find(session, wanted, 2, ret, NULL);
	if (err == HM_E_TOKEN_MATCH)
		return WHY(why, err,
		    "the private key has not exactly one public key beside it");
	return err;
}

hm_err
key_facts_read(struct session *session, CK_OBJECT_HANDLE object,
    struct key_facts *ret, struct why *why)
{
	const struct kind *kind = NULL;
	struct key_facts facts = { 0 };

	HM_TRY(read_kind(session, object, &kind, why));
	HM_TRY(find_public(session, object, &facts.public_object, why));
	if (kind->key_type == CKK_RSA)
		HM_TRY(read_rsa(
		    session, facts.public_object, kind, facts.public_key, why));
	else
		HM_TRY(read_point(
		    session, facts.public_object, kind, facts.public_key, why));
	facts.type = kind->type;
	*ret = facts;
	return HM_OK;
}

/* After a repair the same name may lead to another key. */
static bool
is_same(const struct token_key *key, const struct key_facts *facts)
{
	return facts->type == key->type &&
	       memcmp(facts->public_key, key->public_key, TOKEN_PUBLIC_MAX) ==
		   0;
}

/* The object that the key's URI names. */
static hm_err
find_private(struct session *session, const struct token_key *key,
    CK_OBJECT_HANDLE *ret, struct why *why)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[3] = { ATTRIBUTE(CKA_CLASS, class) };
	CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(key->uri, CKA_LABEL);
	CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(key->uri, CKA_ID);
	CK_ULONG count = 1;

	if (label)
		wanted[count++] = *label;
	if (id)
		wanted[count++] = *id;
	return object_find(session, wanted, count, ret, why);
}

/* What was found is the key's from now on, unless it is another key. */
static hm_err
adopt(struct session *session, struct token_key *key,
    const struct key_facts *facts, CK_OBJECT_HANDLE object)
{
	struct token *token = session->token;
	hm_err err = HM_OK;

	pthread_mutex_lock(&token->lock);
	if (key->epoch == 0) {
		key->type = facts->type;
		memcpy(key->public_key, facts->public_key, TOKEN_PUBLIC_MAX);
	} else if (!is_same(key, facts)) {
		err = HM_E_TOKEN_MATCH;
	}
	if (err == HM_OK) {
		key->handle = object;
		key->epoch = session->epoch;
	}
	pthread_mutex_unlock(&token->lock);
	return err;
}

/* The private key of the URI, judged; `key` changes on success only. */
static hm_err
bind(struct session *session, struct token_key *key, CK_OBJECT_HANDLE *ret,
    struct why *why)
{
	policy_value values[POLICY_MAX] = { 0 };
	CK_OBJECT_HANDLE object = 0;
	struct key_facts facts = { 0 };
	hm_err err;

	HM_TRY(find_private(session, key, &object, why));
	HM_TRY(policy_read(session, object, key->role, values));
	HM_TRY(policy_check(key->role, values, why));
	HM_TRY(key_facts_read(session, object, &facts, why));
	err = adopt(session, key, &facts, object);
	if (err != HM_OK)
		return WHY(
		    why, err, "the token has another key of that name now");
	*ret = object;
	return HM_OK;
}

static hm_err
bind_first(struct session *session, void *context, struct why *why)
{
	CK_OBJECT_HANDLE object;

	return bind(session, context, &object, why);
}

hm_err
key_handle(struct session *session, struct token_key *key,
    CK_OBJECT_HANDLE *ret, struct why *why)
{
	struct token *token = session->token;
	bool is_fresh;

	pthread_mutex_lock(&token->lock);
	is_fresh = key->epoch == session->epoch;
	*ret = key->handle;
	pthread_mutex_unlock(&token->lock);
	return is_fresh ? HM_OK : bind(session, key, ret, why);
}

/* Does the URI speak of this token and of a private key? */
static hm_err
check_uri(struct token *token, P11KitUri *uri, struct why *why)
{
	CK_ATTRIBUTE *class = p11_kit_uri_get_attribute(uri, CKA_CLASS);
	CK_OBJECT_CLASS want = CKO_PRIVATE_KEY;

	if (!p11_kit_uri_match_token_info(uri, &token->info))
		return WHY(why, HM_E_TOKEN_MATCH,
		    "the URI of the key names another token");
	if (class && (class->ulValueLen != sizeof(want) ||
			 memcmp(class->pValue, &want, sizeof(want)) != 0))
		return WHY(
		    why, HM_E_TOKEN_MATCH, "the URI is not of a private key");
	return HM_OK;
}

static void
key_free(struct token_key *key)
{
	token_uri_free(key->uri);
	free(key);
}

hm_err
token_key(struct token *token, const char *uri, token_role role,
    struct token_key **ret, struct why *why)
{
	struct token_key *key = calloc(1, sizeof(*key));
	hm_err err;

	if (!key)
		return HM_E_NO_MEMORY;
	key->token = token;
	key->role = role;
	err = token_uri_parse(uri, &key->uri, why);
	if (err == HM_OK)
		err = check_uri(token, key->uri, why);
	if (err == HM_OK)
		err = token_run(token, bind_first, key, why);
	if (err != HM_OK) {
		why_where(why, "%s", err == HM_E_USAGE ? "" : uri);
		key_free(key);
		return err;
	}
	pthread_mutex_lock(&token->lock);
	key->next = token->keys;
	token->keys = key;
	pthread_mutex_unlock(&token->lock);
	*ret = key;
	return HM_OK;
}

token_key_type
token_key_kind(const struct token_key *key)
{
	return key->type;
}

struct hm_bytes
token_key_public(const struct token_key *key)
{
	return (
	    struct hm_bytes){ key->public_key, kind_of(key->type)->public_len };
}
