/* SPDX-License-Identifier: Apache-2.0 */
/* It stops where it is told to, and tells what it reads and writes. */
#define NAME thumb_traced
#define AT(place, half, following, reads, writes)                 \
	do {                                                      \
		if (--cpu.trap[half] == 0 || --cpu.moment == 0) { \
			cpu.where = place;                        \
			cpu.next = following;                     \
			STOP(TRAPPED);                            \
		}                                                 \
		if (cpu.is_logged)                                \
			log_step(reads, writes);                  \
	} while (0)
#define SYNC(place)                      \
	do {                             \
		if (cpu.is_logged) {     \
			SAVE;            \
			log_sync(place); \
		}                        \
	} while (0)
#define TOUCH(a, size, is_write) \
	cpu.is_logged ? log_memory(a, size, is_write) : (void)0,
#include "thumb_cpu.h"
