/* SPDX-License-Identifier: Apache-2.0 */
#include "plug.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define FD_MAX 1023
#define RETRY_MS 20

hm_err
plug_read(int fd, int timeout_ms, struct hm_span room, size_t *ret_len,
    struct why *why)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t got;
	int ready;

	do
		ready = poll(&wait, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return WHY(why, HM_E_TIMEOUT, "the station is silent");
	do
		got = read(fd, room.ptr, room.len);
	while (got < 0 && errno == EINTR);
	if (got <= 0) /* EIO: the other end of a pty was closed */
		return HM_E_LINK;
	*ret_len = (size_t)got;
	return HM_OK;
}

hm_err
plug_write(int fd, struct hm_bytes bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.ptr, bytes.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return HM_E_LINK;
		bytes.ptr += put;
		bytes.len -= (size_t)put;
	}
	return HM_OK;
}

static void
pause_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&time, NULL); /* early is fine */
}

static hm_err
plug_unix(const char *path, int timeout_ms, int *ret, struct why *why)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return WHY(why, HM_E_USAGE,
		    "the path of a socket has at most %zu characters",
		    sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return WHY(why, HM_E_LINK, "no socket: %s", strerror(errno));
	for (int waited = 0;; waited += RETRY_MS) {
		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
			break;
		if (timeout_ms >= 0 && waited >= timeout_ms) {
			(void)close(fd);
			why_where(why, "%s", path);
			return WHY(why, HM_E_TIMEOUT, "no station listens: %s",
			    strerror(errno));
		}
		pause_ms(RETRY_MS);
	}
	*ret = fd;
	return HM_OK;
}

static hm_err
plug_pty(const char *path, int *ret, struct why *why)
{
	struct termios mode;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &mode) != 0) {
		why_where(why, "%s", path);
		(void)WHY(why, HM_E_LINK, "no terminal: %s", strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return HM_E_LINK;
	}
	cfmakeraw(&mode);
	if (tcsetattr(fd, TCSANOW, &mode) != 0) {
		(void)close(fd);
		return WHY(why, HM_E_LINK, "the terminal stays cooked: %s",
		    strerror(errno));
	}
	*ret = fd;
	return HM_OK;
}

hm_err
plug_open(const char *link, int timeout_ms, int *ret, struct why *why)
{
	uint64_t fd;

	if (strncmp(link, "unix:", 5) == 0)
		return plug_unix(link + 5, timeout_ms, ret, why);
	if (strncmp(link, "pty:", 4) == 0)
		return plug_pty(link + 4, ret, why);
	if (strncmp(link, "fd:", 3) == 0 &&
	    uint_parse(hm_bytes_of(link + 3), FD_MAX, &fd) == HM_OK) {
		*ret = (int)fd;
		return HM_OK;
	}
	return WHY(
	    why, HM_E_USAGE, "\"%s\" is not unix:PATH, pty:PATH or fd:N", link);
}
