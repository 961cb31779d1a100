/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_fit - U-Boot's FIT images, the control trees that hold the keys, and
 * environment images
 */
#include "cmd/image_job.h"

#define FIT_SIZE_OPTION                                                    \
	{                                                                  \
		"fdt-size", OPTION_TEXT, .metavar = "BYTES",               \
					 .help = "fit: the tree takes at " \
						 "least so much (64K)"     \
	}
#define FIT_CHOICE_OPTIONS                                                 \
	{ "control", OPTION_PATH, .metavar = "FILE",                       \
		.help = "fit: U-Boot's control tree, whose keys count" },  \
	{                                                                  \
		"configuration", OPTION_TEXT, .metavar = "NAME",           \
					      .help = "fit: this one only" \
	}
#define FIT_HINT_OPTION                                                   \
	{                                                                 \
		"hint", OPTION_TEXT, .repeated = true, .metavar = "NAME", \
				     .help = "fit: name of the key "      \
					     "for U-Boot, once for "      \
					     "each --key"                 \
	}
#define FIT_SIGN_OPTIONS                                                  \
	FIT_HINT_OPTION, FIT_CHOICE_OPTIONS, FIT_SIZE_OPTION,             \
	    { "sign-images", OPTION_FLAG,                                 \
		    .help = "fit: each image by itself, too" },           \
	    { "signer-name", OPTION_TEXT, .metavar = "NAME",              \
		    .help = "fit: who signed; nobody verifies that" },    \
	{                                                                 \
		"signer-version", OPTION_TEXT,                            \
		    .metavar = "TEXT", .help = "fit: the same, a version" \
	}
#define FIT_VERIFY_OPTIONS FIT_CHOICE_OPTIONS
#define FIT_CONVERT_OPTIONS                                                  \
	FIT_HINT_OPTION, FIT_SIZE_OPTION,                                    \
	    { "required", OPTION_ENUM, .choices = "conf|image",              \
		    .help =                                                  \
			"fit-control: what has to be signed by the keys" },  \
	{                                                                    \
		"required-mode", OPTION_ENUM, .choices = "all|any",          \
					      .help = "fit-control: by all " \
						      "keys, or by one"      \
	}

#define UBOOT_ENV_CONVERT_OPTIONS                                              \
	{ "env-size", OPTION_TEXT, .metavar = "BYTES",                         \
		.help = "uboot-env: make an image of that size (0x4000) of a " \
			"text; "                                               \
			"without it, the text of an image" },                  \
	{                                                                      \
		"redundant", OPTION_FLAG,                                      \
		    .help = "uboot-env: one of two, with a flags byte"         \
	}
#define UBOOT_ENV_VERIFY_OPTIONS                                       \
	{                                                              \
		"redundant", OPTION_FLAG,                              \
		    .help = "uboot-env: one of two, with a flags byte" \
	}

extern const struct image_command image_fit, image_fit_control, image_uboot_env;
