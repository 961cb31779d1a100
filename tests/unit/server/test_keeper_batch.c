/* SPDX-License-Identifier: Apache-2.0 */
/* server/keeper: many asks, one transaction; all of it or nothing */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "plant.h"

#define MANY KEEPER_BATCH_MAX

static struct chip chips[MANY];
static struct buf messages[MANY];
static struct said answers[MANY];

static int
setup(void **state)
{
	static struct plant plant;

	plant_new(&plant, 4);
	*state = &plant;
	return 0;
}

static int
teardown(void **state)
{
	plant_done(*state);
	for (size_t i = 0; i < MANY; i++) {
		chip_done(&chips[i]);
		buf_done(&messages[i]);
		said_done(&answers[i]);
	}
	memset(chips, 0, sizeof(chips));
	memset(answers, 0, sizeof(answers));
	return 0;
}

#define SAID(name) AUTO(said) struct said name = { 0 }

/* A chip of its own in place `at` of the batch. */
static void
add_issue(struct plant *plant, size_t at, const char *order)
{
	struct ask_issue ask;

	chip_new(&chips[at], plant, (uint32_t)at);
	plant_fill_issue(plant, plant->st_a, order, &chips[at], &ask);
	plant_message(ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &messages[at]);
}

/* The message of `from` once more. */
static void
add_copy(size_t at, size_t from)
{
	buf_init(&messages[at], ASK_MESSAGE_MAX);
	assert_int_equal(
	    buf_add(&messages[at], buf_bytes(&messages[from])), HM_OK);
}

static void
run(struct plant *plant, size_t count)
{
	assert_int_equal(plant_batch(plant, messages, count, answers), HM_OK);
}

static size_t
count_errors(size_t count, hm_err err)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += answers[i].err == err;
	return found;
}

/* Another front's asks are in the same batch: nothing of this reaches them. */
static void
takes_no_error_and_no_case_that_only_a_liar_sends(void **state)
{
	static const uint32_t errors[] = { HM_E_DATABASE, HM_E_NO_MEMORY,
		HM_E_BUG, HM_E_QUOTA, 1, 0xffffffff };
	const size_t lies = sizeof(errors) / sizeof(errors[0]) + 4;
	struct plant *plant = *state;
	struct ask_issue ask;

	for (size_t i = 0; i <= lies; i++)
		add_issue(plant, i, "PO-1");
	for (size_t i = 1; i <= lies; i++) {
		plant_fill_issue(plant, plant->st_a, "PO-1", &chips[i], &ask);
		if (i <= lies - 4)
			ask.nonce_verdict = errors[i - 1];
		else if (i == lies - 3)
			ask.kase.claims.scheme = (hm_scheme)77;
		else if (i == lies - 2)
			ask.kase.claims.lock = (hm_lock)-1;
		else if (i == lies - 1)
			ask.kase.claims.kem[0] = 0;
		else
			ask.kase.claims.identity[0] = 2;
		buf_done(&messages[i]);
		plant_message(
		    ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &messages[i]);
	}
	run(plant, lies + 1);
	assert_int_equal(answers[0].err, HM_OK);
	assert_int_equal(plant_verify(plant, &answers[0]), HM_OK);
	assert_int_equal(count_errors(lies + 1, HM_E_BAD_INPUT), lies - 3);
	assert_int_equal(answers[lies - 3].err, HM_E_EVIDENCE_SCHEME);
	assert_int_equal(answers[lies - 2].err, HM_E_BAD_INPUT);
	assert_int_equal(answers[lies - 1].err, HM_E_KEY);
	assert_int_equal(answers[lies].err, HM_E_KEY);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
}

static void
makes_a_full_batch_with_one_checkpoint(void **state)
{
	struct plant *plant = *state;
	uint64_t size;

	plant->order.quota = 2 * MANY;
	plant->order.serial_first = 5000;
	plant->order.mac_first[3] = 1;
	assert_int_equal(plant_order(plant, "PO-2"), HM_OK);
	size = plant_size(plant);
	plant->play.checkpoints = 0;
	for (size_t i = 0; i < MANY; i++)
		add_issue(plant, i, "PO-2");
	run(plant, MANY);
	assert_int_equal(count_errors(MANY, HM_OK), MANY);
	assert_int_equal(plant->play.checkpoints, 1);
	assert_int_equal(plant->play.most_out, 32);
	assert_int_equal(plant_size(plant), size + MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(plant_verify(plant, &answers[i]), HM_OK);
	assert_int_equal(plant_counts(plant, "PO-2").used, MANY);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), MANY);
}

static void
gives_exactly_the_quota_in_one_batch(void **state)
{
	struct plant *plant = *state;

	for (size_t i = 0; i < 16; i++)
		add_issue(plant, i, "PO-1");
	run(plant, 16);
	assert_int_equal(count_errors(16, HM_OK), 4);
	assert_int_equal(count_errors(16, HM_E_QUOTA), 12);
	assert_int_equal(plant_counts(plant, "PO-1").used, 4);
	assert_int_equal(plant->play.issues, 4);
}

static void
gives_the_unit_of_a_refused_device_to_the_next(void **state)
{
	struct plant *plant = *state;

	for (size_t i = 0; i < 8; i++) {
		struct ask_issue ask;

		add_issue(plant, i, "PO-1");
		if (i >= 4)
			continue;
		chips[i].kase.proof.soft.signature[33] ^= 1;
		plant_fill_issue(plant, plant->st_a, "PO-1", &chips[i], &ask);
		buf_done(&messages[i]);
		plant_message(
		    ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &messages[i]);
	}
	run(plant, 8);
	assert_int_equal(count_errors(8, HM_E_EVIDENCE), 4);
	assert_int_equal(count_errors(8, HM_OK), 4);
	assert_int_equal(plant_counts(plant, "PO-1").used, 4);
}

static void
answers_one_device_asked_for_twice_with_the_same_bytes(void **state)
{
	struct plant *plant = *state;

	add_issue(plant, 0, "PO-1");
	add_copy(1, 0);
	add_issue(plant, 2, "PO-1");
	add_copy(3, 0);
	run(plant, 4);
	assert_int_equal(count_errors(4, HM_OK), 4);
	assert_true(hm_bytes_equal(answers[0].tail, answers[1].tail));
	assert_true(hm_bytes_equal(answers[0].tail, answers[3].tail));
	assert_false(hm_bytes_equal(answers[0].tail, answers[2].tail));
	assert_int_equal(plant->play.issues, 2);
	assert_int_equal(plant_counts(plant, "PO-1").used, 2);
}

static void
finds_a_clone_in_the_same_batch(void **state)
{
	struct plant *plant = *state;
	struct ask_issue ask;

	add_issue(plant, 0, "PO-1");
	add_issue(plant, 1, "PO-1");
	/* The same id with other keys, and another id with the same key. */
	memcpy(
	    chips[1].kase.claims.device_id, chips[0].kase.claims.device_id, 32);
	chip_prove(&chips[1]);
	plant_fill_issue(plant, plant->st_a, "PO-1", &chips[1], &ask);
	buf_done(&messages[1]);
	plant_message(ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &messages[1]);
	chip_new(&chips[2], plant, 2);
	p256_pair_free(chips[2].kem);
	chips[2].kem = chips[0].kem;
	chip_prove(&chips[2]);
	chips[2].kem = NULL;
	plant_fill_issue(plant, plant->st_a, "PO-1", &chips[2], &ask);
	plant_message(ASK_ISSUE, &ask, (struct hm_bytes){ 0 }, &messages[2]);
	run(plant, 3);
	assert_int_equal(answers[0].err, HM_OK);
	assert_int_equal(answers[1].err, HM_E_CLONE);
	assert_int_equal(answers[2].err, HM_E_TWICE_KEY);
	assert_int_equal(plant_counts(plant, "PO-1").used, 1);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ALARM), 2);
}

static void
reserves_all_when_the_signer_dies(void **state)
{
	struct plant *plant = *state;

	for (size_t i = 0; i < 4; i++)
		add_issue(plant, i, "PO-1");
	plant->play.dead = true;
	run(plant, 4);
	assert_int_equal(count_errors(4, HM_E_WORKER), 4);
	plant->play.dead = false;
	assert_int_equal(plant_counts(plant, "PO-1").reserved, 4);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	for (size_t i = 0; i < 4; i++)
		said_done(&answers[i]);
	run(plant, 4);
	assert_int_equal(count_errors(4, HM_OK), 4);
	assert_int_equal(plant_counts(plant, "PO-1").used, 4);
}

static void
does_nothing_if_one_ask_breaks_the_rules(void **state)
{
	struct plant *plant = *state;
	uint64_t size = plant_size(plant);

	add_issue(plant, 0, "PO-1");
	add_copy(1, 0);
	messages[1].len--;
	assert_int_equal(
	    plant_batch(plant, messages, 2, answers), HM_E_BAD_INPUT);
	assert_int_equal(plant_size(plant), size);
	assert_int_equal(plant_counts(plant, "PO-1").used, 0);
	assert_int_equal(plant->play.issues, 0);
}

/* ---- a disk that is full ---- */

/* No file may grow beyond what the database's log has now. */
static void
fill_disk(struct plant *plant)
{
	struct rlimit limit;
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/hallmark.db-wal", plant->folder);
	assert_int_equal(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = (rlim_t)st.st_size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
empty_disk(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
takes_a_batch_back_that_cannot_be_committed(void **state)
{
	struct plant *plant = *state;
	struct ask_order_answer before = plant_counts(plant, "PO-1"), after;
	uint64_t size = plant_size(plant);
	hm_err err;

	for (size_t i = 0; i < 3; i++)
		add_issue(plant, i, "PO-1");
	fill_disk(plant);
	run(plant, 3);
	err = answers[0].err;
	assert_true(err == HM_E_IO || err == HM_E_DATABASE);
	assert_int_equal(count_errors(3, err), 3);
	empty_disk();
	assert_int_equal(plant_size(plant), size);
	after = plant_counts(plant, "PO-1");
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(plant_device(plant, &chips[0]).state, HM_STATE_NEW);
	/* The disk has room again: nothing else is needed. */
	for (size_t i = 0; i < 3; i++)
		said_done(&answers[i]);
	run(plant, 3);
	assert_int_equal(count_errors(3, HM_OK), 3);
	assert_int_equal(plant_verify(plant, &answers[2]), HM_OK);
	assert_int_equal(plant_counts(plant, "PO-1").used, 3);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), 3);
}

/* Files of the ledger cannot be put in their place. */
static int
open_file(const char *path, int flags, unsigned mode)
{
	return open(path, flags, mode);
}

static long
write_file(int fd, const void *from, size_t len)
{
	return write(fd, from, len);
}

static int
refuse_rename(const char *from, const char *to)
{
	(void)from;
	(void)to;
	errno = EIO;
	return -1;
}

static void
keeps_what_was_committed_but_not_published(void **state)
{
	static const struct file_calls no_rename = { .open = open_file,
		.write = write_file,
		.fsync = fsync,
		.rename = refuse_rename,
		.link = link,
		.unlink = unlink,
		.close = close };
	struct plant *plant = *state;
	uint64_t published;
	SAID(said);

	plant_settle(plant);
	published = plant_size(plant);
	add_issue(plant, 0, "PO-1");
	add_issue(plant, 1, "PO-1");
	run(plant, 1);
	assert_int_equal(answers[0].err, HM_OK);
	/* The tiles cannot be written; then a batch is taken back. */
	file_calls_set(&no_rename);
	plant_settle(plant);
	assert_int_equal(plant_published(plant), published);
	fill_disk(plant);
	assert_int_not_equal(plant_issue(plant, &chips[1], &said), HM_OK);
	empty_disk();
	file_calls_set(NULL);
	assert_int_equal(plant_verify(plant, &answers[0]), HM_OK);
	said_done(&said);
	assert_int_equal(plant_issue(plant, &chips[1], &said), HM_OK);
	assert_int_equal(plant_verify(plant, &said), HM_OK);
	plant_settle(plant);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), 2);
}

/* A file stands where the folder of the ledger was, or the folder again. */
static void
swap_ledger(struct plant *plant, bool back)
{
	char folder[128], aside[128];

	(void)snprintf(folder, sizeof(folder), "%s/ledger", plant->folder);
	(void)snprintf(aside, sizeof(aside), "%s/aside", plant->folder);
	if (back) {
		assert_int_equal(unlink(folder), 0);
		assert_int_equal(rename(aside, folder), 0);
		return;
	}
	assert_int_equal(rename(folder, aside), 0);
	assert_int_equal(
	    close(open(folder, O_CREAT | O_EXCL | O_CLOEXEC, 0600)), 0);
}

/* Nor can it be read what the ledger was before the batch. */
static void
publishes_nothing_that_was_taken_back(void **state)
{
	struct plant *plant = *state;
	uint64_t size;

	plant_settle(plant);
	add_issue(plant, 0, "PO-1");
	run(plant, 1);
	assert_int_equal(answers[0].err, HM_OK);
	size = plant_size(plant); /* the tiles are not written yet */
	add_issue(plant, 1, "PO-1");
	fill_disk(plant);
	swap_ledger(plant, false);
	assert_int_equal(
	    plant_batch(plant, messages + 1, 1, answers + 1), HM_OK);
	assert_int_not_equal(answers[1].err, HM_OK);
	empty_disk();
	swap_ledger(plant, true);
	plant_settle(plant);
	assert_int_equal(plant_published(plant), size);
	assert_int_equal(plant_reopen(plant, NULL), HM_OK);
	assert_int_equal(plant_audit(plant, HM_ENTRY_ISSUE), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_no_error_and_no_case_that_only_a_liar_sends),
		TEST(makes_a_full_batch_with_one_checkpoint),
		TEST(gives_exactly_the_quota_in_one_batch),
		TEST(gives_the_unit_of_a_refused_device_to_the_next),
		TEST(answers_one_device_asked_for_twice_with_the_same_bytes),
		TEST(finds_a_clone_in_the_same_batch),
		TEST(reserves_all_when_the_signer_dies),
		TEST(does_nothing_if_one_ask_breaks_the_rules),
		TEST(takes_a_batch_back_that_cannot_be_committed),
		TEST(keeps_what_was_committed_but_not_published),
		TEST(publishes_nothing_that_was_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
