/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "base/jail.h"
#include "base/options_parts.h"
#include "base/report.h"

#define PAGE_MAX (1024u * 1024)

/* The one program of this process, for the verb `help`. */
static const struct program_spec *running;

static int
print_page(struct buf *page)
{
	if (fwrite(buf_text(page), 1, page->len, stdout) == page->len &&
	    fflush(stdout) == 0)
		return HM_EXIT_OK;
	return report_failure(HM_E_IO, NULL);
}

static int
fail(hm_err err, const struct why *why)
{
	return report_failure(err, why);
}

static const struct noun_spec *
find_noun(const char *name)
{
	const struct noun_spec *noun;

	for (size_t i = 0; (noun = options_noun_at(running, i)) != NULL; i++)
		if (strcmp(noun->name, name) == 0)
			return noun;
	return NULL;
}

static const struct verb_spec *
find_verb(const struct noun_spec *noun, const char *name)
{
	const struct verb_spec *verb;

	for (size_t i = 0; (verb = options_verb_at(noun, i)) != NULL; i++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

static hm_err
explain(const struct options *given, struct buf *page, struct why *why)
{
	const char *what = options_text(given, "what");
	const char *name = options_text(given, "verb");
	const struct noun_spec *noun;
	const struct verb_spec *verb;

	if (what == NULL)
		return options_help(running, NULL, NULL, page);
	if (strncmp(what, "HM-", 3) == 0)
		return report_explain(what, page, why);
	noun = find_noun(what);
	if (noun == NULL)
		return WHY(why, HM_E_USAGE, "no help for \"%s\"", what);
	verb = name == NULL ? noun->only : find_verb(noun, name);
	if (name != NULL && verb == NULL)
		return WHY(
		    why, HM_E_USAGE, "no help for \"%s %s\"", what, name);
	return options_help(running, noun, verb, page);
}

static int
run_help(const struct options *given)
{
	AUTO(buf) struct buf page = { .max = PAGE_MAX };
	struct why why = { 0 };
	hm_err err = explain(given, &page, &why);

	return err == HM_OK ? print_page(&page) : fail(err, &why);
}

static const struct option_spec help_operands[] = {
	{ "what", OPTION_TEXT, .metavar = "NOUN|HM-nnnn",
	    .help = "a noun, or the id of an error" },
	{ "verb", OPTION_TEXT, .help = "a verb of the noun" },
	{ 0 },
};

static const struct verb_spec help_verb = {
	.name = "help",
	.words = "explain a command or an error",
	.operands = help_operands,
	.run = run_help,
};

const struct noun_spec options_help_noun = {
	.name = "help",
	.words = "explain a command or an error",
	.only = &help_verb,
};

/* --man [NOUN | errors | exit-codes], --completion */
__attribute__((noinline)) static int
print_source(const struct program_spec *program, char **words)
{
	AUTO(buf) struct buf page = { .max = PAGE_MAX };
	struct why why = { 0 };
	const struct noun_spec *noun = NULL;
	hm_err err = HM_OK;

	if (strcmp(words[0], "--completion") == 0)
		err = options_completion(program, &page);
	else if (words[1] != NULL && strcmp(words[1], "errors") == 0)
		err = options_man_errors(&page);
	else if (words[1] != NULL && strcmp(words[1], "exit-codes") == 0)
		err = options_man_exits(&page);
	else if (words[1] != NULL && (noun = find_noun(words[1])) == NULL)
		err = WHY(&why, HM_E_USAGE, "no page \"%s\"", words[1]);
	else
		err = options_man(program, noun, &page);
	return err == HM_OK ? print_page(&page) : fail(err, &why);
}

/* Errors of usage want the right form too, before there is a parse. */
static bool
is_given(char **argv, const char *option)
{
	for (size_t i = 1; argv[i] != NULL && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], option) == 0)
			return true;
	return false;
}

static void
set_up(const char *name, const struct options *given)
{
	const char *color = options_text(given, "color");
	const char *progress = options_text(given, "progress");
	struct report_setup setup = { .program = name,
		.json = options_flag(given, "json"),
		.quiet = options_flag(given, "quiet"),
		.verbose = (unsigned)options_count(given, "verbose") };

	if (strcmp(color, "auto") != 0)
		setup.color =
		    strcmp(color, "always") == 0 ? REPORT_ALWAYS : REPORT_NEVER;
	if (strcmp(progress, "bar") == 0)
		setup.progress = REPORT_PROGRESS_BAR;
	if (strcmp(progress, "line") == 0)
		setup.progress = REPORT_PROGRESS_LINE;
	if (strcmp(progress, "none") == 0)
		setup.progress = REPORT_PROGRESS_NONE;
	report_init(&setup);
}

/* The rows of a verb that belong to what was given; released with free(). */
static struct option_spec *
shown_rows(const struct options *given, const struct verb_spec *verb)
{
	struct option_spec *rows;
	size_t count = 0, kept = 0;

	while (verb->options[count].name != NULL)
		count++;
	rows = calloc(count + 1, sizeof(*rows));
	for (size_t i = 0; rows != NULL && i < count; i++)
		if (verb->shows(given, verb->options[i].name))
			rows[kept++] = verb->options[i];
	return rows;
}

static int
print_help(const struct options *given)
{
	AUTO(buf) struct buf page = { .max = PAGE_MAX };
	const struct verb_spec *verb = options_verb(given);
	struct option_spec *rows = NULL;
	struct verb_spec some;
	hm_err err = HM_OK;

	if (verb != NULL && verb->shows != NULL) {
		rows = shown_rows(given, verb);
		some = *verb;
		some.options = rows;
		verb = &some;
		err = rows == NULL ? HM_E_NO_MEMORY : HM_OK;
	}
	if (err == HM_OK)
		err = options_help(running, options_noun(given), verb, &page);
	free(rows);
	return err == HM_OK ? print_page(&page) : fail(err, NULL);
}

/* Not inlined: each struct why takes 1.3 KiB of the stack. */
__attribute__((noinline)) static int
run(const struct options *given)
{
	const char *folder = options_text(given, "directory");
	struct why why = { 0 };
	int status;

	if (options_wants_help(given))
		return print_help(given);
	if (options_flag(given, "version")) {
		printf("%s %s\n", running->name, HALLMARK_VERSION);
		return HM_EXIT_OK;
	}
	if (folder != NULL && chdir(folder) != 0) {
		why_where(&why, "%s", folder);
		return fail(WHY(&why, HM_E_FILE, "cannot go there: %s",
				strerror(errno)),
		    &why);
	}
	status = options_verb(given)->run(given);
	if (status == HM_EXIT_OK && fflush(stdout) != 0)
		return fail(HM_E_IO, NULL);
	return status;
}

int
options_main(const struct program_spec *program, int argc, char **argv)
{
	struct report_setup early = { .program = program->name };
	struct options *given = NULL;
	struct why why = { 0 };
	hm_err err;
	int status;

	running = program;
	early.json = argc > 0 && is_given(argv, "--json");
	report_init(&early);
	err = process_protect(&why);
	if (err != HM_OK)
		return fail(err, &why);
	if (argc > 1 && (strcmp(argv[1], "--man") == 0 ||
			    strcmp(argv[1], "--completion") == 0))
		return print_source(program, argv + 1);
	err = options_parse(program, argc, argv, &given, &why);
	if (err != HM_OK)
		return fail(err, &why);
	set_up(program->name, given);
	status = run(given);
	options_free(given);
	return status;
}
