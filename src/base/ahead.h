/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ahead - the next blocks of a file are read while this one is looked at
 *
 * SHA-256 takes 14 ms for 16 MiB, and the copy out of the kernel 4: a second
 * thread does the copy, so that on a second processor it costs no time. It does
 * nothing but input_read() into rooms in turn; the walker stays where it was,
 * and so does everything else of the process (beside.h). A block that the
 * thread has not begun when it is wanted is read by the walker: nobody sleeps
 * while there is something to do.
 */
#include "base/beside.h"
#include "base/input.h"

#define AHEAD_ROOMS 4u /* of INPUT_PIECE bytes */

/* As input_walk(), of a file, for what lies inside. False: not allowed, too
 * short, or no thread to be had: nothing was done. */
bool ahead_walk(const struct input *input, uint64_t at, uint64_t size,
    input_walker *each, void *context, hm_err *ret);
/* The room of the piece that the walker looks at, if these bytes lie in it:
 * who holds it may go on looking after the walker. Else NULL. */
struct beside_room *ahead_room_of(struct hm_bytes bytes);
