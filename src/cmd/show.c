/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/show.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"

static void
show_row(struct doc *record, const struct show_row *row)
{
	const char *text = row->type == SHOW_TEXT
			       ? doc_get_text(record, row->key, NULL)
			       : NULL;

	if (row->type == SHOW_NUMBER)
		report_line("%-12s %" PRId64, row->label,
		    doc_get_int(record, row->key, 0));
	else if (row->type == SHOW_BOOL)
		report_line("%-12s %s", row->label,
		    doc_get_bool(record, row->key, false) ? "yes" : "no");
	else if (text != NULL)
		report_line("%-12s %s", row->label, text);
}

static hm_err
fetch(const struct options *given, const char *path, const char *name,
    struct buf *ret, struct why *why)
{
	AUTO(context) struct context context = { 0 };
	char url[512];
	int n = snprintf(url, sizeof(url), "%s%s", path, name);

	if (n < 0 || (size_t)n >= sizeof(url))
		return WHY(why, HM_E_USAGE, "the name is too long");
	HM_TRY(context_load(given, &context, why));
	return context_get(&context, url, ret, why);
}

static hm_err
print(struct doc *record, const struct buf *body, const struct show_row *rows,
    struct why *why)
{
	if (report_is_json())
		return file_write("-", buf_bytes(body), 0644, why);
	for (; rows->label != NULL; rows++)
		show_row(record, rows);
	return HM_OK;
}

int
show_record_and_judge(const struct options *given, const char *path,
    const char *name, const struct show_row *rows, show_verdict verdict)
{
	AUTO(buf) struct buf body = { 0 };
	AUTO_DOC struct doc *record = NULL;
	struct why why = { 0 };
	hm_err err = fetch(given, path, name, &body, &why);

	if (err == HM_OK)
		err = doc_parse(buf_bytes(&body), &record, &why);
	if (err == HM_OK)
		err = print(record, &body, rows, &why);
	if (err == HM_OK && verdict != NULL)
		err = verdict(record);
	return report_failure(err, &why);
}

int
show_record(const struct options *given, const char *path, const char *name,
    const struct show_row *rows)
{
	return show_record_and_judge(given, path, name, rows, NULL);
}
