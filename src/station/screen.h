/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * screen - what the person at the line sees of it
 *
 * On a terminal: one line a slot, redrawn in place, with a bar, words and error
 * id; never colour alone. Elsewhere: one line for each change of state. With
 * --json: one JSON object for each event (hallmark.station.event/1).
 */

#include "station/line.h"

struct screen; /* opaque, heap */

/* HM_E_NO_MEMORY */
HM_MUST hm_err screen_new(
    const struct line_options *options, struct screen **ret);
void screen_free(struct screen *screen); /* the cursor is back where it was */

/* Something happened in a slot. */
void screen_event(struct screen *screen, const struct station_event *event,
    const struct line_result *so_far);
/* Draw what has changed; called some times a second. */
void screen_tick(struct screen *screen, const struct line_result *so_far);
