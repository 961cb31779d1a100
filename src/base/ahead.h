/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ahead - the next block of a file is read while this one is looked at
 *
 * SHA-256 takes 14 ms for 16 MiB, and the copy out of the kernel 4: a second
 * thread does the copy, so that on a second processor it costs no time. It does
 * nothing but input_read() into two rooms in turn; the walker stays where it
 * was, and so does everything else of the process (beside.h).
 */
#include "base/input.h"

#define AHEAD_BLOCK (128u << 10) /* bytes; two of them */

/* As input_walk(), of a file, for what lies inside. False: not allowed, too
 * short, or no thread to be had: nothing was done. */
bool ahead_walk(const struct input *input, uint64_t at, uint64_t size,
    input_walker *each, void *context, hm_err *ret);
