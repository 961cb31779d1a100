/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/context.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/secret.h"
#include "wire/limits.h"
#include "wire/problem.h"

#define ANSWER_MAX (17 * 1024 * 1024) /* a full entry bundle */

static const struct config_key server_keys[] = {
	{ "url", CONFIG_URI, .required = true,
	    .example = "https://hallmark.example:8443",
	    .words = "the provisioning server" },
	{ "ca", CONFIG_PATH, .required = true, .example = "server-ca.pem",
	    .words = "certificate that the server must lead to, PEM" },
	{ "certificate", CONFIG_PATH, .required = true,
	    .example = "planner.pem", .words = "your certificate, PEM" },
	{ "key", CONFIG_PATH, .required = true, .example = "planner.key",
	    .words = "its private key, PEM" },
	{ 0 },
};

static const struct config_key authority_keys[] = {
	{ "uri", CONFIG_URI, .required = true,
	    .example = "pkcs11:token=acme-authority",
	    .words = "the token with the authority's key" },
	{ "module", CONFIG_PATH, .fallback = "",
	    .words = "PKCS#11 module; without it those of p11-kit" },
	{ "key", CONFIG_URI, .required = true,
	    .example = "pkcs11:object=authority", .words = "the key" },
	{ "pin", CONFIG_STRING, .fallback = "prompt",
	    .words = "where the PIN comes from: prompt, fd:N, "
		     "credential:NAME or file:PATH" },
	{ 0 },
};

static const struct config_key approver_keys[] = {
	{ "uri", CONFIG_URI, .required = true, .example = "pkcs11:token=alice",
	    .words = "your token" },
	{ "module", CONFIG_PATH, .fallback = "",
	    .words = "PKCS#11 module; without it those of p11-kit" },
	{ "key", CONFIG_URI, .required = true, .example = "pkcs11:object=alice",
	    .words = "the key" },
	{ "pin", CONFIG_STRING, .fallback = "prompt",
	    .words = "where the PIN comes from: prompt, fd:N, "
		     "credential:NAME or file:PATH" },
	{ 0 },
};

static const struct config_key keys[] = {
	{ "server", CONFIG_MAP, .required = true, .keys = server_keys,
	    .words = "where requests go" },
	{ "authority", CONFIG_MAP, .keys = authority_keys,
	    .words = "what signs products, releases, orders and credentials, "
		     "if you have it" },
	{ "approver", CONFIG_MAP, .keys = approver_keys,
	    .words = "what you approve releases with; without it the key of "
		     "server.certificate" },
	{ 0 },
};

const struct config_schema context_schema = { "hallmark", 1, keys,
	"who you are, for the command hallmark" };

/* ---- the file ---- */

static hm_err
find(const struct options *given, char ret[static FILE_PATH_MAX],
    struct why *why)
{
	const char *path = options_text(given, "config"), *home;
	int n;

	if (path == NULL)
		path = getenv("HALLMARK_CONFIG");
	home = getenv("HOME");
	if (path != NULL)
		n = snprintf(ret, FILE_PATH_MAX, "%s", path);
	else if (home != NULL)
		n = snprintf(ret, FILE_PATH_MAX,
		    "%s/.config/hallmark/hallmark.yaml", home);
	else
		return WHY(why, HM_E_FILE, "no --config and no home folder");
	if (n < 0 || n >= FILE_PATH_MAX)
		return WHY(why, HM_E_USAGE, "the path is too long");
	return HM_OK;
}

hm_err
context_load(const struct options *given, struct context *ret, struct why *why)
{
	char path[FILE_PATH_MAX];

	*ret = (struct context){ 0 };
	HM_TRY(find(given, path, why));
	HM_TRY(config_load(path, &context_schema, &ret->config, NULL, why));
	ret->top = config_top(&ret->config);
	return HM_OK;
}

void
context_done(struct context *context)
{
	config_done(&context->config);
	context->top = NULL;
}

/* ---- the server ---- */

hm_err
context_connect(
    const struct context *context, struct net_client **ret, struct why *why)
{
	struct net_client_config client = {
		.url = config_text(context->top, "server.url"),
		.ca = config_text(context->top, "server.ca"),
		.certificate = config_text(context->top, "server.certificate"),
		.key = config_text(context->top, "server.key"),
		.max_answer = ANSWER_MAX,
	};

	return net_client_new(&client, ret, why);
}

static hm_err
take(struct net_answer *answer, struct buf *ret, struct why *why)
{
	struct hm_bytes body = buf_bytes(&answer->body);
	struct hm_problem problem;

	if (answer->status == 200) {
		buf_init(ret, ANSWER_MAX);
		return buf_add(ret, body);
	}
	if (hm_problem_decode(body, &problem) != HM_OK)
		return WHY(why, HM_E_HTTP, "the server answered with status %d",
		    answer->status);
	return problem.err;
}

hm_err
context_get(const struct context *context, const char *path, struct buf *ret,
    struct why *why)
{
	struct net_answer answer = { 0 };
	struct net_client *client;
	hm_err err;

	HM_TRY(context_connect(context, &client, why));
	err = net_client_get(client, path, &answer, why);
	if (err == HM_OK)
		err = take(&answer, ret, why);
	net_answer_done(&answer);
	net_client_free(client);
	return err;
}

hm_err
context_post(const struct context *context, const char *path,
    struct hm_bytes body, struct buf *ret, struct why *why)
{
	struct net_answer answer = { 0 };
	struct net_client *client;
	hm_err err;

	HM_TRY(context_connect(context, &client, why));
	err = net_client_post(
	    client, path, "application/cbor", body, &answer, why);
	if (err == HM_OK)
		err = take(&answer, ret, why);
	net_answer_done(&answer);
	net_client_free(client);
	return err;
}

/* ---- tokens ---- */

hm_err
open_token(const char *uri, const char *module, const char *pin_source,
    struct token **ret, struct why *why)
{
	AUTO(secret) struct secret pin = { 0 };
	struct token_options options = { .uri = uri, .module = module };

	if (module != NULL && module[0] == 0)
		options.module = NULL;
	HM_TRY(secret_load(pin_source, &pin, why));
	return token_open(&options, &pin, ret, why);
}

hm_err
context_key(const struct context *context, const char *who, struct token **ret,
    struct token_key **ret_key, struct why *why)
{
	const struct config_node *at;
	struct token_key *key;
	struct token *token;
	hm_err err;

	if (!config_has(context->top, who))
		return WHY(why, HM_E_CONFIG_MISSING,
		    "hallmark.yaml does not say where the key of the %s is",
		    who);
	at = config_map(context->top, who);
	HM_TRY(open_token(config_text(at, "uri"), config_text(at, "module"),
	    config_text(at, "pin"), &token, why));
	err = token_key(token, config_text(at, "key"), TOKEN_SIGN, &key, why);
	if (err == HM_OK && token_key_kind(key) != TOKEN_P256)
		err =
		    WHY(why, HM_E_KEY, "the key of the %s must be P-256", who);
	if (err != HM_OK) {
		token_free(token);
		return err;
	}
	*ret = token;
	*ret_key = key;
	return HM_OK;
}
