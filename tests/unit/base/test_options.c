/* SPDX-License-Identifier: Apache-2.0 */
/* base/options: one table, and all that is made of it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/options.h"
#include "base/report.h"

static const struct option_spec create_options[] = {
	{ "product", OPTION_TEXT, .required = true, .metavar = "NAME",
	    .help = "what is to be made" },
	{ "quota", OPTION_INT, .min = 1, .max = 1000, .required = true,
	    .help = "how many devices" },
	{ "station", OPTION_TEXT, .repeated = true, .help = "where" },
	{ "until", OPTION_TIME, .help = "the last day" },
	{ "output", OPTION_PATH, .letter = 'o', .fallback = "-",
	    .help = "where to write" },
	{ "form", OPTION_ENUM, .choices = "table|csv", .fallback = "table",
	    .help = "form of the list" },
	{ "offset", OPTION_INT, .min = -5, .max = 5, .help = "a shift" },
	{ "free", OPTION_INT, .fallback = "12", .help = "any number" },
	{ 0 },
};

static const struct option_spec create_operands[] = {
	{ "order", OPTION_TEXT, .required = true, .help = "its name" },
	{ "file", OPTION_PATH, .repeated = true, .help = "attachments" },
	{ 0 },
};

static int
run(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.order.create/1");

	report_line("order %s", options_text(given, "order"));
	doc_text(doc, "order", options_text(given, "order"));
	return report_end(doc);
}

static int
refuse(const struct options *given)
{
	struct why why = { 0 };

	(void)given;
	return report_failure(
	    WHY(&why, HM_E_QUOTA, "order PO-1 is used up"), &why);
}

static const struct verb_spec create = { .name = "create",
	.words = "open an order",
	.text = "A permission. It is signed.\n\nIt is counted down.",
	.example = "hallmark order create PO-1 --product a --quota 5",
	.options = create_options,
	.operands = create_operands,
	.run = run };
static const struct verb_spec close_verb = {
	.name = "close", .words = "close an order", .run = refuse
};
static const struct verb_spec *const verbs[] = { &create, &close_verb, NULL };
static const struct noun_spec order = {
	.name = "order", .words = "permission to make devices", .verbs = verbs
};
static const struct verb_spec demo_verb = {
	.name = "demo", .words = "show it all", .run = refuse
};
static const struct noun_spec demo = {
	.name = "demo", .words = "show it all", .only = &demo_verb
};
static const struct noun_spec *const nouns[] = { &order, &demo, NULL };
static const struct program_spec program = { "hallmark", 1,
	"give products their identity", "It counts. It seals.", nouns, NULL };

static const struct option_spec daemon_options[] = {
	{ "config", OPTION_PATH, .required = true, .help = "its file" },
	{ 0 },
};
static const struct verb_spec daemon_verb = { .name = "hallmarkd",
	.words = "serve",
	.options = daemon_options,
	.run = refuse };
static const struct program_spec daemon_program = { "hallmarkd", 8,
	"the server", "It serves.", NULL, &daemon_verb };

/* Words divided by spaces, as a shell would; valid until the next call. */
static char words[300];
static char *argv[32];

static int
split(const char *text)
{
	int argc = 0;

	snprintf(words, sizeof(words), "%s", text);
	for (char *at = words; *at != '\0';) {
		size_t len = strcspn(at, " ");

		argv[argc++] = at;
		at += len;
		if (*at == ' ')
			*at++ = '\0';
	}
	argv[argc] = NULL;
	return argc;
}

static hm_err
parse(const char *text, struct options **ret, struct why *why)
{
	return options_parse(&program, split(text), argv, ret, why);
}

static void
takes_options_before_between_and_after_operands(void **state)
{
	struct options *given = NULL;

	(void)state;
	assert_int_equal(
	    parse("hallmark -v order create --product=a PO-1 x.bin --quota 7 "
		  "--station A --station=B -ofile -v -- --odd",
		&given, NULL),
	    HM_OK);
	assert_ptr_equal(options_noun(given), &order);
	assert_ptr_equal(options_verb(given), &create);
	assert_string_equal(options_text(given, "product"), "a");
	assert_string_equal(options_text(given, "order"), "PO-1");
	assert_int_equal(options_int(given, "quota"), 7);
	assert_int_equal(options_count(given, "station"), 2);
	assert_string_equal(options_at(given, "station", 1), "B");
	assert_null(options_at(given, "station", 2));
	assert_string_equal(options_text(given, "output"), "file");
	assert_int_equal(options_count(given, "verbose"), 2);
	assert_int_equal(options_count(given, "file"), 2);
	assert_string_equal(options_at(given, "file", 0), "x.bin");
	assert_string_equal(options_at(given, "file", 1), "--odd");
	assert_false(options_flag(given, "json"));
	options_free(given);
}

static void
gives_defaults_and_tells_them_from_what_was_given(void **state)
{
	struct options *given = NULL;

	(void)state;
	assert_int_equal(parse("hallmark order create P --product a --quota 1 "
			       "--until 2026-11-21 --offset -5 -o -",
			     &given, NULL),
	    HM_OK);
	assert_string_equal(options_text(given, "form"), "table");
	assert_false(options_has(given, "form"));
	assert_true(options_has(given, "output"));
	assert_int_equal(options_int(given, "free"), 12);
	assert_int_equal(options_int(given, "offset"), -5);
	assert_int_equal(options_time(given, "until"), 1795219200);
	assert_string_equal(options_text(given, "color"), "auto");
	assert_null(options_text(given, "station"));
	options_free(given);
}

static const struct {
	const char *line, *text, *act;
} bad[] = {
	{ "hallmark", "a command is missing", NULL },
	{ "hallmark ordr", "unknown command \"ordr\"",
	    "did you mean \"order\"?" },
	{ "hallmark xyzzy", "unknown command \"xyzzy\"",
	    "see hallmark --help" },
	{ "hallmark order", "a verb is missing", NULL },
	{ "hallmark order creat", "unknown verb \"creat\"",
	    "did you mean \"create\"?" },
	{ "hallmark order create --quta 4", "unknown option \"--quta\"",
	    "did you mean \"--quota\"?" },
	{ "hallmark order create --qu=4", "unknown option \"--qu\"", "" },
	{ "hallmark order create -x", "unknown option \"-x\"", "" },
	{ "hallmark order create --json=1", "--json takes no value", "" },
	{ "hallmark order create --quota", "--quota wants a value", "" },
	{ "hallmark order create -o", "--output wants a value", "" },
	{ "hallmark order create --quota 0",
	    "--quota is 0, and may be 1 to 1000", "" },
	{ "hallmark order create --quota 1001",
	    "--quota is 1001, and may be 1 to 1000", "" },
	{ "hallmark order create --quota 07",
	    "--quota wants a number, not \"07\"", "" },
	{ "hallmark order create --quota 1 --quota 2", "--quota is given twice",
	    "" },
	{ "hallmark order create --form tables",
	    "--form is \"tables\", and may be table|csv", "" },
	{ "hallmark order create --product=",
	    "--product wants something, and got an empty text", "" },
	{ "hallmark order create P --quota 1", "--product is missing",
	    "hallmark order create --product NAME --quota N [OPTION...] ORDER "
	    "[FILE...]" },
	{ "hallmark order create --product a --quota 1", "order is missing",
	    NULL },
	{ "hallmark order close PO-1", "\"PO-1\" is one operand too many", "" },
	{ "hallmark --quota 1 order create", "unknown option \"--quota\"", "" },
};

static void
refuses_each_mistake_in_its_own_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct options *given = NULL;
		struct why why = { 0 };

		assert_int_equal(parse(bad[i].line, &given, &why), HM_E_USAGE);
		assert_string_equal(why.text, bad[i].text);
		if (bad[i].act != NULL)
			assert_string_equal(why.act, bad[i].act);
		assert_null(given);
	}
}

static void
help_needs_nothing_else(void **state)
{
	static const char *const lines[] = { "hallmark --help", "hallmark -h",
		"hallmark order --help", "hallmark order create -h" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct options *given = NULL;

		assert_int_equal(parse(lines[i], &given, NULL), HM_OK);
		assert_true(options_wants_help(given));
		options_free(given);
	}
}

static void
help_fits_into_eighty_columns_and_names_all(void **state)
{
	AUTO(buf) struct buf page = { .max = 65536 };

	(void)state;
	assert_int_equal(options_help(&program, &order, &create, &page), HM_OK);
	for (const char *at = buf_text(&page); *at != '\0';) {
		size_t len = strcspn(at, "\n");

		assert_true(len <= 80);
		at += len + 1;
	}
	for (const struct option_spec *at = create_options; at->name; at++)
		assert_non_null(strstr(buf_text(&page), at->name));
	assert_non_null(strstr(buf_text(&page),
	    "      --quota N             how many devices (1 to 1000)\n"));
	assert_non_null(strstr(buf_text(&page),
	    "  -o, --output FILE         where to write (default -)\n"));
	buf_clear(&page);
	assert_int_equal(options_help(&program, NULL, NULL, &page), HM_OK);
	assert_non_null(strstr(buf_text(&page), "  order  "));
	buf_clear(&page);
	assert_int_equal(
	    options_help(&daemon_program, NULL, &daemon_verb, &page), HM_OK);
	assert_non_null(strstr(
	    buf_text(&page), "usage: hallmarkd --config FILE [OPTION...]\n"));
}

static void
finds_the_nearest_word_within_two_edits(void **state)
{
	static const char *const all[] = { "devices", "device", "json" };

	(void)state;
	assert_string_equal(nearest_word("devcies", all, 3), "devices");
	assert_string_equal(nearest_word("devic", all, 3), "device");
	assert_string_equal(nearest_word("jsn", all, 3), "json");
	assert_null(nearest_word("dev", all, 3));
	assert_null(nearest_word("", all, 3));
	assert_null(nearest_word("on", all, 3));
}

static char said[16384];

/* Runs main in a child; `said` is what it wrote to `fd`. */
static int
runs(const struct program_spec *what, const char *line, int fd)
{
	int argc = split(line), pipes[2], status;
	size_t len = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		dup2(null, 2);
		dup2(pipes[1], fd);
		status = options_main(what, argc, argv);
		fflush(NULL);
		_exit(status);
	}
	close(pipes[1]);
	while (len < sizeof(said) - 1 &&
	       (got = read(pipes[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)got;
	said[len] = '\0';
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
main_gives_the_result_as_text_or_json(void **state)
{
	(void)state;
	assert_int_equal(
	    runs(&program, "hallmark order create P --product a --quota 1", 1),
	    0);
	assert_string_equal(said, "order P\n");
	assert_int_equal(
	    runs(&program,
		"hallmark order create P --product a --quota 1 --json", 1),
	    0);
	assert_string_equal(
	    said, "{\"schema\":\"hallmark.order.create/1\",\"order\":\"P\"}\n");
}

static void
main_gives_errors_their_form_and_status(void **state)
{
	(void)state;
	assert_int_equal(
	    runs(&program, "hallmark order close", 2), HM_EXIT_QUOTA);
	assert_string_equal(said,
	    "hallmark: error[HM-6101]: order PO-1 is used up\n"
	    "hallmark:   why: the order is used up\n"
	    "hallmark:   do: ask the OEM for a further order\n"
	    "hallmark:   more: hallmark help HM-6101\n");
	assert_int_equal(
	    runs(&program, "hallmark order --devcies", 2), HM_EXIT_USAGE);
	assert_string_equal(said,
	    "hallmark: error[HM-1001]: unknown option \"--devcies\"\n"
	    "hallmark:   do: see the line above, or --help\n"
	    "hallmark:   more: hallmark help HM-1001\n");
	assert_int_equal(
	    runs(&program, "hallmark nothing --json", 2), HM_EXIT_USAGE);
	assert_memory_equal(said, "{\"schema\":\"hallmark.error/1\",", 29);
	assert_int_equal(
	    runs(&program, "hallmark -C /nowhere demo", 2), HM_EXIT_CONFIG);
}

static void
main_explains_nouns_verbs_and_errors(void **state)
{
	(void)state;
	assert_int_equal(runs(&program, "hallmark help HM-6101", 1), 0);
	assert_non_null(strstr(said, "the order is used up"));
	assert_int_equal(runs(&program, "hallmark help order create", 1), 0);
	assert_non_null(strstr(said, "usage: hallmark order create"));
	assert_int_equal(runs(&program, "hallmark help demo", 1), 0);
	assert_int_equal(runs(&program, "hallmark help HM-4321", 1), 2);
	assert_int_equal(runs(&program, "hallmark help nothing", 1), 2);
	assert_int_equal(runs(&program, "hallmark --version", 1), 0);
	assert_string_equal(said, "hallmark " HALLMARK_VERSION "\n");
	assert_int_equal(runs(&daemon_program, "hallmarkd", 2), 2);
	assert_non_null(strstr(said, "hallmarkd: error[HM-1001]: --config"));
}

/* Runs a script; `page` is its standard input. */
static int
feed(const char *script, const struct buf *page)
{
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		dup2(pipes[0], 0);
		close(pipes[1]);
		execl("/bin/bash", "bash", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(pipes[0]);
	assert_int_equal(
	    write(pipes[1], page->ptr, page->len), (long)page->len);
	close(pipes[1]);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* Style and all, but for pages that are not installed yet. */
#define LINT                                                     \
	"mandoc -Tlint | grep -v 'referenced manual not found' " \
	">&2; [ $? = 1 ]"

static void
pages_please_mandoc(void **state)
{
	struct buf pages[6] = { { .max = 65536 }, { .max = 65536 },
		{ .max = 65536 }, { .max = 65536 }, { .max = 65536 },
		{ .max = 65536 } };

	(void)state;
	if (access("/usr/bin/mandoc", X_OK) != 0)
		skip();
	assert_int_equal(options_man(&program, NULL, &pages[0]), HM_OK);
	assert_int_equal(options_man(&program, &order, &pages[1]), HM_OK);
	assert_int_equal(options_man(&program, &demo, &pages[2]), HM_OK);
	assert_int_equal(options_man(&daemon_program, NULL, &pages[3]), HM_OK);
	assert_int_equal(options_man_errors(&pages[4]), HM_OK);
	assert_int_equal(options_man_exits(&pages[5]), HM_OK);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(feed(LINT, &pages[i]), 0);
		buf_done(&pages[i]);
	}
}

/* The script is sourced; COMPREPLY must be what the words say. */
static void
completion_knows_words_options_and_choices(void **state)
{
	static const char *const rows[][2] = {
		{ "hallmark or", "order" },
		{ "hallmark order c", "create close" },
		{ "hallmark order create --q", "--quota --quiet" },
		{ "hallmark order create --form ''", "table csv" },
		{ "hallmark order create --color a", "auto always" },
		{ "hallmark order create --product ''", "" },
		{ "hallmark demo --js", "--json" },
	};
	AUTO(buf) struct buf script = { .max = 65536 };

	(void)state;
	assert_int_equal(options_completion(&program, &script), HM_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char test[512];

		snprintf(test, sizeof(test),
		    "source /dev/stdin; COMP_WORDS=(%s); "
		    "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hallmark; "
		    "[ \"${COMPREPLY[*]}\" = \"%s\" ] || "
		    "{ echo \"${COMPREPLY[*]}\" >&2; exit 1; }",
		    rows[i][0], rows[i][1]);
		assert_int_equal(feed(test, &script), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    takes_options_before_between_and_after_operands),
		cmocka_unit_test(
		    gives_defaults_and_tells_them_from_what_was_given),
		cmocka_unit_test(refuses_each_mistake_in_its_own_words),
		cmocka_unit_test(help_needs_nothing_else),
		cmocka_unit_test(help_fits_into_eighty_columns_and_names_all),
		cmocka_unit_test(finds_the_nearest_word_within_two_edits),
		cmocka_unit_test(main_gives_the_result_as_text_or_json),
		cmocka_unit_test(main_gives_errors_their_form_and_status),
		cmocka_unit_test(main_explains_nouns_verbs_and_errors),
		cmocka_unit_test(pages_please_mandoc),
		cmocka_unit_test(completion_knows_words_options_and_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
