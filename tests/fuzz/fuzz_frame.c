/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_frame - any bytes on the line, and any message in a frame
 *
 * The first byte sets the receiver's room. The rest is first fed to it as the
 * line would; each message that comes out comes out again of a frame made of
 * it. Then the rest is taken as a message itself.
 */
#include <string.h>

#include "fuzz.h"
#include "wire/frame.h"

static void
round_trip(struct hm_bytes message)
{
	size_t size = HM_FRAME_SIZE(message.len), len, got = 0;
	uint8_t *frame = malloc(size), *room = malloc(size);
	struct hm_bytes out = { 0 };
	struct hm_frame_in in;

	fuzz_must(frame && room);
	fuzz_must(hm_frame_encode(
		      message, (struct hm_span){ frame, size }, &len) == HM_OK);
	fuzz_must(frame[0] == 0 && frame[len - 1] == 0);
	fuzz_must(!memchr(frame + 1, 0, len - 2));
	hm_frame_in_init(&in, (struct hm_span){ room, len - 2 });
	for (size_t i = 0; i < len; i++)
		got += hm_frame_put(&in, frame[i], &out);
	fuzz_must(got == 1 && in.dropped == 0);
	fuzz_must(hm_bytes_equal(out, message));
	free(frame);
	free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_frame_in in;
	struct hm_bytes out;
	uint8_t *room;

	if (size == 0)
		return 0;
	room = malloc((size_t)data[0] * 8 + 1);
	fuzz_must(room);
	hm_frame_in_init(&in, (struct hm_span){ room, (size_t)data[0] * 8 });
	for (size_t i = 1; i < size; i++)
		if (hm_frame_put(&in, data[i], &out))
			round_trip(out);
	free(room);
	round_trip((struct hm_bytes){ data + 1, size - 1 });
	return 0;
}
