/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * line - all slots of a station at work on one order
 *
 * One process a slot; this one owns the terminal and counts. It ends when it is
 * told to (SIGINT, SIGTERM: units under way are finished first), or after so
 * many units.
 */

#include "station/config.h"
#include "station/event.h"

struct line_options {
	const struct station_config *config;
	const char *order;
	const char *const *slots; /* names; NULL: all */
	uint32_t slot_count;
	uint32_t units; /* end after so many; 0: when told to */
};

struct line_result {
	uint32_t passed, failed, held, resumed;
	uint64_t elapsed_us;
	uint64_t issue_p50_us, issue_p99_us; /* 0: nothing was issued */
};

/* HM_OK whatever became of the units: *ret tells. HM_E_NOT_FOUND (a slot that
 * the station does not have), HM_E_NO_MEMORY, HM_E_IO, HM_E_WORKER (slots can
 * not start) */
HM_MUST hm_err line_run(const struct line_options *options,
    struct line_result *ret, struct why *why);
