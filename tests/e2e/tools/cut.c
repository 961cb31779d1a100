/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut - power that goes at the CUT-th step of a program, preloaded into it
 *
 * A step is a call that changes the disk (write to a file, fsync, renameat,
 * unlinkat) or the network (send, recv). Odd steps end before the call, even
 * ones after it; a write is cut in its middle. Nothing is flushed or tidied up:
 * the process ends with status 85.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CUT_EXIT 85

static long steps;

/* Does power go in this step? */
static int
now(void)
{
	static long at = -1;
	const char *text = getenv("CUT");

	if (at < 0)
		at = text == NULL ? 0 : strtol(text, NULL, 10);
	return ++steps == at;
}

static void *
real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* The name that is called, its way there, and its end. */
#define STEP(type, name, declared, given, half)                       \
	type name declared;                                           \
	type name declared                                            \
	{                                                             \
		type(*call) declared = (type(*) declared)real(#name); \
		int ends = now();                                     \
		type said;                                            \
                                                                      \
		if (ends && steps % 2 == 1) {                         \
			half;                                         \
			_exit(CUT_EXIT);                              \
		}                                                     \
		said = call given;                                    \
		if (ends)                                             \
			_exit(CUT_EXIT);                              \
		return said;                                          \
	}

STEP(int, fsync, (int fd), (fd), (void)0)
STEP(int, renameat, (int a, const char *from, int b, const char *to),
    (a, from, b, to), (void)0)
STEP(int, unlinkat, (int a, const char *name, int flags), (a, name, flags),
    (void)0)
STEP(ssize_t, send, (int fd, const void *at, size_t len, int flags),
    (fd, at, len, flags), (void)!call(fd, at, len / 2, flags))
STEP(ssize_t, recv, (int fd, void *at, size_t len, int flags),
    (fd, at, len, flags), (void)0)

ssize_t
write(int fd, const void *at, size_t len)
{
	ssize_t (*call)(int, const void *, size_t) =
	    (ssize_t(*)(int, const void *, size_t))real("write");

	if (fd > 2 && now()) {
		(void)!call(fd, at, steps % 2 == 1 ? len / 2 : len);
		_exit(CUT_EXIT);
	}
	return call(fd, at, len);
}
