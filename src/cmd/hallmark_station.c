/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmark-station: the line computer of a factory
 */
#include <inttypes.h>
#include <string.h>

#include "base/config.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/station_verbs.h"
#include "station/journal.h"
#include "station/line.h"

static const struct option_spec order_operand[] = {
	{ "order", OPTION_TEXT, .required = true, .help = "name of the order" },
	{ 0 },
};

/* ---- run ---- */

static const struct option_spec run_options[] = {
	STATION_CONFIG_OPTION,
	{ "slot", OPTION_TEXT, .repeated = true, .metavar = "NAME",
	    .help = "work in this slot only" },
	{ "units", OPTION_INT, .min = 1, .max = UINT32_MAX,
	    .help = "end after so many units" },
	{ 0 },
};

static hm_err
make_folders(const struct station_config *config, struct why *why)
{
	return journal_folders(config->journal, config->records, why);
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
	static const char *slots[STATION_SLOTS_MAX];
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

/* ---- template, check ---- */

static int
template_(const struct options *given)
{
	struct why why = { 0 };
	hm_err err = config_template_print(&station_schema, &why);

	(void)given;
	return report_failure(err, &why);
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
	    .only = &station_status_verb },
	{ .name = "void",
	    .words = "give an unconfirmed unit back",
	    .only = &station_void_verb },
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
