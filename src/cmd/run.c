/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

#define OUT_MAX (1024 * 1024)
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Installed: beside us, or one of us in bin and one in libexec; the rest is for
 * a build. */
static const char *const places[] = { "", "../libexec/hallmark/", "../../bin/",
	"../../device/virtual/", "../../src/cmd/" };
static const char *const firmware[] = { "../share/hallmark/firmware/",
	"../../share/hallmark/firmware/", "../../device/firmware/" };

/* `name` in the first place, from where we are, that has it for `mode`. */
static bool
find(const char *name, const char *const *from, size_t count, int mode,
    char ret[static FILE_PATH_MAX])
{
	static char real[PATH_MAX]; /* as realpath() wants it */
	char self[FILE_PATH_MAX], path[FILE_PATH_MAX], *slash;

	if (process_self(self, sizeof(self), NULL) != HM_OK)
		return false;
	slash = strrchr(self, '/');
	if (slash == NULL)
		return false;
	slash[1] = 0;
	for (size_t i = 0; i < count; i++) {
		int n =
		    snprintf(path, sizeof(path), "%s%s%s", self, from[i], name);

		if (n < 0 || (size_t)n >= sizeof(path) ||
		    access(path, mode) != 0 || realpath(path, real) == NULL ||
		    strlen(real) >= FILE_PATH_MAX)
			continue;
		memcpy(ret, real, strlen(real) + 1);
		return true;
	}
	return false;
}

hm_err
run_find(const char *name, char ret[static FILE_PATH_MAX], struct why *why)
{
	if (find(name, places, COUNT(places), X_OK, ret))
		return HM_OK;
	return WHY(why, HM_E_FILE, "the program %s is not installed", name);
}

bool
run_find_firmware(const char *name, char ret[static FILE_PATH_MAX])
{
	return find(name, firmware, COUNT(firmware), R_OK, ret);
}

static _Noreturn void
become(const char *const *argv, int out, int err)
{
	/* exec does not change its arguments; its type is older than const */
	union {
		const char *const *in;
		char *const *out;
	} words = { .in = argv };
	int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (dup2(empty, 0) >= 0 && dup2(out, 1) >= 0 && dup2(err, 2) >= 0)
		execv(argv[0], words.out);
	_exit(127);
}

hm_err
run_start(
    const char *const *argv, int out, int err, pid_t *ret, struct why *why)
{
	pid_t pid = fork();

	if (pid == 0)
		become(argv, out, err);
	if (pid < 0)
		return WHY(why, HM_E_IO, "cannot start a process: %s",
		    strerror(errno));
	*ret = pid;
	return HM_OK;
}

/* The line of a command, as it could be typed. */
static void
note(const char *const *argv, int log)
{
	dprintf(log, "$");
	for (; *argv != NULL; argv++)
		dprintf(log, strpbrk(*argv, " ;?*$") != NULL ? " '%s'" : " %s",
		    *argv);
	dprintf(log, "\n");
}

static hm_err
drain(int fd, struct buf *ret)
{
	for (;;) {
		uint8_t *room;
		ssize_t n;

		HM_TRY(buf_reserve(ret, 4096, &room));
		n = read(fd, room, 4096);
		if (n == 0)
			return HM_OK;
		if (n < 0 && errno != EINTR)
			return HM_E_IO;
		if (n > 0)
			ret->len += (size_t)n;
	}
}

hm_err
run_wait(const char *const *argv, int log, struct buf *ret_out, int *ret_status,
    struct why *why)
{
	int pipes[2] = { -1, -1 };
	hm_err err = HM_OK;
	pid_t pid = 0;

	note(argv, log);
	if (ret_out != NULL && pipe2(pipes, O_CLOEXEC) != 0)
		return WHY(
		    why, HM_E_IO, "cannot make a pipe: %s", strerror(errno));
	HM_TRY(
	    run_start(argv, ret_out != NULL ? pipes[1] : log, log, &pid, why));
	if (ret_out != NULL) {
		close(pipes[1]);
		buf_init(ret_out, OUT_MAX);
		err = drain(pipes[0], ret_out);
		close(pipes[0]);
	}
	HM_TRY(process_wait(pid, CHANNEL_FOREVER, ret_status, why));
	return err;
}
