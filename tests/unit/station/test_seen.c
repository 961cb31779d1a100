/* SPDX-License-Identifier: Apache-2.0 */
/* station/seen and server: what a slot remembers of the ledger, and whom it
 * does not believe any more */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../ledger/testlog.h"
#include "base/auto.h"
#include "base/file.h"
#include "ledger/receipt.h"
#include "played.h"
#include "station/server.h"
#include "wire/conformance.h"

#define LEAVES 12

/* Two logs under one key: they are one until `FORK`, then they differ. */
#define FORK 5
static struct tree_hash leaves[2][LEAVES];
static struct seen seen;
static struct server *server;
static struct station_config config;

static struct tree_hash
leaf_of(unsigned log, unsigned i)
{
	char text[32];
	struct tree_hash leaf;

	(void)snprintf(text, sizeof(text), "%u %u", i < FORK ? 0 : log, i);
	tree_leaf(hm_bytes_of(text), &leaf);
	return leaf;
}

static void
note_of(unsigned log, uint64_t size, struct buf *ret)
{
	struct tree tree = { 0 };

	for (uint64_t i = 0; i < size; i++)
		tree_add(&tree, &leaves[log][i]);
	buf_init(ret, NOTE_MAX);
	testlog_checkpoint(&tree, ret);
}

static void
growth_of(unsigned log, uint64_t from, uint64_t size, struct buf *ret)
{
	AUTO(buf) struct buf note = { 0 };
	struct tree_hash proof[TREE_PROOF_MAX];
	uint32_t count = 0;

	note_of(log, size, &note);
	if (from < size)
		assert_int_equal(tree_prove_growth(from, size, testlog_reader,
				     leaves[log], proof, &count),
		    HM_OK);
	buf_init(ret, NOTE_MAX);
	assert_int_equal(
	    growth_format(from, proof, count, buf_bytes(&note), ret), HM_OK);
}

static void
receipt_of(unsigned log, uint64_t index, uint64_t size, struct buf *ret)
{
	AUTO(buf) struct buf note = { 0 };
	struct tree_hash proof[TREE_PROOF_MAX];
	uint32_t count = 0;

	note_of(log, size, &note);
	assert_int_equal(
	    tree_prove(index, size, testlog_reader, leaves[log], proof, &count),
	    HM_OK);
	buf_init(ret, NOTE_MAX);
	assert_int_equal(
	    receipt_format(index, proof, count, buf_bytes(&note), ret), HM_OK);
}

static hm_err
open_seen(void)
{
	return seen_open(&seen, config.journal, "A1", testlog_key(), NULL);
}

static int
setup(void **state)
{
	(void)state;
	for (unsigned log = 0; log < 2; log++)
		for (unsigned i = 0; i < LEAVES; i++)
			leaves[log][i] = leaf_of(log, i);
	played_reset();
	memset(&config, 0, sizeof(config));
	strcpy(config.server.key, "/key.pem");
	(void)snprintf(
	    config.journal, sizeof(config.journal), "%s", testlog_folder());
	played.connections = 1;
	if (open_seen() != HM_OK || server_new(&config, &server, NULL) != HM_OK)
		return -1;
	server_remember(server, &seen);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	server_free(server);
	testlog_folder_done();
	return 0;
}

/* A receipt of the last of `size` leaves. */
static hm_err
take(unsigned log, uint64_t size)
{
	AUTO(buf) struct buf receipt = { 0 };

	receipt_of(log, size - 1, size, &receipt);
	return server_receipt(server, buf_bytes(&receipt), NULL);
}

static hm_err
post(struct why *why)
{
	struct hm_bytes body, answer;
	uint8_t room[128];
	const struct hm_confirm_request request = { .order = HM_LITERAL("PO-1"),
		.conformance = HM_LITERAL("conforms") };
	size_t len;

	assert_int_equal(hm_confirm_request_encode(&request,
			     (struct hm_span){ room, sizeof(room) }, &len),
	    HM_OK);
	body = (struct hm_bytes){ room, len };
	return server_post(server, "/v1/confirm", body, &answer, why);
}

static void
remembers_the_newest_across_a_restart(void **state)
{
	(void)state;
	assert_int_equal(take(0, 3), HM_OK);
	assert_int_equal(take(0, 7), HM_OK);
	assert_int_equal(seen.size, 7);
	assert_int_equal(played.growths, 0); /* it trusts its connection */
	assert_int_equal(open_seen(), HM_OK);
	assert_int_equal(seen.size, 7);
	assert_int_equal(take(0, 7), HM_OK);
}

static void
asks_for_growth_once_for_each_connection(void **state)
{
	AUTO(buf) struct buf growth = { 0 };

	(void)state;
	assert_int_equal(post(NULL), HM_OK);
	assert_int_equal(played.growths, 0); /* nothing seen yet */
	assert_int_equal(take(0, 7), HM_OK);
	assert_int_equal(post(NULL), HM_OK);
	assert_int_equal(played.growths, 0);
	played.connections = 2;
	growth_of(0, 7, 9, &growth);
	played.growth = buf_bytes(&growth);
	assert_int_equal(post(NULL), HM_OK);
	assert_string_equal(played.asked, "/v1/growth?from=7");
	assert_int_equal(seen.size, 9);
	assert_int_equal(post(NULL), HM_OK);
	assert_int_equal(played.growths, 1);
}

static void
stops_at_a_server_that_was_rolled_back(void **state)
{
	AUTO(buf) struct buf growth = { 0 };
	struct why why = { 0 };

	(void)state;
	assert_int_equal(take(0, 7), HM_OK);
	played.connections = 2;
	growth_of(0, 7, 4, &growth);
	played.growth = buf_bytes(&growth);
	assert_int_equal(post(&why), HM_E_LOG_ROLLBACK);
	assert_non_null(strstr(why.text, "4 entries"));
	assert_non_null(strstr(why.text, "7"));
	/* Again and again; and it is still known. */
	assert_int_equal(post(NULL), HM_E_LOG_ROLLBACK);
	assert_int_equal(open_seen(), HM_OK);
	assert_int_equal(seen.size, 7);
}

static void
hears_of_a_roll_back_before_it_hears_a_refusal(void **state)
{
	AUTO(buf) struct buf growth = { 0 };

	(void)state;
	assert_int_equal(take(0, 7), HM_OK);
	played.connections = 2;
	growth_of(0, 7, 4, &growth);
	played.growth = buf_bytes(&growth);
	played.fail_path = "/v1/confirm";
	played.fail_count = 1;
	played.fail = HM_E_NO_ORDER; /* it has forgotten the order, too */
	assert_int_equal(post(NULL), HM_E_LOG_ROLLBACK);
}

static void
stops_at_a_server_that_has_grown_another_way(void **state)
{
	AUTO(buf) struct buf growth = { 0 };

	(void)state;
	assert_int_equal(take(0, 7), HM_OK);
	played.connections = 2;
	growth_of(1, 7, 9, &growth);
	played.growth = buf_bytes(&growth);
	assert_int_equal(post(NULL), HM_E_LOG);
	buf_done(&growth);
	growth_of(1, 7, 7, &growth); /* of the same size */
	played.growth = buf_bytes(&growth);
	assert_int_equal(post(NULL), HM_E_LOG);
	assert_int_equal(take(1, 7), HM_E_LOG);
	assert_int_equal(seen.size, 7);
}

static void
believes_nobody_who_does_not_prove(void **state)
{
	AUTO(buf) struct buf growth = { 0 };

	(void)state;
	assert_int_equal(take(0, 7), HM_OK);
	played.connections = 2;
	assert_int_equal(post(NULL), HM_E_NO_ROUTE);
	growth_of(0, 6, 9, &growth); /* not what was asked */
	played.growth = buf_bytes(&growth);
	assert_int_equal(post(NULL), HM_E_BAD_INPUT);
	buf_done(&growth);
	growth_of(0, 7, 9, &growth);
	growth.ptr[growth.len - 4] ^= 1; /* the signature */
	played.growth = buf_bytes(&growth);
	assert_int_not_equal(post(NULL), HM_OK);
	assert_int_equal(seen.size, 7);
	/* A refusal stays what it is. */
	played.growth = (struct hm_bytes){ 0 };
	played.fail_path = "/v1/confirm";
	played.fail_count = 1;
	played.fail = HM_E_ORDER_STATION;
	assert_int_equal(post(NULL), HM_E_ORDER_STATION);
}

static void
lets_an_older_receipt_be_proven(void **state)
{
	AUTO(buf) struct buf growth = { 0 };

	(void)state;
	assert_int_equal(take(0, 9), HM_OK);
	growth_of(0, 6, 10, &growth);
	played.growth = buf_bytes(&growth);
	assert_int_equal(take(0, 6), HM_OK); /* an answer given again */
	assert_string_equal(played.asked, "/v1/growth?from=6");
	assert_int_equal(seen.size, 10);
	assert_int_equal(take(1, 6), HM_E_LOG); /* of the other log */
	buf_done(&growth);
	growth_of(0, 6, 8, &growth); /* it fits, but the log is shorter now */
	played.growth = buf_bytes(&growth);
	assert_int_equal(take(0, 6), HM_E_LOG_ROLLBACK);
}

static void
begins_anew_with_a_log_of_another_name(void **state)
{
	struct note_key other = *testlog_key();
	struct seen anew;

	(void)state;
	assert_int_equal(take(0, 7), HM_OK);
	strcpy(other.name, "log.example.com/factory-2");
	assert_int_equal(
	    seen_open(&anew, config.journal, "A1", &other, NULL), HM_OK);
	assert_int_equal(anew.size, 0);
}

static void
takes_no_damaged_file(void **state)
{
	AUTO(buf) struct buf note = { 0 };

	(void)state;
	note_of(0, 7, &note);
	note.ptr[note.len - 4] ^= 1;
	assert_int_equal(
	    file_write(seen.path, buf_bytes(&note), 0644, NULL), HM_OK);
	assert_int_equal(open_seen(), HM_E_JOURNAL);
}

static void
keeps_what_it_has_when_it_cannot_write(void **state)
{
	(void)state;
	assert_int_equal(take(0, 3), HM_OK);
	strcpy(seen.path, "/proc/no/A1.seen");
	assert_int_equal(take(0, 7), HM_E_JOURNAL);
	assert_int_equal(seen.size, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(remembers_the_newest_across_a_restart),
		T(asks_for_growth_once_for_each_connection),
		T(stops_at_a_server_that_was_rolled_back),
		T(hears_of_a_roll_back_before_it_hears_a_refusal),
		T(stops_at_a_server_that_has_grown_another_way),
		T(believes_nobody_who_does_not_prove),
		T(lets_an_older_receipt_be_proven),
		T(begins_anew_with_a_log_of_another_name),
		T(takes_no_damaged_file),
		T(keeps_what_it_has_when_it_cannot_write),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
