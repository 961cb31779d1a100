/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_ihex - any bytes as Intel HEX
 *
 * What is taken is written again from its data and its map, and read again: the
 * same data, the same map. A refusal says why.
 */
#include <string.h>

#include "base/auto.h"
#include "fuzz.h"
#include "image/ihex.h"

#define DATA_MAX 8192
#define TEXT_MAX (8 * DATA_MAX)

static void
write_again(
    const struct input *data, const struct ihex_map *map, struct output *out)
{
	const struct ihex_segment *last = &map->segments[map->count - 1];
	struct ihex_writer writer = { .out = out,
		.highest = (uint32_t)(last->at + last->size - 1) };
	static uint8_t bytes[DATA_MAX];

	for (size_t i = 0; i < map->count; i++) {
		const struct ihex_segment *segment = &map->segments[i];
		struct hm_span room = { bytes, (size_t)segment->size };

		fuzz_must(input_read(data, segment->at - map->segments[0].at,
			      room) == HM_OK);
		fuzz_must(ihex_seek(&writer, (uint32_t)segment->at) == HM_OK);
		fuzz_must(ihex_add(&writer, (struct hm_bytes){
						room.ptr, room.len }) == HM_OK);
	}
	fuzz_must(ihex_end(&writer) == HM_OK);
}

static void
same(const struct input *a, const struct input *b)
{
	static uint8_t left[DATA_MAX], right[DATA_MAX];
	size_t size = (size_t)a->size;

	fuzz_must(a->size == b->size);
	fuzz_must(input_read(a, 0, (struct hm_span){ left, size }) == HM_OK);
	fuzz_must(input_read(b, 0, (struct hm_span){ right, size }) == HM_OK);
	fuzz_must(memcmp(left, right, size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ihex_map map, again;
	AUTO_OUTPUT struct output *out = NULL, *text = NULL, *second = NULL;
	struct input file = input_of((struct hm_bytes){ data, size });
	struct input plain, written, reread;
	struct why why = { 0 };
	hm_err err;

	fuzz_must(output_memory(DATA_MAX, &out) == HM_OK);
	err = ihex_read(&file, 0xFF, out, &map, &why);
	if (err != HM_OK) {
		fuzz_must(err == HM_E_TOO_LARGE || why.text[0] != '\0');
		return 0;
	}
	fuzz_must(output_input(out, &plain) == HM_OK);
	if (map.segments[map.count - 1].at + map.segments[map.count - 1].size >
	    UINT32_MAX)
		return 0;
	fuzz_must(output_memory(TEXT_MAX, &text) == HM_OK);
	fuzz_must(output_memory(DATA_MAX, &second) == HM_OK);
	write_again(&plain, &map, text);
	fuzz_must(output_input(text, &written) == HM_OK);
	fuzz_must(ihex_is(&written));
	fuzz_must(ihex_read(&written, 0xFF, second, &again, NULL) == HM_OK);
	fuzz_must(memcmp(&map.count, &again.count, sizeof(map.count)) == 0);
	fuzz_must(memcmp(map.segments, again.segments,
		      map.count * sizeof(map.segments[0])) == 0);
	fuzz_must(output_input(second, &reread) == HM_OK);
	same(&plain, &reread);
	return 0;
}
