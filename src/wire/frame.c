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

struct cobs_out {
	uint8_t *ptr;
	size_t size;
	size_t len;
	size_t code; /* where the length of the current block goes */
};

static void
put(struct cobs_out *out, size_t at, uint8_t byte)
{
	if (at < out->size)
		out->ptr[at] = byte;
}

static void
end_block(struct cobs_out *out)
{
	put(out, out->code, (uint8_t)(out->len - out->code));
	out->code = out->len++;
}

static void
cobs_add(struct cobs_out *out, struct hm_bytes data)
{
	for (size_t i = 0; i < data.len; i++) {
		/* a full block is closed only when something follows it */
		if (out->len - out->code == BLOCK_MAX + 1)
			end_block(out);
		if (data.ptr[i] == 0)
			end_block(out);
		else
			put(out, out->len++, data.ptr[i]);
	}
}

hm_err
hm_frame_encode(struct hm_bytes message, struct hm_span room, size_t *ret_len)
{
	struct cobs_out out = { .ptr = room.ptr, .size = room.len };
	uint8_t crc[CRC_LEN];

	hm_put_u32(crc, hm_crc32(message));
	put(&out, out.len++, 0);
	out.code = out.len++;
	cobs_add(&out, message);
	cobs_add(&out, HM_BYTES(crc));
	put(&out, out.code, (uint8_t)(out.len - out.code));
	put(&out, out.len++, 0);
	*ret_len = out.len;
	return out.len <= room.len ? HM_OK : HM_E_NO_ROOM;
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
