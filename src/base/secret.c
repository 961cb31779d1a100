/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything is read with read(2) straight into a struct secret: a stream of
 * stdio would keep a copy in its buffer.
 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"

#define PATH_SIZE 1024

void
secret_done(struct secret *secret)
{
	hm_wipe(secret, sizeof(*secret));
}

struct hm_bytes
secret_bytes(const struct secret *secret)
{
	return (struct hm_bytes){ secret->bytes, secret->len };
}

static void
file_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Read up to the end, or up to the first newline of a terminal. */
static hm_err
read_all(int fd, bool line, struct secret *ret, struct why *why)
{
	uint8_t spare;

	for (;;) {
		size_t left = SECRET_MAX - ret->len;
		ssize_t got = left > 0 ? read(fd, ret->bytes + ret->len, left)
				       : read(fd, &spare, 1);

		if (got < 0)
			return WHY(why, HM_E_FILE, "cannot read a secret: %s",
			    strerror(errno));
		if (got == 0)
			break;
		if (left == 0) {
			hm_wipe(&spare, 1);
			return WHY(why, HM_E_FILE,
			    "the secret has more than %d bytes", SECRET_MAX);
		}
		ret->len += (size_t)got;
		if (line && ret->bytes[ret->len - 1] == '\n')
			break;
	}
	if (ret->len > 0 && ret->bytes[ret->len - 1] == '\n')
		ret->len--;
	if (ret->len == 0)
		return WHY(why, HM_E_FILE, "the secret is empty");
	return HM_OK;
}

static hm_err
load_fd(const char *number, struct secret *ret, struct why *why)
{
	uint64_t fd;

	if (uint_parse(hm_bytes_of(number), INT_MAX, &fd) != HM_OK)
		return WHY(
		    why, HM_E_USAGE, "fd: wants the number of a descriptor");
	return read_all((int)fd, false, ret, why);
}

/* Nobody but its owner may have been able to read or replace the file. */
static hm_err
check_private(int fd, struct why *why)
{
	struct stat found;

	if (fstat(fd, &found) != 0)
		return WHY(why, HM_E_FILE, "cannot look at the file: %s",
		    strerror(errno));
	if (!S_ISREG(found.st_mode))
		return WHY(why, HM_E_FILE, "a secret wants a regular file");
	if (found.st_uid != geteuid() && found.st_uid != 0)
		return WHY(why, HM_E_FILE,
		    "the file of a secret belongs to somebody else");
	if ((found.st_mode & 077) != 0) {
		why_do(why, "chmod 0600, and change the secret");
		return WHY(why, HM_E_FILE,
		    "the file of a secret is open to others (mode %04o)",
		    found.st_mode & 07777);
	}
	return HM_OK;
}

static hm_err
load_open(int fd, bool private, struct secret *ret, struct why *why)
{
	if (fd < 0)
		return WHY(why, HM_E_FILE, "cannot open the file: %s",
		    strerror(errno));
	if (private)
		HM_TRY(check_private(fd, why));
	return read_all(fd, false, ret, why);
}

static hm_err
load_file(const char *path, bool private, struct secret *ret, struct why *why)
{
	AUTO(file) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	hm_err err = load_open(fd, private, ret, why);

	if (err != HM_OK)
		why_where(why, "%s", path);
	return err;
}

/* systemd sees to owner and mode of the folder, and names the folder. */
static hm_err
load_credential(const char *name, struct secret *ret, struct why *why)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_SIZE];

	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
		return WHY(why, HM_E_USAGE, "credential: wants a plain name");
	if (folder == NULL || folder[0] != '/') {
		why_do(
		    why, "LoadCredential=%s:FILE in the service's unit", name);
		return WHY(why, HM_E_FILE,
		    "there are no credentials: this is no systemd service");
	}
	if (path_join(path, sizeof(path), folder, name) != HM_OK)
		return WHY(why, HM_E_FILE, "the credential's path is too long");
	return load_file(path, false, ret, why);
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
	caught = number;
}

/* Ctrl-C must not leave a terminal without echo: end the read, mend, die. */
static hm_err
read_quietly(int fd, struct secret *ret, struct why *why)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction quiet = { .sa_handler = catch }, before[4];
	struct termios shown, hidden;
	hm_err err;

	if (tcgetattr(fd, &shown) != 0)
		return WHY(why, HM_E_NO_TERMINAL, "no terminal to ask on");
	caught = 0;
	for (size_t i = 0; i < 4; i++)
		sigaction(numbers[i], &quiet, &before[i]);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	hidden.c_lflag |= ICANON;
	hidden.c_cc[VSUSP] = _POSIX_VDISABLE;
	if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0)
		err = WHY(why, HM_E_NO_TERMINAL,
		    "the terminal cannot hide what is typed");
	else
		err = read_all(fd, true, ret, why);
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	(void)!write(fd, "\n", 1);
	for (size_t i = 0; i < 4; i++)
		sigaction(numbers[i], &before[i], NULL);
	if (caught != 0)
		raise(caught);
	return err;
}

static hm_err
load_prompt(struct secret *ret, struct why *why)
{
	static const char question[] = "PIN or passphrase (not shown): ";
	AUTO(file) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		why_do(why, "use fd:N, credential:NAME or file:PATH");
		return WHY(why, HM_E_NO_TERMINAL,
		    "a secret would have to be asked for, "
		    "and there is no terminal");
	}
	if (write(fd, question, sizeof(question) - 1) < 0)
		return WHY(why, HM_E_NO_TERMINAL, "no terminal to ask on");
	return read_quietly(fd, ret, why);
}

static bool
starts(const char *source, const char *with, const char **ret_rest)
{
	size_t len = strlen(with);

	if (strncmp(source, with, len) != 0)
		return false;
	*ret_rest = source + len;
	return true;
}

static hm_err
load(const char *source, struct secret *ret, struct why *why)
{
	const char *rest;

	if (strcmp(source, "prompt") == 0)
		return load_prompt(ret, why);
	if (starts(source, "fd:", &rest))
		return load_fd(rest, ret, why);
	if (starts(source, "credential:", &rest))
		return load_credential(rest, ret, why);
	if (starts(source, "file:", &rest))
		return load_file(rest, true, ret, why);
	/* Do not repeat it: somebody may have typed the PIN itself. */
	why_do(why, "use fd:N, credential:NAME, file:PATH or prompt");
	return WHY(why, HM_E_USAGE, "not a place where a secret can be");
}

hm_err
secret_load(const char *source, struct secret *ret, struct why *why)
{
	AUTO(secret) struct secret secret = { 0 };

	HM_TRY(load(source, &secret, why));
	memcpy(ret->bytes, secret.bytes, secret.len);
	ret->len = secret.len;
	return HM_OK;
}
