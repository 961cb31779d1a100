/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/frame.h"

#define CRC_LEN 4
#define BLOCK_MAX 254 /* bytes of a block that ends without a zero */

/* One table of 16: half the speed of 256 entries at 1/16 of the flash. */
static const uint32_t crc_of_nibble[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8,
	0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320,
	0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278,
	0xbdbdf21c };

uint32_t
hm_crc32(struct hm_bytes data)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < data.len; i++) {
		crc ^= data.ptr[i];
		crc = crc >> 4 ^ crc_of_nibble[crc & 15];
		crc = crc >> 4 ^ crc_of_nibble[crc & 15];
	}
	return ~crc;
}

enum { STEP_FRONT, STEP_BLOCKS, STEP_BACK, STEP_DONE };

void
hm_frame_out_init(struct hm_frame_out *out, struct hm_bytes message)
{
	memset(out, 0, sizeof(*out));
	out->message = message;
	hm_put_u32(out->crc, hm_crc32(message));
}

static uint8_t
byte_at(const struct hm_frame_out *out, size_t at)
{
	return at < out->message.len ? out->message.ptr[at]
				     : out->crc[at - out->message.len];
}

/* One block: its code, and the bytes before the next zero or the end. */
static size_t
next_block(struct hm_frame_out *out, uint8_t *ret)
{
	const size_t end = out->message.len + CRC_LEN;
	size_t len = 1;
	bool zero = false;

	while (out->at < end && len <= BLOCK_MAX && !zero) {
		uint8_t byte = byte_at(out, out->at++);

		zero = byte == 0;
		if (!zero)
			ret[len++] = byte;
	}
	ret[0] = (uint8_t)len;
	/* a full block stands for no zero: one that follows is a block */
	if (out->at == end && !zero)
		out->step = STEP_BACK;
	return len;
}

size_t
hm_frame_out_next(
    struct hm_frame_out *out, uint8_t ret[HM_STATIC HM_FRAME_PIECE])
{
	if (out->step == STEP_BLOCKS)
		return next_block(out, ret);
	if (out->step == STEP_DONE)
		return 0;
	out->step = out->step == STEP_FRONT ? STEP_BLOCKS : STEP_DONE;
	ret[0] = 0;
	return 1;
}

hm_err
hm_frame_encode(struct hm_bytes message, struct hm_span room, size_t *ret_len)
{
	struct hm_frame_out out;
	uint8_t piece[HM_FRAME_PIECE];
	size_t len = 0, more;

	hm_frame_out_init(&out, message);
	while ((more = hm_frame_out_next(&out, piece)) > 0) {
		if (len + more <= room.len)
			memcpy(room.ptr + len, piece, more);
		len += more;
	}
	*ret_len = len;
	return len <= room.len ? HM_OK : HM_E_NO_ROOM;
}

void
hm_frame_in_init(struct hm_frame_in *in, struct hm_span room)
{
	*in = HM_MAKE(hm_frame_in, .ptr = room.ptr, .size = room.len);
}

/* Undo COBS in place. False if the last block is cut short. */
static bool
cobs_decode(uint8_t *ptr, size_t len, size_t *ret_len)
{
	size_t from = 0, to = 0;

	while (from < len) {
		size_t code = ptr[from++];

		if (code - 1 > len - from)
			return false;
		memmove(ptr + to, ptr + from, code - 1);
		to += code - 1;
		from += code - 1;
		if (code <= BLOCK_MAX && from < len)
			ptr[to++] = 0;
	}
	*ret_len = to;
	return true;
}

/* A zero came: is what is in the room a message? */
static bool
frame_end(struct hm_frame_in *in, struct hm_bytes *ret_message)
{
	struct hm_bytes message;
	size_t len;

	if (in->lost || !cobs_decode(in->ptr, in->len, &len) || len < CRC_LEN)
		return false;
	message = HM_MAKE(hm_bytes, in->ptr, len - CRC_LEN);
	if (hm_crc32(message) != hm_get_u32(in->ptr + message.len))
		return false;
	*ret_message = message;
	return true;
}

bool
hm_frame_put(struct hm_frame_in *in, uint8_t byte, struct hm_bytes *ret_message)
{
	bool done = false;

	if (byte != 0) {
		if (in->len < in->size)
			in->ptr[in->len++] = byte;
		else
			in->lost = true;
		return false;
	}
	if (in->len > 0 || in->lost) {
		done = frame_end(in, ret_message);
		if (!done)
			in->dropped++;
	}
	in->len = 0;
	in->lost = false;
	return done;
}
