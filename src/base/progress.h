/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * progress - a bar on the terminal while a long file is read
 *
 * A command says what it does and about how many bytes that takes; input_walk()
 * counts. Drawn on standard error ten times a second, only if the terminal is
 * to have a bar (report_progress_style()) and there is much to do; gone when it
 * is done. Where nobody began, counting costs one comparison. Not thread-safe.
 */
#include <stdint.h>

#define PROGRESS_LEAST (8u << 20) /* bytes: below that there is no bar */

/* `words` is a constant: "signing". */
void progress_begin(const char *words, uint64_t bytes);
/* The same for what takes long whatever it is: a slow line. */
void progress_begin_slow(const char *words, uint64_t bytes);
void progress_add(uint64_t bytes);
void progress_end(void);
