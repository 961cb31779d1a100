/* SPDX-License-Identifier: Apache-2.0 */
#include "station/event.h"

#include <stddef.h>
#include <string.h>

/* A serial number ends, and can be shown on a terminal. */
static bool
is_serial(const char serial[static HM_SERIAL_MAX + 1])
{
	size_t len = strnlen(serial, HM_SERIAL_MAX + 1);

	if (len > HM_SERIAL_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (serial[i] <= ' ' || serial[i] > '~')
			return false;
	return true;
}

/* A byte that is neither 0 nor 1 must not be read as a bool. */
static uint8_t
resumed_of(struct hm_bytes message)
{
	return message.ptr[offsetof(struct station_event, resumed)];
}

bool
station_event_read(
    struct hm_bytes message, uint32_t index, struct station_event *ret)
{
	struct station_event event;

	if (message.len != sizeof(event) || resumed_of(message) > 1)
		return false;
	memcpy(&event, message.ptr, sizeof(event));
	if (event.slot != index || (unsigned)event.state > UNIT_HOLD ||
	    (unsigned)event.step >= STEP_COUNT || !is_serial(event.serial))
		return false;
	*ret = event;
	return true;
}

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
