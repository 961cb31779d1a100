/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * errtext - the list of core/err.h as a table to look things up in
 */
#include <stdbool.h>

#include "core/err.h"

typedef enum err_class {
	ERR_TRANSIENT,
	ERR_PERMANENT,
	ERR_HOLD,
	ERR_SECURITY,
} err_class;

struct err_info {
	hm_err err;
	const char *name; /* "E_QUOTA" */
	int http;
	int exit_status;
	err_class class;
	const char *words; /* "the order is used up" */
	const char *act;   /* what to do */
};

/* Never NULL: an unknown number gives E_BUG's row. */
const struct err_info *err_info(hm_err err);
/* Is the number in the list? */
bool err_is_known(unsigned number);
/* "transient" ... */
const char *err_class_name(err_class class);
/* All rows, for the manual; ended by a row whose name is NULL. */
const struct err_info *err_all(void);
