/* SPDX-License-Identifier: Apache-2.0 */
#include "station/event.h"

const char *
station_step_name(station_step step)
{
	static const char *const names[] = {
#define STATION_STEP_NAME(name, text) text,
		STATION_STEPS(STATION_STEP_NAME)
#undef STATION_STEP_NAME
	};

	return (unsigned)step < STEP_COUNT ? names[step] : "?";
}

const char *
unit_state_name(unit_state state)
{
	static const char *const names[] = { "empty", "run", "pass", "fail",
		"hold" };

	return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state]
								  : "?";
}
