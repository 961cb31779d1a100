/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * context - who the person at the command is, and to which server they speak
 *
 * hallmark.yaml names the server, the TLS credential and where the key of the
 * authority, or of an approver, lives. It is found by --config,
 * $HALLMARK_CONFIG, or
 * ~/.config/hallmark/hallmark.yaml, in this order. No secret stands in it.
 */

#include "base/buf.h"
#include "base/config.h"
#include "base/file.h"
#include "base/options.h"
#include "base/why.h"
#include "net/client.h"
#include "token/token.h"

struct context {
	struct config config; /* owned */
	const struct config_node *top;
};

extern const struct config_schema context_schema;

/* The option that every command with a context has. */
#define CONTEXT_OPTION                                                    \
	{                                                                 \
		"config", OPTION_PATH,                                    \
		    .metavar = "FILE",                                    \
		    .help = "hallmark.yaml; default $HALLMARK_CONFIG or " \
			    "~/.config/hallmark/hallmark.yaml"            \
	}

HM_MUST hm_err context_load(
    const struct options *given, struct context *ret, struct why *why);
void context_done(struct context *context);

/* A connection to the server. */
HM_MUST hm_err context_connect(
    const struct context *context, struct net_client **ret, struct why *why);

/* What the server answered: HM_OK for 200, else the error in its problem. */
HM_MUST hm_err context_get(const struct context *context, const char *path,
    struct buf *ret, struct why *why);
HM_MUST hm_err context_post(const struct context *context, const char *path,
    struct hm_bytes body, struct buf *ret, struct why *why);

/* The token with the key of `who` ("authority", "approver"), logged in; P-256.
 * HM_E_CONFIG_MISSING, HM_E_KEY, HM_E_TOKEN_* */
HM_MUST hm_err context_key(const struct context *context, const char *who,
    struct token **ret, struct token_key **ret_key, struct why *why);

/* Open any token with a PIN from a source (base/secret.h); module may be NULL.
 */
HM_MUST hm_err open_token(const char *uri, const char *module,
    const char *pin_source, struct token **ret, struct why *why);
