/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/options_parts.h"
#include "base/text.h"
#include "core/check.h"

#define CANDIDATES_MAX 128
#define USAGE_MAX 2048

struct given {
	const struct option_spec *spec;
	const char *text; /* borrowed from argv; "" for a flag */
};

struct options {
	const struct program_spec *program;
	const struct noun_spec *noun;
	const struct verb_spec *verb;
	size_t operands; /* how many words were operands */
	size_t count;
	struct given given[]; /* at most one an argument, or letter of one */
};

/* What is left to read, and where it goes. */
struct scan {
	int argc;
	char *const *argv;
	int at;
	struct options *options;
	struct why *why;
};

static const struct option_spec *
find_in(const struct option_spec *table, const char *name, size_t len)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strncmp(table->name, name, len) == 0 &&
		    table->name[len] == '\0')
			return table;
	return NULL;
}

static const struct option_spec *
options_of(const struct options *options)
{
	return options->verb != NULL ? options->verb->options : NULL;
}

static const struct option_spec *
find_option(const struct options *options, const char *name, size_t len)
{
	const struct option_spec *spec =
	    find_in(options_of(options), name, len);

	return spec != NULL ? spec : find_in(options_global, name, len);
}

static const struct option_spec *
find_letter(const struct options *options, char letter)
{
	const struct option_spec *tables[] = { options_of(options),
		options_global };

	for (size_t i = 0; i < 2; i++)
		for (const struct option_spec *spec = tables[i];
		     spec != NULL && spec->name != NULL; spec++)
			if (spec->letter == letter)
				return spec;
	return NULL;
}

static size_t
add_names(const struct option_spec *table, const char **names, size_t count)
{
	for (; table != NULL && table->name != NULL; table++)
		if (count < CANDIDATES_MAX)
			names[count++] = table->name;
	return count;
}

static hm_err
unknown_option(const struct scan *scan, const char *name, size_t len)
{
	const char *names[CANDIDATES_MAX], *near;
	char word[80];
	size_t count = add_names(options_of(scan->options), names, 0);

	count = add_names(options_global, names, count);
	if (len >= sizeof(word))
		len = sizeof(word) - 1;
	memcpy(word, name, len);
	word[len] = '\0';
	near = nearest_word(word, names, count);
	if (near != NULL)
		why_do(scan->why, "did you mean \"--%s\"?", near);
	return WHY(scan->why, HM_E_USAGE, "unknown option \"--%s\"", word);
}

static bool
is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	for (const char *at = choices; len > 0; at++) {
		size_t word = strcspn(at, "|");

		if (word == len && memcmp(at, text, len) == 0)
			return true;
		at += word;
		if (*at == '\0')
			return false;
	}
	return false;
}

static hm_err
int_parse(const char *text, int64_t *ret)
{
	uint64_t magnitude;
	bool negative = text[0] == '-';

	HM_TRY(uint_parse(
	    hm_bytes_of(text + (negative ? 1 : 0)), INT64_MAX, &magnitude));
	*ret = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return HM_OK;
}

static hm_err
check_int(const struct option_spec *spec, const char *dashes, const char *text,
    struct why *why)
{
	bool free = spec->min == 0 && spec->max == 0;
	int64_t max = free ? INT64_MAX : spec->max, value;

	if (int_parse(text, &value) != HM_OK)
		return WHY(why, HM_E_USAGE, "%s%s wants a number, not \"%s\"",
		    dashes, spec->name, text);
	if (value < spec->min || value > max)
		return WHY(why, HM_E_USAGE,
		    "%s%s is %s, and may be %lld to %lld", dashes, spec->name,
		    text, (long long)spec->min, (long long)max);
	return HM_OK;
}

static hm_err
check_value(const struct option_spec *spec, const char *dashes,
    const char *text, struct why *why)
{
	uint64_t seconds;

	switch (spec->type) {
	case OPTION_INT:
		return check_int(spec, dashes, text, why);
	case OPTION_ENUM:
		if (!is_choice(spec->choices, text))
			return WHY(why, HM_E_USAGE,
			    "%s%s is \"%s\", and may be %s", dashes, spec->name,
			    text, spec->choices);
		return HM_OK;
	case OPTION_TIME:
		if (time_parse(hm_bytes_of(text), &seconds) != HM_OK)
			return WHY(why, HM_E_USAGE,
			    "%s%s wants a date like 2026-11-21 or a time like "
			    "2026-11-21T03:31:07Z, not \"%s\"",
			    dashes, spec->name, text);
		return HM_OK;
	case OPTION_TEXT:
	case OPTION_PATH:
		if (text[0] == '\0')
			return WHY(why, HM_E_USAGE,
			    "%s%s wants something, and got an empty text",
			    dashes, spec->name);
		return HM_OK;
	case OPTION_FLAG:
	case OPTION_NONE:
		break;
	}
	return HM_OK;
}

static hm_err
add(const struct scan *scan, const struct option_spec *spec, const char *text)
{
	struct options *options = scan->options;

	for (size_t i = 0; i < options->count && !spec->repeated; i++)
		if (options->given[i].spec == spec && spec->type != OPTION_FLAG)
			return WHY(scan->why, HM_E_USAGE, "--%s is given twice",
			    spec->name);
	HM_TRY(check_value(spec, "--", text, scan->why));
	options->given[options->count++] = (struct given){ spec, text };
	return HM_OK;
}

/* The argument after this one, as the value of an option. */
static hm_err
next_value(struct scan *scan, const struct option_spec *spec, const char **ret)
{
	if (scan->at + 1 >= scan->argc)
		return WHY(
		    scan->why, HM_E_USAGE, "--%s wants a value", spec->name);
	*ret = scan->argv[++scan->at];
	return HM_OK;
}

static hm_err
scan_long(struct scan *scan, const char *name)
{
	size_t len = strcspn(name, "=");
	const struct option_spec *spec = find_option(scan->options, name, len);
	const char *text = "";

	if (spec == NULL)
		return unknown_option(scan, name, len);
	if (spec->type == OPTION_FLAG && name[len] == '=')
		return WHY(
		    scan->why, HM_E_USAGE, "--%s takes no value", spec->name);
	if (name[len] == '=')
		text = name + len + 1;
	else if (spec->type != OPTION_FLAG)
		HM_TRY(next_value(scan, spec, &text));
	return add(scan, spec, text);
}

/* "-vq", "-oFILE" or "-o FILE" */
static hm_err
scan_letters(struct scan *scan, const char *letters)
{
	for (; *letters != '\0'; letters++) {
		const struct option_spec *spec =
		    find_letter(scan->options, *letters);
		const char *text = letters + 1;

		if (spec == NULL)
			return WHY(scan->why, HM_E_USAGE,
			    "unknown option \"-%c\"", *letters);
		if (spec->type == OPTION_FLAG) {
			HM_TRY(add(scan, spec, ""));
			continue;
		}
		if (*text == '\0')
			HM_TRY(next_value(scan, spec, &text));
		return add(scan, spec, text);
	}
	return HM_OK;
}

static hm_err
unknown_word(const struct scan *scan, const char *kind, const char *word,
    const char *const *names, size_t count)
{
	const struct noun_spec *noun = scan->options->noun;
	const char *near = nearest_word(word, names, count);

	if (near != NULL)
		why_do(scan->why, "did you mean \"%s\"?", near);
	else
		why_do(scan->why, "see %s%s%s --help",
		    scan->options->program->name, noun != NULL ? " " : "",
		    noun != NULL ? noun->name : "");
	return WHY(scan->why, HM_E_USAGE, "unknown %s \"%s\"", kind, word);
}

static hm_err
take_noun(const struct scan *scan, const char *word)
{
	struct options *options = scan->options;
	const char *names[CANDIDATES_MAX];
	const struct noun_spec *noun;
	size_t count = 0;

	for (size_t i = 0;
	     count < CANDIDATES_MAX &&
	     (noun = options_noun_at(options->program, i)) != NULL;
	     i++) {
		names[count++] = noun->name;
		if (strcmp(noun->name, word) != 0)
			continue;
		options->noun = noun;
		options->verb = noun->only;
		return HM_OK;
	}
	return unknown_word(scan, "command", word, names, count);
}

static hm_err
take_verb(const struct scan *scan, const char *word)
{
	struct options *options = scan->options;
	const char *names[CANDIDATES_MAX];
	const struct verb_spec *verb;
	size_t count = 0;

	for (size_t i = 0; count < CANDIDATES_MAX &&
			   (verb = options_verb_at(options->noun, i)) != NULL;
	     i++) {
		names[count++] = verb->name;
		if (strcmp(verb->name, word) != 0)
			continue;
		options->verb = verb;
		return HM_OK;
	}
	return unknown_word(scan, "verb", word, names, count);
}

static hm_err
take_operand(const struct scan *scan, const char *word)
{
	struct options *options = scan->options;
	const struct option_spec *spec = options->verb->operands;
	size_t place = options->operands++;

	while (spec != NULL && spec->name != NULL && place > 0 &&
	       !spec->repeated) {
		spec++;
		place--;
	}
	if (spec == NULL || spec->name == NULL)
		return WHY(scan->why, HM_E_USAGE,
		    "\"%s\" is one operand too many", word);
	HM_TRY(check_value(spec, "", word, scan->why));
	options->given[options->count++] = (struct given){ spec, word };
	return HM_OK;
}

static hm_err
take_word(const struct scan *scan, const char *word)
{
	if (scan->options->verb != NULL)
		return take_operand(scan, word);
	if (scan->options->noun != NULL)
		return take_verb(scan, word);
	return take_noun(scan, word);
}

static hm_err
scan_all(struct scan *scan)
{
	bool only_operands = false;

	for (scan->at = 1; scan->at < scan->argc; scan->at++) {
		const char *word = scan->argv[scan->at];

		if (only_operands || word[0] != '-' || word[1] == '\0')
			HM_TRY(take_word(scan, word));
		else if (strcmp(word, "--") == 0)
			only_operands = true;
		else if (word[1] == '-')
			HM_TRY(scan_long(scan, word + 2));
		else
			HM_TRY(scan_letters(scan, word + 1));
	}
	return HM_OK;
}

static hm_err
missing(const struct options *options, const char *dashes, const char *name,
    struct why *why)
{
	AUTO(buf) struct buf usage = { .max = USAGE_MAX };

	if (options_usage(options->program, options->noun, options->verb,
		&usage) == HM_OK)
		why_do(why, "%s", buf_text(&usage));
	return WHY(why, HM_E_USAGE, "%s%s is missing", dashes, name);
}

static hm_err
check_required(const struct options *options, const char *dashes,
    const struct option_spec *table, struct why *why)
{
	for (; table != NULL && table->name != NULL; table++)
		if (table->required && !options_has(options, table->name))
			return missing(options, dashes, table->name, why);
	return HM_OK;
}

static hm_err
check_complete(const struct options *options, struct why *why)
{
	if (options_wants_help(options) || options_flag(options, "version"))
		return HM_OK;
	if (options->verb == NULL)
		return missing(options, "",
		    options->noun == NULL ? "a command" : "a verb", why);
	HM_TRY(check_required(options, "", options->verb->operands, why));
	return check_required(options, "--", options->verb->options, why);
}

static size_t
letters_of(int argc, char *const argv[])
{
	size_t sum = 1;

	for (int i = 0; i < argc; i++)
		sum += strlen(argv[i]) + 1;
	return sum;
}

hm_err
options_parse(const struct program_spec *program, int argc, char *const argv[],
    struct options **ret, struct why *why)
{
	struct options *options = calloc(1,
	    sizeof(*options) + letters_of(argc, argv) * sizeof(struct given));
	struct scan scan = { argc, argv, 1, options, why };
	hm_err err;

	if (options == NULL)
		return HM_E_NO_MEMORY;
	options->program = program;
	options->verb = program->only;
	err = scan_all(&scan);
	if (err == HM_OK)
		err = check_complete(options, why);
	if (err != HM_OK) {
		options_free(options);
		return err;
	}
	*ret = options;
	return HM_OK;
}

void
options_free(struct options *given)
{
	free(given);
}

bool
options_wants_help(const struct options *given)
{
	return options_flag(given, "help");
}

const struct noun_spec *
options_noun(const struct options *given)
{
	return given->noun;
}

const struct verb_spec *
options_verb(const struct options *given)
{
	return given->verb;
}

/* The row that a getter asks for. */
static const struct option_spec *
row_of(const struct options *given, const char *name)
{
	size_t len = strlen(name);
	const struct option_spec *spec = find_option(given, name, len);

	if (spec == NULL && given->verb != NULL)
		spec = find_in(given->verb->operands, name, len);
	hm_assert(spec != NULL);
	return spec;
}

size_t
options_count(const struct options *given, const char *name)
{
	const struct option_spec *spec = row_of(given, name);
	size_t count = 0;

	for (size_t i = 0; i < given->count; i++)
		count += given->given[i].spec == spec ? 1 : 0;
	return count;
}

const char *
options_at(const struct options *given, const char *name, size_t i)
{
	const struct option_spec *spec = row_of(given, name);

	for (size_t at = 0; at < given->count; at++)
		if (given->given[at].spec == spec && i-- == 0)
			return given->given[at].text;
	return NULL;
}

bool
options_has(const struct options *given, const char *name)
{
	return options_count(given, name) > 0;
}

const char *
options_text(const struct options *given, const char *name)
{
	const char *text = options_at(given, name, 0);

	return text != NULL ? text : row_of(given, name)->fallback;
}

int64_t
options_int(const struct options *given, const char *name)
{
	const char *text = options_text(given, name);
	int64_t value = 0;

	hm_assert(row_of(given, name)->type == OPTION_INT);
	hm_assert(text == NULL || int_parse(text, &value) == HM_OK);
	return value;
}

bool
options_flag(const struct options *given, const char *name)
{
	hm_assert(row_of(given, name)->type == OPTION_FLAG);
	return options_has(given, name);
}

uint64_t
options_time(const struct options *given, const char *name)
{
	const char *text = options_text(given, name);
	uint64_t seconds = 0;

	hm_assert(row_of(given, name)->type == OPTION_TIME);
	hm_assert(
	    text == NULL || time_parse(hm_bytes_of(text), &seconds) == HM_OK);
	return seconds;
}
