/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark server: look after a running hallmarkd */

#include "base/auto.h"
#include "base/errtext.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/nouns.h"
#include "cmd/show.h"
#include "server/keeper/schema.h"
#include "store/db.h"

#define DATABASE "hallmark.db"

static const struct option_spec state_option[] = {
	{ "state", OPTION_PATH, .required = true, .metavar = "FOLDER",
	    .help = "the server's state folder" },
	{ 0 },
};

/* To read, as the keeper wrote it. */
static hm_err
open_database(const char *path, struct db **ret, struct why *why)
{
	struct db_options options = { .path = path,
		.read_only = true,
		.migrations = keeper_migrations,
		.migrations_count = keeper_migrations_count };

	return db_open(&options, ret, why);
}

/* ---- backup ---- */

static const struct option_spec file_operand[] = {
	{ "file", OPTION_PATH, .required = true, .help = "the backup" },
	{ 0 },
};

static hm_err
back_up(const struct options *given, struct why *why)
{
	char path[FILE_PATH_MAX];
	struct db *db;
	hm_err err;

	HM_TRY(path_join(
	    path, sizeof(path), options_text(given, "state"), DATABASE));
	HM_TRY(open_database(path, &db, why));
	err = db_backup(db, options_text(given, "file"), why);
	db_close(db);
	return err;
}

static int
backup(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.server.backup/1");
	struct why why = { 0 };
	hm_err err = back_up(given, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "file", options_text(given, "file"));
	report_line("%s", options_text(given, "file"));
	return report_end(doc);
}

/* ---- restore ---- */

/* The backup must be whole before it becomes a database. */
static hm_err
restore_to(const char *backup, const char *path, struct why *why)
{
	struct db *db;
	hm_err err;

	if (file_exists(path)) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_EXISTS,
		    "the folder has a database; nothing is overwritten");
	}
	HM_TRY(open_database(backup, &db, why));
	err = db_check(db, why);
	if (err == HM_OK)
		err = db_backup(db, path, why);
	db_close(db);
	return err;
}

static int
restore(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.server.restore/1");
	const char *state = options_text(given, "state");
	char path[FILE_PATH_MAX];
	struct why why = { 0 };
	hm_err err;

	err = file_mkdir(state, 0700, &why);
	if (err == HM_OK)
		err = path_join(path, sizeof(path), state, DATABASE);
	if (err == HM_OK)
		err = restore_to(options_text(given, "file"), path, &why);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "database", path);
	report_line("%s", path);
	report_note("tiles are written anew at the next start; a ledger that "
		    "is newer than the backup is refused");
	return report_end(doc);
}

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

static const struct verb_spec backup_verb = { .name = "backup",
	.words = "copy the database while the server runs",
	.options = state_option,
	.operands = file_operand,
	.run = backup };
static const struct verb_spec restore_verb = { .name = "restore",
	.words = "make a state folder from a backup",
	.text = "Tiles are written anew at the next start. If the folder's "
		"ledger knows more than the backup, the server refuses to "
		"start: devices that were made since would be forgotten.",
	.options = state_option,
	.operands = file_operand,
	.run = restore };
static const struct verb_spec health_verb = { .name = "health",
	.words = "is it well? the exit status says so too",
	.options = context_option,
	.run = health };
static const struct verb_spec *const verbs[] = { &backup_verb, &restore_verb,
	&health_verb, NULL };

const struct noun_spec noun_server = { .name = "server",
	.words = "backup, restore and health of a hallmarkd",
	.verbs = verbs };
