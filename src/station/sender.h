/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * sender - an image goes to a device over its link (wire/update.h)
 *
 * The device judges; this side carries, repeats what got lost, and goes on
 * after the link was cut or the device restarted: every answer says where. It
 * ends when the device refuses, or when `timeout_us` pass without a byte of
 * progress.
 *
 * A device behind "unix:PATH" connects to us, as it does to a station's slot.
 * One process has one sender at a time (pipe.c has statics).
 */
#include "base/input.h"
#include "station/pipe.h"
#include "wire/update.h"

struct sender {
	struct pipe pipe;
	uint64_t timeout_us;
	struct hm_update_state state; /* what the device said last */
	uint32_t resumed_at;          /* where the first announcement led */
	uint8_t sent[HM_DIGEST_LEN];  /* digest of what it has whole */
};

/* An image in MCUboot's format, cut into what is announced and what follows. */
struct sender_image {
	const struct input *file; /* borrowed */
	uint8_t header[HM_UPDATE_HEADER_LEN];
	struct hm_bytes tlvs; /* borrowed */
	uint32_t size;        /* header and payload, bytes */
};

/* HM_E_USAGE (form of `link`), HM_E_IO */
HM_MUST hm_err sender_open(struct sender *sender, const char *link,
    uint64_t timeout_us, struct why *why);
/* What the device said last stays. */
void sender_close(struct sender *sender);

/* One question without a body, and sender->state. What the device refuses with,
 * HM_E_NO_DEVICE (nobody is there in time), HM_E_TIMEOUT, HM_E_LINK */
HM_MUST hm_err sender_ask(
    struct sender *sender, hm_update_type question, struct why *why);
/* Announce, send, finish, install; announced again if the device's power went
 * before it had noted that. As sender_ask; HM_E_IO of the file. */
HM_MUST hm_err sender_install(
    struct sender *sender, const struct sender_image *image, struct why *why);
/*
 * Restart it, if it has not meanwhile, and wait until what runs has decided:
 * confirmed, or given up. HM_E_DEVICE_REFUSED: the device went back to the
 * image before.
 */
HM_MUST hm_err sender_start(struct sender *sender, struct why *why);
