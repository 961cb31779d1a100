/* SPDX-License-Identifier: Apache-2.0 */
#undef _FILE_OFFSET_BITS /* open() and open64() are two here */
#undef _FORTIFY_SOURCE   /* and read() is not inline */
#include "nth.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) (__extension__(__typeof__(&name)) real(#name))
#define FROM __builtin_return_address(0)

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

static bool
fails(const char *kind, const void *from, int number)
{
	if (!nth_fails(kind, from))
		return false;
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

/* One function under two names. */
ssize_t
pread(int fd, void *to, size_t len, off_t at)
{
	return fails("read", FROM, EIO) ? -1 : REAL(pread)(fd, to, len, at);
}

ssize_t
pread64(int fd, void *to, size_t len, off64_t at)
{
	return fails("read", FROM, EIO) ? -1 : REAL(pread64)(fd, to, len, at);
}

ssize_t
pwrite(int fd, const void *from, size_t len, off_t at)
{
	return fails("write", FROM, ENOSPC) ? -1
					    : REAL(pwrite)(fd, from, len, at);
}

ssize_t
pwrite64(int fd, const void *from, size_t len, off64_t at)
{
	return fails("write", FROM, ENOSPC) ? -1
					    : REAL(pwrite64)(fd, from, len, at);
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

/* ---- other processes, and waiting for them ---- */

ssize_t
recv(int fd, void *to, size_t len, int flags)
{
	return fails("recv", FROM, ENOMEM) ? -1
					   : REAL(recv)(fd, to, len, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
	return fails("recv", FROM, ENOMEM) ? -1
					   : REAL(recvmsg)(fd, message, flags);
}

ssize_t
readv(int fd, const struct iovec *to, int count)
{
	return fails("read", FROM, ENOMEM) ? -1 : REAL(readv)(fd, to, count);
}

ssize_t
send(int fd, const void *from, size_t len, int flags)
{
	return fails("send", FROM, ENOBUFS) ? -1
					    : REAL(send)(fd, from, len, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	return fails("send", FROM, ENOBUFS) ? -1
					    : REAL(sendmsg)(fd, message, flags);
}

ssize_t
writev(int fd, const struct iovec *from, int count)
{
	return fails("write", FROM, ENOBUFS) ? -1
					     : REAL(writev)(fd, from, count);
}

int
poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	return fails("poll", FROM, ENOMEM) ? -1
					   : REAL(poll)(fds, count, timeout_ms);
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
	return fails("poll", FROM, ENOMEM)
		   ? -1
		   : REAL(epoll_wait)(fd, events, most, timeout_ms);
}

int
accept4(int fd, __SOCKADDR_ARG from, socklen_t *len, int flags)
{
	return fails("accept", FROM, ENFILE)
		   ? -1
		   : REAL(accept4)(fd, from, len, flags);
}

ssize_t
getrandom(void *to, size_t len, unsigned flags)
{
	return fails("random", FROM, EIO) ? -1
					  : REAL(getrandom)(to, len, flags);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *how,
    void *(*run)(void *), void *context)
{
	if (fails("thread", FROM, EAGAIN))
		return EAGAIN;
	return REAL(pthread_create)(thread, how, run, context);
}
