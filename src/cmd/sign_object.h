/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sign_object - from what a person decided to a signed object at the server
 */

#include "cmd/context.h"
#include "wire/object.h"

/* Options of every command that makes an object. */
#define OBJECT_OPTIONS                                                 \
	CONTEXT_OPTION,                                                \
	    { "output", OPTION_PATH, .letter = 'o', .metavar = "FILE", \
		    .help = "keep the signed object in a file" },      \
	{                                                              \
		"offline", OPTION_FLAG,                                \
		    .help = "sign and write the file, send nothing"    \
	}

/*
 * Sign `object` (whose made_s is set here), write it where --output says, send
 * it unless --offline. *ret_digest names it from now on.
 */
HM_MUST hm_err sign_object(const struct options *given,
    struct hm_object *object, uint8_t ret_digest[static HM_DIGEST_LEN],
    struct why *why);

/* Send an object that was signed before. */
HM_MUST hm_err send_object(
    const struct options *given, struct hm_bytes message, struct why *why);

/* Digest of a signed object: 64 hex digits, or the file that holds it. */
HM_MUST hm_err object_digest_of(
    const char *text, uint8_t ret[static HM_DIGEST_LEN], struct why *why);

/* The result of a command that made one: {"schema", "name", "digest"}. */
int report_object(const char *schema, const char *what, const char *name,
    const uint8_t digest[static HM_DIGEST_LEN]);
