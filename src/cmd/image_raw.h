/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_raw - detached signatures over any file, bare and as CMS */
#include "cmd/image_job.h"

/* Of both ways: how a bare signature looks. */
#define RAW_OPTIONS                                                       \
	{ "padding", OPTION_ENUM, .choices = "pss|pkcs1",                 \
		.help = "raw and cms, of an RSA key; pss if not given" }, \
	{                                                                 \
		"signature-form", OPTION_ENUM,                            \
		    .choices = "der|fixed",                               \
		    .help = "raw, of an EC key: DER (if not given), or "  \
			    "r and s in fixed width"                      \
	}
#define RAW_SIGN_OPTIONS                                       \
	RAW_OPTIONS,                                           \
	{                                                      \
		"certificate", OPTION_PATH,                    \
		    .metavar = "FILE",                         \
		    .help = "cms: the signer's, in PEM or DER" \
	}
#define RAW_VERIFY_OPTIONS                                           \
	RAW_OPTIONS,                                                 \
	{                                                            \
		"signature", OPTION_PATH,                            \
		    .metavar = "FILE",                               \
		    .help = "raw and cms: the signature beside FILE" \
	}

extern const struct image_command image_raw, image_cms;
