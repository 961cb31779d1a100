/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/auto.h"
#include "base/options_parts.h"

#define COLUMNS 80
#define HANG 28 /* column of the words beside an option */
#define ROW_MAX 4096

/*
 * Fill lines with the words of `text`, indented by `indent`, the first of them
 * from column `at` on. An empty line of the text stays one.
 */
static hm_err
put_filled(struct buf *ret, const char *text, unsigned indent, unsigned at)
{
	bool first = true;

	while (*text != '\0') {
		size_t len = strcspn(text, " \n");

		if (text[0] == '\n' && text[1] == '\n') {
			HM_TRY(buf_print(ret, "\n\n%*s", (int)indent, ""));
			at = indent;
			first = true;
			text += 2;
			continue;
		}
		if (len == 0) {
			text++;
			continue;
		}
		if (!first && at + 1 + len >= COLUMNS) {
			HM_TRY(buf_print(ret, "\n%*s", (int)indent, ""));
			at = indent;
			first = true;
		}
		HM_TRY(
		    buf_print(ret, "%s%.*s", first ? "" : " ", (int)len, text));
		at += (unsigned)len + (first ? 0 : 1);
		first = false;
		text += len;
	}
	return buf_print(ret, "\n");
}

/* "  name        words", the words in column HANG. */
static hm_err
put_row(struct buf *ret, const char *left, const char *right)
{
	unsigned at = (unsigned)strlen(left);

	HM_TRY(buf_print(ret, "%s", left));
	if (at + 2 > HANG) {
		HM_TRY(buf_print(ret, "\n"));
		at = 0;
	}
	HM_TRY(buf_print(ret, "%*s", (int)(HANG - at), ""));
	return put_filled(ret, right, HANG, HANG);
}

static hm_err
put_option(struct buf *ret, const struct option_spec *spec, bool is_operand)
{
	AUTO(buf) struct buf left = { .max = ROW_MAX };
	AUTO(buf) struct buf right = { .max = ROW_MAX };

	if (is_operand)
		HM_TRY(buf_print(&left, "  "));
	else if (spec->letter != 0)
		HM_TRY(
		    buf_print(&left, "  -%c, --%s", spec->letter, spec->name));
	else
		HM_TRY(buf_print(&left, "      --%s", spec->name));
	if (!is_operand && spec->type != OPTION_FLAG)
		HM_TRY(buf_print(&left, " "));
	HM_TRY(options_metavar(spec, is_operand, &left));
	HM_TRY(options_words(spec, &right));
	return put_row(ret, buf_text(&left), buf_text(&right));
}

static hm_err
put_table(struct buf *ret, const char *title, const struct option_spec *table,
    bool is_operand)
{
	if (table == NULL || table->name == NULL)
		return HM_OK;
	HM_TRY(buf_print(ret, "\n%s:\n", title));
	for (; table->name != NULL; table++)
		HM_TRY(put_option(ret, table, is_operand));
	return HM_OK;
}

static hm_err
put_name(struct buf *ret, const char *name, const char *words)
{
	AUTO(buf) struct buf left = { .max = ROW_MAX };

	HM_TRY(buf_print(&left, "  %s", name));
	return put_row(ret, buf_text(&left), words);
}

static hm_err
put_usage(struct buf *ret, const struct program_spec *program,
    const struct noun_spec *noun, const struct verb_spec *verb)
{
	AUTO(buf) struct buf usage = { .max = ROW_MAX };

	HM_TRY(options_usage(program, noun, verb, &usage));
	HM_TRY(buf_print(ret, "usage: "));
	return put_filled(ret, buf_text(&usage), 11, 7);
}

static hm_err
put_text(struct buf *ret, const char *text)
{
	if (text == NULL)
		return HM_OK;
	HM_TRY(buf_print(ret, "\n"));
	return put_filled(ret, text, 0, 0);
}

static hm_err
put_examples(struct buf *ret, const char *lines)
{
	if (lines == NULL)
		return HM_OK;
	HM_TRY(buf_print(ret, "\nexamples:\n"));
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		HM_TRY(buf_print(ret, "  %.*s\n", (int)len, lines));
		lines += len + (lines[len] == '\n' ? 1 : 0);
	}
	return HM_OK;
}

static hm_err
help_verb(struct buf *ret, const struct verb_spec *verb)
{
	HM_TRY(put_text(ret, verb->words));
	HM_TRY(put_text(ret, verb->text));
	HM_TRY(put_table(ret, "operands", verb->operands, true));
	HM_TRY(put_table(ret, "options", verb->options, false));
	HM_TRY(put_table(ret, "always", options_global, false));
	return put_examples(ret, verb->example);
}

static hm_err
help_noun(struct buf *ret, const struct program_spec *program,
    const struct noun_spec *noun)
{
	const struct verb_spec *verb;

	HM_TRY(put_text(ret, noun->words));
	HM_TRY(put_text(ret, noun->text));
	HM_TRY(buf_print(ret, "\nverbs:\n"));
	for (size_t i = 0; (verb = options_verb_at(noun, i)) != NULL; i++)
		HM_TRY(put_name(ret, verb->name, verb->words));
	return buf_print(ret, "\n%s %s VERB --help explains a verb.\n",
	    program->name, noun->name);
}

static hm_err
help_program(struct buf *ret, const struct program_spec *program)
{
	const struct noun_spec *noun;

	HM_TRY(put_text(ret, program->words));
	HM_TRY(put_text(ret, program->text));
	HM_TRY(buf_print(ret, "\nnouns:\n"));
	for (size_t i = 0; (noun = options_noun_at(program, i)) != NULL; i++)
		HM_TRY(put_name(ret, noun->name, noun->words));
	HM_TRY(put_table(ret, "always", options_global, false));
	return buf_print(
	    ret, "\n%s NOUN --help explains a noun.\n", program->name);
}

hm_err
options_help(const struct program_spec *program, const struct noun_spec *noun,
    const struct verb_spec *verb, struct buf *ret)
{
	HM_TRY(put_usage(ret, program, noun, verb));
	if (verb != NULL && program->only == verb)
		HM_TRY(put_text(ret, program->text));
	if (verb != NULL)
		return help_verb(ret, verb);
	if (noun != NULL)
		return help_noun(ret, program, noun);
	return help_program(ret, program);
}
