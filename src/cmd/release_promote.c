/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release promote: the images of a dev release, signed anew for production
 *
 * Each file must be the one that the dev release names. Its development
 * signature is verified strictly and taken off, the production key in a token
 * signs the same payload, and the result is verified before it gets its name.
 * The new release names the dev one; keeper, signer and auditors compare the
 * digests of all payloads.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/output.h"
#include "base/report.h"
#include "cmd/image_job.h"
#include "cmd/image_token.h"
#include "cmd/release_parts.h"

#define IMAGE_MAX (UINT64_C(1) << 32)

static struct release_spec specs[HM_RELEASE_IMAGES_MAX];
static char versions[HM_RELEASE_IMAGES_MAX][IMAGE_VERSION_MAX + 1];

struct work {
	const struct options *given;
	struct release_keys keys;
	struct secret pin;
	const struct hm_release *dev;
	struct hm_release *prod;
};

static void
work_done(struct work *work)
{
	release_keys_done(&work->keys);
	secret_done(&work->pin);
}

/* Sign into `out`; it is verified there as a production image. */
static hm_err
sign(struct work *work, const struct release_spec *spec,
    const struct input *file, struct output *out, struct why *why)
{
	const struct image_format *format = image_format_of(file);
	struct image_token_place place = { .uri = spec->key,
		.module = options_text(work->given, "module"),
		.pin = &work->pin };
	struct image_token token = { 0 };
	struct image_signer signer;
	struct image_resign how = {
		.old = &work->keys.dev, .signer = &signer, .hint = spec->hint
	};
	hm_err err;

	if (place.uri == NULL)
		place.uri = options_text(work->given, "key");
	if (place.uri == NULL || strncmp(place.uri, "pkcs11:", 7) != 0)
		return WHY(why, HM_E_KEY_ROLE,
		    "production keys are in a token: --key pkcs11:...");
	if (format == NULL)
		return HM_E_IMAGE_FORMAT;
	HM_TRY(image_time(&how.time_s, why));
	HM_TRY(image_token_open(&place, &token, why));
	signer = image_token_signer(&token);
	err = image_resign(format, file, &how, out, why);
	image_token_done(&token);
	return err;
}

/* The same payload, and nothing but the signature another. */
static hm_err
compare(const struct hm_image *old, struct hm_image *made, struct why *why)
{
	made->name = old->name;
	made->target = old->target;
	made->version = old->version;
	if (memcmp(old->payload, made->payload, HM_DIGEST_LEN) != 0)
		return WHY(why, HM_E_PROMOTION,
		    "the payload is another after signing");
	if (made->has_counter != old->has_counter ||
	    made->counter != old->counter)
		return WHY(
		    why, HM_E_PROMOTION, "the security counter is another");
	return HM_OK;
}

static hm_err
make_file(
    struct work *work, uint32_t at, const struct input *file, struct why *why)
{
	const struct release_spec *spec = &specs[at];
	struct hm_image *made = &work->prod->images[at];
	AUTO_OUTPUT struct output *out = NULL;
	struct input written;

	if (spec->out == NULL)
		return WHY(
		    why, HM_E_USAGE, "out=FILE is missing: %s", spec->file);
	HM_TRY(output_open(spec->out, 0644, &out, why));
	HM_TRY(sign(work, spec, file, out, why));
	HM_TRY(output_input(out, &written));
	HM_TRY(release_look(
	    &written, HM_CHANNEL_PROD, &work->keys, made, versions[at], why));
	HM_TRY(compare(&work->dev->images[at], made, why));
	return output_commit(out, why);
}

static hm_err
promote_image(
    struct work *work, uint32_t at, const struct input *file, struct why *why)
{
	const struct hm_image *old = &work->dev->images[at];
	struct hm_image seen = { 0 };
	char version[IMAGE_VERSION_MAX + 1];

	HM_TRY(release_look(
	    file, HM_CHANNEL_DEV, &work->keys, &seen, version, why));
	if (memcmp(seen.digest, old->digest, HM_DIGEST_LEN) != 0)
		return WHY(why, HM_E_PROMOTION,
		    "it is not the file that the release names");
	if (memcmp(seen.payload, old->payload, HM_DIGEST_LEN) != 0)
		return WHY(why, HM_E_PROMOTION,
		    "its payload is not the one that the release names");
	work->prod->images[at] = *old;
	/* Without a signature of its own the same file goes on. */
	if (hm_bytes_equal(old->format, HM_LITERAL("raw")))
		return HM_OK;
	return make_file(work, at, file, why);
}

static hm_err
find_spec(const struct options *given, struct hm_bytes name,
    struct release_spec *ret, struct why *why)
{
	for (size_t i = 0; i < options_count(given, "image"); i++) {
		const char *own;

		HM_TRY(release_spec_parse(
		    options_at(given, "image", i), ret, why));
		own = ret->name == NULL ? "firmware" : ret->name;
		if (hm_bytes_equal(hm_bytes_of(own), name))
			return HM_OK;
	}
	return WHY(why, HM_E_USAGE, "no --image for %.*s of the release",
	    (int)name.len, (const char *)name.ptr);
}

static hm_err
promote_images(struct work *work, struct why *why)
{
	if (options_count(work->given, "image") != work->dev->image_count)
		return WHY(why, HM_E_USAGE, "one --image for each of them");
	for (uint32_t i = 0; i < work->dev->image_count; i++) {
		struct input file;
		hm_err err;

		HM_TRY(find_spec(
		    work->given, work->dev->images[i].name, &specs[i], why));
		HM_TRY(input_open(specs[i].file, IMAGE_MAX, &file, why));
		err = promote_image(work, i, &file, why);
		input_done(&file);
		if (err != HM_OK) {
			why_where(why, "%s", specs[i].file);
			return err;
		}
	}
	return HM_OK;
}

static hm_err
promote(const struct options *given, uint8_t *digest, struct why *why)
{
	static struct hm_object object = { .kind = HM_OBJECT_RELEASE };
	AUTO(release_read) struct release_read dev = { 0 };
	AUTO(work) struct work work = { .given = given };
	struct hm_release *release = &object.release;

	HM_TRY(release_read(given, options_text(given, "from"), &dev, why));
	*release = dev.object->release;
	if (release->channel != HM_CHANNEL_DEV)
		return WHY(why, HM_E_CHANNEL, "it is no development release");
	release->name = hm_bytes_of(options_text(given, "release"));
	release->channel = HM_CHANNEL_PROD;
	memcpy(release->promoted, dev.digest, HM_DIGEST_LEN);
	work.dev = &dev.object->release;
	work.prod = release;
	HM_TRY(release_keys_load(given, &work.keys, why));
	HM_TRY(secret_load(options_text(given, "pin"), &work.pin, why));
	HM_TRY(promote_images(&work, why));
	return sign_object(given, &object, digest, why);
}

static int
run(const struct options *given)
{
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	hm_err err = promote(given, digest, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	return report_object("hallmark.release.promote/1", "release",
	    options_text(given, "release"), digest);
}

static const struct option_spec options[] = {
	{ "from", OPTION_TEXT, .required = true, .metavar = "RELEASE",
	    .help = "the dev release: its file, its digest in hex, or "
		    "PRODUCT/NAME at the server" },
	{ "image", OPTION_TEXT, .required = true, .repeated = true,
	    .metavar = "SPEC",
	    .help = "name=NAME,file=FILE,out=FILE and, if not --key, "
		    "key=URI; of a FIT, hint=NAME of the key" },
	{ "key", OPTION_TEXT, .metavar = "URI",
	    .help = "the production key, in its token" },
	{ "pin", OPTION_TEXT, .metavar = "SOURCE", .fallback = "prompt",
	    .help = "where the PIN comes from: prompt, fd:N, "
		    "credential:NAME, file:PATH" },
	{ "module", OPTION_PATH, .metavar = "FILE",
	    .help = "PKCS#11 module; without it those of p11-kit" },
	RELEASE_KEY_OPTIONS,
	AUTHORITY_OPTION,
	OBJECT_OPTIONS,
	{ 0 },
};
static const struct option_spec operands[] = {
	{ "release", OPTION_TEXT, .required = true,
	    .help = "name of the production release" },
	{ 0 },
};

const struct verb_spec release_promote_verb = { .name = "promote",
	.words = "sign the images of a dev release for production",
	.text = "Each image is verified with the development keys, their "
		"signatures are taken off, and the key in the token signs the "
		"same payload. The new release names the old one, and server "
		"and auditors refuse it if a payload differs. It may be used "
		"once two approvers have approved it.",
	.example = "hallmark release promote 2.4.1 --from thermo/2.4.1-dev "
		   "--image name=app,file=app.dev.bin,out=app.bin "
		   "--dev-key dev.pub --prod-key prod.pub "
		   "--key 'pkcs11:token=acme-images;object=app'",
	.options = options,
	.operands = operands,
	.run = run };
