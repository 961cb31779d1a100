/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * why - the words that go with a failure, for the person who has to act
 *
 * The error number says what kind; this says which file, which key, which
 * token. The first reason stands: whoever fails at the bottom knows most. No
 * heap, no thread-local: the caller owns it, and NULL is welcome everywhere.
 * Never put a secret, a PIN or anything derived from one into it.
 */
#include "core/err.h"

struct why {
	hm_err err; /* HM_OK: nothing was said */
	int line;   /* in our source, for --verbose */
	const char *file;
	char text[240];    /* lower case, no full stop */
	char where[240];   /* path, URI or path:line:col; may be empty */
	char excerpt[400]; /* the line of the user's file with a caret; may be
			      empty */
	char act[240]; /* what to do, if better than the list's; may be empty */
};

#define WHY(why, err, ...) \
	why_set((why), (err), __FILE__, __LINE__, __VA_ARGS__)

/* Set text, unless a reason stands already. Returns `err`. */
__attribute__((format(printf, 5, 6))) hm_err why_set(struct why *why,
    hm_err err, const char *file, int line, const char *format, ...);
/* Set the place and the advice that go with it, unless they stand. */
__attribute__((format(printf, 2, 3))) void why_where(
    struct why *why, const char *format, ...);
__attribute__((format(printf, 2, 3))) void why_do(
    struct why *why, const char *format, ...);
