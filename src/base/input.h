/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * input - bytes of any size that are read at any place, in constant memory
 *
 * A file, a stream (which is first copied to a file without a name, so that it
 * can be read more than once), memory, or a window of one of these. Copies of a
 * struct input read the same bytes; only the one that was opened is closed.
 */
#include "base/buf.h"
#include "base/known.h"
#include "base/why.h"

#define INPUT_PIECE 65536u /* bytes at most that a walker sees at once */

struct input {
	uint64_t size;         /* bytes */
	uint64_t start;        /* of the window in the file */
	int fd;                /* -1: memory */
	struct hm_bytes bytes; /* memory */
	const char *name;      /* for messages; borrowed */
	struct known_digests
	    *known; /* digests of it; NULL: none is kept; borrowed */
};

/* "-" is standard input. HM_E_FILE, HM_E_IO, HM_E_TOO_LARGE (`max` bytes) */
HM_MUST hm_err input_open(
    const char *path, uint64_t max, struct input *ret, struct why *why);
void input_done(struct input *input); /* closes */
/* Memory that outlives the result. Nothing to close. */
struct input input_of(struct hm_bytes bytes);
/* A part of it. HM_E_IMAGE_SHORT unless it lies inside. */
HM_MUST hm_err input_window(
    const struct input *input, uint64_t at, uint64_t size, struct input *ret);

/* All of `room`. HM_E_IMAGE_SHORT unless it lies inside; HM_E_IO */
HM_MUST hm_err input_read(
    const struct input *input, uint64_t at, struct hm_span room);

/* All of what is small: HM_E_TOO_LARGE over `max` bytes, HM_E_IO,
 * HM_E_NO_MEMORY. *ret was empty, and may grow to one byte more than `max`. */
HM_MUST hm_err input_load(
    const struct input *input, size_t max, struct buf *ret);

/* Called with one piece after another; its first failure ends the walk. */
typedef hm_err input_walker(void *context, struct hm_bytes piece);
/* As input_read(), HM_E_NO_MEMORY. */
HM_MUST hm_err input_walk(const struct input *input, uint64_t at, uint64_t size,
    input_walker *each, void *context);
/* A walk's pieces if it starts at once: how many, and the length of one. */
size_t input_pieces(uint64_t size);
size_t input_piece_len(uint64_t size, size_t piece);
/* Are these bytes all of this value? HM_E_IMAGE_SHORT, HM_E_IO */
HM_MUST hm_err input_is_filled(const struct input *input, uint64_t at,
    uint64_t size, uint8_t value, bool *ret);
/* The first `len` bytes of the digest of a part into `ret`, if it is known; and
 * one that was computed of bytes that input_walk() gave. Places are the input's
 * own. */
bool input_known(const struct input *input, uint64_t at, uint64_t size,
    int kind, uint8_t *ret, size_t len);
void input_note(const struct input *input, uint64_t at, uint64_t size, int kind,
    const uint8_t value[static KNOWN_LEN]);
