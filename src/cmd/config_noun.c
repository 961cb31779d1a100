/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark config: check files that people write, print their reference */
#include <string.h>

#include "base/auto.h"
#include "base/config.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/context.h"
#include "cmd/nouns.h"
#include "server/config.h"
#include "station/config.h"

extern const struct config_schema product_schema, order_schema;

static const struct {
	const char *kind;
	const struct config_schema *schema;
} kinds[] = {
	{ "hallmark", &context_schema },
	{ "server", &server_schema },
	{ "station", &station_schema },
	{ "product", &product_schema },
	{ "order", &order_schema },
};
#define KINDS "hallmark|server|station|product|order"

static const struct config_schema *
schema_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].schema;
	return NULL;
}

static const struct option_spec check_operands[] = {
	{ "kind", OPTION_ENUM, .choices = KINDS, .required = true,
	    .help = "what the file describes" },
	{ "file", OPTION_PATH, .required = true, .help = "the file" },
	{ 0 },
};
static const struct option_spec kind_operand[] = {
	{ "kind", OPTION_ENUM, .choices = KINDS, .required = true,
	    .help = "what the file describes" },
	{ 0 },
};

static int
check(const struct options *given)
{
	static struct config_faults faults;
	AUTO(config) struct config config = { 0 };
	AUTO_DOC struct doc *doc = report_doc("hallmark.config.check/1");
	struct why why = { 0 };
	hm_err err;
	int status = HM_EXIT_OK;

	err = config_load(options_text(given, "file"),
	    schema_of(options_text(given, "kind")), &config, &faults, &why);
	for (size_t i = 0; i < faults.count; i++)
		if (faults.is_warning[i])
			report_warning(faults.fault[i].err, &faults.fault[i]);
		else
			status = report_failure(
			    faults.fault[i].err, &faults.fault[i]);
	if (err != HM_OK)
		return faults.errors != 0 ? status : report_failure(err, &why);
	doc_text(doc, "file", options_text(given, "file"));
	doc_uint(doc, "warnings", faults.count);
	report_line("%s: ok", options_text(given, "file"));
	return report_end(doc);
}

/* What `make` puts behind a schema goes to standard output. */
static int
print(const struct options *given,
    hm_err (*make)(const struct config_schema *schema, struct buf *ret))
{
	AUTO(buf) struct buf text = { 0 };
	hm_err err;

	buf_init(&text, CONFIG_FILE_MAX);
	err = make(schema_of(options_text(given, "kind")), &text);
	if (err == HM_OK)
		err = file_write("-", buf_bytes(&text), 0644, NULL);
	return report_failure(err, NULL);
}

static int
template_(const struct options *given)
{
	return print(given, config_template);
}

static int
reference(const struct options *given)
{
	return print(given, config_reference);
}

static const struct verb_spec check_verb = { .name = "check",
	.words = "read a file strictly and name every fault",
	.operands = check_operands,
	.run = check };
static const struct verb_spec template_verb = { .name = "template",
	.words = "print a commented file",
	.operands = kind_operand,
	.run = template_ };
static const struct verb_spec reference_verb = { .name = "reference",
	.words = "print the table of keys, Markdown",
	.operands = kind_operand,
	.run = reference };
static const struct verb_spec *const verbs[] = { &check_verb, &template_verb,
	&reference_verb, NULL };

const struct noun_spec noun_config = { .name = "config",
	.words = "files that people write: check, template, reference",
	.verbs = verbs };
