/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * online - a device that talks to the OEM's server itself, without a station
 *
 *   agent --link messages-- online --HTTPS, mutual TLS-- hallmarkd
 *
 * The same messages as over a station (docs/protocol.md): challenge, issue,
 * confirm, three requests on one connection. The device comes with the role
 * `device`: its TLS key is its identity key, and the server takes evidence and
 * conformance of that key only (docs/decisions/0011).
 *
 * One call is one attempt. Whatever it gets is durable before the next step,
 * and every request may be repeated: after a power cut, a lost answer or a
 * transient error, call it again. It goes on where the device stands.
 *
 * The agent, not this file, decides what is believed: a server that is not the
 * OEM's can at most refuse.
 */

#include "hallmark/agent.h"
#include "hallmark/http.h"
#include "hallmark/tls.h"

HM_C_BEGIN

/* Enough for the longest stamp with a usual entry and receipt. */
#define HM_ONLINE_ROOM (28u * 1024u)

struct hm_online {
	struct hm_agent *agent;          /* initialised; borrowed */
	const char *order;               /* name; borrowed */
	const char *host;                /* for "Host:", with port; borrowed */
	const struct hm_tls_config *tls; /* borrowed */
	uint32_t timeout_ms;             /* of each call, handshake included */
	struct hm_span room;             /* answers; HM_ONLINE_ROOM */
	struct hm_span message;          /* link messages; HM_LINK_MAX */
	/* What follows is set by hm_online_run. */
	uint32_t calls; /* requests that were sent */
	bool refused;   /* the server's own word, not the way to it */
	struct hm_tls connection;
	uint8_t answer[HM_ANSWER_MAX]; /* of the agent */
};

/*
 * Bring the device to HM_AGENT_COMPLETE. HM_OK at once if it is there. What
 * the server refuses comes back as its error, `refused` set; else as hm_tls_*,
 * the agent's refusals, HM_E_HTTP, HM_E_TOO_LARGE (the answer does not fit
 * `room`), HM_E_BAD_INPUT (the order is no name).
 */
HM_MUST hm_err hm_online_run(struct hm_online *online);

HM_C_END
