/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * frame - messages over a byte pipe: COBS with CRC-32
 *
 *   00  COBS( message || CRC-32 of message, big-endian )  00
 *
 * COBS (Cheshire and Baker, 1999) leaves no zero byte inside, so a zero always
 * ends a frame: after noise, a reset in the middle or boot messages of a boot
 * loader, the receiver is in step again at the next zero. CRC-32 is the IEEE
 * one (reflected, 0xEDB88320). A frame that does not check is dropped.
 */

#include "core/bytes.h"
#include "wire/limits.h"

HM_C_BEGIN

/* Room for the frame of a message of `len` bytes. */
#define HM_FRAME_SIZE(len) ((len) + 4 + ((len) + 4) / 254 + 1 + 2)

uint32_t hm_crc32(struct hm_bytes data);

/* HM_E_NO_ROOM. `room` must not overlap `message`. */
HM_MUST hm_err hm_frame_encode(
    struct hm_bytes message, struct hm_span room, size_t *ret_len);

/*
 * The same, piece by piece, for who has no room for a second message. Each call
 * writes the next of them, at most HM_FRAME_PIECE bytes; 0: that was all.
 */
#define HM_FRAME_PIECE 256

struct hm_frame_out {
	struct hm_bytes message; /* borrowed */
	uint8_t crc[4];
	size_t at;    /* of message and CRC, what is out */
	uint8_t step; /* what comes next: a zero, blocks, a zero, nothing */
};

void hm_frame_out_init(struct hm_frame_out *out, struct hm_bytes message);
size_t hm_frame_out_next(
    struct hm_frame_out *out, uint8_t ret[HM_STATIC HM_FRAME_PIECE]);

struct hm_frame_in {
	uint8_t *ptr; /* borrowed: room for the longest frame body */
	size_t size;
	size_t len;
	bool lost;        /* too long: wait for the next zero */
	uint32_t dropped; /* frames that did not check, for statistics */
};

void hm_frame_in_init(struct hm_frame_in *in, struct hm_span room);

/*
 * Feed one byte. True if it completed a message: *ret_message is it, inside the
 * room, until the next call. Empty frames are skipped.
 */
bool hm_frame_put(
    struct hm_frame_in *in, uint8_t byte, struct hm_bytes *ret_message);

HM_C_END
