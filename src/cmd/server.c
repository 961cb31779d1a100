/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark server: look after a running hallmarkd */

#include "base/errtext.h"
#include "cmd/nouns.h"
#include "cmd/show.h"

/* ---- health ---- */

static const struct option_spec context_option[] = { CONTEXT_OPTION, { 0 } };

/* The server tells numbers of core/err.h; 0 is well. */
static hm_err
judge_health(struct doc *record)
{
	static const char *const parts[] = { "database", "token" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int64_t number = doc_get_int(record, parts[i], HM_E_BUG);

		if (number != HM_OK)
			return err_info((hm_err)number)->err;
	}
	return HM_OK;
}

static int
health(const struct options *given)
{
	static const struct show_row rows[] = {
		{ "entries", "entries", SHOW_NUMBER },
		{ "database", "database", SHOW_NUMBER },
		{ "token", "token", SHOW_NUMBER },
		{ 0 },
	};

	return show_record_and_judge(given, "/healthz", "", rows, judge_health);
}

static const struct verb_spec health_verb = { .name = "health",
	.words = "is it well? the exit status says so too",
	.options = context_option,
	.run = health };
static const struct verb_spec *const verbs[] = { &server_backup,
	&server_restore, &health_verb, NULL };

const struct noun_spec noun_server = { .name = "server",
	.words = "backup, restore and health of a hallmarkd",
	.verbs = verbs };
