/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * csv - tables as vendors' generators read them (RFC 4180)
 *
 * Rows are taken apart in place: cells point into the text and live as long.
 * Empty lines and lines that start with # are left out.
 */
#include "base/buf.h"
#include "base/why.h"

#define CSV_COLUMNS_MAX 16

struct csv {
	char *at; /* what is left; ends with a NUL */
	unsigned line;
};

struct csv_row {
	char *cells[CSV_COLUMNS_MAX]; /* `count` of them */
	size_t count;
	unsigned line; /* in the file, from 1 */
};

/* HM_E_USAGE: a NUL in it. `text` is changed by reading. */
HM_MUST hm_err csv_begin(struct buf *text, struct csv *ret, struct why *why);
/* *ret_more false: the end. HM_E_USAGE (quotes, too many cells) */
HM_MUST hm_err csv_next(
    struct csv *csv, struct csv_row *ret, bool *ret_more, struct why *why);
/* HM_E_USAGE, with the line. */
hm_err csv_bad(const struct csv_row *row, struct why *why, const char *what);
