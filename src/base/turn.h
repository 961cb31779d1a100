/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * turn - one file is made of another, block by block, by two threads
 *
 * For what turns each block by itself, as a cipher does that counts addresses.
 * Where reading and writing take longer than what is between, a thread for each
 * of them (ahead.h, behind.h) is idle for a part of the time, and every byte
 * goes from one processor's cache to another's. Here each thread reads a block,
 * turns it where it is and writes it.
 */
#include "base/beside.h"
#include "base/input.h"

#define TURN_WORKERS 2u

/* The bytes from `at` on, in place, for the worker with that context: at most
 * INPUT_PIECE of them, `at` a multiple of that. */
typedef hm_err turner(void *context, uint64_t at, struct hm_span bytes);

/* All of `from`, to `to` from `at` on. False: not allowed, too short, no memory
 * or no thread to be had: nothing was done. *ret: HM_E_IO (and errno), or what
 * `each` says. */
bool turn_file(const struct input *from, int to, uint64_t at, turner *each,
    void *const contexts[TURN_WORKERS], hm_err *ret);
