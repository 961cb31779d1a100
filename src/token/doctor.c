/* SPDX-License-Identifier: Apache-2.0 */
#include "token/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "token/inside.h"

static const struct wish {
	const char *name, *use;
	CK_MECHANISM_TYPE type;
	bool is_needed;
} wishes[] = {
	{ "CKM_EC_KEY_PAIR_GEN", "making keys in place", CKM_EC_KEY_PAIR_GEN,
	    true },
	{ "CKM_ECDSA", "certificates, stamps", CKM_ECDSA, true },
	{ "CKM_EC_EDWARDS_KEY_PAIR_GEN", "making ledger keys in place",
	    CKM_EC_EDWARDS_KEY_PAIR_GEN, false },
	{ "CKM_EDDSA", "ledger checkpoints", CKM_EDDSA, true },
	{ "CKM_RSA_PKCS_KEY_PAIR_GEN", "making RSA keys for images",
	    CKM_RSA_PKCS_KEY_PAIR_GEN, false },
	{ "CKM_RSA_PKCS_PSS", "images: RSA-PSS", CKM_RSA_PKCS_PSS, false },
	{ "CKM_RSA_PKCS", "images: RSA PKCS#1", CKM_RSA_PKCS, false },
	{ "CKM_SHA256", "not needed: digests are ours", CKM_SHA256, false },
	{ "CKM_SHA384", "not needed: digests are ours", CKM_SHA384, false },
};
_Static_assert(
    sizeof(wishes) / sizeof(wishes[0]) <= SURVEY_MECHANISMS_MAX, "room");

static void
survey_module(struct token *token, struct token_survey *ret)
{
	CK_INFO info;
	char *path = p11_kit_module_get_filename(token->p11);

	(void)snprintf(
	    ret->module_path, sizeof(ret->module_path), "%s", path ? path : "");
	free(path);
	if (token->p11->C_GetInfo(&info) != CKR_OK)
		return;
	field_text(info.libraryDescription, sizeof(info.libraryDescription),
	    ret->module_words);
	field_text(info.manufacturerID, sizeof(info.manufacturerID),
	    ret->module_maker);
	(void)snprintf(ret->module_version, sizeof(ret->module_version),
	    "%u.%u", info.libraryVersion.major, info.libraryVersion.minor);
}

static void
survey_token(struct token *token, struct token_survey *ret)
{
	const CK_TOKEN_INFO *info = &token->info;
	const CK_FLAGS low = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY |
			     CKF_USER_PIN_LOCKED;

	field_text(info->label, sizeof(info->label), ret->label);
	field_text(info->serialNumber, sizeof(info->serialNumber), ret->serial);
	field_text(info->model, sizeof(info->model), ret->model);
	(void)snprintf(ret->firmware, sizeof(ret->firmware), "%u.%u",
	    info->firmwareVersion.major, info->firmwareVersion.minor);
	ret->is_pin_low = (info->flags & low) != 0;
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		CK_MECHANISM_INFO about;
		CK_RV rv = token->p11->C_GetMechanismInfo(
		    token->slot, wishes[i].type, &about);

		ret->mechanisms[ret->mechanism_count++] =
		    (struct survey_mechanism){ .name = wishes[i].name,
			    .use = wishes[i].use,
			    .is_needed = wishes[i].is_needed,
			    .is_present = rv == CKR_OK };
	}
}

static hm_err
try_random(struct session *session, void *context, struct why *why)
{
	CK_FUNCTION_LIST *p11 = session->p11;
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)context;
	(void)why;
	HM_TRY(session_check(
	    session, p11->C_GenerateRandom(session->handle, a, sizeof(a))));
	HM_TRY(session_check(
	    session, p11->C_GenerateRandom(session->handle, b, sizeof(b))));
	return memcmp(a, b, sizeof(a)) == 0 ? HM_E_NO_ENTROPY : HM_OK;
}

struct keys {
	CK_OBJECT_HANDLE objects[SURVEY_KEYS_MAX + 1];
	CK_ULONG count;
};

static hm_err
list_keys(struct session *session, void *context, struct why *why)
{
	struct keys *keys = context;
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted = ATTRIBUTE(CKA_CLASS, class);

	(void)why;
	return object_list(session, &wanted, 1, keys->objects,
	    SURVEY_KEYS_MAX + 1, &keys->count);
}

static const char *
type_name(token_key_type type)
{
	switch (type) {
	case TOKEN_P256:
		return "P-256";
	case TOKEN_P384:
		return "P-384";
	case TOKEN_ED25519:
		return "Ed25519";
	case TOKEN_RSA2048:
		return "RSA-2048";
	case TOKEN_RSA3072:
		return "RSA-3072";
	case TOKEN_RSA4096:
		return "RSA-4096";
	}
	return "other";
}

struct examination {
	const struct survey_plan *plan;
	CK_OBJECT_HANDLE object;
	struct key_facts facts;
	struct survey_key *key;
};

static hm_err
read_key(struct session *session, void *context, struct why *why)
{
	struct examination *exam = context;
	struct survey_key *key = exam->key;
	struct why words = { 0 };
	uint8_t id[TOKEN_ID_MAX] = { 0 };
	size_t len = 0;

	object_label(session, exam->object, key->label);
	if (object_get(session, exam->object, CKA_ID,
		(struct hm_span){ id, sizeof(id) }, &len) == HM_OK)
		hex_format((struct hm_bytes){ id, len }, key->id);
	HM_TRY(policy_read(session, exam->object, TOKEN_SIGN, key->attributes));
	key->policy = policy_check(TOKEN_SIGN, key->attributes, &words);
	(void)snprintf(
	    key->policy_words, sizeof(key->policy_words), "%.71s", words.text);
	HM_TRY(key_facts_read(session, exam->object, &exam->facts, why));
	key->type = type_name(exam->facts.type);
	return HM_OK;
}

/* The token judges its own signature, with the public key beside it. */
static hm_err
try_signature(struct session *session, void *context, struct why *why)
{
	struct examination *exam = context;
	token_key_type type = exam->facts.type;
	CK_FUNCTION_LIST *p11 = session->p11;
	uint8_t input[48] = "hallmark hsm doctor: a signature for testing";
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	size_t input_len = key_input_len(type) ? key_input_len(type) : 32;
	size_t len = key_signature_len(type);
	struct key_way way;
	CK_RV rv;

	(void)why;
	key_way(type, &way);
	HM_TRY(session_sign(session, &way.mechanism, exam->object,
	    (struct hm_bytes){ input, input_len },
	    (struct hm_span){ signature, len }));
	HM_TRY(session_check(
	    session, p11->C_VerifyInit(session->handle, &way.mechanism,
			 exam->facts.public_object)));
	rv = p11->C_Verify(session->handle, input, (CK_ULONG)input_len,
	    signature, (CK_ULONG)len);
	if (rv == CKR_SIGNATURE_INVALID || rv == CKR_SIGNATURE_LEN_RANGE)
		return HM_E_SIGNATURE;
	return session_check(session, rv);
}

static hm_err
measure(struct session *session, void *context, struct why *why)
{
	struct examination *exam = context;
	token_key_type type = exam->facts.type;
	size_t input_len = key_input_len(type) ? key_input_len(type) : 32;
	uint64_t start_us = clock_mono_us(), us = 0;
	uint8_t input[48] = { 1 }, signature[TOKEN_SIGNATURE_MAX];
	struct key_way way;
	uint32_t made = 0;

	(void)why;
	key_way(type, &way);
	while (made < exam->plan->signatures &&
	       us < UINT64_C(1000) * exam->plan->time_ms) {
		HM_TRY(session_sign(session, &way.mechanism, exam->object,
		    (struct hm_bytes){ input, input_len },
		    (struct hm_span){ signature, key_signature_len(type) }));
		made++;
		us = clock_mono_us() - start_us;
	}
	exam->key->signatures = made;
	exam->key->per_s =
	    us > 0 ? (uint32_t)(UINT64_C(1000000) * made / us) : 0;
	return HM_OK;
}

/* What goes wrong with one key is that key's finding. */
static void
examine(struct token *token, struct examination *exam)
{
	struct survey_key *key = exam->key;

	key->type = "other";
	key->policy = HM_E_TOKEN_POLICY;
	key->signature = token_run(token, read_key, exam, NULL);
	if (key->signature == HM_OK)
		key->signature = token_run(token, try_signature, exam, NULL);
	if (key->signature == HM_OK)
		key->signature = token_run(token, measure, exam, NULL);
}

static hm_err
survey_keys(struct token *token, const struct survey_plan *plan,
    struct token_survey *ret, struct why *why)
{
	struct keys keys = { 0 };

	HM_TRY(token_run(token, list_keys, &keys, why));
	ret->has_more_keys = keys.count > SURVEY_KEYS_MAX;
	ret->keys = calloc(SURVEY_KEYS_MAX, sizeof(*ret->keys));
	if (!ret->keys)
		return HM_E_NO_MEMORY;
	for (CK_ULONG i = 0; i < keys.count && i < SURVEY_KEYS_MAX; i++) {
		struct examination exam = { .plan = plan,
			.object = keys.objects[i],
			.key = &ret->keys[ret->key_count++] };

		examine(token, &exam);
	}
	return HM_OK;
}

/* One step after the other; `ret->reached` tells how far. */
static hm_err
walk(struct token *token, const struct token_options *options,
    const struct survey_plan *plan, struct token_survey *ret)
{
	HM_TRY(token_load(token, options->module, &ret->why));
	ret->reached = SURVEY_MODULE;
	token->p11 = token->modules[0];
	if (!token->is_list)
		survey_module(token, ret);
	HM_TRY(token_locate(token, &ret->why));
	ret->reached = SURVEY_TOKEN;
	survey_module(token, ret);
	survey_token(token, ret);
	HM_TRY(token_login(token, &ret->why));
	ret->reached = SURVEY_LOGIN;
	ret->is_logged_in = token->is_logged_in;
	ret->random = token_run(token, try_random, NULL, NULL);
	return survey_keys(token, plan, ret, &ret->why);
}

hm_err
token_survey(const struct token_options *options, const struct secret *pin,
    const struct survey_plan *plan, struct token_survey *ret, struct why *why)
{
	struct token *token = NULL;

	HM_TRY(token_new(options, pin, &token, why));
	*ret = (struct token_survey){ .random = HM_E_TOKEN_GONE };
	ret->err = walk(token, options, plan, ret);
	token_free(token);
	return HM_OK;
}

void
token_survey_done(struct token_survey *survey)
{
	free(survey->keys);
	*survey = (struct token_survey){ 0 };
}
