/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/release_parts.h"
#include "crypto/digest.h"
#include "image/image.h"

#define IMAGE_MAX (UINT64_C(1) << 32)
#define SBOM_MAX (64u * 1024 * 1024)

/* ---- what was given ---- */

static const char **
field(struct release_spec *spec, const char *key)
{
	const struct {
		const char *key;
		const char **at;
	} fields[] = {
		{ "name", &spec->name },
		{ "file", &spec->file },
		{ "format", &spec->format },
		{ "version", &spec->version },
		{ "target", &spec->target },
		{ "counter", &spec->counter },
		{ "type", &spec->type },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(key, fields[i].key) == 0)
			return fields[i].at;
	return NULL;
}

hm_err
release_spec_parse(const char *given, struct release_spec *ret, struct why *why)
{
	char *at, *next;

	*ret = (struct release_spec){ 0 };
	if (strlen(given) >= sizeof(ret->text))
		return WHY(why, HM_E_USAGE, "too long: %.40s...", given);
	strcpy(ret->text, given);
	if (strncmp(given, "name=", 5) != 0 &&
	    strncmp(given, "file=", 5) != 0) {
		ret->file = ret->text;
		return HM_OK;
	}
	for (at = ret->text; at != NULL; at = next) {
		char *value = strchr(at, '=');
		const char **to;

		next = strchr(at, ',');
		if (next != NULL)
			*next++ = '\0';
		if (value == NULL || (next != NULL && value >= next - 1))
			return WHY(why, HM_E_USAGE, "not KEY=VALUE: %s", at);
		*value = '\0';
		to = field(ret, at);
		if (to == NULL || *to != NULL)
			return WHY(why, HM_E_USAGE, "%s, or given twice: %s",
			    "keys are name, file, format, version, target, "
			    "counter, type",
			    at);
		*to = value + 1;
	}
	if (ret->file == NULL)
		return WHY(why, HM_E_USAGE, "no file= in %s", given);
	return HM_OK;
}

/* ---- images ---- */

static struct release_spec image_specs[HM_RELEASE_IMAGES_MAX];
static struct release_spec sbom_specs[HM_RELEASE_SBOMS_MAX];

static hm_err
refuse_image(hm_err err, const struct release_spec *spec, struct why *why)
{
	why_where(why, "%s", spec->file);
	return err;
}

/* All that needs no key. */
static hm_err
inspect(const struct image_format *format, const struct input *file,
    struct why *why)
{
	struct findings *findings;
	hm_err err;

	HM_TRY(findings_new(format->name, &findings));
	err = format->inspect(file, findings);
	if (err == HM_OK)
		err = findings_verdict(findings, why);
	findings_free(findings);
	return err;
}

/* What it is, not what somebody says that it is. */
static hm_err
recognise(const struct release_spec *spec, const struct input *file,
    struct hm_image *ret, struct why *why)
{
	const struct image_format *format = image_format_of(file);
	const char *name = format == NULL ? "raw" : format->name;

	if (spec->format != NULL && strcmp(spec->format, name) != 0)
		return WHY(why, HM_E_IMAGE_FORMAT, "it is %s, not %s",
		    format == NULL ? "of no known format" : name, spec->format);
	ret->format = hm_bytes_of(name);
	return format == NULL ? HM_OK : inspect(format, file, why);
}

static hm_err
measure(const struct input *file, uint8_t ret[static HM_DIGEST_LEN])
{
	uint8_t digest[HASH_MAX];

	HM_TRY(image_hash(file, 0, file->size, HASH_SHA256, digest));
	memcpy(ret, digest, HM_DIGEST_LEN);
	return HM_OK;
}

static hm_err
take_counter(const struct release_spec *spec, const struct hm_release *release,
    struct hm_image *ret, struct why *why)
{
	uint64_t counter;

	if (spec->counter == NULL)
		return HM_OK;
	if (uint_parse(hm_bytes_of(spec->counter), UINT32_MAX, &counter) !=
	    HM_OK)
		return WHY(why, HM_E_USAGE, "no counter: %s", spec->counter);
	ret->has_counter = true;
	ret->counter = (uint32_t)counter;
	if (ret->counter < release->counter)
		return WHY(why, HM_E_COUNTER,
		    "its counter %" PRIu32 " is below the release's %" PRIu32,
		    ret->counter, release->counter);
	return HM_OK;
}

static hm_err
fill_image(const struct release_spec *spec, const struct input *file,
    const struct hm_release *release, struct hm_image *ret, struct why *why)
{
	ret->name = hm_bytes_of(spec->name == NULL ? "firmware" : spec->name);
	ret->version = hm_bytes_of(spec->version == NULL ? "" : spec->version);
	ret->target = hm_bytes_of(spec->target == NULL ? "" : spec->target);
	ret->size = file->size;
	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	HM_TRY(recognise(spec, file, ret, why));
	HM_TRY(take_counter(spec, release, ret, why));
	return measure(file, ret->digest);
}

static hm_err
take_image(const char *given, struct release_spec *spec,
    const struct hm_release *release, struct hm_image *ret, struct why *why)
{
	struct input file;
	hm_err err;

	HM_TRY(release_spec_parse(given, spec, why));
	HM_TRY(input_open(spec->file, IMAGE_MAX, &file, why));
	err = fill_image(spec, &file, release, ret, why);
	input_done(&file);
	return err == HM_OK ? HM_OK : refuse_image(err, spec, why);
}

/* ---- bills of materials ---- */

static const char *
type_of(struct hm_bytes text)
{
	AUTO_DOC struct doc *doc = NULL;

	if (doc_parse(text, &doc, NULL) != HM_OK)
		return NULL;
	if (doc_get_text(doc, "spdxVersion", NULL) != NULL)
		return "application/spdx+json";
	if (strcmp(doc_get_text(doc, "bomFormat", ""), "CycloneDX") == 0)
		return "application/vnd.cyclonedx+json";
	return NULL;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static hm_err
take_sbom(const char *given, struct release_spec *spec, struct hm_sbom *ret,
    struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	const char *type;

	HM_TRY(release_spec_parse(given, spec, why));
	HM_TRY(file_read(spec->file, SBOM_MAX, &text, why));
	type = spec->type != NULL ? spec->type : type_of(buf_bytes(&text));
	if (type == NULL) {
		why_where(why, "%s", spec->file);
		return WHY(why, HM_E_USAGE,
		    "neither SPDX nor CycloneDX in JSON; say type=");
	}
	ret->name = hm_bytes_of(
	    spec->name != NULL ? spec->name : base_name(spec->file));
	ret->type = hm_bytes_of(type);
	ret->size = text.len;
	sha256_one(buf_bytes(&text), ret->digest);
	return HM_OK;
}

/* ---- all ---- */

static hm_err
find_measured(
    const struct options *given, struct hm_release *release, struct why *why)
{
	const char *name = options_text(given, "measured");

	release->measured = 0;
	if (name == NULL)
		return HM_OK;
	for (uint32_t i = 0; i < release->image_count; i++)
		if (hm_bytes_equal(
			release->images[i].name, hm_bytes_of(name))) {
			release->measured = i;
			return HM_OK;
		}
	return WHY(why, HM_E_USAGE, "no image has the name %s", name);
}

hm_err
release_take_files(
    const struct options *given, struct hm_release *release, struct why *why)
{
	size_t images = options_count(given, "image");
	size_t sboms = options_count(given, "sbom");

	if (images > HM_RELEASE_IMAGES_MAX || sboms > HM_RELEASE_SBOMS_MAX)
		return WHY(why, HM_E_USAGE, "at most %d images and %d boms",
		    HM_RELEASE_IMAGES_MAX, HM_RELEASE_SBOMS_MAX);
	for (size_t i = 0; i < images; i++)
		HM_TRY(take_image(options_at(given, "image", i),
		    &image_specs[i], release, &release->images[i], why));
	for (size_t i = 0; i < sboms; i++)
		HM_TRY(take_sbom(options_at(given, "sbom", i), &sbom_specs[i],
		    &release->sboms[i], why));
	release->image_count = (uint32_t)images;
	release->sbom_count = (uint32_t)sboms;
	return find_measured(given, release, why);
}
