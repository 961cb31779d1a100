/* SPDX-License-Identifier: Apache-2.0 */
/* hallmark audit prove, check, show: single entries of the ledger */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/key_file.h"
#include "cmd/nouns.h"
#include "ledger/receipt.h"
#include "ledger/tiles.h"
#include "wire/entry.h"

#define TEXT_MAX 65536

/* ---- finding an entry ---- */

/* Device id and serial number that an entry speaks of; empty if of none. */
static void
subject(const struct hm_entry *entry, struct hm_bytes *ret_device,
    struct hm_bytes *ret_serial)
{
	*ret_device = *ret_serial = (struct hm_bytes){ 0 };
	switch (entry->type) {
	case HM_ENTRY_ISSUE:
		*ret_device = HM_BYTES(entry->issue.device_id);
		*ret_serial = entry->issue.serial;
		break;
	case HM_ENTRY_CONFIRM:
		*ret_device = HM_BYTES(entry->confirm.device_id);
		break;
	case HM_ENTRY_RESERVE:
		*ret_device = HM_BYTES(entry->reserve.device_id);
		break;
	case HM_ENTRY_VOID:
		*ret_device = HM_BYTES(entry->voided.device_id);
		break;
	case HM_ENTRY_STATE:
		*ret_device = HM_BYTES(entry->state.device_id);
		break;
	case HM_ENTRY_ALARM:
		*ret_device = HM_BYTES(entry->alarm.device_id);
		break;
	case HM_ENTRY_GENESIS:
	case HM_ENTRY_OBJECT:
	case HM_ENTRY_CRL:
	case HM_ENTRY_SUCCESSION:
		break;
	}
}

static const char *
type_name(hm_entry_type type)
{
	static const char *const names[] = { "?", "genesis", "object",
		"reserve", "issue", "confirm", "void", "state", "crl", "alarm",
		"succession" };

	return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type]
								 : "?";
}

typedef hm_err (*each_entry)(void *context, uint64_t index,
    struct hm_bytes bytes, const struct hm_entry *entry);

static hm_err
walk(struct tiles *tiles, uint64_t from, uint64_t until, each_entry each,
    void *context)
{
	AUTO(buf) struct buf bytes = { 0 };
	static struct hm_entry entry; /* large */

	buf_init(&bytes, HM_ENTRY_MAX);
	for (uint64_t i = from; i < until; i++) {
		buf_clear(&bytes);
		HM_TRY(tiles_entry(tiles, i, &bytes));
		HM_TRY(hm_entry_decode(buf_bytes(&bytes), &entry));
		HM_TRY(each(context, i, buf_bytes(&bytes), &entry));
	}
	return HM_OK;
}

/* ---- show ---- */

static const struct option_spec show_options[] = {
	{ "entry", OPTION_INT, .min = 0, .max = INT64_MAX, .metavar = "INDEX",
	    .help = "this entry only" },
	{ "device", OPTION_TEXT, .metavar = "ID",
	    .help = "entries of this device id (64 hex digits) only" },
	{ 0 },
};
static const struct option_spec folder_operand[] = {
	{ "folder", OPTION_PATH, .required = true,
	    .help = "the ledger: checkpoint and tile/" },
	{ 0 },
};

struct showing {
	uint8_t device_id[HM_DEVICE_ID_LEN];
	bool by_device;
};

/* The words behind the time and the type. */
static void
describe(const struct hm_entry *entry, char *ret, size_t size)
{
	ret[0] = 0;
	if (entry->type == HM_ENTRY_ISSUE)
		(void)snprintf(ret, size, "%.*s  order %.*s  station %.*s",
		    (int)entry->issue.serial.len, entry->issue.serial.ptr,
		    (int)entry->issue.order.len, entry->issue.order.ptr,
		    (int)entry->issue.station.len, entry->issue.station.ptr);
	else if (entry->type == HM_ENTRY_CONFIRM)
		(void)snprintf(ret, size, "order %.*s  station %.*s",
		    (int)entry->confirm.order.len, entry->confirm.order.ptr,
		    (int)entry->confirm.station.len,
		    entry->confirm.station.ptr);
	else if (entry->type == HM_ENTRY_STATE)
		(void)snprintf(ret, size, "%s -> %s",
		    hm_state_name(entry->state.from),
		    hm_state_name(entry->state.to));
	else if (entry->type == HM_ENTRY_VOID)
		(void)snprintf(ret, size, "%s",
		    entry->voided.returned ? "returned" : "not returned");
	else if (entry->type == HM_ENTRY_ALARM)
		(void)snprintf(ret, size, "HM-%04d", entry->alarm.err);
	else if (entry->type == HM_ENTRY_GENESIS)
		(void)snprintf(ret, size, "%.*s",
		    (int)entry->genesis.origin.len, entry->genesis.origin.ptr);
	else if (entry->type == HM_ENTRY_SUCCESSION)
		(void)snprintf(ret, size,
		    "%.*s  before: %" PRIu64 " entries known",
		    (int)entry->succession.origin.len,
		    entry->succession.origin.ptr, entry->succession.seen);
	else if (entry->type == HM_ENTRY_CRL)
		(void)snprintf(ret, size,
		    "number %" PRIu64 ", %" PRIu32 " revoked",
		    entry->crl.number, entry->crl.count);
}

static hm_err
show_entry(void *context, uint64_t index, struct hm_bytes bytes,
    const struct hm_entry *entry)
{
	const struct showing *showing = context;
	struct doc *doc = report_doc("hallmark.audit.entry/1");
	struct hm_bytes device, serial;
	char when[TIME_TEXT_LEN], words[200], id[17] = "";

	subject(entry, &device, &serial);
	if (showing->by_device &&
	    !hm_bytes_equal(device, HM_BYTES(showing->device_id))) {
		doc_free(doc);
		return HM_OK;
	}
	time_format(entry->time_s, when);
	describe(entry, words, sizeof(words));
	if (device.len != 0)
		hex_format((struct hm_bytes){ device.ptr, 8 }, id);
	report_line("%8" PRIu64 "  %s  %-8s %-16s  %s", index, when,
	    type_name(entry->type), id, words);
	doc_uint(doc, "index", index);
	doc_text(doc, "t", when);
	doc_text(doc, "type", type_name(entry->type));
	if (device.len != 0)
		doc_hex(doc, "device_id", device);
	if (serial.len != 0)
		doc_bytes(doc, "serial", serial);
	doc_text(doc, "words", words);
	doc_hex(doc, "entry", bytes);
	(void)report_event(doc); /* a reader that left is told at the end */
	doc_free(doc);
	return HM_OK;
}

static hm_err
show_all(const struct options *given, struct why *why)
{
	struct showing showing = { .by_device = options_has(given, "device") };
	struct tiles *tiles;
	uint64_t from = 0, until;
	hm_err err;

	if (showing.by_device &&
	    hex_parse(hm_bytes_of(options_text(given, "device")),
		showing.device_id, sizeof(showing.device_id)) != HM_OK)
		return WHY(why, HM_E_USAGE, "a device id is 64 hex digits");
	HM_TRY(tiles_open_readonly(options_text(given, "folder"), &tiles, why));
	until = tiles_published(tiles);
	if (options_has(given, "entry")) {
		from = (uint64_t)options_int(given, "entry");
		until = from < until ? from + 1 : until;
	}
	err = from < until || until == 0
		  ? walk(tiles, from, until, show_entry, &showing)
		  : WHY(why, HM_E_NOT_FOUND, "the log has %" PRIu64 " entries",
			until);
	tiles_free(tiles);
	return err;
}

static int
show(const struct options *given)
{
	struct why why = { 0 };

	return report_failure(show_all(given, &why), &why);
}

/* ---- prove ---- */

static const struct option_spec prove_options[] = {
	{ "entry", OPTION_INT, .min = 0, .max = INT64_MAX, .required = true,
	    .metavar = "INDEX", .help = "which entry" },
	{ "out", OPTION_PATH, .required = true, .metavar = "NAME",
	    .help = "writes NAME.entry and NAME.tlog-proof" },
	{ 0 },
};

static hm_err
write_both(const char *name, struct hm_bytes entry, struct hm_bytes receipt,
    struct why *why)
{
	char path[FILE_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s.entry", name);

	if (n < 0 || (size_t)n + 8 >= sizeof(path))
		return WHY(why, HM_E_USAGE, "the name is too long");
	HM_TRY(file_create(path, entry, 0644, why));
	(void)snprintf(path, sizeof(path), "%s.tlog-proof", name);
	return file_create(path, receipt, 0644, why);
}

static hm_err
prove_from(struct tiles *tiles, const struct options *given, struct why *why)
{
	AUTO(buf) struct buf entry = { 0 }, note = { 0 }, receipt = { 0 };
	static struct tree_hash proof[TREE_PROOF_MAX];
	uint64_t index = (uint64_t)options_int(given, "entry");
	char path[FILE_PATH_MAX];
	uint32_t count;

	buf_init(&entry, HM_ENTRY_MAX);
	buf_init(&receipt, HM_RECEIPT_MAX);
	HM_TRY(path_join(
	    path, sizeof(path), options_text(given, "folder"), "checkpoint"));
	HM_TRY(file_read_text(path, TEXT_MAX, &note, why));
	HM_TRY(tiles_entry(tiles, index, &entry));
	HM_TRY(tree_prove(
	    index, tiles_published(tiles), tiles_reader, tiles, proof, &count));
	HM_TRY(receipt_format(index, proof, count, buf_bytes(&note), &receipt));
	return write_both(options_text(given, "out"), buf_bytes(&entry),
	    buf_bytes(&receipt), why);
}

static int
prove(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.audit.prove/1");
	struct tiles *tiles = NULL;
	struct why why = { 0 };
	hm_err err;

	err = tiles_open_readonly(options_text(given, "folder"), &tiles, &why);
	if (err == HM_OK)
		err = prove_from(tiles, given, &why);
	tiles_free(tiles);
	if (err != HM_OK)
		return report_failure(err, &why);
	doc_uint(doc, "entry", (uint64_t)options_int(given, "entry"));
	doc_text(doc, "out", options_text(given, "out"));
	report_line("%s.entry  %s.tlog-proof", options_text(given, "out"),
	    options_text(given, "out"));
	return report_end(doc);
}

/* ---- check ---- */

static const struct option_spec check_options[] = {
	{ "log-key", OPTION_TEXT, .required = true, .metavar = "VKEY",
	    .help = "verifier key of the log, or the file with it" },
	{ 0 },
};
static const struct option_spec check_operands[] = {
	{ "entry", OPTION_PATH, .required = true, .help = "NAME.entry" },
	{ "receipt", OPTION_PATH, .required = true, .help = "NAME.tlog-proof" },
	{ 0 },
};

static hm_err
check_files(const struct options *given, uint64_t *ret_index, struct why *why)
{
	AUTO(buf) struct buf entry = { 0 }, receipt = { 0 };
	struct checkpoint checkpoint;
	struct note_key log;
	struct note_policy policy = { .log = &log };

	HM_TRY(verifier_key_load(options_text(given, "log-key"), &log, why));
	HM_TRY(
	    file_read(options_text(given, "entry"), HM_ENTRY_MAX, &entry, why));
	HM_TRY(
	    file_read(options_text(given, "receipt"), TEXT_MAX, &receipt, why));
	return receipt_verify(buf_bytes(&receipt), buf_bytes(&entry), &policy,
	    ret_index, &checkpoint);
}

static int
check(const struct options *given)
{
	AUTO_DOC struct doc *doc = report_doc("hallmark.audit.check/1");
	struct why why = { 0 };
	uint64_t index;
	hm_err err = check_files(given, &index, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	doc_uint(doc, "entry", index);
	report_line("ok  entry %" PRIu64, index);
	return report_end(doc);
}

const struct verb_spec audit_show = { .name = "show",
	.words = "list entries",
	.options = show_options,
	.operands = folder_operand,
	.run = show };
const struct verb_spec audit_prove = { .name = "prove",
	.words = "make a receipt for an entry",
	.options = prove_options,
	.operands = folder_operand,
	.run = prove };
const struct verb_spec audit_check = { .name = "check",
	.words = "check a receipt",
	.options = check_options,
	.operands = check_operands,
	.run = check };
