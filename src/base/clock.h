/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * clock - the two clocks; everything that decides takes the time as a parameter
 */
#include <stdint.h>

/* Seconds since 1970, UTC. */
uint64_t clock_now_s(void);
/* Monotonic, from an arbitrary start. */
uint64_t clock_mono_us(void);
