/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmark server backup, restore: on the server's machine, as root or as the
 * user of the keeper
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/report.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "cmd/paths.h"
#include "server/config.h"
#include "server/keeper/backup.h"

#define HALLMARKD_DEFAULT "/etc/hallmark/hallmarkd.yaml"

static const struct option_spec folder_operand[] = {
	{ "folder", OPTION_PATH, .required = true, .help = "the backup" },
	{ 0 },
};

static void
show_info(const struct backup_info *info, struct doc *doc)
{
	report_line("log       %s", info->origin);
	report_line("entries   %" PRIu64 "  of which published %" PRIu64,
	    info->entries, info->published);
	report_line("files     %" PRIu32 "  %" PRIu64 " bytes", info->files,
	    info->bytes);
	doc_text(doc, "origin", info->origin);
	doc_time(doc, "made", info->made_s);
	doc_uint(doc, "entries", info->entries);
	doc_uint(doc, "published", info->published);
	doc_uint(doc, "files", info->files);
	doc_uint(doc, "bytes", info->bytes);
	doc_hex(doc, "manifest_sha256", HM_BYTES(info->manifest));
}

/* The log's key, if it was given. */
static hm_err
load_key(const struct options *given, struct note_key *room,
    const struct note_key **ret, struct why *why)
{
	*ret = NULL;
	if (!options_has(given, "log-key"))
		return HM_OK;
	HM_TRY(verifier_key_load(options_text(given, "log-key"), room, why));
	*ret = room;
	return HM_OK;
}

/* ---- backup ---- */

static const struct option_spec backup_options[] = {
	{ "hallmarkd", OPTION_PATH, .fallback = HALLMARKD_DEFAULT,
	    .metavar = "FILE", .help = "the server's configuration" },
	{ "verify", OPTION_FLAG,
	    .help = "make nothing: read a backup back and check it" },
	{ "log-key", OPTION_TEXT, .metavar = "VKEY",
	    .help = "with --verify: verifier key of the log, or the file with "
		    "it" },
	{ 0 },
};

static hm_err
make(const struct options *given, struct backup_info *ret, struct why *why)
{
	static struct server_config config; /* large */
	const char *path = options_text(given, "hallmarkd");

	HM_TRY(server_config_load(path, &config, why));
	const struct backup_file files[] = {
		{ "hallmarkd.yaml", path },
		{ "issuer.pem", config.issuer },
		{ "authority.pub", config.authority },
		{ "server.pem", config.tls.certificate },
		{ "client-ca.pem", config.tls.client_ca },
	};
	const struct backup_file absent[] = {
		{ "key of the TLS certificate", config.tls.key },
		{ "token: back it up as its maker says", config.token.uri },
		{ "PIN of the token", config.token.pin },
	};
	struct backup_plan plan = { .state = config.state,
		.files = files,
		.file_count = sizeof(files) / sizeof(files[0]),
		.absent = absent,
		.absent_count = sizeof(absent) / sizeof(absent[0]) };

	return backup_make(
	    options_text(given, "folder"), &plan, clock_now_s(), ret, why);
}

static hm_err
check(const struct options *given, struct backup_info *ret, struct why *why)
{
	const struct note_key *key;
	struct note_key room;

	HM_TRY(load_key(given, &room, &key, why));
	return backup_check(options_text(given, "folder"), key, ret, why);
}

static int
backup(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.server.backup/2");
	struct backup_info info;
	struct why why = { 0 };
	bool verify = options_flag(given, "verify");
	hm_err err =
	    verify ? check(given, &info, &why) : make(given, &info, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "folder", options_text(given, "folder"));
	report_line("%s  %s", options_text(given, "folder"),
	    verify ? "is whole" : "was made and read back");
	show_info(&info, doc);
	if (!verify)
		report_note("not in it: the token, its PIN, the key of the TLS "
			    "certificate");
	return report_end(doc);
}

/* ---- restore ---- */

static const struct option_spec restore_options[] = {
	{ "state", OPTION_PATH, .required = true, .metavar = "FOLDER",
	    .help = "the server's state folder: new, or empty" },
	{ "log-key", OPTION_TEXT, .required = true, .metavar = "VKEY",
	    .help = "verifier key of the log, or the file with it" },
	{ "seen", OPTION_PATH, .repeated = true, .metavar = "PATH",
	    .help = "what others have seen of the log: a checkpoint, a "
		    "receipt, or a folder with *.seen, *.tlog-proof and "
		    "checkpoint" },
	{ "successor", OPTION_TEXT, .metavar = "ORIGIN",
	    .help = "the log goes on under this name, because more was seen "
		    "than the backup has" },
	{ 0 },
};

static bool
is_seen(const char *name)
{
	return strcmp(name, "checkpoint") == 0 || ends_with(name, ".seen") ||
	       ends_with(name, ".tlog-proof");
}

/* A file, or what a folder has of them. */
static hm_err
add_seen(const char *path, struct paths *ret, struct why *why)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	hm_err err = HM_OK;

	if (dir == NULL && errno == ENOTDIR)
		return paths_add(ret, "", path);
	if (dir == NULL) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_FILE, "cannot read: %s", strerror(errno));
	}
	while (err == HM_OK && (entry = readdir(dir)) != NULL)
		if (is_seen(entry->d_name))
			err = paths_add(ret, path, entry->d_name);
	closedir(dir);
	return err;
}

static hm_err
restore_to(const struct options *given, struct backup_info *ret,
    struct backup_loss *ret_loss, struct why *why)
{
	AUTO(paths) struct paths seen = { 0 };
	struct note_key key;
	struct backup_way way = { .log_key = &key };

	HM_TRY(verifier_key_load(options_text(given, "log-key"), &key, why));
	for (size_t i = 0; i < options_count(given, "seen"); i++)
		HM_TRY(add_seen(options_at(given, "seen", i), &seen, why));
	way.seen = (const char *const *)seen.list;
	way.seen_count = seen.count;
	if (options_has(given, "successor"))
		way.successor = options_text(given, "successor");
	HM_TRY(backup_restore(options_text(given, "folder"),
	    options_text(given, "state"), &way, ret, ret_loss, why));
	ret_loss->path = NULL; /* it ends here */
	return HM_OK;
}

static int
restore(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.server.restore/2");
	struct backup_info info;
	struct backup_loss loss;
	struct why why = { 0 };
	hm_err err = restore_to(given, &info, &loss, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_text(doc, "state", options_text(given, "state"));
	report_line("%s", options_text(given, "state"));
	show_info(&info, doc);
	doc_uint(doc, "seen", loss.seen);
	report_line("seen      %" PRIu64 " entries", loss.seen);
	if (options_has(given, "successor")) {
		doc_text(doc, "successor", options_text(given, "successor"));
		report_note("all orders are closed; set origin and token.log "
			    "of hallmarkd.yaml to those of the new log, give "
			    "its key to stations and auditors");
	}
	return report_end(doc);
}

const struct verb_spec server_backup = { .name = "backup",
	.words = "copy the state of a running server",
	.text = "The folder appears when it is complete, synced and read back. "
		"Nothing is overwritten. It holds database, ledger, "
		"configuration and certificates; the token, its PIN and the "
		"key of the TLS certificate are not in it.",
	.example = "hallmark server backup /backup/2026-11-21",
	.options = backup_options,
	.operands = folder_operand,
	.run = backup };
const struct verb_spec server_restore = { .name = "restore",
	.words = "make a state folder from a backup",
	.text = "Devices that were made after the backup would be forgotten. "
		"So the log may go on under its name only if nobody has seen "
		"more of it: --seen names what stations (journal/*.seen, "
		"records), witnesses and auditors have. If more was seen, "
		"restore a newer backup, or let a log of another name follow: "
		"then all orders are closed, and everybody who checks the log "
		"has to be given its new key.",
	.example = "hallmark server restore /backup/2026-11-21 --state "
		   "/var/lib/hallmark --log-key log.vkey --seen journal/",
	.options = restore_options,
	.operands = folder_operand,
	.run = restore };
