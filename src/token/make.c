/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token refuses a template for one attribute that it does not know, without
 * saying which. So a refused template is tried again without what is false by
 * default; the policy then judges what came out, and names what is wrong.
 */
#include "token/inside.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "token/policy.h"

#define ID_LEN 16
#define APPLICATION "hallmark"

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

struct birth {
	const char *label;
	token_key_type type;
	token_role role;
	uint8_t id[ID_LEN];
	CK_OBJECT_HANDLE public_object, private_object;
};

/* Is the name free in that class? */
static hm_err
check_free(struct session *session, CK_OBJECT_CLASS class, const char *label,
    struct why *why)
{
	CK_ATTRIBUTE wanted[] = { ATTRIBUTE(CKA_CLASS, class),
		{ CKA_LABEL, (void *)(uintptr_t)label,
		    (CK_ULONG)strlen(label) } };
	CK_OBJECT_HANDLE found;
	CK_ULONG count = 0;

	HM_TRY(object_list(session, wanted, 2, &found, 1, &count));
	if (count > 0)
		return WHY(why, HM_E_TOKEN_EXISTS,
		    "the token has an object '%s'", label);
	return HM_OK;
}

static bool
is_template_refused(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	       rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	       rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT;
}

/* The first attributes of each template are never left out. */
#define PUBLIC_ALWAYS 6 /* and what the type wants */
#define PRIVATE_ALWAYS 8
#define SHAPE_MAX 2

/* What a public key of that type is made from. */
struct shape {
	CK_MECHANISM mechanism;
	CK_ULONG bits;
	uint8_t exponent[3];
	CK_ATTRIBUTE attributes[SHAPE_MAX];
	CK_ULONG count;
};

static void
shape_of(token_key_type type, struct shape *ret)
{
	struct hm_bytes params = key_params(type);

	*ret = (struct shape){ .exponent = { 1, 0, 1 },
		.bits = (CK_ULONG)(8 * key_public_len(type)) };
	if (key_is_rsa(type)) {
		ret->mechanism.mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN;
		ret->attributes[0] =
		    (CK_ATTRIBUTE)ATTRIBUTE(CKA_MODULUS_BITS, ret->bits);
		ret->attributes[1] =
		    (CK_ATTRIBUTE)ATTRIBUTE(CKA_PUBLIC_EXPONENT, ret->exponent);
		ret->count = 2;
		return;
	}
	ret->mechanism.mechanism = type == TOKEN_ED25519
				       ? CKM_EC_EDWARDS_KEY_PAIR_GEN
				       : CKM_EC_KEY_PAIR_GEN;
	ret->attributes[0] = (CK_ATTRIBUTE){ CKA_EC_PARAMS,
		(void *)(uintptr_t)params.ptr, (CK_ULONG)params.len };
	ret->count = 1;
}

static hm_err
generate_pair(struct session *session, struct birth *birth)
{
	CK_ATTRIBUTE label = { CKA_LABEL, (void *)(uintptr_t)birth->label,
		(CK_ULONG)strlen(birth->label) };
	CK_ATTRIBUTE id = ATTRIBUTE(CKA_ID, birth->id);
	CK_ATTRIBUTE rest[] = { label, id, ATTRIBUTE(CKA_TOKEN, yes),
		ATTRIBUTE(CKA_VERIFY, yes), ATTRIBUTE(CKA_PRIVATE, no),
		ATTRIBUTE(CKA_MODIFIABLE, no), ATTRIBUTE(CKA_COPYABLE, no),
		ATTRIBUTE(CKA_VERIFY_RECOVER, no), ATTRIBUTE(CKA_ENCRYPT, no),
		ATTRIBUTE(CKA_WRAP, no), ATTRIBUTE(CKA_DERIVE, no) };
	CK_ATTRIBUTE private[] = { label, id, ATTRIBUTE(CKA_TOKEN, yes),
		ATTRIBUTE(CKA_PRIVATE, yes), ATTRIBUTE(CKA_SENSITIVE, yes),
		ATTRIBUTE(CKA_EXTRACTABLE, no), ATTRIBUTE(CKA_SIGN, yes),
		ATTRIBUTE(CKA_MODIFIABLE, no), ATTRIBUTE(CKA_COPYABLE, no),
		ATTRIBUTE(CKA_SIGN_RECOVER, no), ATTRIBUTE(CKA_DECRYPT, no),
		ATTRIBUTE(CKA_UNWRAP, no), ATTRIBUTE(CKA_DERIVE, no) };
	CK_ATTRIBUTE public[SHAPE_MAX + sizeof(rest) / sizeof(rest[0])];
	CK_FUNCTION_LIST *p11 = session->p11;
	struct shape shape;
	CK_RV rv;

	shape_of(birth->type, &shape);
	memcpy(public, shape.attributes, sizeof(shape.attributes));
	memcpy(public + shape.count, rest, sizeof(rest));
	rv = p11->C_GenerateKeyPair(session->handle, &shape.mechanism, public,
	    shape.count + sizeof(rest) / sizeof(rest[0]), private,
	    sizeof(private) / sizeof(private[0]), &birth->public_object,
	    &birth->private_object);
	if (is_template_refused(rv))
		rv = p11->C_GenerateKeyPair(session->handle, &shape.mechanism,
		    public, shape.count + PUBLIC_ALWAYS, private,
		    PRIVATE_ALWAYS, &birth->public_object,
		    &birth->private_object);
	return session_check(session, rv);
}

static hm_err
generate(struct session *session, void *context, struct why *why)
{
	struct birth *birth = context;
	CK_FUNCTION_LIST *p11 = session->p11;
	policy_value values[POLICY_MAX] = { 0 };
	hm_err err;

	HM_TRY(check_free(session, CKO_PRIVATE_KEY, birth->label, why));
	HM_TRY(check_free(session, CKO_PUBLIC_KEY, birth->label, why));
	HM_TRY(session_check(session,
	    p11->C_GenerateRandom(session->handle, birth->id, ID_LEN)));
	HM_TRY(generate_pair(session, birth));
	err = policy_read(session, birth->private_object, birth->role, values);
	if (err == HM_OK)
		err = policy_check(birth->role, values, why);
	if (err != HM_OK) {
		/* Best effort: the key is refused whether it stays or not. */
		(void)p11->C_DestroyObject(
		    session->handle, birth->private_object);
		(void)p11->C_DestroyObject(
		    session->handle, birth->public_object);
	}
	return err;
}

hm_err
token_generate(struct token *token, const char *label, token_key_type type,
    token_role role, struct token_key **ret, struct why *why)
{
	struct birth birth = { .label = label, .type = type, .role = role };
	char uri[sizeof("pkcs11:id=") + 3 * ID_LEN] = "pkcs11:id=";
	size_t len = strlen(label);

	if (len == 0 || len > TOKEN_LABEL_MAX)
		return WHY(why, HM_E_USAGE,
		    "the label of a key has 1 to %d bytes", TOKEN_LABEL_MAX);
	HM_TRY(token_run(token, generate, &birth, why));
	for (size_t i = 0; i < ID_LEN; i++)
		(void)snprintf(uri + strlen(uri), 4, "%%%02x", birth.id[i]);
	return token_key(token, uri, role, ret, why);
}

struct data {
	const uint8_t *label;
	size_t label_len;
	struct hm_bytes value;
	struct hm_span room;
	size_t len;
};

static hm_err
store(struct session *session, void *context, struct why *why)
{
	struct data *data = context;
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_OBJECT_HANDLE object;
	char application[] = APPLICATION;
	CK_ATTRIBUTE attributes[] = { ATTRIBUTE(CKA_CLASS, class),
		{ CKA_LABEL, (void *)(uintptr_t)data->label,
		    (CK_ULONG)data->label_len },
		ATTRIBUTE(CKA_TOKEN, yes), ATTRIBUTE(CKA_PRIVATE, yes),
		{ CKA_APPLICATION, application, sizeof(application) - 1 },
		{ CKA_VALUE, (void *)(uintptr_t)data->value.ptr,
		    (CK_ULONG)data->value.len },
		ATTRIBUTE(CKA_MODIFIABLE, no) };

	HM_TRY(check_free(session, CKO_DATA, (const char *)data->label, why));
	return session_check(
	    session, session->p11->C_CreateObject(session->handle, attributes,
			 sizeof(attributes) / sizeof(attributes[0]), &object));
}

hm_err
token_data_store(struct token *token, const char *label, struct hm_bytes value,
    struct why *why)
{
	struct data data = { .label = (const uint8_t *)label,
		.label_len = strlen(label),
		.value = value };

	if (data.label_len == 0 || data.label_len > TOKEN_LABEL_MAX)
		return WHY(why, HM_E_USAGE,
		    "the label of an object has 1 to %d bytes",
		    TOKEN_LABEL_MAX);
	if (value.len == 0 || value.len > SECRET_MAX)
		return WHY(why, HM_E_TOO_LARGE, "a secret has 1 to %d bytes",
		    SECRET_MAX);
	return token_run(token, store, &data, why);
}

/* The handle, if it was found in this epoch. */
static bool
recall(struct session *session, const struct data *data, CK_OBJECT_HANDLE *ret)
{
	struct token *token = session->token;
	struct known_data *known = &token->known_data;
	bool same;

	pthread_mutex_lock(&token->lock);
	same = known->epoch == session->epoch &&
	       known->label_len == data->label_len &&
	       memcmp(known->label, data->label, data->label_len) == 0;
	*ret = known->handle;
	pthread_mutex_unlock(&token->lock);
	return same;
}

static void
remember(
    struct session *session, const struct data *data, CK_OBJECT_HANDLE object)
{
	struct token *token = session->token;
	struct known_data *known = &token->known_data;

	if (data->label_len > sizeof(known->label))
		return;
	pthread_mutex_lock(&token->lock);
	known->epoch = session->epoch;
	known->handle = object;
	known->label_len = data->label_len;
	memcpy(known->label, data->label, data->label_len);
	pthread_mutex_unlock(&token->lock);
}

/* Looking for an object costs more than reading it. */
static hm_err
load(struct session *session, void *context, struct why *why)
{
	struct data *data = context;
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_OBJECT_HANDLE object = 0;
	CK_ATTRIBUTE wanted[] = { ATTRIBUTE(CKA_CLASS, class),
		{ CKA_LABEL, (void *)(uintptr_t)data->label,
		    (CK_ULONG)data->label_len } };
	hm_err err;

	if (!recall(session, data, &object)) {
		HM_TRY(object_find(session, wanted, 2, &object, why));
		remember(session, data, object);
	}
	err = object_get(session, object, CKA_VALUE, data->room, &data->len);
	/* The one reason for which a value that is there is not given. */
	return err == HM_E_TOKEN_MATCH ? HM_E_NO_ROOM : err;
}

hm_err
token_data_load(struct token *token, struct hm_bytes label, struct hm_span room,
    size_t *ret_len)
{
	struct data data = {
		.label = label.ptr, .label_len = label.len, .room = room
	};

	HM_TRY(token_run(token, load, &data, NULL));
	*ret_len = data.len;
	return HM_OK;
}
