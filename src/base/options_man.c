/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mdoc(7) as `mandoc -Tlint` likes it: a new line for each sentence, lines of
 * at most 80 bytes, nothing at the start of a line that roff would take for a
 * request.
 */
#include <ctype.h>
#include <string.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "base/options_parts.h"

#define MAN_DATE "November 21, 2026"
#define LINE_END 72
#define ROW_MAX 4096

/* One word, with what roff would interpret escaped; gives its width. */
static hm_err
put_word(struct buf *ret, const char *word, size_t len)
{
	if (word[0] == '.' || word[0] == '\'')
		HM_TRY(buf_print(ret, "\\&"));
	for (size_t i = 0; i < len; i++)
		HM_TRY(word[i] == '\\' ? buf_print(ret, "\\e")
				       : buf_print(ret, "%c", word[i]));
	return HM_OK;
}

/* Running text: paragraphs, and a new line after the end of a sentence. */
static hm_err
put_text(struct buf *ret, const char *text)
{
	size_t at = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " \n");
		bool ends = len > 0 && strchr(".!?", text[len - 1]) != NULL;

		if (text[0] == '\n' && text[1] == '\n') {
			HM_TRY(buf_print(ret, "%s.Pp\n", at > 0 ? "\n" : ""));
			at = 0;
			text += 2;
			continue;
		}
		if (len == 0) {
			text++;
			continue;
		}
		if (at > 0 && at + len > LINE_END) {
			HM_TRY(buf_print(ret, "\n"));
			at = 0;
		}
		HM_TRY(buf_print(ret, "%s", at > 0 ? " " : ""));
		HM_TRY(put_word(ret, text, len));
		at = ends ? 0 : at + len + 1;
		HM_TRY(buf_print(ret, "%s", ends ? "\n" : ""));
		text += len;
	}
	return at > 0 ? buf_print(ret, "\n") : HM_OK;
}

/* A sentence made of lower-case words without a full stop; one that begins with
 * a command keeps its small letter. */
static hm_err
put_sentence(struct buf *ret, const char *words)
{
	AUTO(buf) struct buf text = { .max = ROW_MAX };
	bool command;

	if (words == NULL || words[0] == '\0')
		return HM_OK;
	command = strncmp(words, "hallmark", strlen("hallmark")) == 0;
	HM_TRY(buf_print(&text, "%c%s.",
	    command ? words[0] : toupper((unsigned char)words[0]), words + 1));
	return put_text(ret, buf_text(&text));
}

/* A request's argument: quoted, so that no word is taken for a macro. */
static hm_err
put_argument(struct buf *ret, const struct option_spec *spec, bool is_operand)
{
	AUTO(buf) struct buf text = { .max = ROW_MAX };

	HM_TRY(options_metavar(spec, is_operand, &text));
	return buf_print(ret, "Ar \"%s\"", buf_text(&text));
}

static hm_err
put_flag(struct buf *ret, const struct option_spec *spec)
{
	HM_TRY(buf_print(ret, "Fl "));
	if (spec->letter != 0)
		HM_TRY(buf_print(ret, "%c , ", spec->letter));
	HM_TRY(spec->letter != 0 ? buf_print(ret, "Fl -%s", spec->name)
				 : buf_print(ret, "-%s", spec->name));
	if (spec->type == OPTION_FLAG)
		return HM_OK;
	HM_TRY(buf_print(ret, " "));
	return put_argument(ret, spec, false);
}

static hm_err
put_options(struct buf *ret, const struct option_spec *table)
{
	AUTO(buf) struct buf words = { .max = ROW_MAX };

	if (table == NULL || table->name == NULL)
		return HM_OK;
	HM_TRY(buf_print(ret, ".Bl -tag -width Ds\n"));
	for (; table->name != NULL; table++) {
		HM_TRY(buf_print(ret, ".It "));
		HM_TRY(put_flag(ret, table));
		HM_TRY(buf_print(ret, "\n"));
		buf_clear(&words);
		HM_TRY(options_words(table, &words));
		HM_TRY(put_sentence(ret, buf_text(&words)));
	}
	return buf_print(ret, ".El\n");
}

static hm_err
put_operands(struct buf *ret, const struct option_spec *table)
{
	AUTO(buf) struct buf words = { .max = ROW_MAX };

	if (table == NULL || table->name == NULL)
		return HM_OK;
	HM_TRY(buf_print(ret, ".Bl -tag -width Ds\n"));
	for (; table->name != NULL; table++) {
		HM_TRY(buf_print(ret, ".It "));
		HM_TRY(put_argument(ret, table, true));
		HM_TRY(buf_print(ret, "\n"));
		buf_clear(&words);
		HM_TRY(options_words(table, &words));
		HM_TRY(put_sentence(ret, buf_text(&words)));
	}
	return buf_print(ret, ".El\n");
}

static hm_err
put_synopsis(struct buf *ret, const struct program_spec *program,
    const struct noun_spec *noun, const struct verb_spec *verb)
{
	const struct option_spec *spec = verb->options;

	HM_TRY(buf_print(ret, ".Nm %s\n", program->name));
	if (noun != NULL)
		HM_TRY(buf_print(ret, ".Cm %s\n", noun->name));
	if (noun != NULL && noun->only != verb)
		HM_TRY(buf_print(ret, ".Cm %s\n", verb->name));
	for (; spec != NULL && spec->name != NULL; spec++) {
		HM_TRY(buf_print(ret, "%s", spec->required ? "." : ".Op "));
		HM_TRY(put_flag(ret, spec));
		HM_TRY(buf_print(ret, "\n"));
	}
	spec = verb->operands;
	for (; spec != NULL && spec->name != NULL; spec++) {
		HM_TRY(buf_print(ret, "%s", spec->required ? "." : ".Op "));
		HM_TRY(put_argument(ret, spec, true));
		HM_TRY(buf_print(ret, "%s\n", spec->repeated ? " ..." : ""));
	}
	return HM_OK;
}

static hm_err
put_example(struct buf *ret, const struct verb_spec *verb)
{
	const char *lines = verb->example;

	while (lines != NULL && *lines != '\0') {
		size_t len = strcspn(lines, "\n");

		HM_TRY(put_word(ret, lines, len));
		HM_TRY(buf_print(ret, "\n"));
		lines += len + (lines[len] == '\n' ? 1 : 0);
	}
	return HM_OK;
}

/* The examples of all verbs, or no section if there are none. */
static hm_err
put_examples(
    struct buf *ret, const struct noun_spec *noun, const struct verb_spec *only)
{
	AUTO(buf) struct buf lines = { .max = 65536 };
	const struct verb_spec *verb;

	if (only != NULL)
		HM_TRY(put_example(&lines, only));
	for (size_t i = 0;
	     noun != NULL && (verb = options_verb_at(noun, i)) != NULL; i++)
		HM_TRY(put_example(&lines, verb));
	if (lines.len == 0)
		return HM_OK;
	HM_TRY(buf_print(ret, ".Sh EXAMPLES\n.Bd -literal -offset indent\n"));
	HM_TRY(buf_add(ret, buf_bytes(&lines)));
	return buf_print(ret, ".Ed\n");
}

static hm_err
put_verb(struct buf *ret, const struct verb_spec *verb)
{
	HM_TRY(put_sentence(ret, verb->words));
	if (verb->text != NULL) {
		HM_TRY(buf_print(ret, ".Pp\n"));
		HM_TRY(put_text(ret, verb->text));
	}
	HM_TRY(put_operands(ret, verb->operands));
	return put_options(ret, verb->options);
}

static hm_err
put_upper(struct buf *ret, const char *text)
{
	for (; *text != '\0'; text++)
		HM_TRY(buf_print(ret, "%c", toupper((unsigned char)*text)));
	return HM_OK;
}

static hm_err
put_head(struct buf *ret, const char *page, int section, const char *words)
{
	HM_TRY(buf_print(ret, ".\\\" made from the program's own table\n"
			      ".Dd " MAN_DATE "\n.Dt "));
	HM_TRY(put_upper(ret, page));
	HM_TRY(buf_print(
	    ret, " %d\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", section, page, words));
	return HM_OK;
}

static hm_err
put_exit(struct buf *ret)
{
	return buf_print(ret, ".Sh EXIT STATUS\n"
			      "0 is success.\n"
			      "All others are explained in\n"
			      ".Xr hallmark-exit-codes 7 .\n");
}

/* By section, as manual pages do. */
static hm_err
put_see_also(struct buf *ret, const struct program_spec *program)
{
	bool first = program->section <= 7;

	HM_TRY(buf_print(ret, ".Sh SEE ALSO\n"));
	if (first)
		HM_TRY(buf_print(
		    ret, ".Xr %s %d ,\n", program->name, program->section));
	HM_TRY(buf_print(ret, ".Xr hallmark-errors 7%s\n", first ? "" : " ,"));
	return first ? HM_OK
		     : buf_print(
			   ret, ".Xr %s %d\n", program->name, program->section);
}

static hm_err
man_of_noun(struct buf *ret, const struct program_spec *program,
    const struct noun_spec *noun)
{
	AUTO(buf) struct buf page = { .max = ROW_MAX };
	const struct verb_spec *verb;

	HM_TRY(buf_print(&page, "%s-%s", program->name, noun->name));
	HM_TRY(put_head(ret, buf_text(&page), program->section, noun->words));
	HM_TRY(buf_print(ret, ".Sh SYNOPSIS\n"));
	if (noun->only != NULL)
		HM_TRY(put_synopsis(ret, program, noun, noun->only));
	for (size_t i = 0; (verb = options_verb_at(noun, i)) != NULL; i++)
		HM_TRY(put_synopsis(ret, program, noun, verb));
	HM_TRY(buf_print(ret, ".Sh DESCRIPTION\n"));
	HM_TRY(noun->text != NULL ? put_text(ret, noun->text)
				  : put_sentence(ret, noun->words));
	HM_TRY(buf_print(ret,
	    "The options of\n.Xr %s %d\nare understood as well.\n",
	    program->name, program->section));
	if (noun->only != NULL)
		HM_TRY(put_verb(ret, noun->only));
	for (size_t i = 0; (verb = options_verb_at(noun, i)) != NULL; i++) {
		HM_TRY(buf_print(ret, ".Ss %s %s\n", noun->name, verb->name));
		HM_TRY(put_verb(ret, verb));
	}
	HM_TRY(put_exit(ret));
	HM_TRY(put_examples(ret, noun, noun->only));
	return put_see_also(ret, program);
}

static hm_err
put_nouns(struct buf *ret, const struct program_spec *program)
{
	const struct noun_spec *noun;

	HM_TRY(buf_print(ret, ".Ss Nouns\n.Bl -tag -width \"station\"\n"));
	for (size_t i = 0; (noun = options_noun_at(program, i)) != NULL; i++) {
		HM_TRY(buf_print(ret, ".It Cm %s\n", noun->name));
		HM_TRY(put_sentence(ret, noun->words));
		if (noun != &options_help_noun)
			HM_TRY(buf_print(ret, "See\n.Xr %s-%s %d .\n",
			    program->name, noun->name, program->section));
	}
	return buf_print(ret, ".El\n");
}

static hm_err
put_environment(struct buf *ret)
{
	return buf_print(ret,
	    ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
	    ".It Ev HALLMARK_ERROR_FORMAT\n"
	    "With the value\n.Ql json\n"
	    "errors are written as JSON objects.\n"
	    ".It Ev NO_COLOR\nNo colour, whatever the terminal can do.\n"
	    ".It Ev CLICOLOR_FORCE\nColour even if there is no terminal.\n"
	    ".It Ev CREDENTIALS_DIRECTORY\n"
	    "Where systemd puts the secrets that are named as\n"
	    ".Ql credential:NAME .\n.El\n");
}

hm_err
options_man(const struct program_spec *program, const struct noun_spec *noun,
    struct buf *ret)
{
	if (noun != NULL)
		return man_of_noun(ret, program, noun);
	HM_TRY(put_head(ret, program->name, program->section, program->words));
	HM_TRY(buf_print(ret, ".Sh SYNOPSIS\n"));
	if (program->only != NULL)
		HM_TRY(put_synopsis(ret, program, NULL, program->only));
	else
		HM_TRY(buf_print(ret,
		    ".Nm\n.Ar noun\n.Ar verb\n.Op Ar option ...\n"
		    ".Op Ar object ...\n"));
	HM_TRY(buf_print(ret, ".Sh DESCRIPTION\n"));
	HM_TRY(program->text != NULL ? put_text(ret, program->text)
				     : put_sentence(ret, program->words));
	if (program->only != NULL)
		HM_TRY(put_verb(ret, program->only));
	else
		HM_TRY(put_nouns(ret, program));
	HM_TRY(buf_print(ret, ".Ss Options of every command\n"));
	HM_TRY(put_options(ret, options_global));
	HM_TRY(put_environment(ret));
	HM_TRY(put_exit(ret));
	HM_TRY(put_examples(ret, NULL, program->only));
	return buf_print(ret, ".Sh SEE ALSO\n.Xr hallmark-errors 7 ,\n"
			      ".Xr hallmark-exit-codes 7\n");
}

hm_err
options_man_errors(struct buf *ret)
{
	HM_TRY(put_head(
	    ret, "hallmark-errors", 7, "every error, and what to do about it"));
	HM_TRY(buf_print(ret,
	    ".Sh DESCRIPTION\n"
	    "An id is never given anew.\n"
	    "A\n.Em transient\nerror may pass when the same is tried again, a\n"
	    ".Em permanent\none does not.\nOn\n.Em hold\n"
	    "the unit stays where it is until someone has looked.\nA\n"
	    ".Em security\nerror is told to somebody at once.\n"
	    ".Bl -tag -width Ds\n"));
	for (const struct err_info *row = err_all(); row->name != NULL; row++) {
		if (row->err == HM_OK)
			continue;
		HM_TRY(buf_print(ret, ".It Sy HM-%04u\n", (unsigned)row->err));
		HM_TRY(put_sentence(ret, row->words));
		HM_TRY(put_sentence(ret, row->act));
		HM_TRY(buf_print(ret, "(%s, exit status %d)\n",
		    err_class_name(row->class), row->exit_status));
	}
	return buf_print(ret,
	    ".El\n.Sh SEE ALSO\n.Xr hallmark 1 ,\n.Xr hallmark-exit-codes 7\n");
}

hm_err
options_man_exits(struct buf *ret)
{
	static const struct {
		int status;
		const char *words;
	} rows[] = {
		{ HM_EXIT_OK, "done" },
		{ HM_EXIT_BUG, "a mistake of ours" },
		{ HM_EXIT_USAGE, "the command is not understood" },
		{ HM_EXIT_CONFIG, "a file is not valid" },
		{ HM_EXIT_NO, "verification says no" },
		{ HM_EXIT_SOME, "some slots or units failed" },
		{ HM_EXIT_QUOTA, "the order is used up" },
		{ HM_EXIT_RIGHTS, "not allowed" },
		{ HM_EXIT_TOKEN, "the token of the keys failed" },
		{ HM_EXIT_RETRY, "server or network, safe to try again" },
		{ HM_EXIT_REFUSED, "refused, or a confirmation is missing" },
		{ HM_EXIT_TWICE, "an identity exists already" },
		{ HM_EXIT_DEVICE, "device or fixture" },
		{ HM_EXIT_HOLD, "the state of a device is uncertain" },
		{ HM_EXIT_CLOCK, "the time is not to be trusted" },
		{ HM_EXIT_LOG, "the ledger is not consistent" },
		{ HM_EXIT_NOTHING, "nothing to do although work was wanted" },
		{ 130, "interrupted" },
	};

	HM_TRY(put_head(ret, "hallmark-exit-codes", 7,
	    "what the programs of Hallmark return"));
	HM_TRY(buf_print(ret, ".Sh DESCRIPTION\n.Bl -tag -width Ds\n"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		HM_TRY(buf_print(ret, ".It %d\n", rows[i].status));
		HM_TRY(put_sentence(ret, rows[i].words));
	}
	return buf_print(ret,
	    ".El\n.Sh SEE ALSO\n.Xr hallmark 1 ,\n.Xr hallmark-errors 7\n");
}
