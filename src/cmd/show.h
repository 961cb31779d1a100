/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* show - a record of the server as lines for people, or as it came with --json
 */

#include "base/doc.h"
#include "cmd/context.h"

typedef enum show_type { SHOW_TEXT, SHOW_NUMBER, SHOW_BOOL } show_type;

struct show_row {
	const char *label; /* NULL ends the table */
	const char *key;   /* of the record */
	show_type type;
};

/* What a record says of itself: HM_OK if all is well. */
typedef hm_err (*show_verdict)(struct doc *record);

/* As show_record; then the verdict decides the exit status. */
int show_record_and_judge(const struct options *given, const char *path,
    const char *name, const struct show_row *rows, show_verdict verdict);

/* GET path + name and show it; gives the exit status. */
int show_record(const struct options *given, const char *path, const char *name,
    const struct show_row *rows);
