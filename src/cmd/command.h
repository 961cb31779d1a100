/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* command - a signed order to the server about one thing that exists */

#include "cmd/sign_object.h"

#define COMMAND_OPTIONS                                                \
	{ "reason", OPTION_TEXT, .required = true, .metavar = "WORDS", \
		.help = "why; it is signed and logged" },              \
	    OBJECT_OPTIONS

/* Sign and send; gives the exit status. */
int run_command(const struct options *given, hm_verb verb, const char *target);
