/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark device update, firmware: over the link of a device that runs */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/report.h"
#include "cmd/nouns.h"
#include "image/mcuboot.h"
#include "station/sender.h"

#define IMAGE_MAX (64u << 20) /* bytes: no slot is larger */

#define LINK_OPTIONS                                                          \
	{ "link", OPTION_TEXT, .required = true, .metavar = "LINK",           \
		.help =                                                       \
		    "unix:PATH, at which the device connects, or tty:PATH" }, \
	{                                                                     \
		"timeout-s", OPTION_INT,                                      \
		    .fallback = "60", .min = 1, .max = 86400,                 \
		    .help = "seconds without progress until it gives up"      \
	}

static hm_err
open_link(const struct options *given, struct sender *sender, struct why *why)
{
	return sender_open(sender, options_text(given, "link"),
	    (uint64_t)options_int(given, "timeout-s") * 1000000, why);
}

/* ---- what it says ---- */

static const char *
where_name(hm_update_where where)
{
	static const char *const names[] = { "none", "receiving", "ready",
		"installed" };

	return names[where];
}

static void
version_text(const struct hm_update_state *state, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%u.%u.%u+%" PRIu32, state->major,
	    state->minor, state->revision, state->build);
}

static void
doc_state(struct doc *doc, const struct hm_update_state *state)
{
	char version[40];

	version_text(state, version, sizeof(version));
	doc_text(doc, "version", version);
	doc_hex(doc, "running", HM_BYTES(state->running));
	doc_bool(doc, "confirmed", state->is_confirmed);
	doc_uint(doc, "security_counter", state->counter);
	doc_text(doc, "update", where_name(state->where));
	doc_uint(doc, "received", state->received);
	doc_uint(doc, "size", state->size);
}

/* ---- firmware ---- */

static const struct option_spec firmware_options[] = { LINK_OPTIONS, { 0 } };

static int
firmware(const struct options *given)
{
	static struct sender sender;
	AUTO_DOC struct doc *doc = NULL;
	struct why why = { 0 };
	char version[40];
	hm_err err = open_link(given, &sender, &why);

	if (err == HM_OK)
		err = sender_ask(&sender, HM_UPDATE_STATUS, &why);
	sender_close(&sender);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc = report_doc("hallmark.device.firmware/1");
	doc_state(doc, &sender.state);
	version_text(&sender.state, version, sizeof(version));
	report_line("version           %s, %s", version,
	    sender.state.is_confirmed ? "confirmed" : "on trial");
	report_line("security counter  %" PRIu32, sender.state.counter);
	report_line("update            %s", where_name(sender.state.where));
	return report_end(doc);
}

/* ---- update ---- */

static const struct option_spec update_options[] = { LINK_OPTIONS,
	{ "no-restart", OPTION_FLAG,
	    .help = "leave the restart, and with it the trial, to the device" },
	{ 0 } };

static const struct option_spec update_operand[] = {
	{ "image", OPTION_PATH, .required = true,
	    .help = "signed image, MCUboot format" },
	{ 0 },
};

static hm_err
install(struct sender *sender, const struct input *file, struct why *why)
{
	AUTO(mcuboot_outline) struct mcuboot_outline outline = { 0 };
	struct sender_image image = { .file = file };

	HM_TRY(mcuboot_outline(file, &outline, why));
	HM_TRY(input_read(
	    file, 0, (struct hm_span){ image.header, sizeof(image.header) }));
	if (outline.tlvs.len > HM_UPDATE_TLVS_MAX)
		return WHY(why, HM_E_TOO_LARGE, "more than %u bytes of TLVs",
		    HM_UPDATE_TLVS_MAX);
	image.tlvs = buf_bytes(&outline.tlvs);
	image.size = outline.payload_end;
	return sender_install(sender, &image, why);
}

static hm_err
carry(const struct options *given, struct sender *sender, struct why *why)
{
	AUTO(input) struct input file = { .fd = -1 };

	HM_TRY(input_open(options_text(given, "image"), IMAGE_MAX, &file, why));
	HM_TRY(open_link(given, sender, why));
	HM_TRY(install(sender, &file, why));
	report_note("sent, verified by the device and installed");
	return options_flag(given, "no-restart") ? HM_OK
						 : sender_start(sender, why);
}

static int
update(const struct options *given)
{
	static struct sender sender;
	AUTO_DOC struct doc *doc = NULL;
	struct why why = { 0 };
	char version[40];
	hm_err err = carry(given, &sender, &why);

	sender_close(&sender);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc = report_doc("hallmark.device.update/1");
	doc_state(doc, &sender.state);
	doc_uint(doc, "resumed_at", sender.resumed_at);
	version_text(&sender.state, version, sizeof(version));
	if (options_flag(given, "no-restart"))
		report_line("installed; the next start tries it");
	else
		report_line("runs %s, confirmed", version);
	return report_end(doc);
}

const struct verb_spec device_firmware = { .name = "firmware",
	.words = "what runs on a device, asked over its link",
	.options = firmware_options,
	.run = firmware };
const struct verb_spec device_update = { .name = "update",
	.words = "send a device an image over its link",
	.text =
	    "The device judges the image before it erases anything, goes on "
	    "where it was after the link or its power was cut, and tries "
	    "the image at its next start; it confirms itself, or the image "
	    "before comes back.\n\n"
	    "Nothing needs to be trusted on the way: the device believes "
	    "the signature.",
	.options = update_options,
	.operands = update_operand,
	.run = update };
