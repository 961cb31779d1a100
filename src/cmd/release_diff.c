/* SPDX-License-Identifier: Apache-2.0 */
/* release diff: images, counters and components that differ */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/release_parts.h"
#include "cmd/release_sbom.h"
#include "crypto/digest.h"

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).ptr

struct diff {
	struct doc *list;
	size_t count;
};

__attribute__((format(printf, 5, 6))) static void
say(struct diff *diff, const char *what, struct hm_bytes name,
    const char *change, const char *format, ...)
{
	struct doc *at = doc_object(diff->list, NULL);
	char text[256];
	va_list values;

	va_start(values, format);
	(void)vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	doc_text(at, "what", what);
	doc_bytes(at, "name", name);
	doc_text(at, "change", change);
	doc_text(at, "text", text);
	report_line("%-10s %-8s %.*s  %s", what, change, TEXT(name), text);
	diff->count++;
}

/* ---- images ---- */

static void
compare_image(
    struct diff *diff, const struct hm_image *old, const struct hm_image *new_)
{
	bool signature =
	    memcmp(old->payload, new_->payload, HM_DIGEST_LEN) == 0;

	if (memcmp(old->digest, new_->digest, HM_DIGEST_LEN) != 0)
		say(diff, "image", old->name, "changed",
		    "%" PRIu64 " -> %" PRIu64 " bytes%s", old->size, new_->size,
		    signature ? ", payload the same" : "");
	if (!hm_bytes_equal(old->format, new_->format))
		say(diff, "format", old->name, "changed", "%.*s -> %.*s",
		    TEXT(old->format), TEXT(new_->format));
	if (!hm_bytes_equal(old->version, new_->version))
		say(diff, "version", old->name, "changed", "%.*s -> %.*s",
		    TEXT(old->version), TEXT(new_->version));
	if (!hm_bytes_equal(old->target, new_->target))
		say(diff, "target", old->name, "changed", "%.*s -> %.*s",
		    TEXT(old->target), TEXT(new_->target));
	if (old->has_counter != new_->has_counter ||
	    old->counter != new_->counter)
		say(diff, "counter", old->name, "changed",
		    "%" PRIu32 " -> %" PRIu32, old->counter, new_->counter);
}

static void
compare_releases(struct diff *diff, const struct hm_release *old,
    const struct hm_release *new_)
{
	if (old->channel != new_->channel)
		say(diff, "channel", new_->name, "changed", "%s",
		    new_->channel == HM_CHANNEL_PROD ? "dev -> prod"
						     : "prod -> dev");
	if (old->counter != new_->counter)
		say(diff, "counter", new_->name, "changed",
		    "%" PRIu32 " -> %" PRIu32, old->counter, new_->counter);
	for (uint32_t i = 0; i < old->image_count; i++) {
		const struct hm_image *image = &old->images[i];
		const struct hm_image *other =
		    hm_release_image(new_, image->name);

		if (other == NULL)
			say(diff, "image", image->name, "removed", "%.*s",
			    TEXT(image->format));
		else
			compare_image(diff, image, other);
	}
	for (uint32_t i = 0; i < new_->image_count; i++)
		if (hm_release_image(old, new_->images[i].name) == NULL)
			say(diff, "image", new_->images[i].name, "added",
			    "%.*s", TEXT(new_->images[i].format));
}

/* ---- components ---- */

static bool
has_sbom(const struct hm_release *release, const uint8_t *digest)
{
	for (uint32_t i = 0; i < release->sbom_count; i++)
		if (memcmp(release->sboms[i].digest, digest, HM_DIGEST_LEN) ==
		    0)
			return true;
	return false;
}

/* Each file belongs to the release that names its digest. */
static hm_err
load_sboms(const struct options *given, const struct hm_release *old,
    const struct hm_release *new_, struct sbom sides[static 2], struct why *why)
{
	for (size_t i = 0; i < options_count(given, "sbom"); i++) {
		const char *path = options_at(given, "sbom", i);
		AUTO(buf) struct buf text = { 0 };
		uint8_t digest[HM_DIGEST_LEN];
		bool is_old, is_new;

		HM_TRY(file_read(path, SBOM_FILE_MAX, &text, why));
		sha256_one(buf_bytes(&text), digest);
		is_old = has_sbom(old, digest);
		is_new = has_sbom(new_, digest);
		why_where(why, "%s", path);
		if (!is_old && !is_new)
			return WHY(why, HM_E_USAGE,
			    "neither of the releases names this file");
		if (is_old)
			HM_TRY(sbom_add(&sides[0], buf_bytes(&text), why));
		if (is_new)
			HM_TRY(sbom_add(&sides[1], buf_bytes(&text), why));
	}
	return HM_OK;
}

static void
compare_sboms(struct diff *diff, struct sbom *old, struct sbom *new_)
{
	size_t i = 0, k = 0;

	sbom_sort(old);
	sbom_sort(new_);
	while (i < old->count || k < new_->count) {
		const struct sbom_part *a =
		    i < old->count ? &old->list[i] : NULL;
		const struct sbom_part *b =
		    k < new_->count ? &new_->list[k] : NULL;
		int way = a == NULL   ? 1
			  : b == NULL ? -1
				      : strcmp(a->name, b->name);

		if (way < 0) {
			say(diff, "component", hm_bytes_of(a->name), "removed",
			    "%s", a->version);
		} else if (way > 0) {
			say(diff, "component", hm_bytes_of(b->name), "added",
			    "%s", b->version);
		} else if (strcmp(a->version, b->version) != 0) {
			say(diff, "component", hm_bytes_of(a->name), "changed",
			    "%s -> %s", a->version, b->version);
		}
		i += way <= 0;
		k += way >= 0;
	}
}

static hm_err
run_diff(const struct options *given, struct doc *doc, struct why *why)
{
	AUTO(release_read) struct release_read old = { 0 }, new_ = { 0 };
	struct diff diff = { .list = doc_array(doc, "changes") };
	struct sbom sides[2] = { 0 };
	hm_err err;

	HM_TRY(release_read(given, options_text(given, "old"), &old, why));
	HM_TRY(release_read(given, options_text(given, "new"), &new_, why));
	err = load_sboms(
	    given, &old.object->release, &new_.object->release, sides, why);
	if (err == HM_OK) {
		compare_releases(
		    &diff, &old.object->release, &new_.object->release);
		compare_sboms(&diff, &sides[0], &sides[1]);
		if (diff.count == 0)
			report_line("no difference");
	}
	sbom_done(&sides[0]);
	sbom_done(&sides[1]);
	return err;
}

static int
run(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.release.diff/1");
	struct why why = { 0 };
	hm_err err = run_diff(given, doc, &why);

	return err == HM_OK ? report_end(doc) : report_failure(err, &why);
}

static const struct option_spec options[] = {
	{ "sbom", OPTION_PATH, .repeated = true, .metavar = "FILE",
	    .help = "a bill of materials of one of them, SPDX or CycloneDX in "
		    "JSON" },
	AUTHORITY_OPTION,
	CONTEXT_OPTION,
	{ 0 },
};
static const struct option_spec operands[] = {
	{ "old", OPTION_TEXT, .required = true,
	    .help = "a release: its file, its digest in hex, or PRODUCT/NAME" },
	{ "new", OPTION_TEXT, .required = true, .help = "another one" },
	{ 0 },
};

const struct verb_spec release_diff_verb = { .name = "diff",
	.words = "what differs between two releases",
	.example = "hallmark release diff thermo/2.4.0 thermo/2.4.1 --sbom "
		   "2.4.0.spdx.json --sbom 2.4.1.spdx.json",
	.options = options,
	.operands = operands,
	.run = run };
