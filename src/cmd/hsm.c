/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark hsm: tokens and the keys in them */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "base/file.h"
#include "base/report.h"
#include "ca/ca.h"
#include "cmd/context.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "token/doctor.h"

#define TOKEN_OPTIONS                                                    \
	{ "module", OPTION_PATH, .metavar = "FILE",                      \
		.help = "PKCS#11 module; without it those of p11-kit" }, \
	{                                                                \
		"pin", OPTION_TEXT,                                      \
		    .fallback = "prompt", .metavar = "SOURCE",           \
		    .help = "prompt, fd:N, credential:NAME or file:PATH" \
	}

static const struct option_spec uri_operand[] = {
	{ "uri", OPTION_TEXT, .required = true,
	    .help = "the token, such as pkcs11:token=acme" },
	{ 0 },
};

static struct token_options
token_options(const struct options *given)
{
	return (struct token_options){ .uri = options_text(given, "uri"),
		.module = options_text(given, "module") };
}

/* ---- init ---- */

static const struct option_spec init_options[] = {
	{ "module", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "SoftHSM's module" },
	{ "pin", OPTION_TEXT, .required = true, .metavar = "SOURCE",
	    .help = "where the user PIN comes from" },
	{ "so-pin", OPTION_TEXT, .required = true, .metavar = "SOURCE",
	    .help = "where the security officer's PIN comes from" },
	{ 0 },
};
static const struct option_spec label_operand[] = {
	{ "label", OPTION_TEXT, .required = true,
	    .help = "name of the new token" },
	{ 0 },
};

static int
init(const struct options *given)
{
	AUTO(secret) struct secret pin = { 0 };
	AUTO(secret) struct secret so_pin = { 0 };
	AUTO_DOC struct doc *doc = report_doc("hallmark.hsm.init/1");
	const char *label = options_text(given, "label");
	struct why why = { 0 };
	hm_err err;

	err = secret_load(options_text(given, "pin"), &pin, &why);
	if (err == HM_OK)
		err = secret_load(options_text(given, "so-pin"), &so_pin, &why);
	if (err == HM_OK)
		err = token_init_soft(
		    options_text(given, "module"), label, &so_pin, &pin, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "token", label);
	report_line("token %s", label);
	return report_end(doc);
}

/* ---- generate ---- */

static const struct option_spec generate_options[] = {
	{ "label", OPTION_TEXT, .required = true, .metavar = "NAME",
	    .help = "name of the key" },
	{ "type", OPTION_ENUM,
	    .choices = "p256|p384|ed25519|rsa2048|rsa3072|rsa4096",
	    .fallback = "p256", .help = "kind of key" },
	{ "public", OPTION_PATH, .metavar = "FILE",
	    .help = "write the public key, PEM" },
	{ "origin", OPTION_TEXT, .metavar = "NAME",
	    .help = "ed25519: write it as verifier key of the log NAME" },
	TOKEN_OPTIONS,
	{ 0 },
};

static const struct type {
	const char *name;
	token_key_type type;
} types[] = {
	{ "p256", TOKEN_P256 },
	{ "p384", TOKEN_P384 },
	{ "ed25519", TOKEN_ED25519 },
	{ "rsa2048", TOKEN_RSA2048 },
	{ "rsa3072", TOKEN_RSA3072 },
	{ "rsa4096", TOKEN_RSA4096 },
};

/* The parser takes no other names. */
static token_key_type
type_of(const char *name)
{
	const struct type *at = types;

	while (strcmp(at->name, name) != 0)
		at++;
	return at->type;
}

static hm_err
make_key(const struct options *given, struct why *why)
{
	const char *path = options_text(given, "public");
	const char *origin = options_text(given, "origin");
	struct token_key *key;
	struct token *token;
	hm_err err;

	HM_TRY(open_token(options_text(given, "uri"),
	    options_text(given, "module"), options_text(given, "pin"), &token,
	    why));
	err = token_generate(token, options_text(given, "label"),
	    type_of(options_text(given, "type")), TOKEN_SIGN, &key, why);
	if (err == HM_OK && path != NULL)
		err = origin != NULL ? verifier_key_write(path, origin,
					   token_key_public(key), why)
				     : public_key_write(path, key, why);
	token_free(token);
	return err;
}

static int
generate(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.hsm.generate/1");
	struct why why = { 0 };
	hm_err err = make_key(given, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "key", options_text(given, "label"));
	doc_text(doc, "type", options_text(given, "type"));
	report_line("key %s  %s, sign only, not extractable",
	    options_text(given, "label"), options_text(given, "type"));
	return report_end(doc);
}

/* ---- public ---- */

static const struct option_spec public_options[] = {
	{ "output", OPTION_PATH, 'o', .required = true, .metavar = "FILE",
	    .help = "where the public key goes, PEM" },
	TOKEN_OPTIONS,
	{ 0 },
};
static const struct option_spec key_operand[] = {
	{ "uri", OPTION_TEXT, .required = true,
	    .help = "the key, such as pkcs11:token=acme;object=images" },
	{ 0 },
};

static int public(const struct options *given)
{
	const char *path = options_text(given, "output");
	const char *uri = options_text(given, "uri");
	AUTO_DOC struct doc *doc = report_doc("hallmark.hsm.public/1");
	struct token *token = NULL;
	struct token_key *key;
	struct why why = { 0 };
	hm_err err = open_token(uri, options_text(given, "module"),
	    options_text(given, "pin"), &token, &why);

	if (err == HM_OK)
		err = token_key(token, uri, TOKEN_SIGN, &key, &why);
	if (err == HM_OK)
		err = public_key_write(path, key, &why);
	token_free(token);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "public", path);
	report_line("public key %s", path);
	return report_end(doc);
}

/* ---- store ---- */

static const struct option_spec store_options[] = {
	{ "label", OPTION_TEXT, .required = true, .metavar = "NAME",
	    .help = "how products name it" },
	{ "value", OPTION_TEXT, .required = true, .metavar = "SOURCE",
	    .help = "where the secret comes from: fd:N, file:PATH ..." },
	TOKEN_OPTIONS,
	{ 0 },
};

static int
store(const struct options *given)
{
	AUTO(secret) struct secret value = { 0 };
	AUTO_DOC struct doc *doc = report_doc("hallmark.hsm.store/1");
	struct token *token = NULL;
	struct why why = { 0 };
	hm_err err;

	err = secret_load(options_text(given, "value"), &value, &why);
	if (err == HM_OK)
		err = open_token(options_text(given, "uri"),
		    options_text(given, "module"), options_text(given, "pin"),
		    &token, &why);
	if (err == HM_OK)
		err = token_data_store(token, options_text(given, "label"),
		    secret_bytes(&value), &why);
	token_free(token);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "label", options_text(given, "label"));
	report_line("stored %s", options_text(given, "label"));
	return report_end(doc);
}

/* ---- doctor ---- */

static const struct option_spec doctor_options[] = {
	{ "signatures", OPTION_INT, .min = 1, .max = 100000, .fallback = "200",
	    .help = "of each key, for the rate" },
	TOKEN_OPTIONS,
	{ 0 },
};

static const char *
verdict(hm_err err)
{
	return err == HM_OK ? "ok" : err_info(err)->words;
}

static void
show_mechanisms(const struct token_survey *survey, struct doc *doc)
{
	struct doc *list = doc == NULL ? NULL : doc_array(doc, "mechanisms");

	for (size_t i = 0; i < survey->mechanism_count; i++) {
		const struct survey_mechanism *m = &survey->mechanisms[i];
		struct doc *item = list == NULL ? NULL : doc_object(list, NULL);

		report_line("mechanism %-22s %-8s %s", m->name,
		    m->is_present  ? "ok"
		    : m->is_needed ? "MISSING"
				   : "absent",
		    m->use);
		doc_text(item, "name", m->name);
		doc_bool(item, "present", m->is_present);
		doc_bool(item, "needed", m->is_needed);
	}
}

static void
show_key(const struct survey_key *key, struct doc *item)
{
	report_line("key       %-22s %-8s policy %s%s%s", key->label, key->type,
	    verdict(key->policy), key->policy_words[0] != 0 ? ": " : "",
	    key->policy_words);
	report_line("          %-22s %-8s signature %s, %" PRIu32 "/s", "", "",
	    verdict(key->signature), key->per_s);
	doc_text(item, "label", key->label);
	doc_text(item, "id", key->id);
	doc_text(item, "type", key->type);
	doc_bool(item, "policy_ok", key->policy == HM_OK);
	doc_text(item, "policy",
	    key->policy_words[0] != 0 ? key->policy_words : NULL);
	doc_bool(item, "signature_ok", key->signature == HM_OK);
	doc_uint(item, "signatures_per_s", key->per_s);
}

static void
show_survey(const struct token_survey *survey, struct doc *doc)
{
	struct doc *list;

	report_line("module    %s  %s %s", survey->module_path,
	    survey->module_words, survey->module_version);
	doc_text(doc, "module", survey->module_path);
	if (survey->reached < SURVEY_TOKEN)
		return;
	report_line("token     %s  serial %s  %s", survey->label,
	    survey->serial, survey->model);
	doc_text(doc, "token", survey->label);
	doc_text(doc, "serial", survey->serial);
	if (survey->reached < SURVEY_LOGIN)
		return;
	report_line("login     ok%s",
	    survey->is_pin_low ? ", but somebody tried a wrong PIN" : "");
	show_mechanisms(survey, doc);
	report_line("random    %s", verdict(survey->random));
	doc_bool(doc, "random_ok", survey->random == HM_OK);
	list = doc == NULL ? NULL : doc_array(doc, "keys");
	for (size_t i = 0; i < survey->key_count; i++)
		show_key(&survey->keys[i],
		    list == NULL ? NULL : doc_object(list, NULL));
}

/* The worst that was found. */
static hm_err
diagnose(const struct token_survey *survey)
{
	if (survey->err != HM_OK)
		return survey->err;
	for (size_t i = 0; i < survey->mechanism_count; i++)
		if (survey->mechanisms[i].is_needed &&
		    !survey->mechanisms[i].is_present)
			return HM_E_TOKEN_MECHANISM;
	HM_TRY(survey->random);
	for (size_t i = 0; i < survey->key_count; i++) {
		HM_TRY(survey->keys[i].policy);
		HM_TRY(survey->keys[i].signature);
	}
	return HM_OK;
}

static int
doctor(const struct options *given)
{
	static struct secret pin; /* wiped below */
	AUTO(token_survey) struct token_survey survey = { 0 };
	AUTO_DOC struct doc *doc = report_doc("hallmark.hsm.doctor/1");
	struct token_options options = token_options(given);
	struct survey_plan plan = { .time_ms = 2000,
		.signatures = (uint32_t)options_int(given, "signatures") };
	struct why why = { 0 };
	hm_err err;

	err = secret_load(options_text(given, "pin"), &pin, &why);
	if (err == HM_OK)
		err = token_survey(&options, &pin, &plan, &survey, &why);
	secret_done(&pin);
	if (err != HM_OK)
		return report_failure(err, &why);
	show_survey(&survey, doc);
	err = diagnose(&survey);
	doc_bool(doc, "ok", err == HM_OK);
	(void)report_end(doc); /* the finding matters more */
	return report_failure(err, &survey.why);
}

static const struct verb_spec init_verb = { .name = "init",
	.words = "make a token in SoftHSM",
	.options = init_options,
	.operands = label_operand,
	.run = init };
static const struct verb_spec generate_verb = { .name = "generate",
	.words = "make a key that never leaves its token",
	.options = generate_options,
	.operands = uri_operand,
	.run = generate };
static const struct verb_spec public_verb = { .name = "public",
	.words = "write the public part of a key as PEM",
	.options = public_options,
	.operands = key_operand,
	.run = public };
static const struct verb_spec store_verb = { .name = "store",
	.words = "put a secret that products share into the token",
	.options = store_options,
	.operands = uri_operand,
	.run = store };
static const struct verb_spec doctor_verb = { .name = "doctor",
	.words = "look at module, token, login, mechanisms, keys and rate",
	.options = doctor_options,
	.operands = uri_operand,
	.run = doctor };
static const struct verb_spec *const verbs[] = { &init_verb, &generate_verb,
	&public_verb, &store_verb, &doctor_verb, NULL };

const struct noun_spec noun_hsm = {
	.name = "hsm", .words = "tokens and the keys in them", .verbs = verbs
};
