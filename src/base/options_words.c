/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/options_parts.h"

#define CHOICES_SHOWN 24

const struct option_spec options_global[] = {
	{ "help", OPTION_FLAG, .letter = 'h',
	    .help = "explain, and do nothing" },
	{ "version", OPTION_FLAG, .help = "print the version" },
	{ "json", OPTION_FLAG, .help = "results and errors as JSON" },
	{ "quiet", OPTION_FLAG, .letter = 'q',
	    .help = "no notes and no progress" },
	{ "verbose", OPTION_FLAG, .letter = 'v', .repeated = true,
	    .help = "tell more; again for still more" },
	{ "color", OPTION_ENUM, .choices = "auto|always|never",
	    .metavar = "WHEN", .fallback = "auto",
	    .help = "colour: auto, always or never" },
	{ "progress", OPTION_ENUM, .choices = "auto|bar|line|none",
	    .metavar = "HOW", .fallback = "auto",
	    .help = "progress: auto, bar, line or none" },
	{ "directory", OPTION_PATH, .letter = 'C', .metavar = "DIR",
	    .help = "work as if started in DIR" },
	{ 0 },
};

const struct noun_spec *
options_noun_at(const struct program_spec *program, size_t i)
{
	const struct noun_spec *const *at = program->nouns;

	if (at == NULL)
		return NULL;
	for (; *at != NULL && i > 0; at++)
		i--;
	if (*at != NULL)
		return *at;
	return i == 0 ? &options_help_noun : NULL;
}

const struct verb_spec *
options_verb_at(const struct noun_spec *noun, size_t i)
{
	const struct verb_spec *const *at = noun->verbs;

	if (at == NULL)
		return NULL;
	for (; *at != NULL && i > 0; at++)
		i--;
	return *at;
}

static hm_err
put_upper(struct buf *ret, const char *name)
{
	for (; *name != '\0'; name++) {
		bool lower = *name >= 'a' && *name <= 'z';

		HM_TRY(buf_print(ret, "%c", lower ? *name - 32 : *name));
	}
	return HM_OK;
}

hm_err
options_metavar(
    const struct option_spec *spec, bool is_operand, struct buf *ret)
{
	if (spec->metavar != NULL)
		return buf_print(ret, "%s", spec->metavar);
	if (is_operand)
		return put_upper(ret, spec->name);
	switch (spec->type) {
	case OPTION_INT:
		return buf_print(ret, "N");
	case OPTION_PATH:
		return buf_print(ret, "FILE");
	case OPTION_TIME:
		return buf_print(ret, "TIME");
	case OPTION_ENUM:
		if (strlen(spec->choices) <= CHOICES_SHOWN)
			return buf_print(ret, "%s", spec->choices);
		return buf_print(ret, "WORD");
	case OPTION_TEXT:
		return buf_print(ret, "TEXT");
	case OPTION_FLAG:
	case OPTION_NONE:
		break;
	}
	return HM_OK;
}

static hm_err
put_required(const struct option_spec *table, struct buf *ret)
{
	for (; table != NULL && table->name != NULL; table++) {
		if (!table->required)
			continue;
		HM_TRY(buf_print(ret, " --%s ", table->name));
		HM_TRY(options_metavar(table, false, ret));
	}
	return HM_OK;
}

static hm_err
put_operands(const struct option_spec *table, struct buf *ret)
{
	for (; table != NULL && table->name != NULL; table++) {
		HM_TRY(buf_print(ret, "%s", table->required ? " " : " ["));
		HM_TRY(options_metavar(table, true, ret));
		HM_TRY(buf_print(ret, "%s", table->repeated ? "..." : ""));
		HM_TRY(buf_print(ret, "%s", table->required ? "" : "]"));
	}
	return HM_OK;
}

hm_err
options_usage(const struct program_spec *program, const struct noun_spec *noun,
    const struct verb_spec *verb, struct buf *ret)
{
	HM_TRY(buf_print(ret, "%s", program->name));
	if (noun == NULL && program->only == NULL)
		return buf_print(ret, " NOUN VERB [OPTION...] [OBJECT...]");
	if (noun != NULL)
		HM_TRY(buf_print(ret, " %s", noun->name));
	if (verb == NULL)
		return buf_print(ret, " VERB [OPTION...] [OBJECT...]");
	if (noun != NULL && noun->only != verb)
		HM_TRY(buf_print(ret, " %s", verb->name));
	HM_TRY(put_required(verb->options, ret));
	HM_TRY(buf_print(ret, " [OPTION...]"));
	return put_operands(verb->operands, ret);
}

/* Puts "(" before the first remark and "; " before the others. */
static hm_err
put_remark(struct buf *ret, unsigned *count)
{
	return buf_print(ret, "%s", (*count)++ == 0 ? " (" : "; ");
}

hm_err
options_words(const struct option_spec *spec, struct buf *ret)
{
	bool ranged = spec->min != 0 || spec->max != 0;
	unsigned count = 0;

	HM_TRY(buf_print(ret, "%s", spec->help != NULL ? spec->help : ""));
	if (spec->type == OPTION_INT && ranged) {
		HM_TRY(put_remark(ret, &count));
		HM_TRY(buf_print(ret, "%lld to %lld", (long long)spec->min,
		    (long long)spec->max));
	}
	if (spec->type == OPTION_ENUM &&
	    strlen(spec->choices) > CHOICES_SHOWN) {
		HM_TRY(put_remark(ret, &count));
		for (const char *at = spec->choices; *at != '\0'; at++)
			HM_TRY(*at == '|' ? buf_print(ret, ", ")
					  : buf_print(ret, "%c", *at));
	}
	if (spec->fallback != NULL && spec->fallback[0] != '\0') {
		HM_TRY(put_remark(ret, &count));
		HM_TRY(buf_print(ret, "default %s", spec->fallback));
	}
	if (spec->repeated && spec->type != OPTION_FLAG) {
		HM_TRY(put_remark(ret, &count));
		HM_TRY(buf_print(ret, "may be repeated"));
	}
	return count > 0 ? buf_print(ret, ")") : HM_OK;
}
