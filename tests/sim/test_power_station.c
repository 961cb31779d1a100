/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A station where power goes, or the disk fails, at every operation. Device and
 * server are played, and stay as they are when the station loses power.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/ledger/testlog.h"
#include "../unit/station/device.h"
#include "../unit/station/played.h"
#include "base/auto.h"
#include "base/file.h"
#include "disk.h"
#include "station/config.h"
#include "station/job.h"
#include "station/records.h"

#define SAVE_OPS 5 /* create, write, sync, rename, sync of the folder */
#define DEVICE 7

static struct station_config config;
static struct pipe link_;
static struct job job;
static struct disk day; /* one unit from first to last */
static char top[64];
static struct pipe_end {
	int stop[2];
	char path[FILE_PATH_MAX];
} line;
/* Operations until the device had its stamp, and its receipt. */
static size_t stamped_at, complete_at;
static struct disk *current;
static bool leaves;              /* the device's agent does */
static hm_agent_state has_stamp; /* and what it is then */

static void
note(void *context, const struct station_event *event)
{
	(void)context;
	if (event->step == STEP_CONFIRM && event->state == UNIT_RUN &&
	    stamped_at == 0)
		stamped_at = current->count;
}

static void
mount_disk(struct disk *disk)
{
	(void)snprintf(
	    config.journal, sizeof(config.journal), "%s/j", disk->root);
	(void)snprintf(
	    config.records, sizeof(config.records), "%s/r", disk->root);
	current = disk;
	disk_mount(disk);
}

static void
put_root(const char *name, char ret[static 96])
{
	(void)snprintf(ret, 96, "%s/%s", top, name);
	assert_int_equal(mkdir(ret, 0700), 0);
}

/* One unit with a device in this state; the folders may be new. */
static unit_state
make(hm_agent_state device)
{
	const struct device_plan plan = {
		.id = DEVICE, .leaves = leaves, .state = device
	};
	unit_state state;
	pid_t pid;

	if (journal_folders(config.journal, config.records, NULL) != HM_OK)
		return UNIT_FAIL;
	pid = device_start(line.path, &plan);
	assert_int_equal(pipe_await(&link_, line.stop[0], NULL), HM_OK);
	state = job_run(&job);
	pipe_hang_up(&link_);
	(void)device_end(pid);
	return state;
}

static int
setup(void **state, bool does_leave)
{
	char name[FILE_PATH_MAX + 8], root[96];

	(void)state;
	leaves = does_leave;
	has_stamp = leaves ? HM_AGENT_STAMPED : HM_AGENT_COMPLETE;
	stamped_at = 0;
	disk_top(top);
	played_reset();
	strcpy(config.server.key, "/key.pem");
	config.server.patience_ms = 1000;
	config.device_timeout_ms = 5000;
	strcpy(config.slots[0].name, "A1");
	config.slot_count = 1;
	(void)snprintf(line.path, sizeof(line.path), "%s/slot", top);
	(void)snprintf(name, sizeof(name), "unix:%s", line.path);
	job.config = &config;
	job.order = "PO-1";
	job.pipe = &link_;
	job.log_key = testlog_key();
	job.tell = note;
	if (pipe(line.stop) != 0 ||
	    server_new(&config, &job.server, NULL) != HM_OK ||
	    pipe_open(&link_, name, NULL) != HM_OK)
		return -1;
	put_root("day", root);
	disk_new(&day, root);
	mount_disk(&day);
	assert_int_equal(make(HM_AGENT_READY), UNIT_PASS);
	disk_mount(NULL);
	complete_at = day.count - SAVE_OPS;
	assert_int_equal(day.ops[complete_at].kind, DISK_ADD);
	return 0;
}

static int
setup_two(void **state)
{
	return setup(state, false);
}

static int
setup_three(void **state)
{
	return setup(state, true);
}

static int
teardown(void **state)
{
	(void)state;
	server_free(job.server);
	pipe_close(&link_);
	close(line.stop[0]);
	close(line.stop[1]);
	disk_done(&day);
	disk_wipe(top);
	return 0;
}

static hm_err
count_unit(void *context, const struct unit *unit)
{
	size_t *count = context;

	assert_int_equal(unit->device_id[0], DEVICE);
	++*count;
	return HM_OK;
}

/* Every unit of the journal can be read; a stamp that the device was told is in
 * it. */
static void
check_journal(hm_agent_state device)
{
	AUTO(buf) struct buf issued = { .max = HM_LINK_MAX };
	const uint8_t id[HM_DEVICE_ID_LEN] = { DEVICE };
	struct unit unit;
	size_t count = 0;

	assert_int_equal(
	    journal_folders(config.journal, config.records, NULL), HM_OK);
	assert_int_equal(
	    journal_each(config.journal, count_unit, &count, NULL), HM_OK);
	if (device == HM_AGENT_READY)
		return;
	assert_int_equal(count, 1);
	assert_int_equal(journal_load(config.journal, id, &unit, NULL), HM_OK);
	played_issue(&issued);
	assert_true(
	    hm_bytes_equal(buf_bytes(&unit.issued), buf_bytes(&issued)));
	unit_done(&unit);
}

/* A unit that passed is recorded whole, whatever is lost now. */
static void
check_passed(const struct disk *disk)
{
	static const char *const suffixes[] = { ".der", ".issue.entry",
		".issue.tlog-proof", ".confirm.entry", ".confirm.tlog-proof" };
	const uint8_t id[HM_DEVICE_ID_LEN] = { DEVICE };
	char root[96], path[FILE_PATH_MAX + 64];
	struct disk left;
	struct unit unit;

	put_root("left", root);
	disk_survive(disk, disk->count, DISK_NONE, 1, root, &left);
	mount_disk(&left);
	assert_int_equal(journal_load(config.journal, id, &unit, NULL), HM_OK);
	assert_int_equal(unit.state, UNIT_PASS);
	unit_done(&unit);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		AUTO(buf) struct buf content = { 0 };

		(void)snprintf(path, sizeof(path), "%s/%s%s", config.records,
		    PLAYED_SERIAL, suffixes[i]);
		assert_int_equal(file_read(path, 20000, &content, NULL), HM_OK);
		assert_true(content.len > 0);
	}
	disk_mount(NULL);
	disk_done(&left);
	disk_wipe(root);
}

static bool
has_passed(void)
{
	const uint8_t id[HM_DEVICE_ID_LEN] = { DEVICE };
	struct unit unit;
	bool passed;

	if (journal_load(config.journal, id, &unit, NULL) != HM_OK)
		return false;
	passed = unit.state == UNIT_PASS;
	unit_done(&unit);
	return passed;
}

/* Whoever passed before is told so, once more and no matter how often. */
static bool
is_finished(hm_agent_state device)
{
	bool passed = has_passed();
	unit_state state = make(device);

	return passed ? state == UNIT_FAIL &&
			    job.event.err == HM_E_ALREADY_MADE && has_passed()
		      : state == UNIT_PASS;
}

static void
cut_at(size_t at, disk_mode mode, uint64_t seed, hm_agent_state device)
{
	struct disk disk;
	char root[96];

	put_root("cut", root);
	disk_survive(&day, at, mode, seed, root, &disk);
	mount_disk(&disk);
	played_reset();
	check_journal(device);
	if (!is_finished(device)) {
		disk_mount(NULL);
		disk_say(&day, 0, at);
		fail_msg("cut at %zu, %s, device %d: HM-%04d in step %d", at,
		    disk_mode_name(mode), (int)device, (int)job.event.err,
		    (int)job.event.step);
	}
	/* What the device has is not asked for again. */
	if (device != HM_AGENT_READY)
		assert_int_equal(played.issues, 0);
	disk_mount(NULL);
	check_passed(&disk);
	disk_done(&disk);
	disk_wipe(root);
}

/* Where the station stopped says how far the device was; at two moments it may
 * have been either. */
static void
resumes_every_unit_wherever_power_goes(void **state)
{
	uint64_t seed = 1;
	size_t cuts = 0;

	(void)state;
	assert_true(stamped_at > 0 && stamped_at < complete_at);
	for (size_t at = 0; at <= day.count; at += leaves ? 3 : 1) {
		for (disk_mode mode = 0; mode < DISK_MODES; mode++) {
			if (at <= stamped_at)
				cut_at(at, mode, seed++, HM_AGENT_READY);
			if (at >= stamped_at && at <= complete_at)
				cut_at(at, mode, seed++, has_stamp);
			if (at >= complete_at)
				cut_at(at, mode, seed++, HM_AGENT_COMPLETE);
			cuts++;
		}
	}
	print_message("{\"operations\":%zu,\"cuts\":%zu}\n", day.count, cuts);
}

/* How far the device was when the job gave up. */
static hm_agent_state
device_after(unit_state state)
{
	if (state == UNIT_PASS || job.event.step == STEP_DONE)
		return HM_AGENT_COMPLETE;
	return job.event.step >= STEP_CONFIRM ? has_stamp : HM_AGENT_READY;
}

/* A day with one fault, and a second one without. */
static bool
try_fault(disk_fault_kind kind, uint64_t nth)
{
	struct disk disk;
	unit_state state;
	char root[96];
	uint64_t hits;

	put_root("fault", root);
	disk_new(&disk, root);
	mount_disk(&disk);
	played_reset();
	memset(&job.event, 0, sizeof(job.event));
	disk_fail(kind, nth, UINT64_MAX);
	state = make(HM_AGENT_READY);
	hits = disk_hits();
	disk_mend();
	assert_true(hits == 0 ? state == UNIT_PASS : state != UNIT_PASS);
	if (state == UNIT_HOLD)
		assert_int_equal(job.event.err, HM_E_JOURNAL);
	if (hits > 0) {
		check_journal(device_after(state));
		if (has_passed() || make(device_after(state)) != UNIT_PASS) {
			disk_mount(NULL);
			fail_msg("%s at call %llu: HM-%04d in step %d",
			    disk_fault_name(kind), (unsigned long long)nth,
			    (int)job.event.err, (int)job.event.step);
		}
	}
	disk_mount(NULL);
	check_passed(&disk);
	disk_done(&disk);
	disk_wipe(root);
	return hits > 0;
}

static void
holds_a_unit_when_the_disk_fails_and_resumes_it(void **state)
{
	const disk_fault_kind kinds[] = { DISK_FULL, DISK_SHORT, DISK_NO_FILES,
		DISK_READONLY };
	size_t faults = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (uint64_t nth = 1; try_fault(kinds[i], nth); nth++)
			faults++;
	print_message("{\"faults\":%zu}\n", faults);
	assert_true(faults > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resumes_every_unit_wherever_power_goes),
		cmocka_unit_test(
		    holds_a_unit_when_the_disk_fails_and_resumes_it),
	};

	const struct CMUnitTest some[] = {
		cmocka_unit_test(resumes_every_unit_wherever_power_goes),
	};

	return cmocka_run_group_tests_name(
		   "two exchanges", tests, setup_two, teardown) +
	       cmocka_run_group_tests_name(
		   "three exchanges", some, setup_three, teardown);
}
