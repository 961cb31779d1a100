/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_wire - a message that is taken is made again byte for byte
 *
 * The first byte chooses the message, the rest is it. The codecs themselves
 * check that a refusal leaves the result alone.
 */
#include <string.h>

#include "codecs.h"
#include "fuzz.h"
#include "mutate.h"
#include "wire/limits.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[HM_MESSAGE_MAX + 64];
	const struct codec *codec;
	struct hm_bytes message;
	size_t len = 0;

	if (size == 0)
		return 0;
	codec = &codecs[data[0] % codec_count];
	message = (struct hm_bytes){ data + 1, size - 1 };
	if (codec->recode(
		message, (struct hm_span){ room, sizeof(room) }, &len))
		return 0;
	fuzz_must(len == message.len);
	fuzz_must(memcmp(room, message.ptr, len) == 0);

	/* one byte less, and nothing beyond it */
	room[len - 1] = 0xa5;
	fuzz_must(codec->recode(message, (struct hm_span){ room, len - 1 },
		      &len) == HM_E_NO_ROOM);
	fuzz_must(len == message.len && room[len - 1] == 0xa5);
	return 0;
}

MUTATE_OF(&mutate_cbor, 1)
