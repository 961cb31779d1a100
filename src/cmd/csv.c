/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/csv.h"

#include <string.h>

hm_err
csv_bad(const struct csv_row *row, struct why *why, const char *what)
{
	why_where(why, "line %u", row->line);
	return WHY(why, HM_E_USAGE, "%s", what);
}

hm_err
csv_begin(struct buf *text, struct csv *ret, struct why *why)
{
	if (text->len > 0 && memchr(text->ptr, '\0', text->len) != NULL)
		return WHY(why, HM_E_USAGE, "the table is not text");
	if (text->ptr == NULL) {
		static char nothing[1];

		*ret = (struct csv){ .at = nothing };
		return HM_OK;
	}
	(void)buf_text(text);
	*ret = (struct csv){ .at = (char *)text->ptr };
	return HM_OK;
}

/* What is in quotes, moved together; NULL: they do not end. */
static char *
read_quoted(char *from)
{
	char *to = from;

	for (from++; *from != '\0'; from++) {
		if (*from == '"' && from[1] != '"') {
			*to = '\0';
			return from + 1;
		}
		from += *from == '"';
		*to++ = *from;
	}
	return NULL;
}

static char *
skip_return(char *at)
{
	return at + (at[0] == '\r' && (at[1] == '\n' || at[1] == '\0'));
}

/* One cell; returns where what divides it stood, *ret_end is that byte. */
static char *
read_cell(char *at, char *ret_end)
{
	char *end = *at == '"' ? read_quoted(at) : at + strcspn(at, ",\r\n");
	char *stop;

	if (end == NULL)
		return NULL;
	stop = skip_return(end);
	*ret_end = *stop;
	if (*stop != ',' && *stop != '\n' && *stop != '\0')
		return NULL;
	*end = '\0';
	return stop;
}

static char *
skip_blank(struct csv *csv)
{
	char *at = csv->at;

	while (*at == '#' || *at == '\n' || *skip_return(at) == '\n') {
		at += strcspn(at, "\n");
		at += *at == '\n';
		csv->line++;
	}
	return at;
}

hm_err
csv_next(struct csv *csv, struct csv_row *ret, bool *ret_more, struct why *why)
{
	char *at = skip_blank(csv), end = ',';

	*ret = (struct csv_row){ .line = ++csv->line };
	*ret_more = *at != '\0';
	if (!*ret_more)
		return HM_OK;
	while (end == ',') {
		if (ret->count == CSV_COLUMNS_MAX)
			return csv_bad(ret, why, "too many cells");
		ret->cells[ret->count++] = at;
		at = read_cell(at, &end);
		if (at == NULL)
			return csv_bad(ret, why,
			    "a cell that does not end, or text behind quotes");
		at += end != '\0';
	}
	csv->at = at;
	return HM_OK;
}
