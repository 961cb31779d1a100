/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * release_parts - what the verbs of `hallmark release` share
 *
 *   release.c          the table; create, revoke
 *   release_image.c    files of a release: opened, recognised, verified
 *   release_read.c     a release that is there, from its file or the server
 *   release_approve.c  approve
 *   release_show.c     show
 *   release_promote.c  promote
 *   release_diff.c     diff
 *   release_sbom.c     components of a bill of materials
 *   release_bundle.c   bundle, open
 */
#include "base/input.h"
#include "image/facts.h"
#include "cmd/sign_object.h"

/* ---- files (release_image.c) ---- */

/* --image and --sbom: FILE, or name=NAME,file=FILE,... */
struct release_spec {
	char text[FILE_PATH_MAX + 512]; /* what the others point into */
	const char *name, *file, *format, *version, *target, *counter, *type;
	const char *key, *out, *hint; /* promote */
};
/* HM_E_USAGE */
HM_MUST hm_err release_spec_parse(
    const char *given, struct release_spec *ret, struct why *why);

/* Public keys that sign images, of each channel; owned. */
struct release_keys {
	struct image_keys dev, prod;
};
#define RELEASE_KEY_OPTIONS                                                   \
	{ "decrypt-key", OPTION_PATH, .metavar = "PEM",                       \
		.help = "private key that encrypted images are encrypted "    \
			"for" },                                              \
	    { "dev-key", OPTION_PATH, .repeated = true, .metavar = "PEM",     \
		    .help =                                                   \
			"public key that development images are signed by" }, \
	{                                                                     \
		"prod-key", OPTION_PATH,                                      \
		    .repeated = true, .metavar = "PEM",                       \
		    .help = "public key that production images are signed "   \
			    "by"                                              \
	}
/* --dev-key, --prod-key, --decrypt-key. HM_E_KEY, HM_E_KEY_WEAK, HM_E_FILE,
 * HM_E_KEY_ROLE (one that is both) */
HM_MUST hm_err release_keys_load(
    const struct options *given, struct release_keys *ret, struct why *why);
void release_keys_done(struct release_keys *keys);

/* What a file is, from its content: format, digest, size, version, counter,
 * payload; verified with the keys of the channel. `version` has room for the
 * text. As release_take_files() */
HM_MUST hm_err release_look(const struct input *file, hm_channel channel,
    const struct release_keys *keys, struct hm_image *ret,
    char version[static IMAGE_VERSION_MAX + 1], struct why *why);

/* All images and boms that were given, in a new release whose other fields are
 * there; texts borrow from static memory. HM_E_USAGE, HM_E_FILE, HM_E_IMAGE_*,
 * HM_E_KEY_ROLE, HM_E_COUNTER */
HM_MUST hm_err release_take_files(
    const struct options *given, struct hm_release *release, struct why *why);

/* ---- releases that are there (release_read.c) ---- */

struct release_read {
	struct buf message;       /* the COSE_Sign1; owned */
	struct hm_object *object; /* decoded, borrows from it; owned */
	uint8_t digest[HM_DIGEST_LEN];
};
void release_read_done(struct release_read *read);

/*
 * A file, or 64 hex digits or PRODUCT/NAME for the server's. --authority names
 * the key that must have signed it; from the server without it, the server is
 * believed. HM_E_FILE, HM_E_NOT_FOUND, HM_E_SIGNATURE, HM_E_BAD_INPUT
 */
HM_MUST hm_err release_read(const struct options *given, const char *what,
    struct release_read *ret, struct why *why);

#define AUTHORITY_OPTION                                                   \
	{                                                                  \
		"authority", OPTION_PATH,                                  \
		    .metavar = "FILE",                                     \
		    .help = "public key that must have signed it, PEM; "   \
			    "a file needs it, of the server's release it " \
			    "is believed without"                          \
	}
#define RELEASE_OPERAND                                                     \
	{                                                                   \
		"release", OPTION_TEXT,                                     \
		    .required = true,                                       \
		    .help = "its file, its digest in hex, or PRODUCT/NAME " \
			    "at the server"                                 \
	}

/* What a person has to see before saying yes. */
void release_print(const struct hm_release *release);

extern const struct verb_spec release_approve_verb, release_show_verb,
    release_promote_verb, release_diff_verb, release_bundle_verb,
    release_open_verb;
