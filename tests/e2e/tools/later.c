/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later - a clock that a test can set, preloaded into a program
 *
 * To the time of day it adds the seconds that stand in the file LATER_FILE
 * names (8 bytes, of this machine's order). The file is mapped at the start, so
 * it is read inside a jail too, and a test may change it at any time.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *later_s;

__attribute__((constructor)) static void
map_file(void)
{
	const char *path = getenv("LATER_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *map;

	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*later_s), PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		later_s = map;
	close(fd);
}

int
clock_gettime(clockid_t clock, struct timespec *ret)
{
	int result = (int)syscall(SYS_clock_gettime, clock, ret);

	if (result == 0 && clock == CLOCK_REALTIME && later_s != NULL)
		ret->tv_sec += *later_s;
	return result;
}

time_t
time(time_t *ret)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	if (ret != NULL)
		*ret = now.tv_sec;
	return now.tv_sec;
}
