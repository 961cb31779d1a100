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
#include "image/ihex.h"

#define IMAGE_MAX (UINT64_C(1) << 32)
#define PEM_MAX 65536
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
		{ "key", &spec->key },
		{ "out", &spec->out },
		{ "hint", &spec->hint },
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
			    "counter, type, key, out, hint",
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

/* ---- keys ---- */

static hm_err
load_keys(const struct options *given, const char *option,
    struct image_keys *ret, struct why *why)
{
	for (size_t i = 0; i < options_count(given, option); i++) {
		const char *path = options_at(given, option, i);
		AUTO(buf) struct buf pem = { 0 };
		hm_err err;

		if (i == IMAGE_KEYS_MAX)
			return WHY(why, HM_E_USAGE, "too many --%s", option);
		HM_TRY(file_read_text(path, PEM_MAX, &pem, why));
		err =
		    pkey_from_pem(buf_bytes(&pem), NULL, &ret->trusted[i], why);
		if (err != HM_OK) {
			why_where(why, "%s", path);
			return err;
		}
		ret->trusted_count = i + 1;
	}
	return HM_OK;
}

/* Who reads encrypted images; one key, of both channels. */
static hm_err
load_decrypt(
    const struct options *given, struct release_keys *ret, struct why *why)
{
	const char *path = options_text(given, "decrypt-key");
	AUTO(buf) struct buf pem = { 0 };
	hm_err err;

	if (path == NULL)
		return HM_OK;
	HM_TRY(file_read_text(path, PEM_MAX, &pem, why));
	err = pkey_from_pem(buf_bytes(&pem), NULL, &ret->dev.decrypt, why);
	buf_wipe(&pem);
	if (err == HM_OK && !pkey_is_private(ret->dev.decrypt))
		err = WHY(why, HM_E_KEY, "it is not a private key");
	if (err != HM_OK)
		why_where(why, "%s", path);
	ret->prod.decrypt = ret->dev.decrypt;
	return err;
}

hm_err
release_keys_load(
    const struct options *given, struct release_keys *ret, struct why *why)
{
	*ret = (struct release_keys){ 0 };
	HM_TRY(load_keys(given, "dev-key", &ret->dev, why));
	HM_TRY(load_keys(given, "prod-key", &ret->prod, why));
	HM_TRY(load_decrypt(given, ret, why));
	for (size_t i = 0; i < ret->dev.trusted_count; i++)
		for (size_t k = 0; k < ret->prod.trusted_count; k++)
			if (pkey_equal(
				ret->dev.trusted[i], ret->prod.trusted[k]))
				return WHY(why, HM_E_KEY_ROLE,
				    "one key is given for both channels");
	for (size_t k = 0; k < ret->prod.trusted_count; k++)
		HM_TRY(image_check_role(ret->prod.trusted[k],
		    options_at(given, "prod-key", k), why));
	return HM_OK;
}

void
release_keys_done(struct release_keys *keys)
{
	for (size_t i = 0; i < keys->dev.trusted_count; i++)
		pkey_free(keys->dev.trusted[i]);
	for (size_t i = 0; i < keys->prod.trusted_count; i++)
		pkey_free(keys->prod.trusted[i]);
	pkey_free(keys->dev.decrypt);
	*keys = (struct release_keys){ 0 };
}

/* ---- what a file is ---- */

static hm_err
verdict(const struct image_format *format, const struct input *file,
    const struct image_keys *keys, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;

	HM_TRY(findings_new(format->name, &findings));
	if (keys == NULL)
		HM_TRY(format->inspect(file, findings));
	else
		HM_TRY(image_check(format, file, keys, findings));
	return findings_verdict(findings, why);
}

static const struct image_keys *
own_keys(hm_channel channel, const struct release_keys *keys)
{
	return channel == HM_CHANNEL_PROD ? &keys->prod : &keys->dev;
}

static hm_err
judge(const struct image_format *format, const struct input *file,
    hm_channel channel, const struct release_keys *keys, struct why *why)
{
	bool prod = channel == HM_CHANNEL_PROD;
	const struct image_keys *own = own_keys(channel, keys);

	if (!image_is_signable(format))
		return verdict(format, file, NULL, why);
	if (own->trusted_count == 0)
		return WHY(why, HM_E_IMAGE_UNTRUSTED,
		    "images of format %s need --%s-key, the keys that may "
		    "sign them",
		    format->name, prod ? "prod" : "dev");
	if (prod && keys->dev.trusted_count > 0 &&
	    verdict(format, file, &keys->dev, NULL) == HM_OK)
		return WHY(why, HM_E_KEY_ROLE,
		    "a development key signed it, and it is for production");
	return verdict(format, file, own, why);
}

static hm_err
measure(const struct input *file, uint8_t ret[static HM_DIGEST_LEN])
{
	uint8_t digest[HASH_MAX];

	HM_TRY(image_hash(file, 0, file->size, HASH_SHA256, digest));
	memcpy(ret, digest, HM_DIGEST_LEN);
	return HM_OK;
}

hm_err
release_look(const struct input *file, hm_channel channel,
    const struct release_keys *keys, struct hm_image *ret,
    char version[static IMAGE_VERSION_MAX + 1], struct why *why)
{
	const struct image_format *format = image_format_of(file);
	struct image_facts facts;

	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	ret->size = file->size;
	HM_TRY(measure(file, ret->digest));
	version[0] = '\0';
	if (format == NULL) { /* it is signed by nobody but the release */
		ret->format = HM_LITERAL("raw");
		memcpy(ret->payload, ret->digest, HM_DIGEST_LEN);
		return HM_OK;
	}
	ret->format = hm_bytes_of(format->name);
	HM_TRY(judge(format, file, channel, keys, why));
	HM_TRY(image_facts(format, file, own_keys(channel, keys), &facts));
	memcpy(version, facts.version, sizeof(facts.version));
	ret->version = hm_bytes_of(version);
	ret->has_counter = facts.has_counter;
	ret->counter = facts.counter;
	if (facts.has_payload)
		memcpy(ret->payload, facts.payload, HM_DIGEST_LEN);
	return HM_OK;
}

/* ---- images ---- */

static struct release_spec image_specs[HM_RELEASE_IMAGES_MAX];
static char versions[HM_RELEASE_IMAGES_MAX][IMAGE_VERSION_MAX + 1];
static struct release_spec sbom_specs[HM_RELEASE_SBOMS_MAX];

/* What is said must be what it says itself, if it does. */
static hm_err
take_said(
    const struct release_spec *spec, struct hm_image *ret, struct why *why)
{
	bool raw = hm_bytes_equal(ret->format, HM_LITERAL("raw"));
	uint64_t counter;

	if (spec->format != NULL &&
	    !hm_bytes_equal(hm_bytes_of(spec->format), ret->format))
		return WHY(why, HM_E_IMAGE_FORMAT, "it is %.*s, not %s",
		    (int)ret->format.len, (const char *)ret->format.ptr,
		    spec->format);
	if (spec->version != NULL && ret->version.len > 0 &&
	    !hm_bytes_equal(hm_bytes_of(spec->version), ret->version))
		return WHY(why, HM_E_IMAGE_FIELD, "its version is %.*s, not %s",
		    (int)ret->version.len, (const char *)ret->version.ptr,
		    spec->version);
	if (spec->version != NULL)
		ret->version = hm_bytes_of(spec->version);
	if (spec->counter == NULL)
		return HM_OK;
	if (uint_parse(hm_bytes_of(spec->counter), UINT32_MAX, &counter) !=
	    HM_OK)
		return WHY(why, HM_E_USAGE, "no counter: %s", spec->counter);
	if (ret->has_counter ? ret->counter != counter : !raw)
		return WHY(why, HM_E_COUNTER,
		    "its security counter is not %" PRIu64, counter);
	ret->has_counter = true;
	ret->counter = (uint32_t)counter;
	return HM_OK;
}

/* In Intel HEX nobody sees whose signature and which counter it has. */
static hm_err
check_hex(const struct release_spec *spec, const struct input *file,
    const struct hm_image *image, struct why *why)
{
	if (!hm_bytes_equal(image->format, HM_LITERAL("raw")) ||
	    !ihex_is(file) ||
	    (spec->format != NULL && strcmp(spec->format, "raw") == 0))
		return HM_OK;
	why_where(why, "%s", spec->file);
	why_do(why, "hallmark image convert --format mcuboot -o app.bin "
		    "app.hex, and release that; or say format=raw");
	return WHY(why, HM_E_IMAGE_FORMAT,
	    "Intel HEX is not looked into: nobody would judge the image in it");
}

static hm_err
fill_image(const struct release_spec *spec, const struct input *file,
    const struct release_keys *keys, struct hm_release *release,
    struct why *why)
{
	uint32_t at = (uint32_t)(spec - image_specs);
	struct hm_image *ret = &release->images[at];

	ret->name = hm_bytes_of(spec->name == NULL ? "firmware" : spec->name);
	ret->target = hm_bytes_of(spec->target == NULL ? "" : spec->target);
	HM_TRY(
	    release_look(file, release->channel, keys, ret, versions[at], why));
	HM_TRY(check_hex(spec, file, ret, why));
	HM_TRY(take_said(spec, ret, why));
	if (ret->has_counter && ret->counter < release->counter)
		return WHY(why, HM_E_COUNTER,
		    "its counter %" PRIu32 " is below the release's %" PRIu32,
		    ret->counter, release->counter);
	return HM_OK;
}

static hm_err
take_image(const char *given, struct release_spec *spec,
    const struct release_keys *keys, struct hm_release *release,
    struct why *why)
{
	struct input file;
	hm_err err;

	HM_TRY(release_spec_parse(given, spec, why));
	HM_TRY(input_open(spec->file, IMAGE_MAX, &file, why));
	err = fill_image(spec, &file, keys, release, why);
	input_done(&file);
	if (err != HM_OK)
		why_where(why, "%s", spec->file);
	return err;
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
	AUTO(release_keys) struct release_keys keys = { 0 };
	size_t images = options_count(given, "image");
	size_t sboms = options_count(given, "sbom");

	if (images > HM_RELEASE_IMAGES_MAX || sboms > HM_RELEASE_SBOMS_MAX)
		return WHY(why, HM_E_USAGE, "at most %d images and %d boms",
		    HM_RELEASE_IMAGES_MAX, HM_RELEASE_SBOMS_MAX);
	HM_TRY(release_keys_load(given, &keys, why));
	for (size_t i = 0; i < images; i++)
		HM_TRY(take_image(options_at(given, "image", i),
		    &image_specs[i], &keys, release, why));
	for (size_t i = 0; i < sboms; i++)
		HM_TRY(take_sbom(options_at(given, "sbom", i), &sbom_specs[i],
		    &release->sboms[i], why));
	release->image_count = (uint32_t)images;
	release->sbom_count = (uint32_t)sboms;
	return find_measured(given, release, why);
}
