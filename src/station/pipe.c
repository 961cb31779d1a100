/* SPDX-License-Identifier: Apache-2.0 */
#include "station/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"

#define BACKLOG 128       /* devices that wait for their turn */
#define LOOK_MS 200       /* between two hellos on a serial line */
#define RESEND_US 1000000 /* a question that got lost on the way */

static int
wait_ms(uint64_t deadline_us)
{
	uint64_t now_us = clock_mono_us();

	if (now_us >= deadline_us)
		return 0;
	if (deadline_us - now_us > 3600000000u)
		return 3600000;
	return (int)((deadline_us - now_us + 999) / 1000);
}

/* ---- opening ---- */

static uint64_t
inode_of(const char *path)
{
	struct stat found;

	return lstat(path, &found) == 0 ? found.st_ino : 0;
}

static hm_err
open_unix(struct pipe *pipe, struct why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, pipe->path, sizeof(address.sun_path));
	(void)unlink(pipe->path); /* of a run before; absent is as good */
	if (fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    chmod(pipe->path, 0600) == 0 && listen(fd, BACKLOG) == 0) {
		pipe->listener = fd;
		pipe->inode = inode_of(pipe->path);
		return HM_OK;
	}
	if (fd >= 0)
		close(fd);
	why_where(why, "%s", pipe->path);
	return WHY(
	    why, HM_E_IO, "cannot listen for devices: %s", strerror(errno));
}

static hm_err
open_tty(struct pipe *pipe, struct why *why)
{
	struct termios line;
	int fd = open(pipe->path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || tcgetattr(fd, &line) != 0) {
		if (fd >= 0)
			close(fd);
		why_where(why, "%s", pipe->path);
		return WHY(why, HM_E_IO, "cannot open the serial line: %s",
		    strerror(errno));
	}
	cfmakeraw(&line);
	(void)cfsetspeed(&line, B115200); /* a constant that is known */
	line.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(fd, TCSANOW, &line) != 0) {
		close(fd);
		why_where(why, "%s", pipe->path);
		return WHY(why, HM_E_IO, "cannot set up the line: %s",
		    strerror(errno));
	}
	pipe->fd = fd;
	pipe->is_tty = true;
	return HM_OK;
}

hm_err
pipe_open(struct pipe *pipe, const char *link, struct why *why)
{
	const char *path = strchr(link, ':');

	memset(pipe, 0, sizeof(*pipe));
	pipe->listener = pipe->fd = -1;
	if (path == NULL || strlen(++path) == 0 ||
	    strlen(path) >= sizeof(pipe->path))
		return WHY(why, HM_E_USAGE,
		    "a link is unix:PATH or tty:PATH, of up to 107 bytes");
	memcpy(pipe->path, path, strlen(path));
	hm_frame_in_init(
	    &pipe->in, (struct hm_span){ pipe->body, sizeof(pipe->body) });
	if (strncmp(link, "unix:", 5) == 0)
		return open_unix(pipe, why);
	if (strncmp(link, "tty:", 4) == 0)
		return open_tty(pipe, why);
	return WHY(why, HM_E_USAGE, "a link is unix:PATH or tty:PATH");
}

void
pipe_close(struct pipe *pipe)
{
	pipe->is_tty = false;
	pipe_hang_up(pipe);
	/* A station that was started anew may have its own there already. */
	if (pipe->listener >= 0 && inode_of(pipe->path) == pipe->inode)
		(void)unlink(pipe->path); /* nobody misses it */
	if (pipe->listener >= 0)
		close(pipe->listener);
	pipe->listener = -1;
}

void
pipe_hang_up(struct pipe *pipe)
{
	pipe->is_served = true;
	if (pipe->is_tty || pipe->fd < 0)
		return;
	close(pipe->fd);
	pipe->fd = -1;
}

/* ---- waiting for a device ---- */

static void
fresh(struct pipe *pipe)
{
	pipe->raw_at = pipe->raw_len = 0;
	hm_frame_in_init(
	    &pipe->in, (struct hm_span){ pipe->body, sizeof(pipe->body) });
}

/* Is the one who answered still the one that is finished with? */
static bool
is_still_there(struct pipe *pipe, const struct hm_link *answer)
{
	struct hm_info info;
	bool same;

	if (hm_info_decode(answer->body, &info) != HM_OK)
		return true; /* none of ours: wait until it is taken out */
	same = memcmp(info.device_id, pipe->served, sizeof(pipe->served)) == 0;
	memcpy(pipe->served, info.device_id, sizeof(pipe->served));
	return pipe->is_served && same;
}

/* On a serial line somebody is there when a hello is answered. */
static hm_err
await_tty(struct pipe *pipe, int stop)
{
	const struct hm_link hello = { .type = HM_LINK_HELLO };
	struct pollfd fd = { .fd = stop, .events = POLLIN };
	struct hm_link answer;
	int stopped;

	while ((stopped = poll(&fd, 1, LOOK_MS)) == 0 ||
	       (stopped < 0 && errno == EINTR)) {
		hm_err err;

		fresh(pipe);
		err = pipe_ask(
		    pipe, &hello, clock_mono_us() + RESEND_US, &answer);
		if (err != HM_OK)
			pipe->is_served = false; /* it was taken out */
		else if (!is_still_there(pipe, &answer))
			return HM_OK;
	}
	return stopped < 0 ? HM_E_IO : HM_E_STOPPING;
}

/* What accept() says of the one who came; the rest is about us, and stays. */
static bool
is_passing(int error)
{
	return error == EAGAIN || error == ECONNABORTED || error == EINTR;
}

hm_err
pipe_await(struct pipe *pipe, int stop, struct why *why)
{
	if (pipe->is_tty)
		return await_tty(pipe, stop);
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = stop, .events = POLLIN },
			{ .fd = pipe->listener, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return WHY(
			    why, HM_E_IO, "cannot wait: %s", strerror(errno));
		if (fds[0].revents != 0)
			return HM_E_STOPPING;
		if (fds[1].revents == 0)
			continue;
		pipe->fd = accept4(
		    pipe->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (pipe->fd < 0 && !is_passing(errno))
			return WHY(why, HM_E_IO, "cannot take a device: %s",
			    strerror(errno));
		if (pipe->fd < 0)
			continue; /* it left again */
		fresh(pipe);
		return HM_OK;
	}
}

/* ---- messages ---- */

static hm_err
send_all(struct pipe *pipe, struct hm_bytes bytes, uint64_t deadline_us)
{
	struct pollfd fd = { .fd = pipe->fd, .events = POLLOUT };

	while (bytes.len != 0) {
		ssize_t n = pipe->is_tty ? write(pipe->fd, bytes.ptr, bytes.len)
					 : send(pipe->fd, bytes.ptr, bytes.len,
					       MSG_NOSIGNAL);

		if (n > 0) {
			bytes.ptr += n;
			bytes.len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return HM_E_LINK;
		} else if (poll(&fd, 1, wait_ms(deadline_us)) == 0) {
			return HM_E_TIMEOUT;
		}
	}
	return HM_OK;
}

/* More raw bytes. */
static hm_err
fill(struct pipe *pipe, uint64_t deadline_us)
{
	struct pollfd fd = { .fd = pipe->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&fd, 1, wait_ms(deadline_us)) == 0)
		return HM_E_TIMEOUT;
	n = read(pipe->fd, pipe->raw, sizeof(pipe->raw));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		n = 0;
	else if (n <= 0)
		return HM_E_LINK;
	pipe->raw_at = 0;
	pipe->raw_len = (size_t)n;
	return HM_OK;
}

static hm_err
receive(struct pipe *pipe, uint64_t deadline_us, struct hm_bytes *ret)
{
	for (;;) {
		while (pipe->raw_at < pipe->raw_len)
			if (hm_frame_put(
				&pipe->in, pipe->raw[pipe->raw_at++], ret))
				return HM_OK;
		HM_TRY(fill(pipe, deadline_us));
	}
}

/* A device that was asked twice answers twice: what waits belongs to a question
 * of before. */
static hm_err
drop_waiting(struct pipe *pipe, uint64_t deadline_us)
{
	hm_err err;

	do {
		err = fill(pipe, 0);
	} while (err == HM_OK && clock_mono_us() < deadline_us);
	fresh(pipe);
	return err == HM_E_LINK ? err : HM_OK;
}

/* Has the device not even taken all that was sent? Of a socket, or a tty. */
static bool
is_behind(const struct pipe *pipe)
{
	int left = 0;

	return ioctl(pipe->fd, TIOCOUTQ, &left) == 0 && left > 0;
}

/* Until it answers, the question is asked again: either may have been lost.
 * What it has not taken yet is not: a slow device would only get slower. */
hm_err
pipe_exchange(struct pipe *pipe, struct hm_bytes message, uint64_t deadline_us,
    pipe_taker *take, void *context)
{
	static uint8_t frame[HM_FRAME_SIZE(HM_LINK_MAX)];
	struct hm_bytes answer;
	size_t len;
	hm_err err;

	HM_TRY(hm_frame_encode(
	    message, (struct hm_span){ frame, sizeof(frame) }, &len));
	HM_TRY(drop_waiting(pipe, deadline_us));
	HM_TRY(send_all(pipe, (struct hm_bytes){ frame, len }, deadline_us));
	for (;;) {
		uint64_t again_us = clock_mono_us() + RESEND_US;

		if (again_us > deadline_us)
			again_us = deadline_us;
		do {
			err = receive(pipe, again_us, &answer);
			if (err == HM_OK && take(context, answer))
				return HM_OK;
		} while (err == HM_OK);
		if (err != HM_E_TIMEOUT || clock_mono_us() >= deadline_us)
			return err;
		if (!is_behind(pipe))
			HM_TRY(send_all(pipe, (struct hm_bytes){ frame, len },
			    deadline_us));
	}
}

struct asked {
	const struct hm_link *question;
	struct hm_link *ret;
};

/* An answer fits its question: the next higher type, or a problem. */
static bool
fits(void *context, struct hm_bytes message)
{
	const struct asked *asked = context;

	return hm_link_decode(message, asked->ret) == HM_OK &&
	       (asked->ret->type == HM_LINK_PROBLEM ||
		   (int)asked->ret->type == (int)asked->question->type + 1);
}

hm_err
pipe_ask(struct pipe *pipe, const struct hm_link *question,
    uint64_t deadline_us, struct hm_link *ret)
{
	static uint8_t message[HM_LINK_MAX];
	struct asked asked = { question, ret };
	size_t len;

	HM_TRY(hm_link_encode(
	    question, (struct hm_span){ message, sizeof(message) }, &len));
	return pipe_exchange(
	    pipe, (struct hm_bytes){ message, len }, deadline_us, fits, &asked);
}
