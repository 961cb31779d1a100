/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_options - any command line
 *
 * The input is words that end with a line feed, from argv[0] on. A command line
 * that is taken gives values within the table; one that is refused says why.
 */
#include <string.h>

#include "base/options.h"
#include "fuzz.h"
#include "mutate.h"

#define WORDS_MAX 64

static int
run(const struct options *given)
{
	(void)given;
	return 0;
}

static const struct option_spec options[] = {
	{ "flag", OPTION_FLAG, .letter = 'o', .help = "a flag" },
	{ "text", OPTION_TEXT, .repeated = true, .help = "a text" },
	{ "number", OPTION_INT, .min = -5, .max = 100, .fallback = "7",
	    .help = "a number" },
	{ "path", OPTION_PATH, .help = "a path" },
	{ "choice", OPTION_ENUM, .choices = "one|two|three", .fallback = "two",
	    .help = "a choice" },
	{ "time", OPTION_TIME, .help = "a time" },
	{ 0 },
};
static const struct option_spec operands[] = {
	{ "first", OPTION_INT, .required = true, .help = "a number" },
	{ "rest", OPTION_TEXT, .repeated = true, .help = "texts" },
	{ 0 },
};
static const struct verb_spec verb = { .name = "do",
	.words = "do it",
	.options = options,
	.operands = operands,
	.run = run };
static const struct verb_spec bare = {
	.name = "be", .words = "be", .run = run
};
static const struct verb_spec *const verbs[] = { &verb, &bare, NULL };
static const struct noun_spec noun = {
	.name = "thing", .words = "a thing", .verbs = verbs
};
static const struct noun_spec alone = {
	.name = "alone", .words = "one verb", .only = &verb
};
static const struct noun_spec *const nouns[] = { &noun, &alone, NULL };
static const struct program_spec program = { .name = "fuzz",
	.section = 1,
	.words = "any command line",
	.nouns = nouns };

static void
must_fit(const struct options *given)
{
	const char *choice = options_text(given, "choice");
	int64_t number = options_int(given, "number");

	fuzz_must(number >= -5 && number <= 100);
	fuzz_must(strcmp(choice, "one") == 0 || strcmp(choice, "two") == 0 ||
		  strcmp(choice, "three") == 0);
	(void)options_time(given, "time");
	(void)options_flag(given, "flag");
	(void)options_text(given, "path");
	fuzz_must(options_has(given, "first"));
	fuzz_must(options_int(given, "first") >= 0);
	for (size_t i = 0; i < options_count(given, "text"); i++)
		fuzz_must(options_at(given, "text", i) != NULL);
	for (size_t i = 0; i < options_count(given, "rest"); i++)
		fuzz_must(options_at(given, "rest", i) != NULL);
}

/* argv of the lines of `text`. */
static int
split(char *text, char **ret)
{
	int count = 0;

	ret[count++] = text; /* any name of the program */
	for (char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
		*at = '\0';
		if (count == WORDS_MAX || at[1] == '\0')
			break;
		ret[count++] = at + 1;
	}
	ret[count] = NULL;
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[WORDS_MAX + 1];
	struct options *given = NULL;
	struct why why = { 0 };
	hm_err err;

	fuzz_must(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	err = options_parse(&program, split(text, argv), argv, &given, &why);
	if (err != HM_OK) {
		fuzz_must(err == HM_E_USAGE && given == NULL);
		fuzz_must(why.err == err && why.text[0] != '\0');
	} else if (!options_wants_help(given) && options_verb(given) == &verb) {
		must_fit(given);
	}
	options_free(given);
	free(text);
	return 0;
}

MUTATE_OF(&mutate_lines, 0)
