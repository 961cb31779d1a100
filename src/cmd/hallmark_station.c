/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmark-station: the line computer of a factory
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/errtext.h"
#include "base/file.h"
#include "base/options.h"
#include "base/report.h"
#include "base/text.h"
#include "crypto/p256.h"
#include "seal/sign1.h"
#include "station/journal.h"
#include "station/line.h"
#include "station/server.h"
#include "wire/void.h"

#define CONFIG_DEFAULT "/etc/hallmark/station.yaml"

static const struct option_spec order_operand[] = {
	{ "order", OPTION_TEXT, .required = true, .help = "name of the order" },
	{ 0 },
};

/* ---- run ---- */

static const struct option_spec run_options[] = {
	{ "config", OPTION_PATH, .fallback = CONFIG_DEFAULT, .metavar = "FILE",
	    .help = "the station's configuration" },
	{ "slot", OPTION_TEXT, .repeated = true, .metavar = "NAME",
	    .help = "work in this slot only" },
	{ "units", OPTION_INT, .min = 1, .max = UINT32_MAX,
	    .help = "end after so many units" },
	{ 0 },
};

static hm_err
make_folders(const struct station_config *config, struct why *why)
{
	HM_TRY(file_mkdir(config->journal, 0700, why));
	return file_mkdir(config->records, 0755, why);
}

static int
exit_of(const struct line_result *result)
{
	if (result->held != 0)
		return HM_EXIT_HOLD;
	if (result->failed != 0)
		return HM_EXIT_SOME;
	return result->passed != 0 ? HM_EXIT_OK : HM_EXIT_NOTHING;
}

static void
summary(const struct line_result *result)
{
	struct doc *doc = report_doc("hallmark.station.summary/1");

	doc_uint(doc, "passed", result->passed);
	doc_uint(doc, "failed", result->failed);
	doc_uint(doc, "held", result->held);
	doc_uint(doc, "resumed", result->resumed);
	doc_uint(doc, "elapsed_us", result->elapsed_us);
	doc_uint(doc, "issue_p50_us", result->issue_p50_us);
	doc_uint(doc, "issue_p99_us", result->issue_p99_us);
	(void)report_event(doc); /* the exit status says more */
	doc_free(doc);
	report_line("%" PRIu32 " passed, %" PRIu32 " failed, %" PRIu32
		    " on hold (%" PRIu32 " resumed); issue p50 %.1f ms, "
		    "p99 %.1f ms",
	    result->passed, result->failed, result->held, result->resumed,
	    (double)result->issue_p50_us / 1e3,
	    (double)result->issue_p99_us / 1e3);
}

static hm_err
run_line(const struct options *given, uint32_t units,
    struct station_config *config, struct line_result *ret, struct why *why)
{
	const char *slots[STATION_SLOTS_MAX];
	struct line_options line = { .config = config,
		.order = options_text(given, "order"),
		.units = units };

	for (size_t i = 0; i < options_count(given, "slot"); i++) {
		if (i == STATION_SLOTS_MAX)
			return WHY(why, HM_E_USAGE, "too many slots");
		slots[i] = options_at(given, "slot", i);
		line.slots = slots;
		line.slot_count = (uint32_t)i + 1;
	}
	HM_TRY(make_folders(config, why));
	return line_run(&line, ret, why);
}

static int
run(const struct options *given)
{
	static struct station_config config;
	struct line_result result = { 0 };
	struct why why = { 0 };
	hm_err err;

	err = station_config_load(options_text(given, "config"), &config, &why);
	if (err == HM_OK)
		err = run_line(given, (uint32_t)options_int(given, "units"),
		    &config, &result, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	summary(&result);
	return exit_of(&result);
}

/* ---- resume ---- */

struct held {
	const char *order;
	uint32_t count;
};

static hm_err
count_held(void *context, const struct unit *unit)
{
	struct held *held = context;

	if (strcmp(unit->order, held->order) == 0 &&
	    (unit->state == UNIT_HOLD || unit->state == UNIT_RUN))
		held->count++;
	return HM_OK;
}

static int
resume(const struct options *given)
{
	static struct station_config config;
	struct held held = { .order = options_text(given, "order") };
	struct line_result result = { 0 };
	struct why why = { 0 };
	hm_err err;

	err = station_config_load(options_text(given, "config"), &config, &why);
	if (err == HM_OK)
		err = make_folders(&config, &why);
	if (err == HM_OK)
		err = journal_each(config.journal, count_held, &held, &why);
	if (err == HM_OK && held.count == 0)
		err =
		    WHY(&why, HM_E_NOTHING, "no unit of this order is on hold");
	if (err == HM_OK) {
		report_note("%" PRIu32 " on hold: insert them again, in any "
			    "slot",
		    held.count);
		err = run_line(given, held.count, &config, &result, &why);
	}
	if (err != HM_OK)
		return report_failure(err, &why);
	summary(&result);
	return exit_of(&result);
}

/* ---- status ---- */

static const struct option_spec config_option[] = {
	{ "config", OPTION_PATH, .fallback = CONFIG_DEFAULT, .metavar = "FILE",
	    .help = "the station's configuration" },
	{ 0 },
};

static hm_err
show_unit(void *context, const struct unit *unit)
{
	struct doc *list = context, *doc = doc_object(list, NULL);
	char id[HM_DEVICE_ID_LEN * 2 + 1], when[TIME_TEXT_LEN], err[16] = "";

	hex_format(HM_BYTES(unit->device_id), id);
	time_format(unit->time_s, when);
	if (unit->err != HM_OK)
		(void)snprintf(err, sizeof(err), "HM-%04d", unit->err);
	doc_text(doc, "device_id", id);
	doc_text(doc, "order", unit->order);
	doc_text(doc, "slot", unit->slot);
	doc_text(doc, "step", station_step_name(unit->step));
	doc_text(doc, "state", unit_state_name(unit->state));
	doc_text(doc, "error", err[0] != 0 ? err : NULL);
	doc_text(doc, "t", when);
	report_line("%s %-12s %-6s %-5s %-9s %s", when, unit->order, unit->slot,
	    unit_state_name(unit->state), station_step_name(unit->step), id);
	return HM_OK;
}

static int
status(const struct options *given)
{
	static struct station_config config;
	AUTO_DOC struct doc *doc = report_doc("hallmark.station.status/1");
	struct why why = { 0 };
	hm_err err;

	err = station_config_load(options_text(given, "config"), &config, &why);
	if (err == HM_OK)
		err = journal_each(config.journal, show_unit,
		    doc == NULL ? NULL : doc_array(doc, "units"), &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	return report_end(doc);
}

/* ---- void ---- */

static const struct option_spec void_options[] = {
	{ "config", OPTION_PATH, .fallback = CONFIG_DEFAULT, .metavar = "FILE",
	    .help = "the station's configuration" },
	{ "reason", OPTION_TEXT, .required = true, .metavar = "WORDS",
	    .help = "why the unit is given back; it is signed and logged" },
	{ 0 },
};
static const struct option_spec void_operands[] = {
	{ "order", OPTION_TEXT, .required = true, .help = "name of the order" },
	{ "device", OPTION_TEXT, .required = true,
	    .help = "device id, 64 hex digits" },
	{ 0 },
};

static hm_err
sign_void(const struct station_config *config, const struct hm_void *content,
    struct buf *ret, struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };
	uint8_t payload[HM_VOID_MAX], point[HM_POINT_LEN], kid[HM_KID_LEN];
	struct p256_pair *pair;
	size_t len;
	hm_err err;

	HM_TRY(hm_void_encode(
	    content, (struct hm_span){ payload, sizeof(payload) }, &len));
	HM_TRY(file_read_text(config->server.key, 8192, &pem, why));
	err = p256_pair_from_pem(buf_bytes(&pem), &pair);
	buf_wipe(&pem);
	HM_TRY(err);
	p256_pair_point(pair, point);
	sign1_kid(point, kid);
	buf_init(ret, HM_VOID_MAX);
	err = sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_VOID),
	    (struct hm_bytes){ payload, len }, p256_pair_signer, pair, ret);
	p256_pair_free(pair);
	return err;
}

static hm_err
give_back(
    const struct options *given, struct station_config *config, struct why *why)
{
	AUTO(buf) struct buf message = { 0 };
	struct hm_void content = {
		.order = hm_bytes_of(options_text(given, "order")),
		.reason = hm_bytes_of(options_text(given, "reason")),
		.signed_s = clock_now_s(),
	};
	struct server *server;
	struct hm_bytes answer;
	hm_err err;

	if (hex_parse(hm_bytes_of(options_text(given, "device")),
		content.device_id, sizeof(content.device_id)) != HM_OK)
		return WHY(why, HM_E_USAGE, "a device id is 64 hex digits");
	HM_TRY(station_config_load(options_text(given, "config"), config, why));
	HM_TRY(sign_void(config, &content, &message, why));
	HM_TRY(server_new(config, &server, why));
	err =
	    server_post(server, "/v1/void", buf_bytes(&message), &answer, why);
	server_free(server);
	return err;
}

static int
void_(const struct options *given)
{
	static struct station_config config;
	AUTO_DOC struct doc *doc = report_doc("hallmark.station.void/1");
	struct why why = { 0 };
	hm_err err = give_back(given, &config, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "device_id", options_text(given, "device"));
	report_line("void %s", options_text(given, "device"));
	return report_end(doc);
}

/* ---- template, check ---- */

static int
template_(const struct options *given)
{
	AUTO(buf) struct buf text = { 0 };
	hm_err err;

	(void)given;
	buf_init(&text, CONFIG_FILE_MAX);
	err = config_template(&station_schema, &text);
	if (err == HM_OK)
		err = file_write("-", buf_bytes(&text), 0644, NULL);
	return report_failure(err, NULL);
}

static const struct option_spec file_operand[] = {
	{ "file", OPTION_PATH, .required = true, .help = "configuration" },
	{ 0 },
};

static int
check(const struct options *given)
{
	static struct station_config config;
	struct why why = { 0 };
	hm_err err =
	    station_config_load(options_text(given, "file"), &config, &why);

	if (err == HM_OK)
		report_line("%s: ok", options_text(given, "file"));
	return report_failure(err, &why);
}

/* ---- the table ---- */

static const struct verb_spec run_verb = { .name = "run",
	.words = "make devices of an order until told to stop",
	.text = "Every slot waits for a device, proves it, has it issued and "
		"confirmed, and waits for the next. SIGINT and SIGTERM finish "
		"the units under way. Exit status: 0 all passed, 5 some "
		"failed, 13 some are on hold, 16 there was no unit.",
	.example = "hallmark-station run PO-2291",
	.options = run_options,
	.operands = order_operand,
	.run = run };
static const struct verb_spec resume_verb = { .name = "resume",
	.words = "finish the units that are on hold",
	.options = run_options,
	.operands = order_operand,
	.run = resume };
static const struct verb_spec status_verb = { .name = "status",
	.words = "list the units of the journal",
	.options = config_option,
	.run = status };
static const struct verb_spec void_verb = { .name = "void",
	.words = "give an unconfirmed unit back, with a signed reason",
	.options = void_options,
	.operands = void_operands,
	.run = void_ };
static const struct verb_spec template_verb = { .name = "template",
	.words = "print a commented configuration",
	.run = template_ };
static const struct verb_spec check_verb = { .name = "check",
	.words = "check a configuration",
	.operands = file_operand,
	.run = check };

static const struct noun_spec nouns_[] = {
	{ .name = "run",
	    .words = "make devices of an order",
	    .only = &run_verb },
	{ .name = "resume",
	    .words = "finish the units that are on hold",
	    .only = &resume_verb },
	{ .name = "status",
	    .words = "list the units of the journal",
	    .only = &status_verb },
	{ .name = "void",
	    .words = "give an unconfirmed unit back",
	    .only = &void_verb },
	{ .name = "template",
	    .words = "print a commented configuration",
	    .only = &template_verb },
	{ .name = "check",
	    .words = "check a configuration",
	    .only = &check_verb },
};
static const struct noun_spec *const nouns[] = { &nouns_[0], &nouns_[1],
	&nouns_[2], &nouns_[3], &nouns_[4], &nouns_[5], NULL };

static const struct program_spec program = { .name = "hallmark-station",
	.section = 8,
	.words = "the line computer of a factory",
	.text = "Drives the device holders of a production line: each device "
		"proves what it is, is counted by the OEM's server, receives "
		"what is sealed to it and leaves with a receipt. The station "
		"sees no secret.",
	.nouns = nouns };

int
main(int argc, char **argv)
{
	return options_main(&program, argc, argv);
}
