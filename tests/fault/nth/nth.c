/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth - the n-th call of one kind fails (LD_PRELOAD)
 *
 *   FAULT_CALL    one of the kinds of nth.h
 *   FAULT_NTH     which one, from 1 on; absent: none, calls are only counted
 *   FAULT_ONCE    1: that one only; else all from it on
 *   FAULT_REPORT  file that appears when a call fails
 *
 * Only calls count that the program itself makes: where one comes from is
 * looked up among the segments of the program. So n is small, and each n is a
 * line of ours. What libraries make of a lack of memory is not ours to mend
 * (OpenSSL 3.0 does not survive it while it sets itself up).
 *
 * Built without sanitizers; what it hands on to may well be one.
 */
#include "nth.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *kind;
static const char *report;
static unsigned long nth, seen;
static bool once, armed;
static uintptr_t begin, end; /* of the program */

static int
take_segments(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type != PT_LOAD)
			continue;
		if (begin == 0 || at < begin)
			begin = at;
		if (at + info->dlpi_phdr[i].p_memsz > end)
			end = at + info->dlpi_phdr[i].p_memsz;
	}
	return 1; /* the program comes first */
}

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && strcmp(value, "1") == 0;
}

__attribute__((constructor)) static void
arm(void)
{
	const char *number = getenv("FAULT_NTH");

	dl_iterate_phdr(take_segments, NULL);
	kind = getenv("FAULT_CALL");
	report = getenv("FAULT_REPORT");
	nth = number != NULL ? strtoul(number, NULL, 10) : 0;
	once = is_set("FAULT_ONCE");
	armed = kind != NULL && nth > 0;
}

static void
tell(void)
{
	int saved = errno;
	long fd;

	if (report == NULL)
		return;
	fd = syscall(SYS_openat, AT_FDCWD, report, O_CREAT | O_WRONLY, 0600);
	if (fd >= 0)
		syscall(SYS_close, fd);
	errno = saved;
}

bool
nth_fails(const char *what, const void *from)
{
	uintptr_t at = (uintptr_t)from;

	if (!armed || strcmp(kind, what) != 0 || at < begin || at >= end)
		return false;
	seen++;
	if (seen < nth || (once && seen > nth))
		return false;
	tell();
	return true;
}
