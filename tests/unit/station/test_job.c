/* SPDX-License-Identifier: Apache-2.0 */
/* station/job and server: one unit after the other, with everybody played */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../ledger/testlog.h"
#include "base/auto.h"
#include "base/file.h"
#include "device.h"
#include "played.h"
#include "station/config.h"
#include "station/job.h"
#include "wire/stamp.h"

#define EVENTS_MAX 64

static struct station_config config;
static struct pipe link_;
static struct job job;
static struct {
	struct station_event all[EVENTS_MAX];
	size_t count;
	int retries;
} events;
static int stop[2];
static char path[FILE_PATH_MAX];

static void
note(void *context, const struct station_event *event)
{
	assert_ptr_equal(context, &events);
	assert_true(events.count < EVENTS_MAX);
	events.all[events.count++] = *event;
	if (event->state == UNIT_RUN && event->err != HM_OK)
		events.retries++;
}

static int
setup(void **state)
{
	const char *folder = testlog_folder();
	char name[FILE_PATH_MAX + 8];

	(void)state;
	played_reset();
	memset(&events, 0, sizeof(events));
	memset(&config, 0, sizeof(config));
	strcpy(config.server.key, "/key.pem");
	config.server.patience_ms = 1000;
	config.device_timeout_ms = 5000;
	strcpy(config.slots[0].name, "A1");
	config.slot_count = 1;
	(void)snprintf(config.journal, sizeof(config.journal), "%s/j", folder);
	(void)snprintf(config.records, sizeof(config.records), "%s/r", folder);
	(void)snprintf(path, sizeof(path), "%s/slot", folder);
	(void)snprintf(name, sizeof(name), "unix:%s", path);
	memset(&job, 0, sizeof(job));
	job.config = &config;
	job.order = "PO-1";
	job.pipe = &link_;
	job.log_key = testlog_key();
	job.tell = note;
	job.context = &events;
	return pipe(stop) != 0 ||
		       file_mkdir(config.journal, 0700, NULL) != HM_OK ||
		       file_mkdir(config.records, 0700, NULL) != HM_OK ||
		       server_new(&config, &job.server, NULL) != HM_OK ||
		       pipe_open(&link_, name, NULL) != HM_OK
		   ? -1
		   : 0;
}

static int
teardown(void **state)
{
	(void)state;
	server_free(job.server);
	pipe_close(&link_);
	close(stop[0]);
	close(stop[1]);
	testlog_folder_done();
	return 0;
}

/* Insert a device, work on it, take it out; what it heard is in *ret_heard. */
static unit_state
make(const struct device_plan *plan, int *ret_heard)
{
	pid_t pid = device_start(path, plan);
	unit_state state;
	int heard;

	assert_int_equal(pipe_await(&link_, stop[0], NULL), HM_OK);
	state = job_run(&job);
	pipe_hang_up(&link_);
	heard = device_end(pid);
	if (ret_heard != NULL)
		*ret_heard = heard;
	assert_int_equal(job.event.state, state);
	assert_int_equal(events.all[events.count - 1].state, state);
	return state;
}

static void
check_end(unit_state state, station_step step, hm_err err)
{
	assert_int_equal(job.event.state, state);
	assert_int_equal(job.event.step, step);
	assert_int_equal(job.event.err, err);
}

/* What the journal says of the device. */
static void
check_journal(uint8_t id, unit_state state, station_step step, hm_err err)
{
	uint8_t device_id[HM_DEVICE_ID_LEN] = { id };
	struct unit unit;
	int lock;

	assert_int_equal(
	    journal_load(config.journal, device_id, &unit, NULL), HM_OK);
	assert_int_equal(unit.state, state);
	assert_int_equal(unit.step, step);
	assert_int_equal(unit.err, err);
	unit_done(&unit);
	/* The lock was given back. */
	assert_int_equal(
	    journal_lock(config.journal, device_id, 0, &lock, NULL), HM_OK);
	close(lock);
}

static bool
has_record(const char *suffix)
{
	char name[FILE_PATH_MAX + 64];

	(void)snprintf(name, sizeof(name), "%s/" PLAYED_SERIAL "%s",
	    config.records, suffix);
	return file_exists(name);
}

/* ---- the good end ---- */

static void
makes_a_device_and_keeps_its_records(void **state)
{
	static const station_step steps[] = { STEP_HELLO, STEP_CHALLENGE,
		STEP_ATTEST, STEP_ISSUE, STEP_STAMP, STEP_CONFIRM, STEP_RECEIPT,
		STEP_DONE };
	const struct device_plan plan = { .id = 1 };
	int heard;

	(void)state;
	assert_int_equal(make(&plan, &heard), UNIT_PASS);
	check_end(UNIT_PASS, STEP_DONE, HM_OK);
	check_journal(1, UNIT_PASS, STEP_DONE, HM_OK);
	assert_int_equal(heard, 2); /* open, deliver */
	assert_int_equal(events.count, 8);
	for (size_t i = 0; i < events.count; i++)
		assert_int_equal(events.all[i].step, steps[i]);
	assert_string_equal(job.event.serial, PLAYED_SERIAL);
	assert_int_equal(job.event.device_id[0], 1);
	assert_false(job.event.resumed);
	assert_true(has_record(".der"));
	assert_true(has_record(".issue.entry"));
	assert_true(has_record(".issue.tlog-proof"));
	assert_true(has_record(".confirm.entry"));
	assert_true(has_record(".confirm.tlog-proof"));
}

/* Its agent goes away: it hears of the receipt when the server has its
 * conformance. */
static void
makes_a_device_that_leaves_in_three(void **state)
{
	const struct device_plan plan = { .id = 2, .leaves = true };
	int heard;

	(void)state;
	assert_int_equal(make(&plan, &heard), UNIT_PASS);
	check_end(UNIT_PASS, STEP_DONE, HM_OK);
	assert_int_equal(heard, 3);
	assert_true(has_record(".confirm.tlog-proof"));
}

/* Of the played answer the stamp has some 500 bytes, entry and receipt more. */
static void
sends_no_longer_message_than_a_device_takes(void **state)
{
	AUTO(buf) struct buf issued = { .max = HM_LINK_MAX };
	struct device_plan plan = { .id = 3 };
	struct hm_issue_answer parts;
	int heard;

	(void)state;
	played_issue(&issued);
	assert_int_equal(
	    hm_issue_answer_decode(buf_bytes(&issued), &parts), HM_OK);
	plan.longest = (uint32_t)parts.stamp.len + HM_LINK_HEAD_MAX;
	assert_int_equal(make(&plan, &heard), UNIT_PASS);
	assert_int_equal(heard, 3); /* one after the other */
	plan.id = 4;
	plan.longest--;
	assert_int_equal(make(&plan, &heard), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_STAMP, HM_E_TOO_LARGE);
	assert_int_equal(heard, 1);
}

static void
holds_one_that_leaves_before_its_receipt(void **state)
{
	struct device_plan plan = {
		.id = 8, .leaves = true, .leaves_at = HM_LINK_STAMP
	};

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_HOLD);
	check_end(UNIT_HOLD, STEP_STAMP, HM_E_POWER_LOST);
	plan.leaves_at = 0;
	plan.state = HM_AGENT_STAMPED;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_true(job.event.resumed);
	assert_int_equal(played.issues, 1);
}

/* ---- refused ---- */

static void
fails_with_the_error_of_the_server(void **state)
{
	static const char *const paths[] = { "/v1/challenge", "/v1/issue",
		"/v1/confirm" };
	static const station_step steps[] = { STEP_CHALLENGE, STEP_ISSUE,
		STEP_CONFIRM };

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		const struct device_plan plan = { .id = i };

		played.fail_path = paths[i];
		played.fail_count = 1;
		played.fail = HM_E_QUOTA;
		assert_int_equal(make(&plan, NULL), UNIT_FAIL);
		check_end(UNIT_FAIL, steps[i], HM_E_QUOTA);
		if (i > 0) /* nobody has said who it is before */
			check_journal(i, UNIT_FAIL, steps[i], HM_E_QUOTA);
		assert_int_equal(played.fail_count, 0);
	}
	assert_int_equal(events.retries, 0);
	assert_false(has_record(".der"));
}

static void
fails_with_the_error_of_the_device(void **state)
{
	const struct device_plan plan = { .refuses = HM_LINK_DELIVER,
		.err = HM_E_STAMP_FOREIGN };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_STAMP, HM_E_STAMP_FOREIGN);
	check_journal(0, UNIT_FAIL, STEP_STAMP, HM_E_STAMP_FOREIGN);
	assert_int_equal(played.confirms, 0);
	assert_false(has_record(".der"));
}

static void
calls_an_answer_that_is_none_an_error_of_http(void **state)
{
	const struct device_plan plan = { .id = 1 };

	(void)state;
	played.fail_path = "/v1/challenge";
	played.fail_count = 1;
	played.fail = HM_E_QUOTA;
	played.no_problem = true;
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_CHALLENGE, HM_E_HTTP);
}

static void
never_hands_on_what_does_not_check(void **state)
{
	const struct device_plan plan = { .id = 1 };
	int heard;

	(void)state;
	played.bad_receipt = true;
	assert_int_equal(make(&plan, &heard), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ISSUE, HM_E_LOG_PROOF);
	assert_int_equal(heard, 1); /* open; no stamp */
	played.bad_receipt = false;
	played.rubbish = true;
	assert_int_equal(make(&plan, &heard), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ISSUE, HM_E_BAD_INPUT);
	assert_int_equal(heard, 1);
}

static void
knows_what_was_made_already(void **state)
{
	struct device_plan plan = { .state = HM_AGENT_COMPLETE,
		.leaves = true };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ATTEST, HM_E_ALREADY_MADE);
	assert_int_equal(played.issues, 0);
	/* Whether another station confirmed it only the server knows. */
	plan.leaves = false;
	played.fail_path = "/v1/issue";
	played.fail_count = 1;
	played.fail = HM_E_ALREADY_MADE;
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ISSUE, HM_E_ALREADY_MADE);
}

static void
finishes_a_complete_device_whose_station_was_lost(void **state)
{
	const struct device_plan plan = { .id = 7, .state = HM_AGENT_COMPLETE };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_int_equal(played.issues, 1);
	assert_int_equal(played.confirms, 1);
	/* It passed here: nobody is asked again. */
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ATTEST, HM_E_ALREADY_MADE);
	check_journal(7, UNIT_PASS, STEP_DONE, HM_OK);
	assert_int_equal(played.issues, 1);
}

static void
lets_the_server_judge_rubbish(void **state)
{
	const struct device_plan plan = { .rubbish = true };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ISSUE, HM_E_BAD_INPUT);
	assert_int_equal(played.issues, 1);
}

/* ---- interrupted ---- */

static void
holds_a_device_that_left_and_resumes_it(void **state)
{
	struct device_plan plan = { .id = 5, .leaves_at = HM_LINK_DELIVER };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_HOLD);
	check_end(UNIT_HOLD, STEP_STAMP, HM_E_POWER_LOST);
	check_journal(5, UNIT_HOLD, STEP_STAMP, HM_E_POWER_LOST);
	assert_int_equal(played.issues, 1);
	/* It had stored the stamp: nothing is issued again. */
	plan.leaves_at = 0;
	plan.state = HM_AGENT_COMPLETE;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_true(job.event.resumed);
	assert_int_equal(played.issues, 1);
	check_journal(5, UNIT_PASS, STEP_DONE, HM_OK);
	assert_true(has_record(".confirm.tlog-proof"));
}

static void
asks_anew_for_a_device_that_stored_nothing(void **state)
{
	struct device_plan plan = { .id = 5, .leaves_at = HM_LINK_DELIVER };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_HOLD);
	plan.leaves_at = 0;
	plan.state = HM_AGENT_READY;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_true(job.event.resumed);
	assert_int_equal(played.issues, 2);
}

static void
closes_a_device_whose_last_word_got_lost(void **state)
{
	struct device_plan plan = {
		.id = 6, .leaves = true, .leaves_at = HM_LINK_RECEIPT
	};

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_HOLD);
	check_end(UNIT_HOLD, STEP_RECEIPT, HM_E_POWER_LOST);
	plan.leaves_at = 0;
	plan.state = HM_AGENT_COMPLETE;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_string_equal(job.event.serial, PLAYED_SERIAL);
	/* A second time it is no longer unfinished. */
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ATTEST, HM_E_ALREADY_MADE);
	/* What it is stays, in whatever order it is put in again. */
	job.order = "PO-2";
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_journal(6, UNIT_PASS, STEP_DONE, HM_OK);
}

static void
resumes_within_its_order_only(void **state)
{
	struct device_plan plan = { .id = 5, .leaves_at = HM_LINK_DELIVER };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_HOLD);
	job.order = "PO-2";
	plan.state = HM_AGENT_STAMPED;
	assert_int_equal(make(&plan, NULL), UNIT_HOLD);
	assert_false(job.event.resumed);
	assert_int_equal(played.issues, 2); /* for the other order */
}

static void
fails_a_device_that_never_began(void **state)
{
	const struct device_plan plan = { .leaves_at = HM_LINK_OPEN };
	const struct device_plan mute = { .silent_at = HM_LINK_OPEN };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ATTEST, HM_E_LINK);
	config.device_timeout_ms = 100;
	assert_int_equal(make(&mute, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ATTEST, HM_E_NO_DEVICE);
}

static void
tries_the_server_again_and_holds_when_patience_ends(void **state)
{
	const struct device_plan plan = { .id = 9 };

	(void)state;
	played.fail_path = "/v1/issue";
	played.fail_count = 1000;
	played.fail = HM_E_UNREACHABLE;
	played.at_network = true;
	assert_int_equal(make(&plan, NULL), UNIT_HOLD);
	check_end(UNIT_HOLD, STEP_ISSUE, HM_E_UNREACHABLE);
	check_journal(9, UNIT_HOLD, STEP_ISSUE, HM_E_UNREACHABLE);
	assert_true(events.retries >= 2);
	assert_int_equal(played.issues, 0);
	/* It is back after two tries. */
	events.retries = 0;
	played.fail_count = 2;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_int_equal(events.retries, 2);
	assert_true(job.event.resumed);
}

static void
tries_again_what_the_server_calls_busy(void **state)
{
	const struct device_plan plan = { .id = 9 };

	(void)state;
	played.fail_path = "/v1/confirm";
	played.fail_count = 1;
	played.fail = HM_E_BUSY;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_int_equal(events.retries, 1);
	assert_int_equal(played.confirms, 1);
}

/* ---- old answers ---- */

static void
asks_once_more_for_evidence_of_this_challenge(void **state)
{
	const struct device_plan plan = { .stale = 1 };
	int heard;

	(void)state;
	assert_int_equal(make(&plan, &heard), UNIT_PASS);
	assert_int_equal(heard, 3); /* opened twice */
	assert_int_equal(played.challenges, 1);
	assert_int_equal(played.issues, 1);
}

static void
gives_up_on_a_device_that_only_repeats(void **state)
{
	const struct device_plan plan = { .stale = 100 };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ISSUE, HM_E_NONCE);
	assert_int_equal(played.challenges, 3);
	assert_int_equal(played.issues, 3); /* the server heard each */
}

static void
takes_a_new_challenge_for_a_stale_one(void **state)
{
	const struct device_plan plan = { .id = 3 };

	(void)state;
	played.fail_path = "/v1/issue";
	played.fail_count = 2;
	played.fail = HM_E_NONCE_STALE;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
	assert_int_equal(played.challenges, 3);
	assert_int_equal(events.retries, 0);
}

static void
makes_a_device_that_says_all_twice_in_noise(void **state)
{
	const struct device_plan plan = { .stammers = true, .noise = true };

	(void)state;
	assert_int_equal(make(&plan, NULL), UNIT_PASS);
}

/* ---- the journal ---- */

static void
begins_nothing_that_it_cannot_write_down(void **state)
{
	const struct device_plan plan = { .id = 1 };
	int heard;

	(void)state;
	strcat(config.journal, "/missing");
	assert_int_equal(make(&plan, &heard), UNIT_FAIL);
	check_end(UNIT_FAIL, STEP_ATTEST, HM_E_JOURNAL);
	assert_int_equal(heard, 1);
	assert_int_equal(played.issues, 0);
}

static void
makes_no_client_without_its_key(void **state)
{
	struct server *other = NULL;
	struct why why = { 0 };

	(void)state;
	assert_true(played.has_key);
	config.server.key[0] = 0;
	assert_int_equal(server_new(&config, &other, &why), HM_E_FILE);
	assert_null(other);
	server_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_a_device_and_keeps_its_records),
		TEST(makes_a_device_that_leaves_in_three),
		TEST(sends_no_longer_message_than_a_device_takes),
		TEST(holds_one_that_leaves_before_its_receipt),
		TEST(fails_with_the_error_of_the_server),
		TEST(fails_with_the_error_of_the_device),
		TEST(calls_an_answer_that_is_none_an_error_of_http),
		TEST(never_hands_on_what_does_not_check),
		TEST(knows_what_was_made_already),
		TEST(finishes_a_complete_device_whose_station_was_lost),
		TEST(lets_the_server_judge_rubbish),
		TEST(holds_a_device_that_left_and_resumes_it),
		TEST(asks_anew_for_a_device_that_stored_nothing),
		TEST(closes_a_device_whose_last_word_got_lost),
		TEST(resumes_within_its_order_only),
		TEST(fails_a_device_that_never_began),
		TEST(tries_the_server_again_and_holds_when_patience_ends),
		TEST(tries_again_what_the_server_calls_busy),
		TEST(asks_once_more_for_evidence_of_this_challenge),
		TEST(gives_up_on_a_device_that_only_repeats),
		TEST(takes_a_new_challenge_for_a_stale_one),
		TEST(makes_a_device_that_says_all_twice_in_noise),
		TEST(begins_nothing_that_it_cannot_write_down),
		TEST(makes_no_client_without_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
