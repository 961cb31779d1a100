/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ihex - Intel HEX, read and written line by line
 *
 *   :LLAAAATT<data>CC   length, address, type, data, checksum: all in hex
 *   00 data  01 end  02 segment base  03 start segment  04 upper half of the
 *   address  05 start address
 *
 * What a file leaves out is filled, so the room between the lowest and the
 * highest address is what it costs on disk, never in memory. Two records for
 * the same byte are refused, whatever they say; so are a file without an end
 * and one that goes on after it. Lines are written as the intelhex library
 * does: 16 bytes, upper case, LF.
 */
#include "image/image.h"

#define IHEX_SEGMENTS_MAX 256
#define IHEX_SPAN_MAX (256u << 20) /* bytes from the lowest to the highest */

struct ihex_segment {
	uint64_t at, size; /* address */
};
struct ihex_map {
	struct ihex_segment segments[IHEX_SEGMENTS_MAX]; /* ascending */
	size_t count;
};

/* Does it begin like one? */
bool ihex_is(const struct input *file);

/*
 * Data from the lowest to the highest address go to the end of `out`, gaps as
 * `fill`. HM_E_IMAGE_FORMAT (not a record), HM_E_IMAGE_HASH (checksum),
 * HM_E_IMAGE_FIELD (type, length, twice the same byte), HM_E_IMAGE_SHORT (no
 * end), HM_E_IMAGE_TRAILING, HM_E_IMAGE_EMPTY, HM_E_TOO_LARGE: `out` is as it
 * was then
 */
HM_MUST hm_err ihex_read(const struct input *file, uint8_t fill,
    struct output *out, struct ihex_map *ret, struct why *why);

/* All-zero but `out`; `highest` is the last address that will be written. */
struct ihex_writer {
	struct output *out; /* borrowed */
	uint32_t highest;
	uint64_t at; /* next address */
	uint8_t line[16];
	size_t held;
	uint32_t page;
	bool has_page;
};
/* The next byte comes here. Addresses ascend. */
HM_MUST hm_err ihex_seek(struct ihex_writer *writer, uint32_t at);
HM_MUST hm_err ihex_add(struct ihex_writer *writer, struct hm_bytes bytes);
/* The end record. */
HM_MUST hm_err ihex_end(struct ihex_writer *writer);
