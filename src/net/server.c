/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/errtext.h"
#include "core/check.h"
#include "net/places.h"

#define PROBLEM_MAX 4096
#define HEAD_ROOM 512 /* of an answer */
#define AGAIN_MS 100
#define ACCEPT_MAX 16 /* connections in one turn */

/* ---- answers ---- */

static const char *
words_of(int status)
{
	static const struct {
		int status;
		char words[24];
	} all[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i].status == status)
			return all[i].words;
	return "-";
}

/* RFC 9110 section 5.6.7, made once a second. */
static const char *
date(void)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static char text[48];
	static uint64_t made_s;
	uint64_t now_s = clock_now_s();
	time_t at = (time_t)now_s;
	struct tm tm;

	if (now_s == made_s && text[0])
		return text;
	made_s = now_s;
	if (!gmtime_r(&at, &tm))
		return "";
	(void)snprintf(text, sizeof text,
	    "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
	    tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	return text;
}

struct answer {
	int status;
	const char *type; /* "": none */
	size_t len;       /* of the body */
	bool close;
};

static size_t
put_head(const struct answer *answer, char ret[static HEAD_ROOM])
{
	bool typed = answer->type && answer->type[0];
	int n = snprintf(ret, HEAD_ROOM,
	    "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%sCache-Control: no-store\r\n"
	    "Content-Length: %zu\r\n%s%s\r\n",
	    answer->status, words_of(answer->status), date(),
	    typed ? "Content-Type: " : "", typed ? answer->type : "",
	    typed ? "\r\n" : "", answer->len,
	    answer->status == 429 || answer->status == 503
		? "Retry-After: 1\r\n"
		: "",
	    answer->close ? "Connection: close\r\n" : "");

	hm_assert(n > 0 && n < HEAD_ROOM);
	return (size_t)n;
}

/* The body that goes with a refusal, and its Content-Type. */
static const char *
put_problem(const struct net_server *server, hm_err err, struct buf *ret)
{
	const struct net_server_config *config = &server->config;

	buf_init(ret, PROBLEM_MAX);
	if (config->problem && config->problem(err, ret) == HM_OK)
		return config->problem_type;
	buf_clear(ret);
	if (buf_print(ret, "HM-%04d %s\n", (int)err, err_info(err)->words) !=
	    HM_OK)
		buf_clear(ret); /* no memory: the status alone has to do */
	return "text/plain";
}

hm_err
server_refusal(struct net_server *server, hm_err err, struct buf *ret)
{
	AUTO(buf) struct buf body;
	struct answer answer = { .status = err_info(err)->http, .close = true };
	char head[HEAD_ROOM];
	struct hm_bytes first = { (const uint8_t *)head, 0 };

	answer.type = put_problem(server, err, &body);
	answer.len = body.len;
	first.len = put_head(&answer, head);
	buf_init(ret, HEAD_ROOM + PROBLEM_MAX);
	HM_TRY(buf_add(ret, first));
	return buf_add(ret, buf_bytes(&body));
}

/* Nobody refers to it any more. */
static void
detach(struct net_request *request)
{
	if (!request->server)
		return;
	TAILQ_REMOVE(&request->server->requests, request, next);
	request->server->counts.requests--;
}

/* Head and whether it is the connection's last answer. */
static struct hm_bytes
begin_answer(struct net_request *request, struct answer *answer,
    char head[static HEAD_ROOM])
{
	struct net_server *server = request->conn->server;
	struct hm_bytes first = { (const uint8_t *)head, 0 };

	server->counts.served++;
	answer->close = request->conn->gate.head.close || server->stopping;
	first.len = put_head(answer, head);
	return first;
}

void
net_reply(struct net_request *request, int status, const char *type,
    struct hm_bytes body)
{
	struct conn *conn = request->conn;
	struct answer answer = { status, type, body.len, false };
	char head[HEAD_ROOM];

	detach(request);
	if (conn) {
		struct hm_bytes first = begin_answer(request, &answer, head);

		conn_answer(conn, first, body, answer.close);
	}
	free(request); /* only now: type and body may lie in it */
}

/* The connection is told nothing of it before the handler is. */
static bool
is_over(struct net_request *request)
{
	if (request->conn && request->parts_left) {
		request->asked = false;
		return false;
	}
	free(request);
	return true;
}

bool
net_reply_parts(struct net_request *request, const char *type, size_t size,
    struct hm_bytes part, net_next *next, void *context)
{
	struct answer answer = { 200, type, size, false };
	char head[HEAD_ROOM];

	hm_assert(part.len < size);
	detach(request);
	request->next_part = next;
	request->context = context;
	request->parts_left = size - part.len;
	request->asked = true;
	if (request->conn) {
		struct hm_bytes first = begin_answer(request, &answer, head);

		conn_begin(request->conn, first, part, answer.close);
	}
	return !is_over(request);
}

bool
net_reply_part(struct net_request *request, struct hm_bytes part)
{
	hm_assert(
	    request->asked && part.len && part.len <= request->parts_left);
	request->parts_left -= part.len;
	if (request->conn)
		conn_part(request->conn, part);
	return !is_over(request);
}

void
net_reply_break(struct net_request *request)
{
	hm_assert(request->asked);
	if (request->conn)
		conn_end(request->conn);
	free(request);
}

void
net_reply_error(struct net_request *request, hm_err err)
{
	AUTO(buf) struct buf body = { 0 };
	const char *type = "";

	if (request->server)
		type = put_problem(request->server, err, &body);
	net_reply(request, err_info(err)->http, type, buf_bytes(&body));
}

/* ---- requests ---- */

static bool
is_route(const struct net_route *route, const struct head *head)
{
	size_t n = strlen(route->path);

	if (route->method != head->method || head->path.len < n ||
	    memcmp(route->path, head->path.ptr, n) != 0)
		return false;
	return head->path.len == n || route->path[n - 1] == '/';
}

hm_err
server_judge(void *context, const struct head *head)
{
	struct conn *conn = context;
	const struct net_server_config *config = &conn->server->config;

	for (size_t i = 0; i < config->routes_count; i++) {
		const struct net_route *route = &config->routes[i];

		if (!is_route(route, head))
			continue;
		if (head->length > route->max_body)
			return HM_E_TOO_LARGE;
		conn->route = route;
		return HM_OK;
	}
	return HM_E_NO_ROUTE;
}

hm_err
server_check(const struct conn *conn)
{
	if (conn->stream.ssl && clock_now_s() > conn->peer.not_after_s)
		return HM_E_CERT_DATES;
	return HM_OK;
}

void
server_take(struct conn *conn)
{
	struct net_server *server = conn->server;
	struct net_request *request = conn->request;

	TAILQ_INSERT_TAIL(&server->requests, request, next);
	server->counts.requests++;
	if (server->counts.requests > server->limits.requests)
		net_reply_error(request, HM_E_BUSY);
	else
		conn->route->handle(server->config.context, request);
}

net_method
net_request_method(const struct net_request *request)
{
	return request->method;
}

const char *
net_request_path(const struct net_request *request)
{
	return request->path;
}

const char *
net_request_query(const struct net_request *request)
{
	return request->query;
}

const char *
net_request_type(const struct net_request *request)
{
	return request->type;
}

struct hm_bytes
net_request_body(const struct net_request *request)
{
	return request->body;
}

const struct net_peer *
net_request_peer(const struct net_request *request)
{
	return &request->peer;
}

/* ---- listening ---- */

/* At the limit a newcomer can still have the place of a stranger. */
static bool
may_accept(const struct net_server *server)
{
	unsigned now = server->counts.connections;
	unsigned limit = server->limits.connections;

	return now < limit ||
	       (now == limit && places_stranger(&server->places, NULL));
}

static void
set_accepting(struct net_server *server, bool on)
{
	for (struct listener *l = server->listeners; l; l = l->next) {
		if (on == (event_pending(&l->event, EV_READ, NULL) != 0))
			continue;
		if (on)
			event_add(&l->event, NULL);
		else
			event_del(&l->event);
	}
}

void
server_count_changed(struct net_server *server)
{
	set_accepting(server, may_accept(server));
	if (server->stopping && server->counts.connections == 0)
		event_active(server->drained, EV_TIMEOUT, 0);
}

static void
on_again(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	server_count_changed(context);
}

/* Descriptors or memory have run out: rest a moment instead of spinning. */
static void
accept_later(struct net_server *server)
{
	struct timeval after = { .tv_usec = AGAIN_MS * 1000 };

	set_accepting(server, false);
	evtimer_add(server->again, &after);
}

/* False: nobody else now. */
static bool
accept_one(struct listener *listener)
{
	struct net_server *server = listener->server;
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof from;
	uint64_t refused = server->counts.refused;
	int fd = accept4(listener->fd, (struct sockaddr *)&from, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			  errno == ENOMEM))
		accept_later(server);
	if (fd < 0)
		return errno == ECONNABORTED;
	if (conn_new(server, fd, &from, len) != HM_OK)
		server->counts.refused++;
	/* Where somebody had to go, let others say their hello first. */
	return may_accept(server) && server->counts.refused == refused;
}

static void
on_accept(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < ACCEPT_MAX && accept_one(context); i++)
		continue;
}

hm_err
net_server_listen(struct net_server *server, int fd, struct why *why)
{
	struct listener *listener = calloc(1, sizeof *listener);

	if (!listener ||
	    event_assign(&listener->event, server->base, fd,
		EV_READ | EV_PERSIST, on_accept, listener) != 0 ||
	    event_add(&listener->event, NULL) != 0) {
		free(listener);
		return WHY(why, HM_E_NO_MEMORY, "cannot listen");
	}
	listener->server = server;
	listener->fd = fd;
	listener->next = server->listeners;
	server->listeners = listener;
	return HM_OK;
}

static void
stop_listening(struct net_server *server)
{
	struct listener *listener;

	while ((listener = server->listeners) != NULL) {
		server->listeners = listener->next;
		event_del(&listener->event);
		close(listener->fd);
		free(listener);
	}
}

/* ---- the server ---- */

static void
on_drained(evutil_socket_t fd, short what, void *context)
{
	struct net_server *server = context;
	void (*call)(void *) = server->drained_call;

	(void)fd;
	(void)what;
	server->drained_call = NULL;
	if (call)
		call(server->config.context);
}

static unsigned
or_else(unsigned value, unsigned otherwise)
{
	return value ? value : otherwise;
}

static void
set_limits(struct net_server *server, const struct net_limits *l)
{
	unsigned send_ms = or_else(l->send_ms, 10000);

	server->limits.connections = or_else(l->connections, 1024);
	server->limits.connections_per_address =
	    or_else(l->connections_per_address, 256);
	server->limits.requests = or_else(l->requests, 1024);
	server->deadline_ms[CONN_HANDSHAKE] = or_else(l->handshake_ms, 5000);
	server->deadline_ms[CONN_IDLE] = or_else(l->idle_ms, 60000);
	server->deadline_ms[CONN_HEAD] = or_else(l->header_ms, 5000);
	server->deadline_ms[CONN_BODY] = or_else(l->body_ms, 10000);
	server->deadline_ms[CONN_SEND] = send_ms;
	server->deadline_ms[CONN_CLOSING] = send_ms;
}

static void
be_silent(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

static void
server_done(struct net_server **server)
{
	net_server_free(*server);
}

hm_err
net_server_new(struct event_base *base, const struct net_server_config *config,
    struct net_server **ret, struct why *why)
{
	AUTO(server) struct net_server *server = calloc(1, sizeof *server);

	if (!server)
		return WHY(why, HM_E_NO_MEMORY, "no memory for the server");
	event_set_log_callback(be_silent);
	tls_ignore_sigpipe();
	server->base = base;
	server->config = *config;
	TAILQ_INIT(&server->conns);
	TAILQ_INIT(&server->over);
	TAILQ_INIT(&server->requests);
	places_init(&server->places);
	set_limits(server, &config->limits);
	server->drained = evtimer_new(base, on_drained, server);
	server->again = evtimer_new(base, on_again, server);
	if (!server->drained || !server->again)
		return WHY(why, HM_E_NO_MEMORY, "no memory for the server");
	*ret = server;
	server = NULL;
	return HM_OK;
}

void
net_server_stop(struct net_server *server, void (*drained)(void *context))
{
	struct conn *conn, *next;

	server->stopping = true;
	server->drained_call = drained;
	stop_listening(server);
	for (conn = TAILQ_FIRST(&server->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, next);
		if (conn->state == CONN_IDLE || conn->state == CONN_HANDSHAKE)
			conn_end(conn);
	}
	server_count_changed(server);
}

void
net_server_free(struct net_server *server)
{
	struct net_request *request;
	struct conn *conn;

	if (!server)
		return;
	server->stopping = false;
	stop_listening(server);
	while ((conn = TAILQ_FIRST(&server->conns)) != NULL)
		conn_end(conn);
	while ((conn = TAILQ_FIRST(&server->over)) != NULL)
		conn_free(conn);
	while ((request = TAILQ_FIRST(&server->requests)) != NULL) {
		TAILQ_REMOVE(&server->requests, request, next);
		request->server = NULL;
	}
	if (server->drained)
		event_free(server->drained);
	if (server->again)
		event_free(server->again);
	free(server);
}

struct net_counts
net_server_counts(const struct net_server *server)
{
	return server->counts;
}
