/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - very many strangers that hold a place and do as little as they can
 *
 *	crowd PORT COUNT many|ADDRESS PER_SECOND HELLO
 *
 * Keeps COUNT connections to 127.0.0.1 open, opening at most so many a second,
 * from addresses all over 127.0.0.0/8 or from one of them. In turn they are
 *
 *	silent  not a byte              drip  HELLO (hex), a byte a second
 *	claim   HELLO's first bytes,    mute  the whole of HELLO, and no answer
 *	        said to be 128 KiB            to what comes back
 *
 * Prints one JSON line a second: what is open, was opened, was cut off by the
 * server, and could not be opened. Ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 65536
#define HELLO_MAX 4096
#define EVENTS 256
#define DRIP_US 1000000
#define TURN_MS 10

typedef enum kind { SILENT, DRIP, CLAIM, MUTE, KINDS } kind;

struct guest {
	bool here, connected;
	kind kind;
	size_t said; /* of the hello */
	uint64_t next_us;
};

static struct guest guests[FILES_MAX]; /* by descriptor */
static struct {
	struct sockaddr_in to;
	uint64_t count, per_s, opened, cut, failed, here;
	in_addr_t from; /* 0: many */
	int epoll;
	uint8_t hello[HELLO_MAX], claim[HELLO_MAX];
	size_t len;
} all;

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
read_hello(const char *hex)
{
	unsigned byte;

	for (; all.len < HELLO_MAX && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		all.hello[all.len++] = (uint8_t)byte;
	memcpy(all.claim, all.hello, all.len);
	all.claim[6] = 1; /* length of the message, after record and type */
	all.claim[7] = 0xff;
}

/* The next of many addresses: 127.x.y.z, no two alike for long. */
static uint32_t
next_address(void)
{
	static uint32_t turn;

	if (all.from != 0)
		return all.from;
	turn = turn * 1664525 + 1013904223;
	return htonl(0x7f000000 | (1 + (turn >> 8) % 0xfffffd));
}

static void
leave(int fd)
{
	guests[fd].here = false;
	all.here--;
	close(fd);
}

static bool
begin(int fd)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = next_address() };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
		.data.fd = fd };

	if (fd >= FILES_MAX ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		return false;
	if (connect(fd, (struct sockaddr *)&all.to, sizeof(all.to)) != 0 &&
	    errno != EINPROGRESS)
		return false;
	return epoll_ctl(all.epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void
come(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	all.opened++;
	if (fd < 0 || !begin(fd)) {
		if (fd >= 0)
			close(fd);
		all.failed++;
		return;
	}
	guests[fd] = (struct guest){ .here = true, .kind = all.opened % KINDS };
	all.here++;
}

/* Bytes that cannot be sent now are not missed. */
static void
say(int fd, const uint8_t *what, size_t len)
{
	if (send(fd, what, len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		guests[fd].said += len;
}

static void
greet(int fd)
{
	struct guest *guest = &guests[fd];

	guest->connected = true;
	guest->next_us = now_us() + DRIP_US;
	if (guest->kind == CLAIM)
		say(fd, all.claim, all.len);
	if (guest->kind == MUTE)
		say(fd, all.hello, all.len);
}

/* False: the server has cut it off. */
static bool
hear(int fd)
{
	static uint8_t room[4096];
	ssize_t n;

	do
		n = recv(fd, room, sizeof(room), MSG_DONTWAIT);
	while (n > 0);
	return n < 0 && errno == EAGAIN;
}

static void
look(void)
{
	static struct epoll_event events[EVENTS];
	int n = epoll_wait(all.epoll, events, EVENTS, TURN_MS);

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (!guests[fd].here)
			continue;
		if (!guests[fd].connected && (events[i].events & EPOLLOUT))
			greet(fd);
		if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
		    !hear(fd)) {
			all.cut++;
			leave(fd);
		}
	}
}

static void
drip(void)
{
	uint64_t now = now_us();

	for (int fd = 0; fd < FILES_MAX; fd++) {
		struct guest *guest = &guests[fd];

		if (!guest->here || !guest->connected || guest->kind != DRIP ||
		    guest->next_us > now)
			continue;
		guest->next_us = now + DRIP_US;
		if (guest->said < all.len)
			say(fd, all.hello + guest->said, 1);
	}
}

static void
tell(void)
{
	printf("{\"open\":%" PRIu64 ",\"opened\":%" PRIu64 ",\"cut\":%" PRIu64
	       ",\"failed\":%" PRIu64 "}\n",
	    all.here, all.opened, all.cut, all.failed);
	fflush(stdout);
}

/* As many as are due; what was not possible in time is not made up for. */
static void
let_in(uint64_t *due_us)
{
	uint64_t now = now_us(), every = 1000000 / all.per_s;

	if (*due_us + 100000 < now)
		*due_us = now - 100000;
	for (; *due_us < now && all.here < all.count; *due_us += every)
		come();
}

static bool
may_stay(void)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	return poll(&in, 1, 0) == 0;
}

static void
stay(void)
{
	uint64_t due = now_us(), told = due, dripped = due;

	while (may_stay()) {
		let_in(&due);
		look();
		if (now_us() - dripped > DRIP_US / 10) {
			drip();
			dripped = now_us();
		}
		if (now_us() - told > 1000000) {
			tell();
			told = now_us();
		}
	}
	tell();
}

int
main(int argc, char **argv)
{
	struct rlimit files;

	if (argc != 6)
		return 2;
	all.to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	all.count = strtoull(argv[2], NULL, 10);
	if (strcmp(argv[3], "many") != 0)
		all.from = inet_addr(argv[3]);
	all.per_s = strtoull(argv[4], NULL, 10);
	read_hello(argv[5]);
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return 1;
	files.rlim_cur = files.rlim_max;
	all.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (setrlimit(RLIMIT_NOFILE, &files) != 0 || all.epoll < 0 ||
	    all.per_s == 0 || all.len < 9 || files.rlim_cur < all.count + 16)
		return 1;
	stay();
	return 0;
}
