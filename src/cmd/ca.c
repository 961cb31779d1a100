/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark ca: root and issuing CAs in tokens, certificates of TLS peers */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/report.h"
#include "ca/ca.h"
#include "cmd/context.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "cmd/token_sign.h"
#include "crypto/p256.h"

#define DAY_S 86400
#define EARLIER_S 300 /* for clocks that are a little behind */

#define SUBJECT_OPTIONS                                                     \
	{ "subject", OPTION_TEXT, .required = true, .metavar = "CN",        \
		.help = "common name" },                                    \
	    { "organization", OPTION_TEXT, .metavar = "O",                  \
		    .help = "organization" },                               \
	    { "days", OPTION_INT, .min = 1, .max = 36525, .required = true, \
		    .help = "how long it is valid" },                       \
	{                                                                   \
		"out", OPTION_PATH,                                         \
		    .required = true, .metavar = "FILE",                    \
		    .help = "the certificate, PEM; never overwritten"       \
	}

#define ISSUER_OPTIONS                                                    \
	{ "issuer-certificate", OPTION_PATH, .metavar = "FILE",           \
		.help = "certificate of the CA that signs" },             \
	    { "issuer-token", OPTION_TEXT, .metavar = "URI",              \
		    .help = "its token" },                                \
	    { "issuer-key", OPTION_TEXT, .metavar = "URI",                \
		    .help = "its key" },                                  \
	    { "issuer-pin", OPTION_TEXT, .fallback = "prompt",            \
		    .metavar = "SOURCE", .help = "PIN of that token" },   \
	{                                                                 \
		"module", OPTION_PATH,                                    \
		    .metavar = "FILE",                                    \
		    .help = "PKCS#11 module; without it those of p11-kit" \
	}

static hm_err
sign_with_token(
    void *context, struct hm_bytes digest, uint8_t *ret, size_t ret_len)
{
	return token_sign_verified(context, digest, ret, ret_len);
}

/* An issuer that lives in a token. */
struct issuer {
	struct token *token;
	struct buf certificate;
	struct ca_issuer ca;
};

static void
issuer_done(struct issuer *issuer)
{
	token_free(issuer->token);
	buf_done(&issuer->certificate);
}

static hm_err
issuer_of(struct token_key *key, struct hm_bytes certificate,
    struct ca_issuer *ret, struct why *why)
{
	token_key_type type = token_key_kind(key);

	if (type != TOKEN_P256 && type != TOKEN_P384)
		return WHY(why, HM_E_KEY, "a CA key is P-256 or P-384");
	*ret = (struct ca_issuer){ .certificate = certificate,
		.sig = type == TOKEN_P384 ? CA_ES384 : CA_ES256,
		.sign = sign_with_token,
		.context = key };
	return HM_OK;
}

static hm_err
issuer_open(const struct options *given, struct issuer *ret, struct why *why)
{
	const char *file = options_text(given, "issuer-certificate"),
		   *uri = options_text(given, "issuer-token"),
		   *key_uri = options_text(given, "issuer-key");
	struct token_key *key;

	if (file == NULL || uri == NULL || key_uri == NULL)
		return WHY(why, HM_E_USAGE,
		    "this needs --issuer-certificate, --issuer-token and "
		    "--issuer-key");
	HM_TRY(certificate_read(file, &ret->certificate, why));
	HM_TRY(open_token(uri, options_text(given, "module"),
	    options_text(given, "issuer-pin"), &ret->token, why));
	HM_TRY(token_key(ret->token, key_uri, TOKEN_SIGN, &key, why));
	return issuer_of(key, buf_bytes(&ret->certificate), &ret->ca, why);
}

static struct ca_request
request_of(const struct options *given, ca_profile profile)
{
	uint64_t now_s = clock_now_s();

	return (struct ca_request){
		.profile = profile,
		.common_name = options_text(given, "subject"),
		.organization = options_text(given, "organization"),
		.not_before_s = now_s - EARLIER_S,
		.not_after_s =
		    now_s + (uint64_t)options_int(given, "days") * DAY_S,
	};
}

static int
report_certificate(const struct options *given, const char *schema)
{
	AUTO_DOC struct doc *doc = report_doc(schema);

	doc_text(doc, "subject", options_text(given, "subject"));
	doc_text(doc, "certificate", options_text(given, "out"));
	report_line("%s  %s", options_text(given, "out"),
	    options_text(given, "subject"));
	return report_end(doc);
}

/* ---- create ---- */

static const struct option_spec create_options[] = {
	{ "token", OPTION_TEXT, .required = true, .metavar = "URI",
	    .help = "where the new key is made" },
	{ "label", OPTION_TEXT, .required = true, .metavar = "NAME",
	    .help = "name of the new key" },
	{ "pin", OPTION_TEXT, .fallback = "prompt", .metavar = "SOURCE",
	    .help = "PIN of the token: prompt, fd:N, file:PATH ..." },
	SUBJECT_OPTIONS,
	ISSUER_OPTIONS,
	{ 0 },
};
static const struct option_spec kind_operand[] = {
	{ "kind", OPTION_ENUM, .choices = "root|sub", .required = true,
	    .help = "root: P-384, signs itself; sub: P-256, path length 0" },
	{ 0 },
};

static hm_err
certify(const struct options *given, struct token_key *key, bool is_root,
    struct why *why)
{
	AUTO(issuer) struct issuer issuer = { 0 };
	AUTO(buf) struct buf der = { 0 };
	struct ca_request request =
	    request_of(given, is_root ? CA_ROOT : CA_SUB);

	request.public_key = token_key_public(key);
	if (is_root)
		HM_TRY(issuer_of(key, (struct hm_bytes){ 0 }, &issuer.ca, why));
	else
		HM_TRY(issuer_open(given, &issuer, why));
	buf_init(&der, 65536);
	HM_TRY(ca_make(&issuer.ca, &request, &der, why));
	return certificate_write(
	    options_text(given, "out"), buf_bytes(&der), why);
}

static hm_err
make_ca(const struct options *given, struct why *why)
{
	bool is_root = strcmp(options_text(given, "kind"), "root") == 0;
	struct token_key *key;
	struct token *token;
	hm_err err;

	if (file_exists(options_text(given, "out"))) {
		why_where(why, "%s", options_text(given, "out"));
		return WHY(why, HM_E_EXISTS, "the file exists");
	}
	HM_TRY(open_token(options_text(given, "token"),
	    options_text(given, "module"), options_text(given, "pin"), &token,
	    why));
	err = token_generate(token, options_text(given, "label"),
	    is_root ? TOKEN_P384 : TOKEN_P256, TOKEN_SIGN, &key, why);
	if (err == HM_OK)
		err = certify(given, key, is_root, why);
	token_free(token);
	return err;
}

static int
create(const struct options *given)
{
	struct why why = { 0 };
	hm_err err = make_ca(given, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	return report_certificate(given, "hallmark.ca.create/1");
}

/* ---- issue ---- */

#define HOSTS_MAX 16

static const struct option_spec issue_options[] = {
	{ "host", OPTION_TEXT, .repeated = true, .metavar = "NAME",
	    .help = "server: name or address that it is reached by" },
	{ "key-out", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "the new private key, PEM, mode 0600" },
	SUBJECT_OPTIONS,
	ISSUER_OPTIONS,
	{ 0 },
};
static const struct option_spec profile_operand[] = {
	{ "profile", OPTION_ENUM, .choices = "server|station|client",
	    .required = true, .help = "what it is for" },
	{ 0 },
};

static ca_profile
profile_of(const char *name)
{
	return strcmp(name, "server") == 0    ? CA_SERVER
	       : strcmp(name, "station") == 0 ? CA_STATION
					      : CA_CLIENT;
}

static hm_err
make_peer(const struct options *given, struct p256_pair *pair, struct buf *der,
    struct why *why)
{
	AUTO(issuer) struct issuer issuer = { 0 };
	const char *hosts[HOSTS_MAX + 1] = { 0 };
	uint8_t point[P256_POINT_LEN];
	struct ca_request request =
	    request_of(given, profile_of(options_text(given, "profile")));

	for (size_t i = 0; i < options_count(given, "host"); i++) {
		if (i == HOSTS_MAX)
			return WHY(why, HM_E_USAGE, "too many hosts");
		hosts[i] = options_at(given, "host", i);
	}
	p256_pair_point(pair, point);
	request.public_key = HM_BYTES(point);
	request.hosts = hosts;
	HM_TRY(issuer_open(given, &issuer, why));
	return ca_make(&issuer.ca, &request, der, why);
}

static hm_err
write_pair(const char *path, struct p256_pair *pair, struct why *why)
{
	uint8_t pem[512];
	size_t len;
	hm_err err;

	err = p256_pair_pem(pair, (struct hm_span){ pem, sizeof(pem) }, &len);
	if (err == HM_OK)
		err =
		    file_create(path, (struct hm_bytes){ pem, len }, 0600, why);
	hm_wipe(pem, sizeof(pem));
	return err;
}

static int
issue(const struct options *given)
{
	AUTO(buf) struct buf der = { 0 };
	struct p256_pair *pair = NULL;
	struct why why = { 0 };
	hm_err err;

	buf_init(&der, 65536);
	err = p256_pair_new(&pair);
	if (err == HM_OK)
		err = make_peer(given, pair, &der, &why);
	if (err == HM_OK)
		err = write_pair(options_text(given, "key-out"), pair, &why);
	if (err == HM_OK)
		err = certificate_write(
		    options_text(given, "out"), buf_bytes(&der), &why);
	p256_pair_free(pair);
	if (err != HM_OK)
		return report_failure(err, &why);
	return report_certificate(given, "hallmark.ca.issue/1");
}

/* ---- crl ---- */

static const struct option_spec crl_options[] = {
	CONTEXT_OPTION,
	{ "out", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "the list, DER; replaced if it is there" },
	{ 0 },
};

static hm_err
fetch_crl(const struct options *given, struct buf *ret, struct why *why)
{
	AUTO(context) struct context context = { 0 };

	HM_TRY(context_load(given, &context, why));
	HM_TRY(context_get(&context, "/v1/crl", ret, why));
	return file_write(
	    options_text(given, "out"), buf_bytes(ret), 0644, why);
}

static int
crl(const struct options *given)
{
	AUTO(buf) struct buf der = { 0 };
	AUTO_DOC struct doc *doc = report_doc("hallmark.ca.crl/1");
	struct why why = { 0 };
	hm_err err = fetch_crl(given, &der, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "file", options_text(given, "out"));
	doc_uint(doc, "bytes", der.len);
	report_line("%s  %zu bytes", options_text(given, "out"), der.len);
	return report_end(doc);
}

static const struct verb_spec create_verb = { .name = "create",
	.words = "make a CA whose key is born in a token",
	.options = create_options,
	.operands = kind_operand,
	.run = create };
static const struct verb_spec issue_verb = { .name = "issue",
	.words = "certify a server, a station or a person for TLS",
	.options = issue_options,
	.operands = profile_operand,
	.run = issue };
static const struct verb_spec crl_verb = { .name = "crl",
	.words = "get the revocation list of the devices",
	.options = crl_options,
	.run = crl };
static const struct verb_spec *const verbs[] = { &create_verb, &issue_verb,
	&crl_verb, NULL };

const struct noun_spec noun_ca = { .name = "ca",
	.words = "certificate authorities, and who may connect",
	.verbs = verbs };
