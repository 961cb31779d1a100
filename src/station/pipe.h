/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pipe - the link of a slot: where a device appears, and messages to and fro
 *
 *   "unix:PATH"  the slot listens on a socket; a device that connects is
 *               inserted, one that closes is removed (virtual devices)
 *   "tty:PATH"  a serial line, raw, 115200 8N1; a device is there when it
 *               answers
 *
 * Messages are frames (wire/frame.h). Every wait has a deadline.
 */

#include "base/why.h"
#include "wire/frame.h"
#include "wire/link.h"

struct pipe {
	int listener; /* -1: a tty */
	int fd;       /* -1: nobody is there */
	bool is_tty;
	bool is_served; /* tty: the device with `served` is finished with */
	uint8_t served[HM_DEVICE_ID_LEN]; /* who answered the last hello */
	char path[108];
	uint64_t inode; /* of our socket at `path` */
	struct hm_frame_in in;
	uint8_t body[HM_FRAME_SIZE(HM_LINK_MAX)], raw[4096];
	size_t raw_at, raw_len;
};

/* HM_E_USAGE (form of `link`), HM_E_IO */
HM_MUST hm_err pipe_open(struct pipe *pipe, const char *link, struct why *why);
void pipe_close(struct pipe *pipe);

/* Wait for a device, or until `stop` can be read. HM_E_STOPPING, HM_E_IO */
HM_MUST hm_err pipe_await(struct pipe *pipe, int stop, struct why *why);
/* The unit is finished with: hang up. */
void pipe_hang_up(struct pipe *pipe);

/* Is this message, in the frame that came, the answer? */
typedef bool pipe_taker(void *context, struct hm_bytes message);
/*
 * Send `message` and wait for one that `take` takes; what it keeps of it
 * borrows from the pipe until the next call. Repeating, errors: pipe_ask.
 */
HM_MUST hm_err pipe_exchange(struct pipe *pipe, struct hm_bytes message,
    uint64_t deadline_us, pipe_taker *take, void *context);

/*
 * Send one message and wait for the answer; a question that stays without one
 * is sent again each second, once the device has taken what was sent. What
 * came unasked before is dropped, but a late answer to an earlier question of
 * the same type may still be taken for this one's: who asks must be able to
 * tell. *ret borrows from the pipe until the next call. HM_E_LINK (it closed,
 * or frames do not check), HM_E_TIMEOUT, HM_E_BAD_INPUT (not a message of ours)
 */
HM_MUST hm_err pipe_ask(struct pipe *pipe, const struct hm_link *question,
    uint64_t deadline_us, struct hm_link *ret);
