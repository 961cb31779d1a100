/* SPDX-License-Identifier: Apache-2.0 */
#include "station/line.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/process.h"
#include "base/report.h"
#include "station/screen.h"
#include "station/slot.h"

#define TICK_MS 200
#define CRASHES_MAX 5 /* of one slot, before it stays off */

struct lane {
	struct line *line;
	uint32_t index; /* of the slot in the configuration */
	pid_t pid;
	int channel; /* -1: the process is gone */
	struct watch *watch;
	uint32_t crashes;
	struct station_event last;
};

struct line {
	const struct line_options *options;
	struct loop *loop;
	struct screen *screen;
	struct lane lanes[STATION_SLOTS_MAX];
	uint32_t count, running;
	bool stopping;
	struct line_result result;
	uint64_t began_us;
	uint64_t *issues_us; /* of each unit that passed; owned */
	size_t issues, issues_room;
};

static void on_lane(void *context);

/* ---- the processes ---- */

/* In the child: nothing of the line's is used from here on. */
static _Noreturn void
be_slot(const struct lane *lane, int channel)
{
	const struct line_options *options = lane->line->options;
	struct why why = { 0 };
	hm_err err;

	(void)signal(SIGINT, SIG_IGN); /* the line tells us when to stop */
	(void)signal(SIGTERM, SIG_IGN);
	for (uint32_t i = 0; i < lane->line->count; i++)
		if (lane->line->lanes[i].channel >= 0)
			close(lane->line->lanes[i].channel);
	err = slot_run(
	    options->config, options->order, lane->index, channel, &why);
	if (err != HM_OK)
		(void)report_failure(err, &why);
	_exit(err == HM_OK ? 0 : 1);
}

static hm_err
start(struct lane *lane)
{
	int ends[2];

	HM_TRY(channel_pair(ends, NULL));
	lane->pid = fork();
	if (lane->pid == 0) {
		close(ends[0]);
		be_slot(lane, ends[1]);
	}
	close(ends[1]);
	if (lane->pid < 0) {
		close(ends[0]);
		return HM_E_IO;
	}
	lane->channel = ends[0];
	lane->line->running++;
	return watch_read(
	    lane->line->loop, lane->channel, on_lane, lane, &lane->watch);
}

static void
finish(struct lane *lane)
{
	int status;

	watch_free(lane->watch);
	lane->watch = NULL;
	close(lane->channel);
	lane->channel = -1;
	HM_LOSE(process_wait(lane->pid, CHANNEL_FOREVER, &status, NULL));
	lane->line->running--;
}

static void
stop(struct line *line)
{
	line->stopping = true;
	for (uint32_t i = 0; i < line->count; i++)
		if (line->lanes[i].channel >= 0)
			HM_LOSE(channel_send(line->lanes[i].channel,
			    HM_LITERAL("stop"), clock_mono_us() + 1000000,
			    NULL)); /* gone is as good */
	if (line->running == 0)
		loop_stop(line->loop);
}

/* ---- events ---- */

static void
remember(struct line *line, uint64_t issue_us)
{
	size_t room = line->issues_room == 0 ? 256 : line->issues_room * 2;

	if (line->issues == line->issues_room) {
		uint64_t *more =
		    realloc(line->issues_us, room * sizeof(uint64_t));

		if (more == NULL)
			return; /* a statistic less */
		line->issues_us = more;
		line->issues_room = room;
	}
	line->issues_us[line->issues++] = issue_us;
}

static void
count(struct line *line, const struct station_event *event)
{
	struct line_result *result = &line->result;

	if (event->state == UNIT_PASS)
		result->passed++;
	else if (event->state == UNIT_FAIL)
		result->failed++;
	else if (event->state == UNIT_HOLD)
		result->held++;
	else
		return;
	if (event->resumed && event->state == UNIT_PASS)
		result->resumed++;
	if (event->issue_us != 0)
		remember(line, event->issue_us);
	if (line->options->units != 0 && !line->stopping &&
	    result->passed + result->failed + result->held >=
		line->options->units)
		stop(line);
}

static void
on_event(struct lane *lane, const struct station_event *event)
{
	struct line *line = lane->line;

	lane->last = *event;
	line->result.elapsed_us = clock_mono_us() - line->began_us;
	count(line, event);
	screen_event(line->screen, event, &line->result);
}

/* A slot that crashed holds its unit and starts again; one that met a ledger
 * which is not what it was has said so and stays closed. */
static void
on_gone(struct lane *lane)
{
	struct line *line = lane->line;

	finish(lane);
	if (!line->stopping && !seen_is_broken((hm_err)lane->last.err)) {
		lane->last.state = UNIT_HOLD;
		lane->last.err = HM_E_WORKER;
		on_event(lane, &lane->last);
		if (++lane->crashes < CRASHES_MAX && start(lane) == HM_OK)
			return;
	}
	if (line->running == 0)
		loop_stop(line->loop);
}

static void
on_lane(void *context)
{
	struct lane *lane = context;
	uint8_t room[sizeof(struct station_event)];
	struct station_event event;
	size_t len = 0;
	hm_err err = channel_recv(lane->channel,
	    (struct hm_span){ room, sizeof(room) }, 0, &len, NULL);

	if (err == HM_E_TIMEOUT)
		return;
	if (err != HM_OK || !station_event_read((struct hm_bytes){ room, len },
				lane->index, &event))
		on_gone(lane);
	else
		on_event(lane, &event);
}

static void
on_tick(void *context)
{
	struct line *line = context;

	screen_tick(line->screen, &line->result);
}

static void
on_signal(void *context)
{
	struct line *line = context;

	if (!line->stopping)
		report_note("finishing the units under way");
	stop(line);
}

/* ---- the whole ---- */

static hm_err
find_slot(const struct station_config *config, const char *name,
    uint32_t *ret_index, struct why *why)
{
	for (uint32_t i = 0; i < config->slot_count; i++)
		if (strcmp(config->slots[i].name, name) == 0) {
			*ret_index = i;
			return HM_OK;
		}
	return WHY(why, HM_E_NOT_FOUND, "the station has no slot \"%s\"", name);
}

static hm_err
choose_lanes(struct line *line, struct why *why)
{
	const struct line_options *options = line->options;

	line->count = options->slots == NULL ? options->config->slot_count
					     : options->slot_count;
	for (uint32_t i = 0; i < line->count; i++) {
		struct lane *lane = &line->lanes[i];

		*lane =
		    (struct lane){ .line = line, .index = i, .channel = -1 };
		if (options->slots != NULL)
			HM_TRY(find_slot(options->config, options->slots[i],
			    &lane->index, why));
		lane->last.slot = lane->index;
	}
	return HM_OK;
}

static hm_err
watch_all(struct line *line)
{
	struct watch *ignored; /* they live as long as the loop */

	HM_TRY(watch_signal(line->loop, SIGINT, on_signal, line, &ignored));
	HM_TRY(watch_signal(line->loop, SIGTERM, on_signal, line, &ignored));
	HM_TRY(watch_timer(line->loop, TICK_MS, on_tick, line, &ignored));
	for (uint32_t i = 0; i < line->count; i++)
		HM_TRY(start(&line->lanes[i]));
	return HM_OK;
}

static int
compare_us(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
conclude(struct line *line, struct line_result *ret)
{
	size_t n = line->issues;

	line->result.elapsed_us = clock_mono_us() - line->began_us;
	if (n != 0) {
		qsort(line->issues_us, n, sizeof(uint64_t), compare_us);
		line->result.issue_p50_us = line->issues_us[n / 2];
		line->result.issue_p99_us = line->issues_us[n * 99 / 100];
	}
	*ret = line->result;
}

static hm_err
work(struct line *line, struct why *why)
{
	HM_TRY(choose_lanes(line, why));
	HM_TRY(loop_new(&line->loop));
	HM_TRY(screen_new(line->options, &line->screen));
	HM_TRY(watch_all(line));
	return loop_run(line->loop);
}

hm_err
line_run(const struct line_options *options, struct line_result *ret,
    struct why *why)
{
	static struct line line; /* large */
	hm_err err;

	line = (struct line){ .options = options, .began_us = clock_mono_us() };
	err = work(&line, why);
	for (uint32_t i = 0; i < line.count; i++)
		if (line.lanes[i].channel >= 0)
			finish(&line.lanes[i]);
	screen_free(line.screen);
	loop_free(line.loop);
	if (err == HM_OK)
		conclude(&line, ret);
	free(line.issues_us);
	return err;
}
