/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * update_link - update.h behind a byte pipe: frames in, frames out
 *
 * The messages are those of wire/update.h. It stands apart from agent and
 * link.h: a product image links this one alone, and then has no command of
 * manufacturing in it. A device that serves both gives each frame's message to
 * the one that it is for (hm_update_is_ask).
 *
 * Whoever speaks over the link is not trusted: no image starts but for its
 * signature. What such a one can do is erase the slot that does not run, and
 * ask for a restart; a product that minds authenticates its link.
 *
 * It does not confirm: the application does (hm_update_confirm), when it has
 * tested itself. It does not restart: hm_update_serve_run returns, and the
 * application resets the chip when that is safe.
 *
 * RAM: sizeof(struct hm_update_serve), below 3 KiB, and the caller's room for
 * one incoming frame, HM_UPDATE_ROOM.
 */

#include "hallmark/update.h"
#include "wire/frame.h"
#include "wire/update.h"

HM_C_BEGIN

/* An announcement, or a piece. */
#define HM_UPDATE_LONGEST                                                      \
	((HM_UPDATE_PIECE > HM_IMAGE_TLVS_MAX + 32 ? HM_UPDATE_PIECE           \
						   : HM_IMAGE_TLVS_MAX + 32) + \
	    32)
#define HM_UPDATE_ROOM HM_FRAME_SIZE(HM_UPDATE_LONGEST)

struct hm_update_serve {
	struct hm_update update;
	struct hm_update_state known; /* what stays until the next reset */
	struct hm_frame_in in;
	bool restart; /* it was asked for */
	uint8_t answer[HM_UPDATE_ANSWER_MAX];
	uint8_t frame[HM_FRAME_SIZE(HM_UPDATE_ANSWER_MAX)];
};

/*
 * After every reset: looks up what runs. `room` outlives `serve`; a shorter one
 * than HM_UPDATE_ROOM takes shorter pieces. HM_E_IO, HM_E_STORAGE
 */
HM_MUST hm_err hm_update_serve_init(
    struct hm_update_serve *serve, struct hm_span room);
/*
 * Answer `message` into `room`, *ret_len bytes; HM_UPDATE_ANSWER_MAX is always
 * enough. A refusal is an answer as well: the errors of update.h,
 * HM_E_BAD_INPUT for what is no question. HM_E_NO_ROOM: nothing was done.
 */
HM_MUST hm_err hm_update_handle(struct hm_update_serve *serve,
    struct hm_bytes message, struct hm_span room, size_t *ret_len);
/* Take in bytes, answer the frames that they complete. HM_E_LINK */
HM_MUST hm_err hm_update_serve_feed(
    struct hm_update_serve *serve, struct hm_bytes bytes);
/* Read and feed until a restart is asked for, HM_OK, or the link ends,
 * HM_E_LINK. */
HM_MUST hm_err hm_update_serve_run(struct hm_update_serve *serve);

HM_C_END
