/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release bundle, release open: a release on its way to a factory
 *
 * The bundle holds release.cose and images/NAME, encrypted for the stations
 * whose certificates were given. Who opens it verifies the authority's
 * signature first and then each file against the release.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/point_file.h"
#include "cmd/release_parts.h"
#include "crypto/digest.h"
#include "image/bundle.h"
#include "seal/sign1.h"

#define IMAGE_MAX (UINT64_C(1) << 32)
#define PEM_MAX 65536
#define RELEASE_FILE "release.cose"

/* ---- what both do ---- */

static const struct hm_image *
find_image(const struct hm_release *release, const char *name)
{
	for (uint32_t i = 0; i < release->image_count; i++)
		if (hm_bytes_equal(release->images[i].name, hm_bytes_of(name)))
			return &release->images[i];
	return NULL;
}

static hm_err
check_file(
    const struct hm_image *image, const struct input *file, struct why *why)
{
	uint8_t digest[HASH_MAX];

	HM_TRY(image_hash(file, 0, file->size, HASH_SHA256, digest));
	if (memcmp(digest, image->digest, HM_DIGEST_LEN) != 0)
		return WHY(why, HM_E_IMAGE_HASH,
		    "it is not the image %.*s of the release",
		    (int)image->name.len, (const char *)image->name.ptr);
	return HM_OK;
}

static hm_err
load_key(const char *path, struct pkey **ret, struct why *why)
{
	struct buf pem = { 0 };
	hm_err err = file_read_text(path, PEM_MAX, &pem, why);

	if (err == HM_OK)
		err = pkey_from_pem(buf_bytes(&pem), NULL, ret, why);
	buf_wipe(&pem);
	if (err != HM_OK)
		why_where(why, "%s", path);
	return err;
}

/* ---- bundle ---- */

struct stations {
	struct pkey *keys[BUNDLE_RECIPIENTS_MAX];
	size_t count;
};

static void
stations_done(struct stations *stations)
{
	for (size_t i = 0; i < stations->count; i++)
		pkey_free(stations->keys[i]);
}

static hm_err
load_stations(
    const struct options *given, struct stations *ret, struct why *why)
{
	for (size_t i = 0; i < options_count(given, "to"); i++) {
		if (i == BUNDLE_RECIPIENTS_MAX)
			return WHY(why, HM_E_USAGE, "too many stations");
		HM_TRY(
		    load_key(options_at(given, "to", i), &ret->keys[i], why));
		ret->count = i + 1;
	}
	return HM_OK;
}

static hm_err
add_image(struct bundle *bundle, const struct hm_release *release,
    const char *given, struct why *why)
{
	static struct release_spec spec;
	char name[BUNDLE_NAME_MAX];
	const struct hm_image *image;
	struct input file;
	const char *own;
	hm_err err;

	HM_TRY(release_spec_parse(given, &spec, why));
	own = spec.name == NULL ? "firmware" : spec.name;
	image = find_image(release, own);
	if (image == NULL)
		return WHY(why, HM_E_USAGE, "the release has no image %s", own);
	(void)snprintf(name, sizeof(name), "images/%s", own);
	HM_TRY(input_open(spec.file, IMAGE_MAX, &file, why));
	err = check_file(image, &file, why);
	if (err == HM_OK)
		err = bundle_add(bundle, name, &file, why);
	else
		why_where(why, "%s", spec.file);
	input_done(&file);
	return err;
}

static hm_err
fill(const struct options *given, struct bundle *bundle,
    const struct release_read *release, struct why *why)
{
	struct input object = input_of(buf_bytes(&release->message));

	HM_TRY(bundle_add(bundle, RELEASE_FILE, &object, why));
	for (size_t i = 0; i < options_count(given, "image"); i++)
		HM_TRY(add_image(bundle, &release->object->release,
		    options_at(given, "image", i), why));
	return bundle_end(bundle);
}

static hm_err
pack(const struct options *given, struct why *why)
{
	AUTO(release_read) struct release_read release = { 0 };
	AUTO(stations) struct stations stations = { 0 };
	AUTO_OUTPUT struct output *out = NULL;
	struct bundle_to to = { .recipients = stations.keys };
	struct bundle *bundle = NULL;
	hm_err err;

	HM_TRY(
	    release_read(given, options_text(given, "release"), &release, why));
	if (options_count(given, "image") !=
	    release.object->release.image_count)
		return WHY(why, HM_E_USAGE, "one --image for each of them");
	HM_TRY(load_stations(given, &stations, why));
	to.count = stations.count;
	to.mtime_s = release.object->made_s;
	HM_TRY(output_open(options_text(given, "output"), 0644, &out, why));
	HM_TRY(bundle_begin(&to, out, &bundle, why));
	err = fill(given, bundle, &release, why);
	bundle_free(bundle);
	return err == HM_OK ? output_commit(out, why) : err;
}

static int
run_bundle(const struct options *given)
{
	struct why why = { 0 };
	hm_err err = pack(given, &why);

	if (err == HM_OK)
		report_line("%s", options_text(given, "output"));
	return report_failure(err, &why);
}

/* ---- open ---- */

struct opening {
	const struct options *given;
	struct buf message;             /* the release; owned */
	const struct hm_release *found; /* NULL: not seen yet */
	uint32_t images;
};

static void
opening_done(struct opening *opening)
{
	buf_done(&opening->message);
}

static hm_err
save(const struct opening *opening, const char *name,
    const struct input *content, struct why *why)
{
	AUTO_OUTPUT struct output *out = NULL;
	char path[FILE_PATH_MAX];

	HM_TRY(path_join(
	    path, sizeof(path), options_text(opening->given, "into"), name));
	HM_TRY(output_open(path, 0644, &out, why));
	HM_TRY(output_copy(out, content, 0, content->size));
	return output_commit(out, why);
}

/* The authority's word comes first: the rest is measured by it. */
static hm_err
take_release(
    struct opening *opening, const struct input *content, struct why *why)
{
	static struct hm_object object; /* large */
	uint8_t authority[HM_POINT_LEN];
	struct hm_bytes payload;

	HM_TRY(input_load(content, HM_OBJECT_MAX, &opening->message));
	HM_TRY(point_read(
	    options_text(opening->given, "authority"), authority, why));
	HM_TRY(sign1_open(buf_bytes(&opening->message), HM_OBJECT_MAX,
	    HM_LITERAL(HM_AAD_OBJECT), authority, &payload));
	HM_TRY(hm_object_decode(payload, &object));
	if (object.kind != HM_OBJECT_RELEASE)
		return WHY(why, HM_E_BAD_INPUT, "it holds no release");
	opening->found = &object.release;
	return save(opening, RELEASE_FILE, content, why);
}

static hm_err
take_file(void *context, const char *name, const struct input *content)
{
	struct opening *opening = context;
	const struct hm_image *image;

	if (opening->found == NULL)
		return strcmp(name, RELEASE_FILE) == 0
			   ? take_release(opening, content, NULL)
			   : HM_E_BAD_INPUT;
	if (strncmp(name, "images/", 7) != 0)
		return HM_E_BAD_INPUT;
	image = find_image(opening->found, name + 7);
	if (image == NULL)
		return HM_E_BAD_INPUT;
	HM_TRY(check_file(image, content, NULL));
	opening->images++;
	return save(opening, name + 7, content, NULL);
}

static hm_err
unpack(const struct options *given, struct why *why)
{
	AUTO(opening) struct opening opening = { .given = given };
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO_OUTPUT struct output *archive = NULL;
	AUTO_PKEY struct pkey *key = NULL;
	struct input file, files;
	char place[FILE_PATH_MAX];
	hm_err err;

	HM_TRY(load_key(options_text(given, "key"), &key, why));
	HM_TRY(file_mkdir(options_text(given, "into"), 0700, why));
	HM_TRY(path_join(
	    place, sizeof(place), options_text(given, "into"), ".archive"));
	HM_TRY(output_open(place, 0600, &archive, why));
	HM_TRY(findings_new("bundle", &findings));
	HM_TRY(input_open(
	    options_text(given, "bundle"), 2 * IMAGE_MAX, &file, why));
	err = bundle_open(&file, key, archive, findings);
	input_done(&file);
	HM_TRY(err);
	HM_TRY(findings_verdict(findings, why));
	HM_TRY(output_input(archive, &files));
	HM_TRY(bundle_files(&files, take_file, &opening, why));
	if (opening.found == NULL ||
	    opening.images != opening.found->image_count)
		return WHY(why, HM_E_BAD_INPUT, "files are missing in it");
	release_print(opening.found);
	return HM_OK;
}

static int
run_open(const struct options *given)
{
	struct why why = { 0 };
	hm_err err = unpack(given, &why);

	if (err != HM_OK)
		why_where(&why, "%s", options_text(given, "bundle"));
	return report_failure(err, &why);
}

/* ---- tables ---- */

static const struct option_spec bundle_options[] = {
	{ "image", OPTION_TEXT, .required = true, .repeated = true,
	    .metavar = "SPEC", .help = "name=NAME,file=FILE, or FILE" },
	{ "to", OPTION_PATH, .required = true, .repeated = true,
	    .metavar = "FILE",
	    .help = "certificate of a station that may open it, PEM" },
	{ "output", OPTION_PATH, .letter = 'o', .required = true,
	    .metavar = "FILE", .help = "the bundle" },
	AUTHORITY_OPTION,
	CONTEXT_OPTION,
	{ 0 },
};
static const struct option_spec bundle_operands[] = { RELEASE_OPERAND, { 0 } };

const struct verb_spec release_bundle_verb = { .name = "bundle",
	.words = "pack a release for the stations of a factory",
	.text = "Release and images, encrypted for the stations that are "
		"named; nobody else can read it, and a byte that is changed or "
		"missing is found before anything is used.",
	.example = "hallmark release bundle thermo/2.4.1 --image "
		   "name=app,file=app.bin --to station.pem -o 2.4.1.bundle",
	.options = bundle_options,
	.operands = bundle_operands,
	.run = run_bundle };

static const struct option_spec open_options[] = {
	{ "key", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "private key of the station, PEM" },
	{ "authority", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "public key of the authority, PEM" },
	{ "into", OPTION_PATH, .required = true, .metavar = "FOLDER",
	    .help = "where the files go" },
	{ 0 },
};
static const struct option_spec open_operands[] = {
	{ "bundle", OPTION_PATH, .required = true, .help = "the bundle" },
	{ 0 },
};

const struct verb_spec release_open_verb = { .name = "open",
	.words = "unpack a bundle with a station's key",
	.text = "The authority's signature over the release is verified, then "
		"each image against the release.",
	.example = "hallmark release open 2.4.1.bundle --key station.key "
		   "--authority authority.pub --into 2.4.1",
	.options = open_options,
	.operands = open_operands,
	.run = run_open };
