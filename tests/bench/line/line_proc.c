/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

const char *const line_role_names[LINE_ROLES] = { "parent", "front", "keeper",
	"signer" };

static double
clock_us(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) != 0)
		line_fail("a process of the server has ended");
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double
process_us(pid_t pid)
{
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0)
		line_fail("a process of the server has ended");
	return clock_us(id);
}

/* The number behind `name` in a file of /proc, or 0. */
static double
field(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[256];
	double found = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			found = atof(line + strlen(name));
	if (file != NULL)
		(void)fclose(file);
	return found;
}

/* Not everybody may see PSS of a process that is walled off; RSS everybody. */
static double
memory_kib(pid_t pid)
{
	char path[64];
	double kib;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	kib = field(path, "Pss:");
	if (kib > 0)
		return kib;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return field(path, "VmRSS:");
}

static void
add(struct line_usage *usage, line_role role, pid_t pid)
{
	usage->processes[role]++;
	usage->cpu_us[role] += process_us(pid);
	usage->pss_kib[role] += memory_kib(pid);
}

static void
add_child(struct line_usage *usage, pid_t pid)
{
	static const char program[] = "hallmarkd: ";
	char path[64], name[64] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (file == NULL || fgets(name, sizeof(name), file) == NULL ||
	    strncmp(name, program, sizeof(program) - 1) != 0)
		line_fail("a process of the server has no name");
	(void)fclose(file);
	for (int i = 0; i < LINE_ROLES; i++)
		if (strcmp(name + sizeof(program) - 1, line_role_names[i]) == 0)
			add(usage, (line_role)i, pid);
}

/* Idle time of all cores together. */
static double
idle_us(void)
{
	FILE *file = fopen("/proc/stat", "re");
	unsigned long long idle = 0;

	if (file == NULL || fscanf(file, "cpu %*u %*u %*u %llu", &idle) != 1)
		line_fail("/proc/stat cannot be read");
	(void)fclose(file);
	return (double)idle * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

void
line_usage_read(const struct line_world *world, struct line_usage *ret)
{
	pid_t parent = world->demo.server;
	char path[64];
	FILE *file;
	int pid;

	*ret = (struct line_usage){ 0 };
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)parent, (int)parent);
	file = fopen(path, "re");
	if (file == NULL)
		line_fail("the server is gone");
	add(ret, LINE_PARENT, parent);
	while (fscanf(file, "%d", &pid) == 1)
		add_child(ret, pid);
	(void)fclose(file);
	ret->generator_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	ret->idle_us = idle_us();
	ret->wall_us = (double)clock_mono_us();
}
