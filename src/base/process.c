/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/errtext.h"
#include "core/check.h"

#define FIRST_FD 3

/* Room for the descriptors of one message, aligned as the kernel wants it. */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

static void
fd_done(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void
process_out_of_memory(const char *what)
{
	char words[200];

	/* dprintf() asks for the place in the file: in a jail that kills. */
	(void)snprintf(words, sizeof(words),
	    "hallmark: error[HM-%04d]: no memory for %s\n", HM_E_NO_MEMORY,
	    what);
	(void)!write(STDERR_FILENO, words, strlen(words)); /* ends anyway */
	_exit(err_info(HM_E_NO_MEMORY)->exit_status);
}

hm_err
channel_pair(int ret[static 2], struct why *why)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return WHY(
		    why, HM_E_IO, "cannot make a channel: %s", strerror(errno));
	ret[0] = pair[0];
	ret[1] = pair[1];
	return HM_OK;
}

/* Milliseconds for poll(), rounded up so that it does not end too early. */
static int
left_ms(uint64_t deadline_us)
{
	uint64_t now, left;

	if (deadline_us == CHANNEL_FOREVER)
		return -1;
	now = clock_mono_us();
	if (now >= deadline_us)
		return 0;
	left = (deadline_us - now) / 1000 + 1;
	return left > 60000 ? 60000 : (int)left;
}

/* HM_OK: look again. */
static hm_err
wait_for(int fd, short events, uint64_t deadline_us)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int timeout = left_ms(deadline_us), found;

	if (timeout == 0)
		return HM_E_TIMEOUT;
	found = poll(&ready, 1, timeout);
	if (found < 0 && errno != EINTR)
		return HM_E_IO;
	return HM_OK;
}

static hm_err
failed(const char *what, struct why *why)
{
	if (errno == EPIPE || errno == ECONNRESET)
		return WHY(why, HM_E_WORKER, "the other process is gone");
	if (errno == EMSGSIZE)
		return WHY(why, HM_E_TOO_LARGE, "a message is too large");
	return WHY(why, HM_E_IO, "cannot %s: %s", what, strerror(errno));
}

/*
 * send() where it is enough: who may not pass descriptors may not call
 * sendmsg() either (jail_filter.c), for a filter cannot look into its argument.
 */
static bool
send_once(int fd, const struct msghdr *message)
{
	const struct iovec *body = message->msg_iov;
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (message->msg_control == NULL)
		return send(fd, body->iov_base, body->iov_len, flags) >= 0;
	return sendmsg(fd, message, flags) >= 0;
}

static hm_err
send_message(
    int fd, const struct msghdr *message, uint64_t deadline_us, struct why *why)
{
	for (;;) {
		hm_err err;

		if (send_once(fd, message))
			return HM_OK;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return failed("send to another process", why);
		err = wait_for(fd, POLLOUT, deadline_us);
		if (err != HM_OK)
			return WHY(why, err,
			    "another process does not take its messages");
	}
}

hm_err
channel_send_fds(int fd, struct hm_bytes message, const int *fds, size_t count,
    uint64_t deadline_us, struct why *why)
{
	struct iovec body = { (void *)(uintptr_t)message.ptr, message.len };
	struct msghdr head = { .msg_iov = &body, .msg_iovlen = 1 };
	union control control = { 0 };

	hm_assert(message.len > 0 && count <= CHANNEL_FDS_MAX);
	if (message.len > CHANNEL_MAX)
		return WHY(why, HM_E_TOO_LARGE, "a message is too large");
	if (count > 0) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
		head.msg_control = &control;
		head.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	return send_message(fd, &head, deadline_us, why);
}

hm_err
channel_send(
    int fd, struct hm_bytes message, uint64_t deadline_us, struct why *why)
{
	return channel_send_fds(fd, message, NULL, 0, deadline_us, why);
}

/* The kernel waits for who has no deadline, and wakes one of several. */
static int
waiting(uint64_t deadline_us)
{
	return deadline_us == CHANNEL_FOREVER ? 0 : MSG_DONTWAIT;
}

static hm_err
receive(int fd, struct msghdr *message, uint64_t deadline_us, size_t *ret_len,
    struct why *why)
{
	for (;;) {
		ssize_t got = recvmsg(
		    fd, message, waiting(deadline_us) | MSG_CMSG_CLOEXEC);
		hm_err err;

		if (got > 0) {
			*ret_len = (size_t)got;
			return HM_OK;
		}
		if (got == 0)
			return WHY(
			    why, HM_E_WORKER, "the other process is gone");
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return failed("receive from another process", why);
		err = wait_for(fd, POLLIN, deadline_us);
		if (err != HM_OK)
			return WHY(why, err, "another process does not answer");
	}
}

bool
channel_has_more(int fd)
{
	int len = 0;

	return ioctl(fd, FIONREAD, &len) == 0 && len > 0;
}

void
channel_shut(int fd)
{
	(void)shutdown(fd, SHUT_RDWR); /* it may be so already */
}

static void
take_fds(struct msghdr *message, struct channel_fds *ret)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	size_t count;

	*ret = (struct channel_fds){ 0 };
	if (head == NULL || head->cmsg_level != SOL_SOCKET ||
	    head->cmsg_type != SCM_RIGHTS)
		return;
	count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	hm_assert(count <= CHANNEL_FDS_MAX);
	memcpy(ret->fd, CMSG_DATA(head), count * sizeof(int));
	ret->count = count;
}

static void
close_all(struct channel_fds *fds)
{
	for (size_t i = 0; i < fds->count; i++)
		close(fds->fd[i]);
	*fds = (struct channel_fds){ 0 };
}

hm_err
channel_recv_fds(int fd, struct hm_span room, uint64_t deadline_us,
    size_t *ret_len, struct channel_fds *ret_fds, struct why *why)
{
	struct iovec body = { room.ptr, room.len };
	union control control = { 0 };
	struct msghdr head = { .msg_iov = &body,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct channel_fds fds;
	size_t len = 0;

	HM_TRY(receive(fd, &head, deadline_us, &len, why));
	take_fds(&head, &fds);
	if ((head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		close_all(&fds);
		return WHY(why, HM_E_TOO_LARGE, "a message is too large");
	}
	*ret_fds = fds;
	*ret_len = len;
	return HM_OK;
}

hm_err
channel_recv(int fd, struct hm_span room, uint64_t deadline_us, size_t *ret_len,
    struct why *why)
{
	struct channel_fds fds = { 0 };

	HM_TRY(channel_recv_fds(fd, room, deadline_us, ret_len, &fds, why));
	close_all(&fds);
	return HM_OK;
}

static void
reset_signals(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &usual, NULL); /* SIGKILL refuses */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* fds[] become 3, 4, ..., the report's end the one after them. */
static bool
arrange(const int *fds, size_t count, int *report)
{
	int first = FIRST_FD + (int)count + 1, moved[PROCESS_FDS_MAX + 1];

	/* First out of the way: one may stand where another has to go. */
	for (size_t i = 0; i < count; i++)
		moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, first);
	moved[count] = fcntl(*report, F_DUPFD_CLOEXEC, first);
	for (size_t i = 0; i <= count; i++)
		if (moved[i] < 0 || dup2(moved[i], FIRST_FD + (int)i) < 0)
			return false;
	*report = FIRST_FD + (int)count;
	closefrom(first);
	return fcntl(*report, F_SETFD, FD_CLOEXEC) == 0;
}

/* The parent learns by `report` why there is no program. */
_Noreturn static void
become(const char *path, char *const argv[], const int *fds, size_t count,
    int report)
{
	pid_t parent = getppid();

	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 &&
	    getppid() == parent && arrange(fds, count, &report))
		execv(path, argv);
	(void)!write(report, &errno, sizeof(errno));
	_exit(127);
}

static hm_err
look(pid_t pid, int report, const char *path, struct why *why)
{
	int code = 0;
	ssize_t got;

	do
		got = read(report, &code, sizeof(code));
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return HM_OK; /* closed by a successful exec */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	why_where(why, "%s", path);
	return WHY(
	    why, HM_E_FILE, "cannot start the program: %s", strerror(code));
}

hm_err
process_spawn(const char *path, char *const argv[], const int *fds,
    size_t count, pid_t *ret, struct why *why)
{
	AUTO(fd) int report = -1;
	int pipes[2];
	pid_t pid;

	hm_assert(count <= PROCESS_FDS_MAX);
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return WHY(
		    why, HM_E_IO, "cannot make a pipe: %s", strerror(errno));
	report = pipes[0];
	pid = fork();
	if (pid == 0)
		become(path, argv, fds, count, pipes[1]);
	close(pipes[1]);
	if (pid < 0)
		return WHY(why, HM_E_IO, "cannot start a process: %s",
		    strerror(errno));
	HM_TRY(look(pid, report, path, why));
	*ret = pid;
	return HM_OK;
}

hm_err
process_wait(pid_t pid, uint64_t deadline_us, int *ret_status, struct why *why)
{
	AUTO(fd) int handle = (int)syscall(SYS_pidfd_open, pid, 0);
	int status = 0;

	for (;;) {
		pid_t found = waitpid(pid, &status, WNOHANG);

		if (found == pid)
			break;
		if (found < 0 && errno != EINTR)
			return WHY(
			    why, HM_E_IO, "no such child: %s", strerror(errno));
		if (handle < 0)
			return WHY(why, HM_E_IO, "cannot wait for a child");
		if (wait_for(handle, POLLIN, deadline_us) != HM_OK)
			return WHY(why, HM_E_TIMEOUT, "the child still runs");
	}
	*ret_status =
	    WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return HM_OK;
}

hm_err
process_self(char *ret, size_t size, struct why *why)
{
	ssize_t len = readlink("/proc/self/exe", ret, size);

	if (len < 0)
		return WHY(why, HM_E_IO, "cannot tell where the program is: %s",
		    strerror(errno));
	if ((size_t)len >= size)
		return WHY(why, HM_E_TOO_LARGE, "the path is too long");
	ret[len] = '\0';
	return HM_OK;
}

hm_err
process_want_files(uint32_t count, struct why *why)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return WHY(why, HM_E_IO, "cannot read the limit of files: %s",
		    strerror(errno));
	if (limit.rlim_cur >= count)
		return HM_OK;
	limit.rlim_cur = count;
	if (limit.rlim_max < count)
		limit.rlim_max = count;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return HM_OK;
	WHY(why, HM_E_CONFIG_TYPE,
	    "this process may not open the %u files that it needs", count);
	why_do(why, "raise the limit of open files (systemd: LimitNOFILE), or "
		    "lower limits.connections");
	return HM_E_CONFIG_TYPE;
}

void
process_take_turns(void)
{
	struct sched_param none = { 0 };

	/* It can only fail where the kernel knows no such policy: then it
	 * interrupts, as all do. */
	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &none);
}
