/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost - run a command and say what it took:  cost FILE COMMAND...
 *
 * FILE gets one line: wall and CPU seconds, peak resident memory in KiB. Linux
 * counts in the memory of whoever forked, so a program that is large itself
 * cannot measure a small one; this one is small.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
seconds(struct timeval spent)
{
	return (double)spent.tv_sec + (double)spent.tv_usec / 1e6;
}

int
main(int argc, char **argv)
{
	double start = now_s();
	struct rusage used;
	int status;
	pid_t child;
	FILE *file;

	if (argc < 3)
		return 2;
	child = fork();
	if (child == 0) {
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) != child)
		return 126;
	file = fopen(argv[1], "we");
	if (file == NULL ||
	    fprintf(file, "%.6f %.6f %ld\n", now_s() - start,
		seconds(used.ru_utime) + seconds(used.ru_stime),
		used.ru_maxrss) < 0 ||
	    fclose(file) != 0)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
