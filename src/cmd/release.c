/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark release: firmware that a product may leave the line with */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/nouns.h"
#include "cmd/release_parts.h"

/* ---- create ---- */

static const struct option_spec create_options[] = {
	{ "product", OPTION_TEXT, .required = true, .metavar = "NAME",
	    .help = "the product that runs it" },
	{ "image", OPTION_TEXT, .required = true, .repeated = true,
	    .metavar = "SPEC",
	    .help = "a firmware image: FILE, or name=NAME,file=FILE and, if "
		    "wanted, format= version= target= counter=" },
	{ "measured", OPTION_TEXT, .metavar = "NAME",
	    .help = "the image whose SHA-256 devices claim; without it the "
		    "first" },
	{ "sbom", OPTION_TEXT, .repeated = true, .metavar = "SPEC",
	    .help = "a bill of materials, SPDX or CycloneDX: FILE, or "
		    "name=NAME,file=FILE,type=MEDIATYPE" },
	{ "channel", OPTION_ENUM, .choices = "dev|prod", .required = true,
	    .help = "who it is for" },
	{ "counter", OPTION_INT, .min = 0, .max = UINT32_MAX, .fallback = "0",
	    .help = "security counter; it only grows" },
	RELEASE_KEY_OPTIONS,
	OBJECT_OPTIONS,
	{ 0 },
};
static const struct option_spec create_operands[] = {
	{ "release", OPTION_TEXT, .required = true,
	    .help = "its version, such as 2.4.1" },
	{ 0 },
};

static hm_err
make(const struct options *given, uint8_t *digest, struct why *why)
{
	static struct hm_object object = { .kind = HM_OBJECT_RELEASE };
	struct hm_release *release = &object.release;

	release->name = hm_bytes_of(options_text(given, "release"));
	release->product = hm_bytes_of(options_text(given, "product"));
	release->channel = strcmp(options_text(given, "channel"), "prod") == 0
			       ? HM_CHANNEL_PROD
			       : HM_CHANNEL_DEV;
	release->counter = (uint32_t)options_int(given, "counter");
	HM_TRY(release_take_files(given, release, why));
	return sign_object(given, &object, digest, why);
}

static int
create(const struct options *given)
{
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	hm_err err = make(given, digest, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	return report_object("hallmark.release.create/1", "release",
	    options_text(given, "release"), digest);
}

/* ---- revoke ---- */

static const struct option_spec revoke_options[] = {
	AUTHORITY_OPTION,
	COMMAND_OPTIONS,
	{ 0 },
};
static const struct option_spec revoke_operands[] = { RELEASE_OPERAND, { 0 } };

static int
revoke(const struct options *given)
{
	AUTO(release_read) struct release_read release = { 0 };
	char target[2 * HM_DIGEST_LEN + 1];
	struct why why = { 0 };
	hm_err err =
	    release_read(given, options_text(given, "release"), &release, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	hex_format(HM_BYTES(release.digest), target);
	return run_command(given, HM_VERB_REVOKE_RELEASE, target);
}

static const struct verb_spec create_verb = { .name = "create",
	.words = "sign a release and give it to the server",
	.example = "hallmark release create 2.4.1 --product thermo "
		   "--channel prod --counter 3 --image app.bin\n"
		   "hallmark release create 2.4.1 --product thermo "
		   "--channel dev --counter 3 "
		   "--image name=app,file=app.bin,target=slot0,counter=3 "
		   "--image name=net,file=net.bin --sbom app.spdx.json",
	.options = create_options,
	.operands = create_operands,
	.run = create };
static const struct verb_spec revoke_verb = { .name = "revoke",
	.words = "let no more devices be made with a release",
	.text = "New orders of it are refused, and so are devices of the "
		"orders that there are. What was made stays as it is.",
	.example = "hallmark release revoke thermo/2.4.1 --reason "
		   "CVE-2026-1234",
	.options = revoke_options,
	.operands = revoke_operands,
	.run = revoke };
static const struct verb_spec *const verbs[] = { &create_verb,
	&release_diff_verb, &release_approve_verb, &release_promote_verb,
	&revoke_verb, &release_bundle_verb, &release_open_verb,
	&release_show_verb, NULL };

const struct noun_spec noun_release = { .name = "release",
	.words = "firmware of a product, with its security counter",
	.verbs = verbs };
