/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/audit: a log of everything is clean; whatever is altered is named */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auditing.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "ledger/receipt.h"
#include "ledger/walk.h"

/* 41 entries with all that a log can have: 12 of order A, of which one is
 * returned, one voided for good, one scrapped, one revoked, one held and
 * released; one of order B. */
static void
make_log(void)
{
	struct hm_entry crl = { .type = HM_ENTRY_CRL };
	struct hm_entry alarm = { .type = HM_ENTRY_ALARM };
	uint8_t command[HM_DIGEST_LEN];

	factory_begin(&factory);
	factory_order(&factory, "PO-A", 10, 1, 100);
	for (uint32_t i = 100; i < 106; i++) {
		factory_issue(&factory, "PO-A", i);
		if (i < 104)
			factory_confirm(&factory, "PO-A", i);
	}
	factory_void(&factory, "PO-A", 104, true);
	factory_void(&factory, "PO-A", 105, false);
	factory_reserve(&factory, "PO-A", 106);
	factory_issue(&factory, "PO-A", 106);
	factory_reserve(&factory, "PO-A", 107);
	factory_void(&factory, "PO-A", 107, true);
	factory_reserve(&factory, "PO-A", 108);
	factory_state(
	    &factory, 108, HM_STATE_RESERVED, HM_STATE_RETURNED, NULL);
	factory_issue(&factory, "PO-A", 108);
	factory_state(&factory, 100, HM_STATE_CONFIRMED, HM_STATE_ACTIVE, NULL);
	assert_int_equal(testlog_publish(tiles), HM_OK);

	factory_command(&factory, HM_VERB_SCRAP, 101, command);
	factory_state(
	    &factory, 101, HM_STATE_CONFIRMED, HM_STATE_SCRAPPED, command);
	factory_command(&factory, HM_VERB_REVOKE, 102, command);
	factory_state(
	    &factory, 102, HM_STATE_CONFIRMED, HM_STATE_REVOKED, command);
	factory_state(&factory, 106, HM_STATE_ISSUED, HM_STATE_HELD, NULL);
	factory_confirm(&factory, "PO-A", 106);
	factory_command(&factory, HM_VERB_HOLD, 103, command);
	factory_state(
	    &factory, 103, HM_STATE_CONFIRMED, HM_STATE_HELD, command);
	factory_command(&factory, HM_VERB_RELEASE_HOLD, 103, command);
	factory_state(
	    &factory, 103, HM_STATE_HELD, HM_STATE_CONFIRMED, command);
	crl.crl.number = 1;
	factory_entry(&factory, &crl);
	crl.crl.number = 2;
	crl.crl.count = 2;
	factory_entry(&factory, &crl);
	alarm.alarm.err = HM_E_CLONE;
	alarm.alarm.order = HM_LITERAL("PO-A");
	alarm.alarm.station = HM_LITERAL(FACTORY_STATION);
	factory_entry(&factory, &alarm);
	factory_order(&factory, "PO-B", 1, 0, 500);
	factory_issue(&factory, "PO-B", 500);
	assert_int_equal(testlog_publish(tiles), HM_OK);
}

static void
counts_a_log_with_everything_in_it(void **state)
{
	struct audit_result result;
	const struct audit_order *order;

	(void)state;
	make_log();
	options.authority = factory.authority_point;
	run_audit(&result);
	if (result.finding_count + result.note_count > 0)
		print(&result);
	assert_int_equal(result.finding_count, 0);
	assert_int_equal(result.note_count, 0);
	assert_int_equal(result.size, tiles_tree(tiles)->size);
	assert_string_equal(result.origin, TESTLOG_ORIGIN);
	assert_int_equal(result.order_count, 2);
	order = &result.orders[0];
	assert_string_equal(order->name, "PO-A");
	assert_int_equal(order->ordered, 10);
	assert_int_equal(order->issued, 8);
	assert_int_equal(order->confirmed, 5);
	assert_int_equal(order->returned, 1);
	assert_int_equal(order->reserved, 0);
	assert_int_equal(order->scrapped, 2);
	assert_int_equal(order->revoked, 1);
	assert_int_equal(result.total.ordered, 11);
	assert_int_equal(result.total.issued, 9);
	assert_int_equal(result.crls, 2);
	assert_int_equal(result.alarms, 1);
	assert_int_equal(result.objects, 9);
	assert_int_equal(result.first_s, FACTORY_START_S);
	assert_int_equal(result.last_s, FACTORY_START_S + result.size - 1);
	audit_result_done(&result);
}

/* --- files --- */

struct flipping {
	uint64_t bytes, files;
};

/* Flip every byte of one file, one after the other: each is found. */
static hm_err
flip_all(void *context, const char *path, struct why *why)
{
	struct flipping *flipping = context;
	struct buf file = { 0 };
	char place[1024];

	assert_int_equal(path_join(place, sizeof(place), folder, path), HM_OK);
	assert_int_equal(file_read(place, 1 << 24, &file, why), HM_OK);
	for (size_t i = 0; i < file.len; i++) {
		struct audit_result result;
		FILE *raw = fopen(place, "r+b"); /* no sync: thousands */

		assert_non_null(raw);
		file.ptr[i] ^= 1;
		assert_int_equal(fseek(raw, (long)i, SEEK_SET), 0);
		assert_int_equal(fputc(file.ptr[i], raw), file.ptr[i]);
		assert_int_equal(fclose(raw), 0);
		run_audit(&result);
		if (result.finding_count == 0 ||
		    result.findings[0].place[0] == '\0')
			fail_msg("byte %zu of %s is not found", i, path);
		audit_result_done(&result);
		raw = fopen(place, "r+b");
		assert_non_null(raw);
		file.ptr[i] ^= 1;
		assert_int_equal(fseek(raw, (long)i, SEEK_SET), 0);
		assert_int_equal(fputc(file.ptr[i], raw), file.ptr[i]);
		assert_int_equal(fclose(raw), 0);
	}
	flipping->bytes += file.len;
	flipping->files++;
	buf_done(&file);
	return HM_OK;
}

static void
finds_every_flipped_byte_of_every_file(void **state)
{
	struct flipping flipping = { 0 };

	(void)state;
	start(20, 1);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	for (uint32_t i = 101; i < 118; i++) {
		factory_issue(&factory, "PO-A", i);
		factory_confirm(&factory, "PO-A", i);
	}
	assert_int_equal(testlog_publish(tiles), HM_OK);
	assert_int_equal(tiles_tree(tiles)->size, 40);
	assert_int_equal(walk(folder, "", flip_all, &flipping, NULL), HM_OK);
	assert_int_equal(flipping.files, 5); /* two sizes; one checkpoint */
	assert_true(flipping.bytes > 10000);
	assert_clean();
}

/* A log of 600 plain entries more: three bundles, two levels. */
static void
make_long_log(void)
{
	factory_begin(&factory);
	factory_order(&factory, "PO-A", 1000, 0, 100);
	for (uint32_t i = 0; i < 300; i++) {
		factory_issue(&factory, "PO-A", 100 + i);
		factory_confirm(&factory, "PO-A", 100 + i);
	}
	assert_int_equal(testlog_publish(tiles), HM_OK);
}

static void
edit(const char *name, size_t at, uint8_t flip, size_t cut, const char *more)
{
	struct buf file = { 0 };
	char path[1024];

	assert_int_equal(path_join(path, sizeof(path), folder, name), HM_OK);
	assert_int_equal(file_read(path, 1 << 24, &file, NULL), HM_OK);
	file.max = 1 << 24;
	if (flip)
		file.ptr[at] ^= flip;
	file.len -= cut;
	if (more)
		assert_int_equal(buf_add(&file, hm_bytes_of(more)), HM_OK);
	assert_int_equal(file_write(path, buf_bytes(&file), 0644, NULL), HM_OK);
	buf_done(&file);
}

static void
names_the_file_that_was_altered(void **state)
{
	static const struct {
		const char *file;
		size_t at;
		uint8_t flip;
		size_t cut;
		const char *more, *place, *words;
	} cases[] = {
		{ "tile/0/001", 320, 1, 0, NULL, "tile/0/001",
		    "hash 10 is not that of entry 266" },
		{ "tile/0/001", 0, 0, 32, NULL, "tile/0/001",
		    "8160 bytes instead of 8192" },
		{ "tile/0/002.p/93", 0, 0, 0, "x", "tile/0/002.p/93",
		    "2977 bytes instead of 2976" },
		{ "tile/1/000.p/2", 32, 1, 0, NULL, "tile/1/000.p/2",
		    "hash 1 is not that of the tile below, number 1" },
		{ "tile/entries/002.p/93", 0, 0, 0, "x",
		    "tile/entries/002.p/93", "1 bytes behind" },
	};

	(void)state;
	make_long_log();
	assert_clean();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		edit(cases[i].file, cases[i].at, cases[i].flip, cases[i].cut,
		    cases[i].more);
		assert_found(cases[i].place, cases[i].words);
		if (cases[i].flip)
			edit(
			    cases[i].file, cases[i].at, cases[i].flip, 0, NULL);
		else if (cases[i].more)
			edit(cases[i].file, 0, 0, 1, NULL);
		else
			break;
	}
}

static void
remove_file(const char *name)
{
	char path[1024];

	assert_int_equal(path_join(path, sizeof(path), folder, name), HM_OK);
	assert_int_equal(unlink(path), 0);
}

static void
names_the_file_that_is_missing(void **state)
{
	static const char *const files[] = { "tile/0/000", "tile/0/002.p/93",
		"tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/93",
		"checkpoint" };
	char path[1024], away[1024];

	(void)state;
	make_long_log();
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		assert_int_equal(
		    path_join(path, sizeof(path), folder, files[i]), HM_OK);
		assert_int_equal(
		    path_join(away, sizeof(away), folder, "away"), HM_OK);
		assert_int_equal(rename(path, away), 0);
		assert_found(files[i], i == 5 ? "no checkpoint" : "missing");
		assert_int_equal(rename(away, path), 0);
	}
	assert_clean();
}

/* Two entries of one length change places: no length gives it away. */
static void
finds_entries_that_changed_places(void **state)
{
	struct audit_result result;
	struct buf file = { 0 };
	struct hm_bytes rest, a = { 0 }, b = { 0 };
	uint8_t save[1024];
	char path[1024];

	(void)state;
	make_long_log();
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/entries/000"), HM_OK);
	assert_int_equal(file_read(path, 1 << 24, &file, NULL), HM_OK);
	rest = buf_bytes(&file);
	for (int i = 0; i < 6; i++)
		assert_int_equal(tile_take_entry(&rest, &a), HM_OK);
	assert_int_equal(tile_take_entry(&rest, &b), HM_OK);
	assert_int_equal(tile_take_entry(&rest, &b), HM_OK);
	assert_int_equal(a.len, b.len);
	memcpy(save, a.ptr, a.len);
	memcpy(file.ptr + (a.ptr - file.ptr), b.ptr, b.len);
	memcpy(file.ptr + (b.ptr - file.ptr), save, a.len);
	assert_int_equal(file_write(path, buf_bytes(&file), 0644, NULL), HM_OK);
	buf_done(&file);

	run_audit(&result);
	assert_true(result.finding_count > 0);
	assert_int_equal(result.findings[0].entry, 6);
	audit_result_done(&result);
}

static void
notes_files_that_do_not_belong(void **state)
{
	char path[1024];
	struct audit_result result;

	(void)state;
	make_log();
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/0/.000.tmp-1234"),
	    HM_OK);
	assert_int_equal(file_write(path, HM_LITERAL("x"), 0644, NULL), HM_OK);
	run_audit(&result);
	assert_int_equal(result.finding_count, 0);
	assert_int_equal(result.note_count, 1);
	audit_result_done(&result);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/0/0000"), HM_OK);
	assert_int_equal(file_write(path, HM_LITERAL("x"), 0644, NULL), HM_OK);
	assert_found("tile/0/0000", "does not belong");
}

/* --- signatures --- */

static void
wants_the_logs_key_and_enough_witnesses(void **state)
{
	struct note_key other;
	uint8_t point[32] = { 9 };
	struct audit_result result;
	struct buf note = { .max = 8192 };
	char path[1024];

	(void)state;
	make_log();
	assert_int_equal(
	    note_key_make("other", NOTE_ED25519, point, &other), HM_OK);
	policy.log = &other;
	run_audit(&result);
	assert_string_equal(result.findings[0].place, "checkpoint line 1");
	audit_result_done(&result);
	assert_int_equal(
	    note_key_make(TESTLOG_ORIGIN, NOTE_ED25519, point, &other), HM_OK);
	assert_found("checkpoint line 5", "no good signature");

	policy = (struct note_policy){ .log = testlog_key(),
		.witnesses = testlog_witness(),
		.witness_count = 1,
		.quorum = 1 };
	assert_found("checkpoint line 5", "0 of 1 witnesses");
	testlog_checkpoint(tiles_tree(tiles), &note);
	testlog_cosign(&note, FACTORY_START_S);
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "checkpoint"), HM_OK);
	assert_int_equal(file_write(path, buf_bytes(&note), 0644, NULL), HM_OK);
	assert_clean();
	buf_done(&note);
}

static void
shows_names_without_what_speaks_to_a_terminal(void **state)
{
	struct audit_result result;
	char path[1024];

	(void)state;
	make_log();
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "tile/0/\033[2J\xff\n"),
	    HM_OK);
	assert_int_equal(file_write(path, HM_LITERAL("x"), 0644, NULL), HM_OK);
	run_audit(&result);
	assert_int_equal(result.finding_count, 1);
	assert_string_equal(result.findings[0].place, "tile/0/?[2J??");
	audit_result_done(&result);
}

/* Nobody has signed it, and a file stands far behind all others. */
static void
does_not_walk_to_a_file_that_stands_far_away(void **state)
{
	static const char note[] =
	    TESTLOG_ORIGIN "\n"
			   "255999999999999745\n"
			   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
			   "\n"
			   "\u2014 " TESTLOG_ORIGIN " AAAAAAAAAAAAAAAA\n";
	struct audit_result result;
	char path[1024];

	(void)state;
	make_log();
	assert_int_equal(path_join(path, sizeof(path), folder,
			     "tile/entries/x999/x999/x999/x999/999.p/1"),
	    HM_OK);
	*strrchr(path, '/') = 0;
	assert_int_equal(file_mkdir(path, 0755, NULL), HM_OK);
	path[strlen(path)] = '/';
	assert_int_equal(
	    file_write(path, HM_LITERAL("\0\1x"), 0644, NULL), HM_OK);
	assert_int_equal(
	    path_join(path, sizeof(path), folder, "checkpoint"), HM_OK);
	assert_int_equal(
	    file_write(path, hm_bytes_of(note), 0644, NULL), HM_OK);
	run_audit(&result);
	assert_true(result.size > UINT64_C(1) << 57);
	assert_true(result.finding_count >= 2);
	audit_result_done(&result);
}

static void
wants_the_authority_that_it_was_given(void **state)
{
	struct audit_result result;
	uint8_t point[HM_POINT_LEN];

	(void)state;
	make_log();
	p256_pair_point(factory.station, point);
	options.authority = point;
	run_audit(&result);
	/* the beginning, and every object */
	assert_true(result.finding_count >= 1 + 9);
	assert_int_equal(result.findings[0].entry, 0);
	assert_int_equal(result.findings[1].entry, 1);
	audit_result_done(&result);
}

/* --- what others kept --- */

static void
write_text(const char *name, struct hm_bytes text, char path[static 1024])
{
	assert_int_equal(path_join(path, 1024, folder, name), HM_OK);
	assert_int_equal(file_write(path, text, 0644, NULL), HM_OK);
}

static void
write_receipt(uint64_t index, char path[static 1024])
{
	struct tree_hash proof[TREE_PROOF_MAX];
	struct buf note = { .max = 4096 }, text = { .max = 8192 };
	struct buf entry = { .max = 65535 };
	uint32_t count;

	assert_int_equal(tree_prove(index, tiles_tree(tiles)->size,
			     tiles_reader, tiles, proof, &count),
	    HM_OK);
	testlog_checkpoint(tiles_tree(tiles), &note);
	assert_int_equal(
	    receipt_format(index, proof, count, buf_bytes(&note), &text),
	    HM_OK);
	assert_int_equal(tiles_entry(tiles, index, &entry), HM_OK);
	write_text("d.entry", buf_bytes(&entry), path);
	write_text("d.tlog-proof", buf_bytes(&text), path);
	buf_done(&note);
	buf_done(&text);
	buf_done(&entry);
}

static void
holds_receipts_and_checkpoints_against_the_log(void **state)
{
	static char receipt[1024], old[1024], place[1024];
	const char *receipts[] = { receipt }, *checkpoints[] = { old };
	struct buf note = { .max = 4096 };
	struct audit_result result;

	(void)state;
	start(9, 0);
	write_receipt(3, receipt);
	testlog_checkpoint(tiles_tree(tiles), &note);
	write_text("old", buf_bytes(&note), old);
	options.receipts = receipts;
	options.receipt_count = 1;
	options.checkpoints = checkpoints;
	options.checkpoint_count = 1;
	factory_confirm(&factory, "PO-A", 100);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	if (result.finding_count > 0)
		print(&result);
	assert_int_equal(result.finding_count, 0);
	assert_int_equal(result.receipts, 1);
	assert_int_equal(result.checkpoints, 1);
	audit_result_done(&result);

	/* another entry beside it */
	write_text("d.entry", HM_LITERAL("other"), place);
	assert_found("d.tlog-proof", "does not prove its entry");
	remove_file("d.entry");
	assert_found("d.entry", "cannot be read");
	buf_done(&note);
}

static void
finds_a_log_that_was_rolled_back_or_rewritten(void **state)
{
	static char receipt[1024], old[1024];
	const char *receipts[] = { receipt }, *checkpoints[] = { old };
	struct buf note = { .max = 4096 };
	struct audit_result result;

	(void)state;
	start(9, 0);
	factory_confirm(&factory, "PO-A", 100);
	write_receipt(3, receipt);
	testlog_checkpoint(tiles_tree(tiles), &note);
	write_text("old", buf_bytes(&note), old);
	buf_done(&note);
	options.receipts = receipts;
	options.receipt_count = 1;
	options.checkpoints = checkpoints;
	options.checkpoint_count = 1;

	/* back to before the confirmation, signed by the log itself */
	tiles_rollback(tiles);
	factory.now_s = FACTORY_START_S;
	start(9, 0);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	assert_int_equal(result.finding_count, 2);
	assert_non_null(strstr(result.findings[0].words, "rolled back"));
	assert_non_null(strstr(result.findings[1].words, "rolled back"));
	audit_result_done(&result);

	/* and then another story, as long as the first */
	factory_void(&factory, "PO-A", 100, false);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	assert_int_equal(result.finding_count, 2);
	assert_non_null(strstr(result.findings[0].words, "was rewritten"));
	assert_non_null(strstr(result.findings[1].words, "was rewritten"));
	audit_result_done(&result);
}

static void
knows_every_certificate(void **state)
{
	static char known[1024], other[1024];
	const char *certificates[] = { known, other };
	struct audit_result result;
	char serial[HM_SERIAL_MAX + 1];
	struct hm_entry entry;

	(void)state;
	start(9, 0);
	factory_issue_of(&factory, "PO-A", 101, serial, &entry);
	sha256_one(HM_LITERAL("certificate"), entry.issue.certificate);
	factory_entry(&factory, &entry);
	assert_int_equal(testlog_publish(tiles), HM_OK);
	write_text("known.der", HM_LITERAL("certificate"), known);
	write_text("other.der", HM_LITERAL("certificatf"), other);
	options.certificates = certificates;
	options.certificate_count = 2;
	run_audit(&result);
	assert_int_equal(result.certificates, 1);
	assert_int_equal(result.finding_count, 1);
	assert_string_equal(result.findings[0].place, other);
	audit_result_done(&result);
}

static void
goes_on_when_entries_are_lost(void **state)
{
	struct audit_result result;

	(void)state;
	make_long_log();
	edit("tile/entries/000", 0, 0, 10, NULL);
	run_audit(&result);
	assert_int_equal(result.finding_count, 1);
	assert_int_equal(result.note_count, 1);
	assert_string_equal(result.findings[0].place, "tile/entries/000");
	audit_result_done(&result);
}

static void
counts_findings_beyond_those_it_keeps(void **state)
{
	struct audit_result result;

	(void)state;
	start(9, 0);
	for (int i = 0; i < 300; i++)
		noise();
	assert_int_equal(testlog_publish(tiles), HM_OK);
	run_audit(&result);
	assert_int_equal(result.finding_count, 300);
	assert_int_equal(result.kept, 100);
	audit_result_done(&result);
	options.finding_max = 3;
	run_audit(&result);
	assert_int_equal(result.kept, 3);
	audit_result_done(&result);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counts_a_log_with_everything_in_it),
		TEST(finds_every_flipped_byte_of_every_file),
		TEST(names_the_file_that_was_altered),
		TEST(names_the_file_that_is_missing),
		TEST(finds_entries_that_changed_places),
		TEST(notes_files_that_do_not_belong),
		TEST(wants_the_logs_key_and_enough_witnesses),
		TEST(shows_names_without_what_speaks_to_a_terminal),
		TEST(does_not_walk_to_a_file_that_stands_far_away),
		TEST(wants_the_authority_that_it_was_given),
		TEST(holds_receipts_and_checkpoints_against_the_log),
		TEST(finds_a_log_that_was_rolled_back_or_rewritten),
		TEST(knows_every_certificate),
		TEST(goes_on_when_entries_are_lost),
		TEST(counts_findings_beyond_those_it_keeps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
