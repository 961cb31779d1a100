/* SPDX-License-Identifier: Apache-2.0 */
/* It counts, and tells which words it writes, and where in the program. */
#include "stack_run.h"

static uint32_t now;

#define NAME thumb_fast
#define AT(place, half, next, reads, writes) \
	(void)(now = half, stack_instructions++)
#define SYNC(place)
#define TOUCH(a, size, is_write)
#define STORED(a, x) stack_word(now, a, x)
#include "thumb_cpu.h"
