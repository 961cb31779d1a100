/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * job - one unit, from insertion to PASS, FAIL or HOLD
 *
 *   hello -> challenge -> attest -> issue -> stamp -> confirm -> receipt ->
 * done
 *
 * Two exchanges with a device, at attest and at stamp; a third at receipt with
 * one whose agent leaves (wire/link.h).
 *
 * The station relays; it can read neither the secrets nor change what it
 * carries without being found out. It goes on from what the device says of
 * itself and from the journal, so a unit that lost power is simply inserted
 * again: what was issued is not issued twice.
 *
 * A unit FAILs when somebody refused it, and HOLDs when it is neither done nor
 * refused: power or network went away in the middle.
 */

#include "ledger/note.h"
#include "station/journal.h"
#include "station/pipe.h"
#include "station/server.h"

typedef void (*job_tell)(void *context, const struct station_event *event);

/* What a device said of itself when it was opened. */
struct job_device {
	hm_agent_state state;
	uint32_t longest; /* message that it takes, bytes */
	bool leaves;
	bool has_receipt; /* with its stamp */
};

struct job {
	const struct station_config *config; /* borrowed, as all here */
	const char *order;
	uint32_t slot; /* index */
	struct pipe *pipe;
	struct server *server;
	const struct note_key
	    *log_key; /* NULL: receipts are not checked here */
	job_tell tell;
	void *context;
	struct why *why; /* of what the server did wrong; may be NULL */
	/* of the unit under way */
	struct station_event event;
	struct unit unit;
	struct job_device device;
	bool passed; /* it has before */
	uint64_t started_us;
	int lock; /* of the journal; -1: none */
};

/* Work on the device that is in the pipe. The outcome was told as an event and
 * stands in the journal; it is returned too. After seen_is_broken() of
 * job->event.err no further unit should be begun. */
unit_state job_run(struct job *job);
