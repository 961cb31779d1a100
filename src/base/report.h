/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * report - how a command speaks to the person or script that called it
 *
 * Results go to standard output, everything else to standard error. With
 * --json a command's result is one JSON document and the text twin is silent:
 *
 *	report_line("order %s open: %" PRIu64 " units", name, quota);
 *	AUTO_DOC struct doc *doc = report_doc("hallmark.order.create/1");
 *	doc_text(doc, "order", name);
 *	doc_uint(doc, "quota", quota);
 *	return report_end(doc);
 *
 * so both are made from the same values at the same place. A failure has one
 * form everywhere (the list of core/err.h supplies what `why` does not say):
 *
 *	hallmark: error[HM-4102]: token "acme-prod" matched 2 tokens
 *	hallmark:   where: pkcs11:token=acme-prod
 *	hallmark:   why: not exactly one token or object matches the URI
 *	hallmark:   do: add the serial
 *	hallmark:   more: hallmark help HM-4102
 *
 * or, with --json or HALLMARK_ERROR_FORMAT=json, the object hallmark.error/1.
 * Colour only on a terminal, never with NO_COLOR, always with CLICOLOR_FORCE;
 * --color decides over all. Daemons log instead (log.h) and use this for their
 * command line only. Not thread-safe.
 */
#include "base/doc.h"
#include "base/why.h"

typedef enum report_when {
	REPORT_AUTO,
	REPORT_ALWAYS,
	REPORT_NEVER,
} report_when;

typedef enum report_progress {
	REPORT_PROGRESS_AUTO, /* bar on a terminal, else lines */
	REPORT_PROGRESS_BAR,
	REPORT_PROGRESS_LINE,
	REPORT_PROGRESS_NONE,
} report_progress;

struct report_setup {
	const char *program; /* stands before each line on standard error */
	bool json;
	bool quiet;       /* no notes, no progress */
	unsigned verbose; /* how often --verbose was given */
	report_when color;
	report_progress progress;
};

/* options_main() calls it. Streams and environment are looked at here. */
void report_init(const struct report_setup *setup);
bool report_is_json(void);
unsigned report_verbose(void);
bool report_color(int fd);
/* Never AUTO: bar, line or none. */
report_progress report_progress_style(void);

/* A line of the result, on standard output; silent with --json. */
__attribute__((format(printf, 1, 2))) void report_line(const char *format, ...);
/* For the person: on standard error, silent with --quiet and --json. */
__attribute__((format(printf, 1, 2))) void report_note(const char *format, ...);
/* The same from `level` times --verbose on. */
__attribute__((format(printf, 2, 3))) void report_detail(
    unsigned level, const char *format, ...);
/* "warning[HM-nnnn]: ..." in the form of a failure; also with --quiet. */
void report_warning(hm_err err, const struct why *why);

/* A document for the result; NULL (which doc_* take) without --json. */
struct doc *report_doc(const char *schema);
/* Print the document, if any: indented on a terminal, else on one line. Gives
 * the exit status: 0, or that of HM_E_IO if standard output failed, which is
 * reported. */
int report_end(const struct doc *doc);
/* One event of a run, as a line of JSON, at once. As report_end. */
int report_event(const struct doc *doc);

/* Say what failed; gives its exit status. HM_OK gives 0 and says nothing. */
int report_failure(hm_err err, const struct why *why);

/* The same texts into a buffer, for tests and logs of other programs. */
HM_MUST hm_err report_text(const char *kind, hm_err err, const struct why *why,
    bool color, struct buf *ret);
HM_MUST hm_err report_error_doc(
    hm_err err, const struct why *why, struct buf *ret);
/* What `hallmark help HM-nnnn` says. HM_E_USAGE: no such number. */
HM_MUST hm_err report_explain(const char *id, struct buf *ret, struct why *why);
