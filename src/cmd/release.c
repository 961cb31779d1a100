/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark release: firmware that a product may leave the line with */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/nouns.h"
#include "cmd/sign_object.h"
#include "crypto/digest.h"

#define IMAGE_MAX (1024u * 1024 * 1024)

static const struct option_spec options[] = {
	{ "product", OPTION_TEXT, .required = true, .metavar = "NAME",
	    .help = "the product that runs it" },
	{ "image", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "the firmware image; its SHA-256 is what devices claim" },
	{ "channel", OPTION_ENUM, .choices = "dev|prod", .required = true,
	    .help = "who it is for" },
	{ "counter", OPTION_INT, .min = 0, .max = UINT32_MAX, .fallback = "0",
	    .help = "security counter; it only grows" },
	OBJECT_OPTIONS,
	{ 0 },
};
static const struct option_spec operands[] = {
	{ "release", OPTION_TEXT, .required = true,
	    .help = "its version, such as 2.4.1" },
	{ 0 },
};

static hm_err
make(const struct options *given, uint8_t *digest, struct why *why)
{
	static struct hm_object object = { .kind = HM_OBJECT_RELEASE };
	AUTO(buf) struct buf image = { 0 };
	struct hm_release *release = &object.release;

	HM_TRY(file_read(options_text(given, "image"), IMAGE_MAX, &image, why));
	release->name = hm_bytes_of(options_text(given, "release"));
	release->product = hm_bytes_of(options_text(given, "product"));
	release->channel = strcmp(options_text(given, "channel"), "prod") == 0
			       ? HM_CHANNEL_PROD
			       : HM_CHANNEL_DEV;
	release->counter = (uint32_t)options_int(given, "counter");
	release->image_size = image.len;
	sha256_one(buf_bytes(&image), release->image);
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

static const struct verb_spec create_verb = { .name = "create",
	.words = "sign a release and give it to the server",
	.example = "hallmark release create 2.4.1 --product thermo "
		   "--channel prod --counter 3 --image app.bin",
	.options = options,
	.operands = operands,
	.run = create };
static const struct verb_spec *const verbs[] = { &create_verb, NULL };

const struct noun_spec noun_release = { .name = "release",
	.words = "firmware of a product, with its security counter",
	.verbs = verbs };
