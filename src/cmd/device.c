/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark device: what the server knows of one, and what becomes of it */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "cmd/show.h"

static const struct option_spec device_operand[] = {
	{ "device", OPTION_TEXT, .required = true,
	    .help = "serial number, or device id (64 hex digits)" },
	{ 0 },
};

/* ---- show ---- */

static const struct option_spec show_options[] = { CONTEXT_OPTION, { 0 } };

static int
show(const struct options *given)
{
	static const struct show_row rows[] = {
		{ "serial", "serial", SHOW_TEXT },
		{ "state", "state", SHOW_TEXT },
		{ "order", "order", SHOW_TEXT },
		{ "station", "station", SHOW_TEXT },
		{ "device id", "device_id", SHOW_TEXT },
		{ "mac", "mac", SHOW_TEXT },
		{ "certificate", "certificate_serial", SHOW_TEXT },
		{ "identity", "identity_sha256", SHOW_TEXT },
		{ "stamp", "stamp_sha256", SHOW_TEXT },
		{ "issued", "issued", SHOW_TEXT },
		{ "confirmed", "confirmed", SHOW_TEXT },
		{ "issue entry", "issue_entry", SHOW_NUMBER },
		{ 0 },
	};

	return show_record(
	    given, "/v1/device/", options_text(given, "device"), rows);
}

/* ---- certificate ---- */

static hm_err
fetch(const struct options *given, struct doc **ret, struct why *why)
{
	AUTO(context) struct context context = { 0 };
	AUTO(buf) struct buf body = { 0 };
	char path[256];
	int n = snprintf(
	    path, sizeof(path), "/v1/device/%s", options_text(given, "device"));

	if (n < 0 || (size_t)n >= sizeof(path))
		return WHY(why, HM_E_USAGE, "the name is too long");
	HM_TRY(context_load(given, &context, why));
	HM_TRY(context_get(&context, path, &body, why));
	return doc_parse(buf_bytes(&body), ret, why);
}

static const struct option_spec certificate_options[] = {
	CONTEXT_OPTION,
	{ "out", OPTION_PATH, .required = true, .metavar = "FILE",
	    .help = "the certificate, PEM; never overwritten" },
	{ 0 },
};

static int
certificate(const struct options *given)
{
	AUTO_DOC struct doc *record = NULL;
	static uint8_t der[HM_CERT_MAX];
	struct why why = { 0 };
	size_t len;
	hm_err err = fetch(given, &record, &why);

	if (err == HM_OK)
		err = base64_parse(
		    hm_bytes_of(doc_get_text(record, "certificate", "")),
		    (struct hm_span){ der, sizeof(der) }, &len);
	if (err == HM_OK)
		err = certificate_write(options_text(given, "out"),
		    (struct hm_bytes){ der, len }, &why);
	if (err == HM_OK)
		report_line("%s", options_text(given, "out"));
	return report_failure(err, &why);
}

/* ---- commands ---- */

/* A command names a device by its id; a serial number is looked up. */
static int
command(const struct options *given, hm_verb verb)
{
	const char *name = options_text(given, "device");
	char id[HM_DEVICE_ID_LEN * 2 + 1];
	AUTO_DOC struct doc *record = NULL;
	struct why why = { 0 };
	hm_err err;

	if (strlen(name) == sizeof(id) - 1)
		return run_command(given, verb, name);
	err = fetch(given, &record, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	(void)snprintf(
	    id, sizeof(id), "%s", doc_get_text(record, "device_id", ""));
	return run_command(given, verb, id);
}

static int
scrap(const struct options *given)
{
	return command(given, HM_VERB_SCRAP);
}

static int
revoke(const struct options *given)
{
	return command(given, HM_VERB_REVOKE);
}

static int
hold(const struct options *given)
{
	return command(given, HM_VERB_HOLD);
}

static int
release(const struct options *given)
{
	return command(given, HM_VERB_RELEASE_HOLD);
}

static int
rework(const struct options *given)
{
	return command(given, HM_VERB_REWORK);
}

static int
rma(const struct options *given)
{
	return command(given, HM_VERB_RMA);
}

/* ---- quarantine ---- */

static int
quarantine(const struct options *given)
{
	AUTO(context) struct context context = { 0 };
	AUTO(buf) struct buf body = { 0 };
	AUTO_DOC struct doc *record = NULL;
	struct why why = { 0 };
	struct doc *list;
	hm_err err = context_load(given, &context, &why);

	if (err == HM_OK)
		err = context_get(&context, "/v1/quarantine", &body, &why);
	if (err == HM_OK && report_is_json())
		return report_failure(
		    file_write("-", buf_bytes(&body), 0644, &why), &why);
	if (err == HM_OK)
		err = doc_parse(buf_bytes(&body), &record, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	list = doc_get(record, "devices");
	for (size_t i = 0; i < doc_count(list); i++) {
		struct doc *row = doc_at(list, i);

		report_line("%-16s %-12s %-12s %s",
		    doc_get_text(row, "serial", "-"),
		    doc_get_text(row, "order", "-"),
		    doc_get_text(row, "station", "-"),
		    doc_get_text(row, "issued", "-"));
	}
	report_note("%zu issued, but not confirmed in time", doc_count(list));
	return HM_EXIT_OK;
}

static const struct option_spec command_options[] = { COMMAND_OPTIONS, { 0 } };

#define COMMAND_VERB(verb, name_, words_)                            \
	static const struct verb_spec verb##_verb = { .name = name_, \
		.words = words_,                                     \
		.options = command_options,                          \
		.operands = device_operand,                          \
		.run = verb }

COMMAND_VERB(scrap, "scrap", "it is destroyed; it stays counted");
COMMAND_VERB(revoke, "revoke", "its certificate goes on the revocation list");
COMMAND_VERB(hold, "hold", "nothing happens to it until it is released");
COMMAND_VERB(release, "release", "end a hold");
COMMAND_VERB(rework, "rework", "it goes back to be repaired");
COMMAND_VERB(rma, "rma", "a customer sent it back");

static const struct verb_spec show_verb = { .name = "show",
	.words = "what the server knows of it",
	.options = show_options,
	.operands = device_operand,
	.run = show };
static const struct verb_spec certificate_verb = { .name = "certificate",
	.words = "get its identity certificate",
	.options = certificate_options,
	.operands = device_operand,
	.run = certificate };
static const struct verb_spec quarantine_verb = { .name = "quarantine",
	.words = "list what was issued but not confirmed in time",
	.options = show_options,
	.run = quarantine };
static const struct verb_spec *const verbs[] = { &show_verb, &certificate_verb,
	&quarantine_verb, &scrap_verb, &revoke_verb, &hold_verb, &release_verb,
	&rework_verb, &rma_verb, &device_firmware, &device_update, NULL };

const struct noun_spec noun_device = { .name = "device",
	.words = "what the server knows of one, and what becomes of it",
	.verbs = verbs };
