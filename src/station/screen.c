/* SPDX-License-Identifier: Apache-2.0 */
#include "station/screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "base/report.h"
#include "base/text.h"

#define BAR 8 /* cells: one a step */

typedef enum style { STYLE_JSON, STYLE_LINES, STYLE_TERMINAL } style;

struct screen {
	const struct line_options *options;
	style style;
	bool is_drawn; /* the cursor stands below the table */
	bool is_stale;
	uint32_t drawn; /* lines of the table */
	struct station_event rows[STATION_SLOTS_MAX];
	bool is_used[STATION_SLOTS_MAX];
};

/* ---- words ---- */

static const char *
word_of(unit_state state)
{
	static const char *const words[] = { "waiting", "", "PASS", "FAIL",
		"HOLD" };

	return words[state];
}

static const char *
colour_of(unit_state state)
{
	static const char *const colours[] = { "\033[2m", "\033[34m",
		"\033[1;36m", "\033[1;31m", "\033[1;33m" };

	return report_color(STDERR_FILENO) ? colours[state] : "";
}

static const char *
plain(void)
{
	return report_color(STDERR_FILENO) ? "\033[0m" : "";
}

/* The serial number, or the first bytes of the device id, or a dash. */
static void
unit_text(const struct station_event *event, char ret[static 33])
{
	static const uint8_t none[HM_DEVICE_ID_LEN];

	if (event->serial[0] != 0)
		(void)snprintf(ret, 33, "%s", event->serial);
	else if (memcmp(event->device_id, none, sizeof(none)) == 0)
		(void)snprintf(ret, 33, "-");
	else
		hex_format((struct hm_bytes){ event->device_id, 6 }, ret);
}

/* "HM-6101 the order is used up", or nothing. */
static void
error_text(const struct station_event *event, char *ret, size_t size)
{
	ret[0] = 0;
	if (event->err != HM_OK)
		(void)snprintf(ret, size, "HM-%04u %s", event->err,
		    err_info((hm_err)event->err)->words);
}

/* ---- JSON ---- */

static void
event_json(const struct screen *screen, const struct station_event *event)
{
	struct doc *doc = doc_new("hallmark.station.event/1");
	char id[16];

	doc_time(doc, "t", clock_now_s());
	doc_text(doc, "slot", screen->options->config->slots[event->slot].name);
	if (event->serial[0] != 0)
		doc_text(doc, "unit", event->serial);
	if (event->step >= STEP_CHALLENGE)
		doc_hex(doc, "device_id", HM_BYTES(event->device_id));
	doc_text(doc, "step", station_step_name(event->step));
	doc_uint(doc, "n", event->step);
	doc_uint(doc, "of", STEP_DONE);
	doc_text(doc, "state", unit_state_name(event->state));
	doc_bool(doc, "resumed", event->resumed);
	if (event->err != HM_OK) {
		(void)snprintf(id, sizeof(id), "HM-%04u", event->err);
		doc_text(doc, "error", id);
		doc_text(doc, "class",
		    err_class_name(err_info((hm_err)event->err)->class));
	}
	if (event->issue_us != 0)
		doc_uint(doc, "issue_us", event->issue_us);
	doc_uint(doc, "unit_us", event->unit_us);
	(void)report_event(doc); /* a reader that left is told at the end */
	doc_free(doc);
}

/* ---- lines ---- */

static void
event_line(const struct screen *screen, const struct station_event *event)
{
	char when[TIME_TEXT_LEN], unit[33], error[200];
	bool is_end = event->state >= UNIT_PASS;

	if (!is_end && event->err == HM_OK && report_verbose() == 0)
		return;
	if (event->state == UNIT_EMPTY)
		return;
	time_format(clock_now_s(), when);
	unit_text(event, unit);
	error_text(event, error, sizeof(error));
	report_line("%s %-4s %-5s %-14s %-9s %s%s", when,
	    screen->options->config->slots[event->slot].name,
	    is_end ? word_of(event->state) : "run", unit,
	    station_step_name(event->step), error,
	    is_end && event->resumed ? " (resumed)" : "");
	(void)fflush(stdout); /* the end of the run reports a full disk */
}

/* ---- a terminal ---- */

static void
row(const struct screen *screen, const struct station_event *event, int width)
{
	char unit[33], error[200], bar[BAR + 1], text[400];
	int done = event->state == UNIT_EMPTY ? 0 : (int)event->step;

	for (int i = 0; i < BAR; i++)
		bar[i] = i < done ? '#' : '-';
	bar[BAR] = 0;
	unit_text(event, unit);
	error_text(event, error, sizeof(error));
	(void)snprintf(text, sizeof(text), "%-16s [%s] %d/%d %-9s %5.1f s  ",
	    unit, bar, done, STEP_DONE,
	    event->state == UNIT_EMPTY ? "" : station_step_name(event->step),
	    (double)event->unit_us / 1e6);
	(void)fprintf(stderr, "\r\033[K%-6s %.*s%s%s%s %.*s\n",
	    screen->options->config->slots[event->slot].name, width - 8, text,
	    colour_of(event->state), word_of(event->state), plain(),
	    width > 70 ? width - 70 : 0, error);
}

#define HEIGHT_MIN 10
#define AROUND 3 /* lines: head, what is not shown, sums */

static struct winsize
terminal_size(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40)
		size.ws_col = 80;
	if (size.ws_row < HEIGHT_MIN)
		size.ws_row = size.ws_row == 0 ? 24 : HEIGHT_MIN;
	return size;
}

static bool
is_shown(const struct screen *screen, uint32_t slot, bool at_work)
{
	return screen->is_used[slot] &&
	       (screen->rows[slot].state != UNIT_EMPTY) == at_work;
}

/* As many rows as the terminal has lines for; of more slots than that, those
 * first that have something in them. */
static uint32_t
draw_rows(const struct screen *screen, struct winsize size)
{
	uint32_t used = 0, shown = 0, room = size.ws_row - AROUND - 1u;

	for (uint32_t i = 0; i < STATION_SLOTS_MAX; i++)
		used += screen->is_used[i];
	if (used <= room) {
		for (uint32_t i = 0; i < STATION_SLOTS_MAX; i++)
			if (screen->is_used[i])
				row(screen, &screen->rows[i], size.ws_col);
		return used;
	}
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < STATION_SLOTS_MAX; i++)
			if (shown < room && is_shown(screen, i, pass == 0)) {
				row(screen, &screen->rows[i], size.ws_col);
				shown++;
			}
	(void)fprintf(
	    stderr, "\r\033[K  and %" PRIu32 " more slots\n", used - shown);
	return shown + 1;
}

static void
draw(struct screen *screen, const struct line_result *so_far)
{
	if (screen->is_drawn)
		(void)fprintf(stderr, "\033[%" PRIu32 "A", screen->drawn);
	(void)fprintf(stderr, "\r\033[K%s  order %s  server %s\n",
	    screen->options->config->name, screen->options->order,
	    screen->options->config->server.url);
	screen->drawn = draw_rows(screen, terminal_size()) + 2;
	(void)fprintf(stderr,
	    "\r\033[K%" PRIu32 " pass  %" PRIu32 " fail  %" PRIu32
	    " hold   %.0f s\n",
	    so_far->passed, so_far->failed, so_far->held,
	    (double)so_far->elapsed_us / 1e6);
	(void)fflush(stderr); /* nobody sees it: nothing is lost */
	screen->is_drawn = true;
	screen->is_stale = false;
}

/* ---- the whole ---- */

static style
choose(void)
{
	const char *term = getenv("TERM");

	if (report_is_json())
		return STYLE_JSON;
	if (report_progress_style() == REPORT_PROGRESS_BAR &&
	    isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0)
		return STYLE_TERMINAL;
	return STYLE_LINES;
}

hm_err
screen_new(const struct line_options *options, struct screen **ret)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (screen == NULL)
		return HM_E_NO_MEMORY;
	screen->options = options;
	screen->style = choose();
	*ret = screen;
	return HM_OK;
}

void
screen_free(struct screen *screen)
{
	free(screen);
}

void
screen_event(struct screen *screen, const struct station_event *event,
    const struct line_result *so_far)
{
	struct station_event *row = &screen->rows[event->slot];
	bool first = !screen->is_used[event->slot];

	/* A result stays until the next unit is there. */
	if (event->state != UNIT_EMPTY || row->state == UNIT_EMPTY)
		*row = *event;
	screen->is_used[event->slot] = true;
	screen->is_stale = true;
	if (screen->style == STYLE_JSON)
		event_json(screen, event);
	else if (screen->style == STYLE_LINES)
		event_line(screen, event);
	else if (first)
		screen->is_drawn = false; /* one row more: draw below */
	else if (event->state >= UNIT_PASS)
		screen_tick(screen, so_far);
}

void
screen_tick(struct screen *screen, const struct line_result *so_far)
{
	if (screen->style == STYLE_TERMINAL && screen->is_stale)
		draw(screen, so_far);
}
