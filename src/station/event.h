/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * event - what a slot tells the line: one struct, one message
 *
 * A slot is a process of its own and never writes to the terminal; it sends
 * these over a SOCK_SEQPACKET channel and the line shows them, as a line for
 * each slot on a terminal, a line for each event elsewhere, JSON lines with
 * --json.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"
#include "wire/limits.h"

/* Steps of a unit, in order; the names stand in the journal and in JSON. */
#define STATION_STEPS(X)          \
	X(WAIT, "wait")           \
	X(HELLO, "hello")         \
	X(CHALLENGE, "challenge") \
	X(ATTEST, "attest")       \
	X(ISSUE, "issue")         \
	X(STAMP, "stamp")         \
	X(CONFIRM, "confirm")     \
	X(RECEIPT, "receipt")     \
	X(DONE, "done")

typedef enum station_step {
#define STATION_STEP_ENUM(name, text) STEP_##name,
	STATION_STEPS(STATION_STEP_ENUM)
#undef STATION_STEP_ENUM
	    STEP_COUNT
} station_step;

typedef enum unit_state {
	UNIT_EMPTY, /* waiting for a unit */
	UNIT_RUN,
	UNIT_PASS,
	UNIT_FAIL,
	UNIT_HOLD, /* unfinished; it can be resumed */
} unit_state;

struct station_event {
	uint32_t slot; /* index */
	unit_state state;
	station_step step;
	uint32_t
	    err; /* hm_err; of FAIL and HOLD, or of a try that is repeated */
	bool resumed;                        /* the unit was begun before */
	uint8_t device_id[HM_DEVICE_ID_LEN]; /* zeros: not known yet */
	char serial[HM_SERIAL_MAX + 1];      /* "": not known yet */
	uint64_t issue_us; /* of DONE: how long the server took to issue; 0 */
	uint64_t unit_us;  /* since insertion */
};

/*
 * What a slot sent, if it is an event of slot `index` as ours send them: a slot
 * reads what devices and servers say, so the line does not take its word for
 * the form of a struct. False: *ret is unchanged.
 */
bool station_event_read(
    struct hm_bytes message, uint32_t index, struct station_event *ret);

const char *station_step_name(station_step step);
/* "pass" ...; words of the operator's screen are upper case. */
const char *unit_state_name(unit_state state);
