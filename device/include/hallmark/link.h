/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * link - an agent behind a byte pipe: frames in, frames out
 *
 * Bytes come as they come; whenever they complete a frame that checks, the
 * agent answers it through hm_port_link_write. Noise and torn frames are
 * dropped without a word: the station asks again.
 *
 * RAM: sizeof(struct hm_serve), below 64 bytes, and the caller's room for one
 * frame, in which the agent also works: HM_SERVE_ROOM for the longest that
 * there can be. A product whose stamps are known to be shorter gives less,
 * HM_ROOM_MIN at least; the station hears how much that is, and sends no longer
 * message.
 */

#include "hallmark/agent.h"
#include "wire/frame.h"

HM_C_BEGIN

#define HM_SERVE_ROOM HM_FRAME_SIZE(HM_LINK_MAX)

struct hm_serve {
	struct hm_agent *agent; /* borrowed */
	struct hm_frame_in in;
	/* Set by the caller after hm_serve_init; NULL: nothing. Called after
	 * each message, before its answer leaves. Its error is the caller's
	 * of hm_serve_feed, and no answer leaves. */
	hm_err (*before_answer)(const struct hm_agent *agent);
};

/* `agent` is initialised; it and `room` outlive `serve`. */
void hm_serve_init(
    struct hm_serve *serve, struct hm_agent *agent, struct hm_span room);
/* Take in bytes, answer the frames that they complete. HM_E_LINK; HM_E_NO_ROOM
 * (less than HM_ROOM_MIN) */
HM_MUST hm_err hm_serve_feed(struct hm_serve *serve, struct hm_bytes bytes);
/* Read and feed until the link ends, which is HM_E_LINK: it never returns
 * HM_OK. */
HM_MUST hm_err hm_serve_run(struct hm_serve *serve);

HM_C_END
