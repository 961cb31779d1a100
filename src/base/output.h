/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * output - a file that is there whole and checked, or not at all
 *
 * It grows under a temporary name beside its place (file_is_temp() knows it)
 * or, for standard output, without one. What was written can be read again, so
 * that a verifier has seen it before output_commit() syncs it and gives it its
 * name. Freed before that, nothing is left; a file of that name stays as it
 * was.
 */
#include "base/input.h"
#include "base/turn.h"

struct output; /* opaque, heap */

/* "-" is standard output. HM_E_FILE, HM_E_IO, HM_E_NO_MEMORY */
HM_MUST hm_err output_open(
    const char *path, unsigned mode, struct output **ret, struct why *why);
/* In memory, at most `max` bytes: tests and small parts. HM_E_NO_MEMORY */
HM_MUST hm_err output_memory(size_t max, struct output **ret);
/* Counted and forgotten: for a verifier that makes something. */
HM_MUST hm_err output_nowhere(struct output **ret);
void output_free(struct output *out);
void output_clean(struct output **out);
#define AUTO_OUTPUT __attribute__((cleanup(output_clean)))

/* At its end; over what is there already (HM_E_NO_ROOM beyond its end).
 * HM_E_IO, HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err output_add(struct output *out, struct hm_bytes bytes);
HM_MUST hm_err output_put(
    struct output *out, uint64_t at, struct hm_bytes bytes);
/* What is at most OUTPUT_ROOM_MAX bytes long can be made where it is written
 * from: room for `len` bytes, and then as many or fewer of them at the end.
 * Nothing else is called with `out` in between. As output_add(). */
#define OUTPUT_ROOM_MAX 32768u
HM_MUST hm_err output_room(struct output *out, size_t len, uint8_t **ret);
HM_MUST hm_err output_used(struct output *out, size_t len);
/* `count` times that byte; a part of an input. */
HM_MUST hm_err output_fill(struct output *out, uint8_t value, uint64_t count);
HM_MUST hm_err output_copy(
    struct output *out, const struct input *from, uint64_t at, uint64_t size);
/* What turn_file() makes of all of an input, at the end. False: nothing was
 * done, and the caller adds it himself; memory, too. */
bool output_turn(struct output *out, const struct input *from, turner *each,
    void *const contexts[TURN_WORKERS], hm_err *ret);
/* The digest of bytes that were just added, computed of these very bytes:
 * output_input() knows it until they are overwritten or cut off. */
void output_note(struct output *out, uint64_t at, uint64_t size, int kind,
    const uint8_t value[static KNOWN_LEN]);
/* Take the end off again: `size` bytes stay. HM_E_NO_ROOM, HM_E_IO */
HM_MUST hm_err output_cut(struct output *out, uint64_t size);

uint64_t output_size(const struct output *out);
/* What was written so far; valid until the next call that writes. HM_E_IO */
HM_MUST hm_err output_input(struct output *out, struct input *ret);

/* Durable under its name; standard output: written. HM_E_IO */
HM_MUST hm_err output_commit(struct output *out, struct why *why);
