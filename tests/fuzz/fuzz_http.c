/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_http - any bytes on a connection
 *
 * The gate alone says first which requests are in the input. Then the input
 * goes over a pair of sockets (TCP was half of the time) to a whole server
 * without TLS: it must hand exactly these requests to the handler, with the
 * same path and body, and close.
 */
#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "fuzz.h"
#include "mutate.h"
#include "net/conn.h"

#define BODY_MAX 4096

static struct {
	struct event_base *base;
	struct net_server *server;
	/* digests of what is expected and of what came */
	uint64_t expected, got;
	unsigned expected_count, got_count;
} all;

/* FNV-1a; a mistake, not an attack, has to show. */
static uint64_t
mix(uint64_t sum, struct hm_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		sum = (sum ^ bytes.ptr[i]) * 0x100000001b3u;
	return (sum ^ bytes.len) * 0x100000001b3u;
}

static void
handle(void *context, struct net_request *request)
{
	struct hm_bytes body = net_request_body(request);

	(void)context;
	all.got_count++;
	all.got = mix(all.got, hm_bytes_of(net_request_path(request)));
	all.got = mix(all.got, hm_bytes_of(net_request_query(request)));
	all.got = mix(all.got, hm_bytes_of(net_request_type(request)));
	all.got = mix(all.got, body);
	net_reply(request, 200, "text/plain", body);
}

static const struct net_route routes[] = {
	{ NET_GET, "/", 0, handle },
	{ NET_POST, "/", BODY_MAX, handle },
};

static hm_err
judge(void *context, const struct head *head)
{
	(void)context;
	if (head->method == NET_POST && head->length > BODY_MAX)
		return HM_E_TOO_LARGE;
	return HM_OK;
}

/* What the gate finds, and that it stays refused. */
static void
expect(struct hm_bytes bytes)
{
	struct gate gate;
	size_t at = 0;

	gate_init(&gate, judge, NULL);
	while (at < bytes.len) {
		at += gate_feed(
		    &gate, (struct hm_bytes){ bytes.ptr + at, bytes.len - at });
		if (gate.state != GATE_WHOLE)
			break;
		size_t len = (size_t)gate.head.length;
		all.expected_count++;
		all.expected = mix(all.expected, gate.head.path);
		all.expected = mix(all.expected, gate.head.query);
		all.expected = mix(all.expected, gate.head.type);
		all.expected = mix(all.expected,
		    (struct hm_bytes){ bytes.ptr + at - len, len });
		if (gate.head.close)
			break;
		gate_next(&gate);
	}
	gate_done(&gate);
}

static void
start(void)
{
	struct net_server_config config = { .routes = routes,
		.routes_count = 2 };

	all.base = event_base_new();
	fuzz_must(all.base);
	fuzz_must(
	    net_server_new(all.base, &config, &all.server, NULL) == HM_OK);
}

static void
stop(void)
{
	net_server_free(all.server);
	event_base_free(all.base);
	memset(&all, 0, sizeof all);
}

/* The connection must end by itself: no deadline is as short as a run. */
static void
talk(int fd, struct hm_bytes bytes)
{
	char answer[2048];
	size_t sent = 0;
	bool shut = false;
	ssize_t n = -1;

	while (n != 0) {
		if (sent < bytes.len) {
			n = send(fd, bytes.ptr + sent, bytes.len - sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n > 0)
				sent += (size_t)n;
			else if (errno == EPIPE || errno == ECONNRESET)
				sent = bytes.len;
		} else if (!shut) {
			shut = true;
			shutdown(fd, SHUT_WR);
		}
		event_base_loop(all.base, EVLOOP_NONBLOCK);
		n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sockaddr_storage from = { .ss_family = AF_INET };
	int pair[2];

	if (!all.base)
		start();
	all.expected = all.got = 0;
	all.expected_count = all.got_count = 0;
	expect((struct hm_bytes){ data, size });
	fuzz_must(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	fuzz_must(conn_new(all.server, pair[1], &from,
		      sizeof(struct sockaddr_in)) == HM_OK);
	talk(pair[0], (struct hm_bytes){ data, size });
	close(pair[0]);
	while (net_server_counts(all.server).connections)
		event_base_loop(all.base, EVLOOP_NONBLOCK);
	fuzz_must(all.got_count == all.expected_count);
	fuzz_must(all.got == all.expected);
	if (net_server_counts(all.server).accepted % 64 == 0)
		stop();
	return 0;
}

MUTATE_OF(&mutate_lines, 0)
