/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * uri - RFC 7512 names of tokens and keys, and what we do not allow in them
 *
 * p11-kit parses; this adds our rules. A PIN has no place in a name that
 * stands in configuration and logs, so pin-value and pin-source are refused,
 * and so is an attribute that we would have to ignore: a name that is
 * understood half matches too much.
 */
#include "core/err.h"
#include "base/why.h"

struct p11_kit_uri;

#define TOKEN_URI_MAX 1024 /* characters */

/* Freed with token_uri_free. HM_E_USAGE, HM_E_NO_MEMORY */
HM_MUST hm_err token_uri_parse(
    const char *text, struct p11_kit_uri **ret, struct why *why);
void token_uri_free(struct p11_kit_uri *uri);
