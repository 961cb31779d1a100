/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * options - one table that describes a program; everything else follows from it
 *
 * The table gives the parser, --help at every level, the man pages and the
 * completion of the shell, so that none of them can say what another does not.
 * A command's file declares its rows and its function, and exports one verb:
 *
 *	static const struct option_spec options[] = {
 *		{ "product", OPTION_TEXT, .required = true,
 *		    .metavar = "NAME", .help = "what is to be made" },
 *		{ "quota", OPTION_INT, .min = 1, .max = 100000000,
 *		    .required = true, .help = "how many devices" },
 *		{ "station", OPTION_TEXT, .repeated = true,
 *		    .metavar = "NAME", .help = "a station that may make them" },
 *		{ 0 }
 *	};
 *	static const struct option_spec operands[] = {
 *		{ "order", OPTION_TEXT, .required = true,
 *		    .help = "the name of the order" },
 *		{ 0 }
 *	};
 *	static int
 *	run(const struct options *given)
 *	{
 *		const char *name = options_text(given, "order");
 *		int64_t quota = options_int(given, "quota");
 *		...
 *		return report_failure(err, &why);   (or HM_EXIT_OK)
 *	}
 *	const struct verb_spec order_create = { .name = "create",
 *		.words = "open an order", .options = options,
 *		.operands = operands, .run = run };
 *
 * The noun lists its verbs, the program its nouns, and main is one line:
 * `return options_main(&hallmark, argc, argv);`. A daemon has no nouns but one
 * verb (`.only`). Options may stand before, between and after operands, as
 * `--name value` or `--name=value`; after `--` all are operands. Only h, q, v,
 * o and C have a letter. No abbreviation of names is taken.
 *
 * Every program has these already: --help --version --json --quiet --verbose
 * --color --progress and -C DIR; report.h acts on them. The parser checks types
 * and ranges; asking for a name that is not in the table is a mistake of ours.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/why.h"

typedef enum option_type {
	OPTION_NONE, /* ends a table */
	OPTION_FLAG, /* --name */
	OPTION_TEXT,
	OPTION_INT,  /* decimal, `min` to `max` (both 0: 0 to INT64_MAX) */
	OPTION_PATH, /* completed as a file; "-" is a stream */
	OPTION_ENUM, /* one of `choices` */
	OPTION_TIME, /* 2026-11-21 or 2026-11-21T03:31:07Z */
} option_type;

/* An option, or an operand (which is named for its getter and metavar). */
struct option_spec {
	const char *name; /* without dashes; NULL ends the table */
	option_type type;
	char letter; /* 'o' or 0 */
	bool required;
	bool repeated;        /* may be given again; operand: the last one */
	const char *metavar;  /* NULL: made from type and name */
	const char *fallback; /* default in its text form; NULL: none */
	const char *choices;  /* OPTION_ENUM: "auto|bar|line|none" */
	int64_t min, max;     /* OPTION_INT */
	const char *help;     /* a few words, lower case, no full stop */
};

struct options;

struct verb_spec {
	const char *name;
	const char *words;   /* one line, lower case */
	const char *text;    /* more, paragraphs divided by "\n\n"; NULL */
	const char *example; /* shell lines divided by "\n"; NULL */
	const struct option_spec *options;       /* NULL: none */
	const struct option_spec *operands;      /* NULL: none */
	int (*run)(const struct options *given); /* gives the exit status */
	/* --help beside other options: does this one belong to what was given?
	 * NULL: all do. */
	bool (*shows)(const struct options *given, const char *option);
};

struct noun_spec {
	const char *name;
	const char *words;
	const char *text;
	const struct verb_spec *const *verbs; /* NULL-ended, or NULL: */
	const struct verb_spec *only;         /* "hallmark demo" */
};

struct program_spec {
	const char *name;                     /* "hallmarkd" */
	int section;                          /* of the manual: 1 or 8 */
	const char *words;                    /* one line */
	const char *text;                     /* paragraphs */
	const struct noun_spec *const *nouns; /* NULL-ended, or NULL: */
	const struct verb_spec *only;         /* a daemon's options */
};

/*
 * All of main: protect the process, parse, answer --help, set report.h up, run.
 * The built-in noun `help` takes NOUN [VERB] or HM-nnnn. For packagers, as the
 * first word: `--man [NOUN]` prints a page, `--completion` a bash script.
 */
int options_main(const struct program_spec *program, int argc, char **argv);

/*
 * The parts of options_main(), for tests. `argv` must outlive *ret, which
 * options_free() releases. HM_E_USAGE, HM_E_NO_MEMORY. Where help is wanted,
 * required ones may be missing, and noun and verb may be NULL.
 */
HM_MUST hm_err options_parse(const struct program_spec *program, int argc,
    char *const argv[], struct options **ret, struct why *why);
void options_free(struct options *given);
bool options_wants_help(const struct options *given);
const struct noun_spec *options_noun(const struct options *given);
const struct verb_spec *options_verb(const struct options *given);

/* NULL if it was not given and has no default. Lives as long as argv. */
const char *options_text(const struct options *given, const char *name);
/* 0 if it was not given and has no default; see options_has(). */
int64_t options_int(const struct options *given, const char *name);
bool options_flag(const struct options *given, const char *name);
/* Seconds since 1970 of an OPTION_TIME; 0 if it was not given. */
uint64_t options_time(const struct options *given, const char *name);
/* Was it given, whatever its default? */
bool options_has(const struct options *given, const char *name);
/* How often it was given, and the i-th value (i < count). */
size_t options_count(const struct options *given, const char *name);
const char *options_at(const struct options *given, const char *name, size_t i);

/* Texts made of the table. noun and verb may be NULL. */
HM_MUST hm_err options_help(const struct program_spec *program,
    const struct noun_spec *noun, const struct verb_spec *verb,
    struct buf *ret);
/* mdoc(7): the program's page, or that of one noun: hallmark-order(1). */
HM_MUST hm_err options_man(const struct program_spec *program,
    const struct noun_spec *noun, struct buf *ret);
HM_MUST hm_err options_completion(
    const struct program_spec *program, struct buf *ret);
/* hallmark-errors(7), hallmark-exit-codes(7) */
HM_MUST hm_err options_man_errors(struct buf *ret);
HM_MUST hm_err options_man_exits(struct buf *ret);

/* The nearest of `count` words if it is at most 2 edits away, else NULL. */
const char *nearest_word(
    const char *word, const char *const *words, size_t count);
