/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth - the n-th call of one kind fails (LD_PRELOAD)
 *
 *   FAULT_CALL    malloc (with calloc and realloc), read, write, fsync (with
 *                 fdatasync), open (with openat) or rename
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
#undef _FILE_OFFSET_BITS /* open() and open64() are two here */
#undef _FORTIFY_SOURCE   /* and read() is not inline */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(name) (__extension__(__typeof__(&name)) real(#name))
#define FROM __builtin_return_address(0)

static const char *kind;
static const char *report;
static unsigned long nth, seen;
static bool once, armed;
static uintptr_t begin, end; /* of the program */

/* dlsym() allocates before there is an allocator. */
static uint8_t early[65536];
static size_t early_used;

static void *
real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL)
		_exit(126);
	return found;
}

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

static bool
fails(const char *what, const void *from, int number)
{
	uintptr_t at = (uintptr_t)from;

	if (!armed || strcmp(kind, what) != 0 || at < begin || at >= end)
		return false;
	seen++;
	if (seen < nth || (once && seen > nth))
		return false;
	tell();
	errno = number;
	return true;
}

/* ---- memory ---- */

/* Until the real one is known, memory comes from `early` and stays there. */
static void *
early_alloc(size_t size)
{
	size_t at = early_used;

	size = (size + 15) & ~(size_t)15;
	if (size > sizeof(early) - early_used)
		_exit(125);
	early_used += size;
	return early + at;
}

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);
static bool looking;

static bool
look_up(void)
{
	if (real_free != NULL)
		return true;
	if (looking)
		return false;
	looking = true;
	real_malloc = REAL(malloc);
	real_calloc = REAL(calloc);
	real_realloc = REAL(realloc);
	real_free = REAL(free);
	looking = false;
	return true;
}

void *
malloc(size_t size)
{
	if (fails("malloc", FROM, ENOMEM))
		return NULL;
	return look_up() ? real_malloc(size) : early_alloc(size);
}

void *
calloc(size_t count, size_t size)
{
	if (fails("malloc", FROM, ENOMEM))
		return NULL;
	return look_up() ? real_calloc(count, size) : early_alloc(count * size);
}

void *
realloc(void *old, size_t size)
{
	if (fails("malloc", FROM, ENOMEM))
		return NULL;
	return look_up() ? real_realloc(old, size) : early_alloc(size);
}

void
free(void *old)
{
	uintptr_t at = (uintptr_t)old, first = (uintptr_t)early;

	if (at >= first && at < first + sizeof(early))
		return;
	if (look_up())
		real_free(old);
}

/* ---- files ---- */

ssize_t
read(int fd, void *to, size_t len)
{
	return fails("read", FROM, EIO) ? -1 : REAL(read)(fd, to, len);
}

ssize_t
write(int fd, const void *from, size_t len)
{
	/* What is said of the failure must come out. */
	if (fd > STDERR_FILENO && fails("write", FROM, ENOSPC))
		return -1;
	return REAL(write)(fd, from, len);
}

int
fsync(int fd)
{
	return fails("fsync", FROM, EIO) ? -1 : REAL(fsync)(fd);
}

int
fdatasync(int fd)
{
	return fails("fsync", FROM, EIO) ? -1 : REAL(fdatasync)(fd);
}

int
rename(const char *from, const char *to)
{
	return fails("rename", FROM, EIO) ? -1 : REAL(rename)(from, to);
}

static mode_t
mode_of(int flags, va_list values)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(values, mode_t) : 0;
}

/* Programs with large files call open64(). */
#define OPEN(name)                                                            \
	int name(const char *path, int flags, ...)                            \
	{                                                                     \
		va_list values;                                               \
		mode_t mode;                                                  \
                                                                              \
		va_start(values, flags);                                      \
		mode = mode_of(flags, values);                                \
		va_end(values);                                               \
		if (fails("open", FROM, EMFILE))                              \
			return -1;                                            \
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode); \
	}
#define OPENAT(name)                                                        \
	int name(int folder, const char *path, int flags, ...)              \
	{                                                                   \
		va_list values;                                             \
		mode_t mode;                                                \
                                                                            \
		va_start(values, flags);                                    \
		mode = mode_of(flags, values);                              \
		va_end(values);                                             \
		if (fails("open", FROM, EMFILE))                            \
			return -1;                                          \
		return (int)syscall(SYS_openat, folder, path, flags, mode); \
	}
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
