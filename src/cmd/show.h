/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* show - a record of the server as lines for people, or as it came with --json
 */

#include "cmd/context.h"

typedef enum show_type { SHOW_TEXT, SHOW_NUMBER, SHOW_BOOL } show_type;

struct show_row {
	const char *label; /* NULL ends the table */
	const char *key;   /* of the record */
	show_type type;
};

/* GET path + name and show it; gives the exit status. */
int show_record(const struct options *given, const char *path, const char *name,
    const struct show_row *rows);
