/* SPDX-License-Identifier: Apache-2.0 */
/* As fast as may be. */
#define NAME thumb_fast
#define AT(place, half, next, reads, writes)
#define SYNC(place)                  \
	do {                         \
		SAVE;                \
		if (is_same(place))  \
			return SAME; \
	} while (0)
#define TOUCH(a, size, is_write)
#include "thumb_cpu.h"
