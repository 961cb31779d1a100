/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hallmark audit: check the ledger without trusting who wrote it
 *
 * Reads the files that are named and nothing else: no configuration, no server,
 * no token, no network.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "cmd/paths.h"
#include "cmd/point_file.h"
#include "crypto/p256.h"
#include "ledger/audit.h"

#define WITNESSES_MAX 32
#define APPROVERS_MAX 32
#define TEXT_MAX 65536

/* ---- lists of paths ---- */

/* Receipts and certificates that a station kept. */
static hm_err
list_records(const char *folder, struct paths *receipts,
    struct paths *certificates, struct why *why)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	hm_err err = HM_OK;

	if (dir == NULL) {
		why_where(why, "%s", folder);
		return WHY(why, HM_E_FILE, "cannot list: %s", strerror(errno));
	}
	while (err == HM_OK && (entry = readdir(dir)) != NULL) {
		if (ends_with(entry->d_name, ".tlog-proof"))
			err = paths_add(receipts, folder, entry->d_name);
		else if (ends_with(entry->d_name, ".der"))
			err = paths_add(certificates, folder, entry->d_name);
	}
	closedir(dir);
	return err;
}

/* ---- whom to trust ---- */

struct trust {
	struct note_key log;
	struct note_key witnesses[WITNESSES_MAX];
	struct note_policy policy;
	uint8_t authority[HM_POINT_LEN];
	bool has_authority;
	uint8_t approvers[APPROVERS_MAX][HM_POINT_LEN];
	size_t approver_count;
};

static hm_err
load_authority(const char *path, struct trust *ret, struct why *why)
{
	AUTO(buf) struct buf pem = { 0 };

	if (path == NULL)
		return HM_OK;
	HM_TRY(file_read_text(path, TEXT_MAX, &pem, why));
	if (p256_point_from_pem(buf_bytes(&pem), ret->authority) != HM_OK) {
		why_where(why, "%s", path);
		return WHY(why, HM_E_KEY, "not a P-256 public key in PEM");
	}
	ret->has_authority = true;
	return HM_OK;
}

static hm_err
load_approvers(const struct options *given, struct trust *ret, struct why *why)
{
	for (size_t i = 0; i < options_count(given, "approver"); i++) {
		if (i == APPROVERS_MAX)
			return WHY(why, HM_E_USAGE, "too many approvers");
		HM_TRY(point_read(
		    options_at(given, "approver", i), ret->approvers[i], why));
		ret->approver_count++;
	}
	return HM_OK;
}

static hm_err
load_trust(const struct options *given, struct trust *ret, struct why *why)
{
	HM_TRY(
	    verifier_key_load(options_text(given, "log-key"), &ret->log, why));
	HM_TRY(load_authority(options_text(given, "authority"), ret, why));
	HM_TRY(load_approvers(given, ret, why));
	ret->policy.log = &ret->log;
	ret->policy.witnesses = ret->witnesses;
	ret->policy.quorum = (uint32_t)options_int(given, "quorum");
	ret->policy.now_s = clock_now_s();
	for (size_t i = 0; i < options_count(given, "witness"); i++) {
		if (i == WITNESSES_MAX)
			return WHY(why, HM_E_USAGE, "too many witnesses");
		HM_TRY(verifier_key_load(
		    options_at(given, "witness", i), &ret->witnesses[i], why));
		ret->policy.witness_count++;
	}
	return HM_OK;
}

#define TRUST_OPTIONS                                                       \
	{ "log-key", OPTION_TEXT, .required = true, .metavar = "VKEY",      \
		.help = "verifier key of the log, or the file with it" },   \
	    { "witness", OPTION_TEXT, .repeated = true, .metavar = "VKEY",  \
		    .help =                                                 \
			"verifier key of a witness, or the file with it" }, \
	    { "quorum", OPTION_INT, .min = 0, .max = WITNESSES_MAX,         \
		    .fallback = "0",                                        \
		    .help = "witnesses that must have signed" },            \
	    { "approver", OPTION_PATH, .repeated = true, .metavar = "FILE", \
		    .help = "certificate or public key of an approver, "    \
			    "PEM; without any the authority is believed" }, \
	{                                                                   \
		"authority", OPTION_PATH,                                   \
		    .metavar = "FILE",                                      \
		    .help = "public key of the authority, PEM; without it " \
			    "the one of the first entry"                    \
	}

/* ---- verify ---- */

static const struct option_spec verify_options[] = {
	TRUST_OPTIONS,
	{ "records", OPTION_PATH, .repeated = true, .metavar = "FOLDER",
	    .help = "receipts and certificates that a station kept" },
	{ "checkpoint", OPTION_PATH, .repeated = true, .metavar = "FILE",
	    .help = "a checkpoint seen before; the log must not be older" },
	{ 0 },
};
static const struct option_spec folder_operand[] = {
	{ "folder", OPTION_PATH, .required = true,
	    .help = "the ledger: checkpoint and tile/" },
	{ 0 },
};

static void
show_order(const struct audit_order *order, struct doc *list)
{
	struct doc *doc = list == NULL ? NULL : doc_object(list, NULL);

	report_line("order      %-14s %6" PRIu32 " ordered  %6" PRIu32
		    " issued  %6" PRIu32 " confirmed  %4" PRIu32 " returned%s",
	    order->name, order->ordered, order->issued, order->confirmed,
	    order->returned, order->closed ? "  closed" : "");
	doc_text(doc, "order", order->name);
	doc_uint(doc, "ordered", order->ordered);
	doc_uint(doc, "issued", order->issued);
	doc_uint(doc, "confirmed", order->confirmed);
	doc_uint(doc, "returned", order->returned);
	doc_uint(doc, "scrapped", order->scrapped);
	doc_uint(doc, "revoked", order->revoked);
	doc_bool(doc, "closed", order->closed);
}

static void
show_findings(const struct audit_result *result, struct doc *doc)
{
	struct doc *list = doc == NULL ? NULL : doc_array(doc, "findings");

	for (uint32_t i = 0; i < result->kept; i++) {
		const struct audit_finding *f = &result->findings[i];
		struct doc *item = list == NULL ? NULL : doc_object(list, NULL);

		report_line("%-10s %s: %s", f->note ? "note" : "FINDING",
		    f->place, f->words);
		doc_bool(item, "note", f->note);
		doc_text(item, "place", f->place);
		doc_text(item, "words", f->words);
	}
}

static void
show_result(const struct audit_result *result, struct doc *doc)
{
	struct doc *list = doc == NULL ? NULL : doc_array(doc, "orders");
	bool good = result->finding_count == 0;

	report_line(
	    "ledger     %" PRIu64 " entries  %s", result->size, result->origin);
	report_line("signed     by the log and %" PRIu32 " witnesses",
	    result->witnesses);
	for (uint32_t i = 0; i < result->order_count; i++)
		show_order(&result->orders[i], list);
	report_line("records    %" PRIu32 " receipts  %" PRIu32
		    " certificates  %" PRIu32 " older checkpoints",
	    result->receipts, result->certificates, result->checkpoints);
	report_line("alarms     %" PRIu32, result->alarms);
	doc_uint(doc, "entries", result->size);
	doc_text(doc, "origin", result->origin);
	doc_hex(doc, "root", HM_BYTES(result->root.bytes));
	doc_uint(doc, "witnesses", result->witnesses);
	doc_uint(doc, "receipts", result->receipts);
	doc_uint(doc, "certificates", result->certificates);
	doc_uint(doc, "checkpoints", result->checkpoints);
	doc_uint(doc, "alarms", result->alarms);
	doc_bool(doc, "consistent", good);
	show_findings(result, doc);
	report_line("%s", good ? "consistent" : "NOT CONSISTENT");
}

static hm_err
audit(const struct options *given, struct audit_result *ret, struct why *why)
{
	AUTO(paths)
	struct paths receipts = { 0 }, certificates = { 0 },
		     checkpoints = { 0 };
	static struct trust trust; /* large */
	struct audit_options options = {
		.folder = options_text(given, "folder"),
		.policy = &trust.policy,
	};

	HM_TRY(load_trust(given, &trust, why));
	for (size_t i = 0; i < options_count(given, "records"); i++)
		HM_TRY(list_records(options_at(given, "records", i), &receipts,
		    &certificates, why));
	for (size_t i = 0; i < options_count(given, "checkpoint"); i++)
		HM_TRY(paths_add(
		    &checkpoints, ".", options_at(given, "checkpoint", i)));
	options.authority = trust.has_authority ? trust.authority : NULL;
	options.approvers =
	    trust.approver_count > 0
		? (const uint8_t(*)[HM_POINT_LEN])trust.approvers
		: NULL;
	options.approver_count = trust.approver_count;
	options.receipts = (const char *const *)receipts.list;
	options.receipt_count = receipts.count;
	options.certificates = (const char *const *)certificates.list;
	options.certificate_count = certificates.count;
	options.checkpoints = (const char *const *)checkpoints.list;
	options.checkpoint_count = checkpoints.count;
	return audit_run(&options, ret, why);
}

static int
verify(const struct options *given)
{
	AUTO(audit_result) struct audit_result result = { 0 };
	AUTO_DOC struct doc *doc = report_doc("hallmark.audit.verify/1");
	struct why why = { 0 };
	hm_err err = audit(given, &result, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	show_result(&result, doc);
	(void)report_end(doc); /* the verdict matters more */
	if (result.finding_count == 0)
		return HM_EXIT_OK;
	why_where(&why, "%s", options_text(given, "folder"));
	(void)WHY(&why, HM_E_LOG,
	    "the ledger is not consistent: %" PRIu32 " findings",
	    result.finding_count);
	return report_failure(HM_E_LOG, &why);
}

/* ---- the verbs ---- */

static const struct verb_spec verify_verb = { .name = "verify",
	.words = "recount everything and check every signature",
	.text = "Exit status: 0 consistent, 15 not consistent.",
	.example = "hallmark audit verify ledger/ --log-key log.vkey "
		   "--authority authority.pub --records records/",
	.options = verify_options,
	.operands = folder_operand,
	.run = verify };
static const struct verb_spec *const verbs[] = { &verify_verb, &audit_prove,
	&audit_check, &audit_show, &audit_witness, NULL };

const struct noun_spec noun_audit = { .name = "audit",
	.words = "check the ledger without trusting who wrote it",
	.verbs = verbs };
