/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * agent - a device's part in its own provisioning, one message at a time
 *
 *   BLANK --open--> READY --stamp--> STAMPED --receipt--> COMPLETE
 *         keys are made     verified, opened     stored
 *                         --deliver: stamp and receipt--->
 *
 * A message of wire/link.h comes in, one goes out. Whatever an answer promises
 * is durable before the answer leaves: power may be cut at any instant, and the
 * station begins again with hello. What was made once is never made again:
 * keys, the stamp that was taken, the conformance to it.
 *
 * Whole provisioning is committed by one write of HM_RECORD_STATE; records that
 * were written before it count for nothing until then.
 *
 * The agent trusts the pinned stamp key and nobody else: not the station, not
 * the link. It does not verify receipts: whoever audits does. It does not lock
 * the chip: that is the lock plan's business.
 *
 * RAM: sizeof(struct hm_agent), below 1 KiB, 6.5 KiB of stack at most, and the
 * caller's room, in which the message is read, its secrets are opened and the
 * answer is written. docs/performance.md has the measured sums. One thread.
 */

#include "hallmark/crypto.h"
#include "wire/link.h"

HM_C_BEGIN

#define HM_AGENT_BINDINGS 8 /* claims of these keys that a stamp may name */
#define HM_ANSWER_MAX 1536  /* the longest answer, bytes */
#define HM_AGENT_CONFORMANCE 256 /* the one that we sign, bytes */
#define HM_ROOM_MIN 2304         /* what an agent works in, bytes, or more */

/* What HM_RECORD_STATE holds. */
struct hm_agent_memory {
	hm_agent_state state;
	uint32_t binding_count;
	uint8_t bindings[HM_AGENT_BINDINGS][HM_DIGEST_LEN]; /* newest first */
	uint8_t stamp[HM_DIGEST_LEN]; /* from STAMPED on: its SHA-256 */
	uint32_t conformance_len;
	uint8_t conformance[HM_AGENT_CONFORMANCE];
};

struct hm_agent {
	uint8_t device_id[HM_DEVICE_ID_LEN];
	uint8_t release[HM_DIGEST_LEN];
	uint32_t counter;
	hm_err last; /* why the last message was refused; lost with power */
	bool stale;  /* a write failed: memory is read again before use */
	/* Set by the caller after hm_agent_init: this program goes away when
	 * the device is complete, and cannot repeat its conformance then. So it
	 * is complete with a receipt, and not before (wire/link.h). */
	bool leaves;
	struct hm_agent_memory memory;
};

/*
 * Start, after every reset: reads identity, firmware and memory from the port;
 * writes nothing. HM_E_STORAGE (memory damaged or not readable), HM_E_IO
 */
HM_MUST hm_err hm_agent_init(struct hm_agent *agent);

/*
 * Answer the message that stands in the first `len` bytes of `room`: the answer
 * takes its place, *ret_len bytes, HM_ANSWER_MAX at most. What was in the rest
 * of the room is wiped. A refusal is an answer as well (problem.h):
 *
 * HM_E_BAD_INPUT     malformed, or not a question
 * HM_E_WRONG_STATE   a stamp before a challenge or after another stamp, a
 *                    receipt before a stamp, a delivery to one that leaves
 * HM_E_STAMP_FOREIGN does not verify under the pinned stamp key
 * HM_E_STAMP_OTHER   names another device, keys or binding
 * HM_E_RELEASE       names other firmware or another security counter
 * HM_E_OPEN          the sealed secrets do not open
 * HM_E_STORAGE, HM_E_NO_ENTROPY, HM_E_IO   of the port
 *
 * Returns HM_OK with an answer of either kind; HM_E_NO_ROOM only if `room` is
 * less than HM_ROOM_MIN or `len`: then nothing was done.
 */
HM_MUST hm_err hm_agent_handle(
    struct hm_agent *agent, struct hm_span room, size_t len, size_t *ret_len);

/* Where the device stands. */
hm_agent_state hm_agent_where(const struct hm_agent *agent);

HM_C_END
