/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

#include "core/check.h"

uint64_t
clock_now_s(void)
{
	struct timespec now;

	hm_assert(clock_gettime(CLOCK_REALTIME, &now) == 0);
	return now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec;
}

uint64_t
clock_mono_us(void)
{
	struct timespec now;

	hm_assert(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
