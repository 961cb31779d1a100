/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * journal - what the station knows of a unit, on disk before the next step
 *
 * One file a unit, named by its device id, replaced whole and durably
 * (base/file.h): after a power cut it holds the state before or after a step,
 * never between. A unit may come back in another slot, so the file belongs to
 * the unit, not to the slot. While a slot works on a unit it holds its lock: a
 * second board with the same id waits its turn and is then judged by the
 * server.
 *
 *   unit = { 0: 1, 1: order, 2: slot, 3: device id, 4: step, 5: state,
 *            6: error, 7: issue answer, 8: conformance, 9: confirm answer, 10:
 * time }
 *
 * Nothing in it is secret: the station has ciphertext only.
 */

#include "base/buf.h"
#include "base/why.h"
#include "station/event.h"

struct unit {
	char order[HM_NAME_MAX + 1], slot[HM_NAME_MAX + 1];
	uint8_t device_id[HM_DEVICE_ID_LEN];
	station_step step;
	unit_state state;
	hm_err err;
	uint64_t time_s;
	/* Answers of the server and of the device, as they came; owned. */
	struct buf issued, conformance, confirmed;
};

void unit_init(struct unit *unit);
void unit_done(struct unit *unit);

/* Make the two folders of a station, and remove what a kill left half written
 * there an hour ago or before: another line may be at work. HM_E_IO */
HM_MUST hm_err journal_folders(
    const char *journal, const char *records, struct why *why);

/* The lock of a unit: *ret_fd is closed to give it back. Waits until
 * `deadline_us`. HM_E_TIMEOUT, HM_E_JOURNAL */
HM_MUST hm_err journal_lock(const char *folder,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], uint64_t deadline_us,
    int *ret_fd, struct why *why);

/* What is known of a unit. HM_E_NOT_FOUND, HM_E_JOURNAL (damaged) */
HM_MUST hm_err journal_load(const char *folder,
    const uint8_t device_id[static HM_DEVICE_ID_LEN], struct unit *ret,
    struct why *why);
/* Durable when it returns. HM_E_JOURNAL: what stood there stands. */
HM_MUST hm_err journal_save(
    const char *folder, const struct unit *unit, struct why *why);

/* Call `each` for every unit of the journal. Its error ends the walk. */
HM_MUST hm_err journal_each(const char *folder,
    hm_err (*each)(void *context, const struct unit *unit), void *context,
    struct why *why);
