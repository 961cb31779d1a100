/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case by "noun verb" gives the options, another by "noun verb option" what
 * follows an option. Words that we cannot know (names of orders) complete to
 * nothing rather than to files.
 */
#include "base/auto.h"
#include "base/options_parts.h"

/* A function of the shell may not have a '-' in its name everywhere. */
static hm_err
put_function(struct buf *ret, const char *program)
{
	HM_TRY(buf_print(ret, "_"));
	for (; *program != '\0'; program++)
		HM_TRY(buf_print(ret, "%c", *program == '-' ? '_' : *program));
	return HM_OK;
}

static hm_err
put_names(struct buf *ret, const struct option_spec *table)
{
	for (; table != NULL && table->name != NULL; table++)
		HM_TRY(buf_print(ret, " --%s", table->name));
	return HM_OK;
}

static hm_err
put_choices(struct buf *ret, const char *choices)
{
	for (; *choices != '\0'; choices++)
		HM_TRY(buf_print(ret, "%c", *choices == '|' ? ' ' : *choices));
	return HM_OK;
}

/* "order create --color") words="auto always never";; */
static hm_err
put_values(struct buf *ret, const char *where, const struct option_spec *table)
{
	for (; table != NULL && table->name != NULL; table++) {
		if (table->type == OPTION_FLAG)
			continue;
		HM_TRY(buf_print(ret, "\t%s--%s\") ", where, table->name));
		if (table->type == OPTION_PATH)
			HM_TRY(buf_print(ret, "files=1"));
		else
			HM_TRY(buf_print(ret, "words=\""));
		if (table->type == OPTION_ENUM)
			HM_TRY(put_choices(ret, table->choices));
		HM_TRY(buf_print(ret, "%s; return_value=1;;\n",
		    table->type == OPTION_PATH ? "" : "\""));
	}
	return HM_OK;
}

static hm_err
put_verb_values(struct buf *ret, const char *noun, const char *name,
    const struct verb_spec *verb)
{
	AUTO(buf) struct buf text = { .max = 256 };

	HM_TRY(buf_print(&text, "\"%s %s ", noun, name));
	return put_values(ret, buf_text(&text), verb->options);
}

static hm_err
put_verb_words(struct buf *ret, const char *noun, const char *name,
    const struct verb_spec *verb)
{
	bool files = false;

	for (const struct option_spec *spec = verb->operands;
	     spec != NULL && spec->name != NULL; spec++)
		files = files || spec->type == OPTION_PATH;
	HM_TRY(buf_print(ret, "\t\"%s %s\") words=\"", noun, name));
	HM_TRY(put_names(ret, verb->options));
	return buf_print(ret, " $always\"%s;;\n", files ? "; files=1" : "");
}

typedef hm_err put_verb(struct buf *ret, const char *noun, const char *name,
    const struct verb_spec *verb);

static hm_err
for_each_verb(
    struct buf *ret, const struct program_spec *program, put_verb *put)
{
	const struct noun_spec *noun;
	const struct verb_spec *verb;

	if (program->only != NULL)
		return put(ret, "", "", program->only);
	for (size_t i = 0; (noun = options_noun_at(program, i)) != NULL; i++) {
		if (noun->only != NULL)
			HM_TRY(put(ret, noun->name, "", noun->only));
		for (size_t j = 0; (verb = options_verb_at(noun, j)) != NULL;
		     j++)
			HM_TRY(put(ret, noun->name, verb->name, verb));
	}
	return HM_OK;
}

static hm_err
put_nouns(struct buf *ret, const struct program_spec *program)
{
	const struct noun_spec *noun;
	const struct verb_spec *verb;

	if (program->only != NULL)
		return HM_OK;
	HM_TRY(buf_print(ret, "\t\" \") words=\""));
	for (size_t i = 0; (noun = options_noun_at(program, i)) != NULL; i++)
		HM_TRY(buf_print(ret, "%s ", noun->name));
	HM_TRY(buf_print(ret, "$always\";;\n"));
	for (size_t i = 0; (noun = options_noun_at(program, i)) != NULL; i++) {
		if (noun->only != NULL)
			continue;
		HM_TRY(buf_print(ret, "\t\"%s \") words=\"", noun->name));
		for (size_t j = 0; (verb = options_verb_at(noun, j)) != NULL;
		     j++)
			HM_TRY(buf_print(ret, "%s ", verb->name));
		HM_TRY(buf_print(ret, "$always\";;\n"));
	}
	return HM_OK;
}

static hm_err
put_head(struct buf *ret, const struct program_spec *program)
{
	HM_TRY(buf_print(ret, "# bash completion of %s, made from its table\n",
	    program->name));
	HM_TRY(put_function(ret, program->name));
	HM_TRY(
	    buf_print(ret, "()\n{\n"
			   "\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" i word\n"
			   "\tlocal prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
			   "\tlocal noun= verb= words= files= return_value=\n"
			   "\tlocal always=\""));
	HM_TRY(put_names(ret, options_global));
	HM_TRY(buf_print(ret, "\"\n"));
	if (program->only != NULL)
		return HM_OK;
	return buf_print(ret, "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			      "\t\tword=\"${COMP_WORDS[i]}\"\n"
			      "\t\tcase $word in -*) continue;; esac\n"
			      "\t\tif [ -z \"$noun\" ]; then noun=$word\n"
			      "\t\telif [ -z \"$verb\" ]; then verb=$word; fi\n"
			      "\tdone\n");
}

/* A noun without verbs has operands where others have the verb. */
static hm_err
put_alone(struct buf *ret, const struct program_spec *program)
{
	const struct noun_spec *noun;

	if (program->only != NULL)
		return HM_OK;
	HM_TRY(buf_print(ret, "\tcase $noun in\n"));
	for (size_t i = 0; (noun = options_noun_at(program, i)) != NULL; i++)
		if (noun->only != NULL)
			HM_TRY(buf_print(ret, "\t%s) verb=;;\n", noun->name));
	return buf_print(ret, "\tesac\n");
}

hm_err
options_completion(const struct program_spec *program, struct buf *ret)
{
	HM_TRY(put_head(ret, program));
	HM_TRY(put_alone(ret, program));
	HM_TRY(buf_print(ret, "\tcase \"$noun $verb $prev\" in\n"));
	HM_TRY(for_each_verb(ret, program, put_verb_values));
	HM_TRY(put_values(ret, "*\" ", options_global));
	HM_TRY(buf_print(ret, "\tesac\n\tif [ -z \"$return_value\" ]; then\n"
			      "\tcase \"$noun $verb\" in\n"));
	HM_TRY(put_nouns(ret, program));
	HM_TRY(for_each_verb(ret, program, put_verb_words));
	HM_TRY(buf_print(ret,
	    "\tesac\n\tfi\n"
	    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	    "\tif [ -n \"$files\" ] && [ \"${cur#-}\" = \"$cur\" ]; then\n"
	    "\t\tCOMPREPLY+=($(compgen -f -- \"$cur\"))\n"
	    "\tfi\n}\ncomplete -o filenames -F "));
	HM_TRY(put_function(ret, program->name));
	return buf_print(ret, " %s\n", program->name);
}
