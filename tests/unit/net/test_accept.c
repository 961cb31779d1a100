/* SPDX-License-Identifier: Apache-2.0 */
/* net/server: no memory for a connection that has come. calloc() is wrapped by
 * the linker, libevent's memory by its own door. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include <event2/event.h>

#include "net/server.h"

#define REQUEST "GET /here HTTP/1.1\r\nHost: x\r\n\r\n"
#define ROUNDS 400
#define CLIENTS 100 /* more than libevent has room for at first */

static struct event_base *base;
static struct net_server *server;
static struct sockaddr_in address;
static bool no_calloc;        /* of the server itself */
static int event_allocs_left; /* of libevent; below 0: no end */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *
__wrap_calloc(size_t count, size_t size)
{
	return no_calloc ? NULL : __real_calloc(count, size);
}

static bool
has_event_memory(void)
{
	if (event_allocs_left == 0)
		return false;
	event_allocs_left -= event_allocs_left > 0;
	return true;
}

static void *
event_malloc(size_t size)
{
	return has_event_memory() ? malloc(size) : NULL;
}

static void *
event_realloc(void *old, size_t size)
{
	return has_event_memory() ? realloc(old, size) : NULL;
}

static void
here(void *context, struct net_request *request)
{
	(void)context;
	net_reply(request, 200, "text/plain", HM_LITERAL("here\n"));
}

static int
setup(void **state)
{
	static const struct net_route route = { NET_GET, "/here", 0, here };
	struct net_server_config config = { .routes = &route,
		.routes_count = 1 };
	socklen_t len = sizeof(address);
	int fd;

	(void)state;
	no_calloc = false;
	event_allocs_left = -1;
	base = event_base_new();
	assert_int_equal(net_server_new(base, &config, &server, NULL), HM_OK);
	assert_int_equal(net_listen("127.0.0.1:0", &fd, NULL), HM_OK);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(net_server_listen(server, fd, NULL), HM_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	no_calloc = false;
	event_allocs_left = -1;
	net_server_free(server);
	event_base_free(base);
	return 0;
}

/* A client that has said what it wants already. */
static int
call(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL),
	    sizeof(REQUEST) - 1);
	return fd;
}

static void
turn(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
	assert_true(poll(&ready, 1, 5) >= 0);
}

/* The first bytes of the answer; 0: closed without one. */
static size_t
hear(int fd, char *ret, size_t size)
{
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t got = recv(fd, ret, size, MSG_DONTWAIT);

		if (got >= 0)
			return (size_t)got;
		if (errno != EAGAIN)
			return 0; /* a reset is an end as well */
		turn(fd);
	}
	fail_msg("neither an answer nor an end");
	return 0;
}

static void
expect_service(int fd)
{
	char text[16];

	assert_true(hear(fd, text, sizeof(text)) >= 12);
	assert_memory_equal(text, "HTTP/1.1 200", 12);
	close(fd);
}

static void
expect_end(int fd)
{
	char text[16];

	assert_int_equal(hear(fd, text, sizeof(text)), 0);
	close(fd);
}

static void
closes_whom_it_has_no_memory_for(void **state)
{
	int before = call(), after[3];

	(void)state;
	expect_service(before);
	no_calloc = true;
	/* All are in the queue when the listener is told: one a turn. */
	for (int i = 0; i < 3; i++)
		after[i] = call();
	for (int i = 0; i < 3; i++)
		expect_end(after[i]);
	assert_int_equal(net_server_counts(server).accepted, 1);
	assert_int_equal(net_server_counts(server).refused, 3);
	no_calloc = false;
	expect_service(call());
}

/* Descriptors and deadlines that libevent has no room for yet. Nobody is left
 * without an end, and none without a deadline. */
static void
closes_whom_the_library_has_no_memory_for(void **state)
{
	int clients[CLIENTS], served = 0;
	char text[16];

	(void)state;
	event_allocs_left = 0;
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = call();
	for (int i = 0; i < CLIENTS; i++)
		served += hear(clients[i], text, sizeof(text)) > 0;
	assert_true(served < CLIENTS);
	assert_int_equal(net_server_counts(server).refused, CLIENTS - served);
	assert_int_equal(net_server_counts(server).served, served);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	event_allocs_left = -1;
	expect_service(call());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    closes_whom_it_has_no_memory_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    closes_whom_the_library_has_no_memory_for, setup, teardown),
	};

	event_set_mem_functions(event_malloc, event_realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
