/* SPDX-License-Identifier: Apache-2.0 */
#include "base/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "base/text.h"

#define TEXT_MAX 16384
#define DOC_MAX (256u * 1024 * 1024)
#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static struct report_setup setup = { .program = "hallmark" };
static bool json_errors;

void
report_init(const struct report_setup *wanted)
{
	const char *format = getenv("HALLMARK_ERROR_FORMAT");

	setup = *wanted;
	json_errors =
	    setup.json || (format != NULL && strcmp(format, "json") == 0);
}

bool
report_is_json(void)
{
	return setup.json;
}

unsigned
report_verbose(void)
{
	return setup.verbose;
}

static bool
is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] != '\0';
}

bool
report_color(int fd)
{
	const char *term = getenv("TERM");

	if (setup.color != REPORT_AUTO)
		return setup.color == REPORT_ALWAYS;
	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE"))
		return true;
	return isatty(fd) == 1 && term != NULL && strcmp(term, "dumb") != 0;
}

report_progress
report_progress_style(void)
{
	const char *term = getenv("TERM");

	if (setup.quiet)
		return REPORT_PROGRESS_NONE;
	if (setup.progress != REPORT_PROGRESS_AUTO)
		return setup.progress;
	if (isatty(2) == 1 && term != NULL && strcmp(term, "dumb") != 0)
		return REPORT_PROGRESS_BAR;
	return REPORT_PROGRESS_LINE;
}

void
report_line(const char *format, ...)
{
	va_list values;

	if (setup.json)
		return;
	va_start(values, format);
	vprintf(format, values);
	va_end(values);
	putchar('\n');
}

__attribute__((format(printf, 1, 0))) static void
say(const char *format, va_list values)
{
	fprintf(stderr, "%s: ", setup.program);
	vfprintf(stderr, format, values);
	fputc('\n', stderr);
}

void
report_note(const char *format, ...)
{
	va_list values;

	if (setup.quiet || setup.json)
		return;
	va_start(values, format);
	say(format, values);
	va_end(values);
}

void
report_detail(unsigned level, const char *format, ...)
{
	va_list values;

	if (setup.quiet || setup.verbose < level)
		return;
	va_start(values, format);
	say(format, values);
	va_end(values);
}

/* What `why` says, or the list where it says nothing. */
struct words {
	const char *text, *where, *excerpt, *reason, *act;
};

static struct words
words_of(hm_err err, const struct why *why)
{
	const struct err_info *info = err_info(err);
	struct words words = { info->words, "", "", "", info->act };

	if (why == NULL || why->err == HM_OK)
		return words;
	words.text = why->text;
	words.where = why->where;
	words.excerpt = why->excerpt;
	/* For usage the first line has said it all. */
	if (err != HM_E_USAGE && strcmp(why->text, info->words) != 0)
		words.reason = info->words;
	if (why->act[0] != '\0')
		words.act = why->act;
	return words;
}

/* "program:   key: " and the text, whose further lines are indented alike. */
static hm_err
put_part(struct buf *ret, const char *key, const char *text)
{
	const char *end;

	if (text[0] == '\0')
		return HM_OK;
	HM_TRY(buf_print(ret, "%s:   %s", setup.program, key));
	while ((end = strchr(text, '\n')) != NULL && end[1] != '\0') {
		HM_TRY(buf_print(ret, "%.*s\n%s:         ", (int)(end - text),
		    text, setup.program));
		text = end + 1;
	}
	return buf_print(ret, "%.*s\n", (int)strcspn(text, "\n"), text);
}

/* The user's line and the caret under it stand below `where`. */
static hm_err
put_excerpt(struct buf *ret, const char *excerpt)
{
	while (excerpt[0] != '\0') {
		size_t len = strcspn(excerpt, "\n");

		HM_TRY(buf_print(ret, "%s:         %.*s\n", setup.program,
		    (int)len, excerpt));
		excerpt += len + (excerpt[len] == '\n' ? 1 : 0);
	}
	return HM_OK;
}

hm_err
report_text(const char *kind, hm_err err, const struct why *why, bool color,
    struct buf *ret)
{
	struct words words = words_of(err, why);
	const char *paint = strcmp(kind, "error") == 0 ? RED : YELLOW;

	HM_TRY(buf_print(ret, "%s: %s%s[HM-%04u]:%s %s%s%s\n", setup.program,
	    color ? paint : "", kind, (unsigned)err, color ? PLAIN : "",
	    color ? BOLD : "", words.text, color ? PLAIN : ""));
	HM_TRY(put_part(ret, "where: ", words.where));
	HM_TRY(put_excerpt(ret, words.excerpt));
	HM_TRY(put_part(ret, "why: ", words.reason));
	HM_TRY(put_part(ret, "do: ", words.act));
	if (setup.verbose > 0 && why != NULL && why->file != NULL)
		HM_TRY(buf_print(ret, "%s:   source: %s:%d\n", setup.program,
		    why->file, why->line));
	return buf_print(ret, "%s:   more: hallmark help HM-%04u\n",
	    setup.program, (unsigned)err);
}

/* An empty text is an absent key. */
static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

hm_err
report_error_doc(hm_err err, const struct why *why, struct buf *ret)
{
	const struct err_info *info = err_info(err);
	struct words words = words_of(err, why);
	AUTO_DOC struct doc *doc = doc_new("hallmark.error/1");
	char id[16];

	snprintf(id, sizeof(id), "HM-%04u", (unsigned)err);
	doc_text(doc, "id", id);
	doc_text(doc, "class", err_class_name(info->class));
	doc_int(doc, "exit", info->exit_status);
	doc_text(doc, "text", words.text);
	doc_text(doc, "where", or_null(words.where));
	doc_text(doc, "why", or_null(words.reason));
	doc_text(doc, "do", words.act);
	return doc_write(doc, false, ret);
}

/* A failure must be said even if there is no memory to say it nicely. */
static void
speak(const char *kind, hm_err err, const struct why *why)
{
	AUTO(buf) struct buf text = { .max = TEXT_MAX };
	hm_err failure;

	if (json_errors && strcmp(kind, "error") == 0) {
		failure = report_error_doc(err, why, &text);
		if (failure == HM_OK)
			failure = buf_print(&text, "\n");
	} else {
		failure = report_text(kind, err, why, report_color(2), &text);
	}
	fflush(stdout);
	if (failure == HM_OK)
		fputs(buf_text(&text), stderr);
	else
		fprintf(stderr, "%s: %s[HM-%04u]: %s\n", setup.program, kind,
		    (unsigned)err, err_info(err)->words);
}

void
report_warning(hm_err err, const struct why *why)
{
	speak("warning", err, why);
}

int
report_failure(hm_err err, const struct why *why)
{
	if (err == HM_OK)
		return HM_EXIT_OK;
	speak("error", err, why);
	return err_info(err)->exit_status;
}

struct doc *
report_doc(const char *schema)
{
	return setup.json ? doc_new(schema) : NULL;
}

static hm_err
print_doc(const struct doc *doc, bool indented, struct why *why)
{
	AUTO(buf) struct buf text = { .max = DOC_MAX };

	HM_TRY(doc_write(doc, indented, &text));
	if (!indented)
		HM_TRY(buf_print(&text, "\n"));
	if (fwrite(text.ptr, 1, text.len, stdout) != text.len)
		return WHY(why, HM_E_IO, "cannot write the result");
	return HM_OK;
}

static int
finish(const struct doc *doc, bool indented)
{
	struct why why = { 0 };
	hm_err err = HM_OK;

	if (setup.json)
		err = print_doc(doc, indented, &why);
	/* A full disk or a closed pipe shows only now. */
	if (err == HM_OK && (fflush(stdout) != 0 || ferror(stdout) != 0))
		err = WHY(&why, HM_E_IO, "cannot write the result: %s",
		    strerror(errno));
	return report_failure(err, &why);
}

int
report_end(const struct doc *doc)
{
	return finish(doc, isatty(1) == 1);
}

int
report_event(const struct doc *doc)
{
	return finish(doc, false);
}

hm_err
report_explain(const char *id, struct buf *ret, struct why *why)
{
	const struct err_info *info;
	uint64_t number;

	if (strncmp(id, "HM-", 3) != 0 ||
	    uint_parse(hm_bytes_of(id + 3), 9999, &number) != HM_OK ||
	    number == 0 || !err_is_known((unsigned)number)) {
		why_do(why, "see hallmark-errors(7) for all of them");
		return WHY(why, HM_E_USAGE, "there is no error \"%s\"", id);
	}
	info = err_info((hm_err)number);
	HM_TRY(buf_print(ret, "%s  %s\n\n", id, info->words));
	HM_TRY(buf_print(ret, "do      %s\n", info->act));
	HM_TRY(buf_print(ret, "class   %s\n", err_class_name(info->class)));
	HM_TRY(buf_print(ret, "exit    %d\n", info->exit_status));
	return buf_print(ret, "http    %d\n", info->http);
}
