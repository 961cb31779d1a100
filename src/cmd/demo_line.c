/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator of the demo: puts a chip into each slot, and the next one when
 * it comes out. What became of each is read from the station's JSON lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/doc.h"
#include "base/loop.h"
#include "base/process.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/demo.h"
#include "cmd/run.h"
#include "core/check.h"

#define EXIT_POWER_CUT 85 /* of vdevice: put it in again */
#define LINE_MAX_BYTES (64 * 1024)
#define STALLED_US 60000000u /* nothing happens any more */
#define SILENCE_LOOK_MS 1000

struct slot {
	pid_t pid; /* of the chip in it; 0: empty */
	uint32_t unit;
};

struct operator_ {
	struct demo_world *world;
	struct demo_unit *units;
	uint32_t count, next, done;
	bool extra; /* the second phase */
	struct slot slots[DEMO_SLOTS_MAX];
	uint32_t busy;
	struct loop *loop;
	pid_t station;
	int out;        /* its standard output */
	bool is_silent; /* it has closed it */
	struct watch *watch;
	struct buf line;
	struct demo_result result;
	uint64_t began_us, heard_us; /* heard_us: of anybody, last */
	hm_err err;
};

/* ---- putting chips in ---- */

static hm_err
insert(struct operator_ *op, uint32_t slot, uint32_t index, const char *fault)
{
	char link[32];
	const char *argv[] = { op->world->vdevice, "run", "--dir",
		op->units[index].dir, "--link", link, "--quiet",
		fault != NULL ? "--fault" : NULL, fault, NULL };

	(void)snprintf(link, sizeof(link), "unix:slot-%u.sock", slot);
	HM_TRY(run_start(
	    argv, op->world->log, op->world->log, &op->slots[slot].pid, NULL));
	op->slots[slot].unit = index;
	op->busy++;
	return HM_OK;
}

/* A phase ends when all chips are out and the station has told of each: what it
 * says comes later than the end of a chip, at times. */
static void
end_of_phase(struct operator_ *op)
{
	if (op->busy != 0 || op->next < op->count)
		return;
	for (uint32_t i = 0; i < op->count; i++)
		if (op->units[i].is_extra == op->extra && !op->units[i].is_done)
			return;
	loop_stop(op->loop);
}

/* The next chip of this phase, if there is one. */
static void
fill(struct operator_ *op, uint32_t slot)
{
	while (
	    op->next < op->count && op->units[op->next].is_extra != op->extra)
		op->next++;
	if (op->next >= op->count) {
		end_of_phase(op);
		return;
	}
	op->err = insert(op, slot, op->next, op->units[op->next].fault);
	op->next++;
	if (op->err != HM_OK)
		loop_stop(op->loop);
}

/* A chip that lost power is put in again, whole. */
static void
taken_out(struct operator_ *op, uint32_t slot, int status)
{
	uint32_t unit = op->slots[slot].unit;

	op->slots[slot].pid = 0;
	op->units[unit].runs = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	op->busy--;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_POWER_CUT) {
		op->err = insert(op, slot, unit, NULL);
		if (op->err != HM_OK)
			loop_stop(op->loop);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == HM_EXIT_NO) {
		/* It has never said a word; so the station cannot. */
		op->units[unit].is_done = true;
		op->units[unit].got = HM_E_BOOT_NONE;
		op->result.refused++;
	}
	fill(op, slot);
}

static void
on_child(void *context)
{
	struct operator_ *op = context;

	op->heard_us = clock_mono_us();
	for (uint32_t i = 0; i < op->world->slots; i++) {
		int status;

		if (op->slots[i].pid != 0 && waitpid(op->slots[i].pid, &status,
						 WNOHANG) == op->slots[i].pid)
			taken_out(op, i, status);
	}
}

/* ---- what the station says ---- */

static struct demo_unit *
unit_of(struct operator_ *op, struct doc *event)
{
	uint8_t id[HM_DEVICE_ID_LEN];

	if (hex_parse(hm_bytes_of(doc_get_text(event, "device_id", "")), id,
		sizeof(id)) != HM_OK)
		return NULL;
	for (uint32_t i = 0; i < op->count; i++)
		if (memcmp(op->units[i].device_id, id, sizeof(id)) == 0 &&
		    op->units[i].is_extra == op->extra)
			return &op->units[i];
	return NULL;
}

static void
progress(const struct operator_ *op)
{
	char bar[31];
	uint32_t done = op->result.passed, all = op->world->quota;

	if (report_progress_style() != REPORT_PROGRESS_BAR ||
	    !isatty(STDERR_FILENO))
		return;
	for (uint32_t i = 0; i < sizeof(bar) - 1; i++)
		bar[i] = i < (sizeof(bar) - 1) * done / all ? '#' : '-';
	bar[sizeof(bar) - 1] = 0;
	(void)fprintf(stderr, "\r  %-10s [%s] %u/%u", "line", bar, done, all);
	(void)fflush(stderr); /* a bar that is not seen is no loss */
}

/* "HM-6101" as its number. */
static hm_err
error_of(const char *id)
{
	uint64_t number;

	if (id == NULL || strncmp(id, "HM-", 3) != 0 ||
	    uint_parse(hm_bytes_of(id + 3), UINT16_MAX, &number) != HM_OK)
		return HM_E_BUG;
	return (hm_err)number;
}

/* A machine that was refused goes on asking; somebody takes it out. */
static void
take_out(struct operator_ *op, const struct demo_unit *unit)
{
	for (uint32_t i = 0; i < op->world->slots; i++)
		if (op->slots[i].pid != 0 &&
		    unit == &op->units[op->slots[i].unit])
			(void)kill(op->slots[i].pid, SIGTERM); /* or gone */
}

static void
judge(struct operator_ *op, struct demo_unit *unit, const char *state,
    struct doc *event)
{
	const char *error = doc_get_text(event, "error", NULL);

	if (strcmp(state, "pass") == 0) {
		unit->got = HM_OK;
		op->result.passed++;
	} else {
		unit->got = error_of(error);
		op->result.refused += strcmp(state, "fail") == 0;
	}
	if (strcmp(state, "fail") == 0 && op->world->board != NULL)
		take_out(op, unit);
	unit->was_resumed = doc_get_bool(event, "resumed", false);
	unit->is_done = strcmp(state, "hold") != 0;
	op->result.resumed += unit->is_done && unit->was_resumed;
	(void)snprintf(unit->serial, sizeof(unit->serial), "%s",
	    doc_get_text(event, "unit", ""));
	progress(op);
}

static void
on_summary(struct operator_ *op, struct doc *summary)
{
	op->result.issue_p50_us =
	    (uint64_t)doc_get_int(summary, "issue_p50_us", 0);
	op->result.issue_p99_us =
	    (uint64_t)doc_get_int(summary, "issue_p99_us", 0);
}

static void
on_event(struct operator_ *op, struct hm_bytes line)
{
	AUTO_DOC struct doc *event = NULL;
	const char *state;
	struct demo_unit *unit;

	if (doc_parse(line, &event, NULL) != HM_OK)
		return;
	if (strcmp(doc_get_text(event, "schema", ""),
		"hallmark.station.summary/1") == 0) {
		on_summary(op, event);
		return;
	}
	state = doc_get_text(event, "state", "");
	unit = unit_of(op, event);
	if (unit != NULL && strcmp(state, "run") != 0 &&
	    strcmp(state, "empty") != 0) {
		judge(op, unit, state, event);
		end_of_phase(op);
	}
}

/* Whole lines out of what has come so far. */
static void
take_lines(struct operator_ *op)
{
	uint8_t *end;

	while ((end = memchr(op->line.ptr, '\n', op->line.len)) != NULL) {
		size_t len = (size_t)(end - op->line.ptr);

		on_event(op, (struct hm_bytes){ op->line.ptr, len });
		memmove(op->line.ptr, end + 1, op->line.len - len - 1);
		op->line.len -= len + 1;
	}
}

static void
on_output(void *context)
{
	struct operator_ *op = context;
	uint8_t *room;
	ssize_t n = 0;

	if (buf_reserve(&op->line, 4096, &room) == HM_OK)
		n = read(op->out, room, 4096);
	op->heard_us = clock_mono_us();
	if (n > 0) {
		op->line.len += (size_t)n;
		take_lines(op);
	} else if (n == 0 || errno != EINTR) {
		op->is_silent = true;
		watch_pause(op->watch);
		loop_stop(op->loop); /* the station has gone */
	}
}

/* ---- the station ---- */

static hm_err
start_station(struct operator_ *op, struct why *why)
{
	const char *const argv[] = { op->world->station, "run", "DEMO-1",
		"--config", "station.yaml", "--json", NULL };
	int pipes[2];
	hm_err err;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return WHY(
		    why, HM_E_IO, "cannot make a pipe: %s", strerror(errno));
	err = run_start(argv, pipes[1], op->world->log, &op->station, why);
	close(pipes[1]);
	op->out = pipes[0];
	return err;
}

/* Its slots are there when their sockets are. */
static hm_err
await_slots(struct operator_ *op, struct why *why)
{
	uint64_t end_us = clock_mono_us() + STALLED_US;
	char path[32];

	for (uint32_t i = 0; i < op->world->slots; i++) {
		(void)snprintf(path, sizeof(path), "slot-%u.sock", i);
		while (!file_exists(path)) {
			if (clock_mono_us() >= end_us)
				return WHY(why, HM_E_TIMEOUT,
				    "the station did not come up");
			(void)usleep(10000); /* we only look again */
		}
	}
	return HM_OK;
}

/* A chip that nobody tells of any more has not ended as it must. */
static void
on_silence(void *context)
{
	struct operator_ *op = context;

	if (clock_mono_us() - op->heard_us > STALLED_US)
		loop_stop(op->loop);
}

static hm_err
phase(struct operator_ *op, bool extra)
{
	op->extra = extra;
	op->next = 0;
	op->heard_us = clock_mono_us();
	for (uint32_t i = 0; i < op->world->slots && op->err == HM_OK; i++)
		fill(op, i);
	if (op->err == HM_OK && op->busy != 0)
		HM_TRY(loop_run(op->loop));
	return op->err;
}

static void
clear_bar(void)
{
	if (report_progress_style() == REPORT_PROGRESS_BAR &&
	    isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r\033[K");
}

/* The chips are out; the station's last words are read to their end. */
static void
end_station(struct operator_ *op)
{
	int status;

	(void)kill(op->station, SIGTERM); /* it may be gone already */
	while (!op->is_silent)
		on_output(op);
	HM_LOSE(process_wait(op->station, CHANNEL_FOREVER, &status, NULL));
}

static hm_err
work(struct operator_ *op, struct why *why)
{
	struct watch *child, *silence;

	HM_TRY(start_station(op, why));
	HM_TRY(loop_new(&op->loop));
	HM_TRY(watch_signal(op->loop, SIGCHLD, on_child, op, &child));
	HM_TRY(watch_read(op->loop, op->out, on_output, op, &op->watch));
	HM_TRY(
	    watch_timer(op->loop, SILENCE_LOOK_MS, on_silence, op, &silence));
	HM_TRY(await_slots(op, why));
	op->began_us = clock_mono_us();
	HM_TRY(phase(op, false));
	op->result.elapsed_us = clock_mono_us() - op->began_us;
	return phase(op, true);
}

hm_err
demo_make(struct demo_world *world, struct demo_unit *units, uint32_t count,
    struct demo_result *ret, struct why *why)
{
	static struct operator_ op; /* large */
	hm_err err;

	op = (struct operator_){
		.world = world, .units = units, .count = count, .out = -1
	};
	buf_init(&op.line, LINE_MAX_BYTES);
	err = work(&op, why);
	if (op.station != 0)
		end_station(&op);
	clear_bar();
	loop_free(op.loop);
	if (op.out >= 0)
		close(op.out);
	buf_done(&op.line);
	*ret = op.result;
	return err;
}
