/* SPDX-License-Identifier: Apache-2.0 */
/* release show: what it consists of, who approved it, may it be used? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/doc.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/release_parts.h"

static void
put_image(struct doc *at, const struct hm_release *release, uint32_t i)
{
	static const uint8_t nothing[HM_DIGEST_LEN];
	const struct hm_image *image = &release->images[i];

	doc_bytes(at, "name", image->name);
	doc_bytes(at, "format", image->format);
	doc_bytes(at, "version", image->version);
	doc_bytes(at, "target", image->target);
	doc_hex(at, "digest", HM_BYTES(image->digest));
	doc_uint(at, "size", image->size);
	if (image->has_counter)
		doc_uint(at, "counter", image->counter);
	if (memcmp(image->payload, nothing, HM_DIGEST_LEN) != 0)
		doc_hex(at, "payload", HM_BYTES(image->payload));
	doc_bool(at, "measured", i == release->measured);
}

static void
put_release(struct doc *doc, const struct release_read *read)
{
	static const uint8_t nothing[HM_DIGEST_LEN];
	const struct hm_release *release = &read->object->release;
	struct doc *images, *sboms;

	doc_bytes(doc, "release", release->name);
	doc_bytes(doc, "product", release->product);
	doc_text(doc, "channel",
	    release->channel == HM_CHANNEL_PROD ? "prod" : "dev");
	doc_uint(doc, "counter", release->counter);
	doc_time(doc, "made", read->object->made_s);
	images = doc_array(doc, "images");
	for (uint32_t i = 0; i < release->image_count; i++)
		put_image(doc_object(images, NULL), release, i);
	sboms = doc_array(doc, "sboms");
	for (uint32_t i = 0; i < release->sbom_count; i++) {
		struct doc *at = doc_object(sboms, NULL);

		doc_bytes(at, "name", release->sboms[i].name);
		doc_bytes(at, "type", release->sboms[i].type);
		doc_hex(at, "digest", HM_BYTES(release->sboms[i].digest));
		doc_uint(at, "size", release->sboms[i].size);
	}
	if (memcmp(release->promoted, nothing, HM_DIGEST_LEN) != 0)
		doc_hex(doc, "promoted_from", HM_BYTES(release->promoted));
	doc_hex(doc, "digest", HM_BYTES(read->digest));
}

/* What the server knows beyond the object itself. */
static hm_err
put_state(const struct options *given, const struct release_read *read,
    struct doc *doc, struct why *why)
{
	AUTO(context) struct context context = { 0 };
	AUTO(buf) struct buf body = { 0 };
	AUTO_DOC struct doc *state = NULL;
	char path[128] = "/v1/release/";
	struct doc *from, *to;

	hex_format(HM_BYTES(read->digest), path + strlen(path));
	HM_TRY(context_load(given, &context, why));
	HM_TRY(context_get(&context, path, &body, why));
	HM_TRY(doc_parse(buf_bytes(&body), &state, why));
	doc_text(doc, "state", doc_get_text(state, "state", ""));
	report_line("state        %s", doc_get_text(state, "state", ""));
	from = doc_get(state, "approvals");
	to = doc_array(doc, "approvals");
	for (size_t i = 0; from != NULL && i < doc_count(from); i++) {
		struct doc *one = doc_at(from, i), *made = doc_object(to, NULL);
		const char *by = doc_get_text(one, "by", "");
		const char *at = doc_get_text(one, "at", "");

		doc_text(made, "by", by);
		doc_text(made, "at", at);
		report_line("approved     by %s, %s", by, at);
	}
	return HM_OK;
}

static hm_err
show(const struct options *given, struct doc *doc, struct why *why)
{
	AUTO(release_read) struct release_read release = { 0 };

	HM_TRY(
	    release_read(given, options_text(given, "release"), &release, why));
	put_release(doc, &release);
	if (!report_is_json())
		release_print(&release.object->release);
	if (options_flag(given, "offline"))
		return HM_OK;
	return put_state(given, &release, doc, why);
}

static int
run(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.release.show/1");
	struct why why = { 0 };
	hm_err err = show(given, doc, &why);

	return err == HM_OK ? report_end(doc) : report_failure(err, &why);
}

static const struct option_spec options[] = {
	AUTHORITY_OPTION,
	{ "offline", OPTION_FLAG, .help = "do not ask the server" },
	CONTEXT_OPTION,
	{ 0 },
};
static const struct option_spec operands[] = { RELEASE_OPERAND, { 0 } };

const struct verb_spec release_show_verb = { .name = "show",
	.words = "its images, approvals and state",
	.example = "hallmark release show thermo/2.4.1\n"
		   "hallmark release show release.cose --authority "
		   "authority.pub --offline",
	.options = options,
	.operands = operands,
	.run = run };
