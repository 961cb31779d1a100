/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/listener.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/errtext.h"
#include "core/check.h"
#include "net/places.h"

#define PROBLEM_MAX 4096
#define EVHTTP_HEAD_MAX                                      \
	(2 * HEAD_MAX) /* the gate is to be the stricter one \
			*/
#define AGAIN_MS 100

static struct net_server *servers; /* of this process */

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

const char *
server_problem(const struct net_server *server, hm_err err, struct buf *ret)
{
	const struct net_server_config *config = &server->config;

	if (config->problem && config->problem(err, ret) == HM_OK)
		return config->problem_type;
	buf_clear(ret);
	if (buf_print(ret, "HM-%04d %s\n", (int)err, err_info(err)->words) !=
	    HM_OK)
		buf_clear(ret); /* no memory: the status alone has to do */
	return "text/plain";
}

static void
set_accepting(struct evhttp_bound_socket *bound, void *context)
{
	const bool *accepting = context;
	struct evconnlistener *listener =
	    evhttp_bound_socket_get_listener(bound);

	if (*accepting)
		evconnlistener_enable(listener);
	else
		evconnlistener_disable(listener);
}

/* At the limit a newcomer can still have the place of a stranger. */
static bool
may_accept(const struct net_server *server)
{
	unsigned now = server->counts.connections;
	unsigned limit = server->limits.connections;

	if (!server->spare || server->spare_is_out)
		return false;
	return now < limit ||
	       (now == limit && !TAILQ_EMPTY(&server->places.strangers));
}

void
server_count_changed(struct net_server *server)
{
	unsigned now = server->counts.connections;
	bool accepting = may_accept(server);

	if (server->http)
		evhttp_foreach_bound_socket(
		    server->http, set_accepting, &accepting);
	if (server->stopping && now == 0)
		event_active(server->drained, EV_TIMEOUT, 0);
}

static void
accept_later(struct net_server *server)
{
	struct timeval after = { .tv_usec = AGAIN_MS * 1000 };

	evtimer_add(server->again, &after);
}

/* Descriptors or memory have run out: rest a moment instead of spinning. The
 * context of a listener is evhttp's own, so the server has to be looked for. */
static void
on_accept_error(struct evconnlistener *listener, void *http)
{
	struct net_server *server = servers;

	while (server && server->http != http)
		server = server->other;
	if (!server)
		return;
	evconnlistener_disable(listener);
	accept_later(server);
}

/* Nothing is accepted without one. */
static void
renew_spare(struct net_server *server)
{
	if (!server->spare)
		server->spare = bufferevent_socket_new(
		    server->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!server->spare)
		accept_later(server);
}

struct bufferevent *
server_shed(struct net_server *server)
{
	hm_assert(server->spare && !server->spare_is_out);
	server->spare_is_out = true;
	server->counts.refused++;
	bufferevent_incref(server->spare);
	event_active(server->shed, EV_TIMEOUT, 0);
	server_count_changed(server);
	return server->spare;
}

static void
on_shed(evutil_socket_t fd, short what, void *context)
{
	struct net_server *server = context;
	struct evhttp_connection *evcon = conn_adopter(server->spare);

	(void)fd;
	(void)what;
	if (evcon)
		evhttp_connection_free(evcon);
	bufferevent_decref(server->spare);
	server->spare = NULL;
	server->spare_is_out = false;
	renew_spare(server);
	server_count_changed(server);
}

static void
on_again(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	renew_spare(context);
	server_count_changed(context);
}

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

/* Nobody refers to it any more. */
static void
detach(struct net_request *request)
{
	if (request->server) {
		TAILQ_REMOVE(&request->server->requests, request, next);
		request->server->counts.requests--;
	}
	if (request->conn)
		request->conn->request = NULL;
}

static const char *
put_text(char **at, struct hm_bytes text)
{
	char *start = *at;

	if (text.len)
		memcpy(start, text.ptr, text.len);
	start[text.len] = '\0';
	*at += text.len + 1;
	return start;
}

/* All that the handler will need, in one piece of memory of our own. */
static struct net_request *
new_request(struct conn *conn, struct evhttp_request *evreq)
{
	const struct head *head = &conn->gate.head;
	size_t len = (size_t)head->length;
	struct net_request *request =
	    malloc(sizeof *request + head->path.len + head->query.len +
		   head->type.len + 3 + len);
	char *at;

	if (!request)
		return NULL;
	*request = (struct net_request){ .conn = conn,
		.server = conn->server,
		.evreq = evreq,
		.method = head->method,
		.peer = conn->peer };
	at = request->text;
	request->path = put_text(&at, head->path);
	request->query = put_text(&at, head->query);
	request->type = put_text(&at, head->type);
	request->body = (struct hm_bytes){ (uint8_t *)at, len };
	evbuffer_remove(evhttp_request_get_input_buffer(evreq), at, len);
	TAILQ_INSERT_TAIL(&conn->server->requests, request, next);
	conn->server->counts.requests++;
	conn->request = request;
	return request;
}

static void
on_sent(struct evhttp_request *evreq, void *context)
{
	(void)evreq;
	conn_answered(context);
}

/* Hand an answer to evhttp; it is sent from the loop. */
static void
answer(struct conn *conn, struct evhttp_request *evreq, int status,
    const char *type, struct hm_bytes body, bool close)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(evreq);

	if (type && type[0])
		evhttp_add_header(out, "Content-Type", type);
	evhttp_add_header(out, "Cache-Control", "no-store");
	if (status == 429 || status == 503)
		evhttp_add_header(out, "Retry-After", "1");
	if (close)
		evhttp_add_header(out, "Connection", "close");
	if (body.len)
		evbuffer_add(evhttp_request_get_output_buffer(evreq), body.ptr,
		    body.len);
	evhttp_request_set_on_complete_cb(evreq, on_sent, conn);
	conn_enter(conn, CONN_SEND);
	evhttp_send_reply(evreq, status, NULL, NULL);
	/* evhttp reads on, to learn of a hang-up, without any bound. */
	bufferevent_disable(conn->bev, EV_READ);
}

static void
answer_error(struct conn *conn, struct evhttp_request *evreq, hm_err err)
{
	AUTO(buf) struct buf body;
	const char *type;

	buf_init(&body, PROBLEM_MAX);
	type = server_problem(conn->server, err, &body);
	conn->server->counts.refused++;
	answer(conn, evreq, err_info(err)->http, type, buf_bytes(&body), true);
}

/* evhttp's read callback ends the process if it is called while a request is
 * being answered; reading is off then, and this makes sure of it. */
static void
mute(struct bufferevent *bev)
{
	bufferevent_data_cb write_cb;
	bufferevent_event_cb event_cb;
	void *arg;

	bufferevent_getcb(bev, NULL, &write_cb, &event_cb, &arg);
	bufferevent_setcb(bev, NULL, write_cb, event_cb, arg);
}

/* evhttp has a whole request; is it the one that the gate saw? */
static void
on_request(struct evhttp_request *evreq, void *context)
{
	struct net_server *server = context;
	struct conn *conn =
	    conn_of(server, evhttp_request_get_connection(evreq));
	struct net_request *request;
	size_t len =
	    evbuffer_get_length(evhttp_request_get_input_buffer(evreq));

	hm_assert(conn); /* who has none is ended before its first byte */
	mute(conn->bev);
	if (conn->gate.state != GATE_WHOLE || len != conn->gate.head.length) {
		answer_error(conn, evreq,
		    conn->gate.err != HM_OK ? conn->gate.err : HM_E_HTTP);
		return;
	}
	if (conn->ssl && clock_now_s() > conn->peer.not_after_s) {
		answer_error(conn, evreq, HM_E_CERT_DATES);
		return;
	}
	request = new_request(conn, evreq);
	if (!request) {
		answer_error(conn, evreq, HM_E_NO_MEMORY);
		return;
	}
	conn_enter(conn, CONN_WORK);
	if (server->counts.requests > server->limits.requests)
		net_reply_error(request, HM_E_BUSY);
	else
		conn->route->handle(server->config.context, request);
}

void
net_reply(struct net_request *request, int status, const char *type,
    struct hm_bytes body)
{
	struct conn *conn = request->conn;
	struct evhttp_request *evreq = request->evreq;

	detach(request);
	if (conn) {
		conn->server->counts.served++;
		answer(conn, evreq, status, type, body,
		    conn->gate.head.close || conn->server->stopping);
	}
	free(request); /* only now: type and body may lie in it */
}

void
net_reply_error(struct net_request *request, hm_err err)
{
	AUTO(buf) struct buf body;
	const char *type = "";

	buf_init(&body, PROBLEM_MAX);
	if (request->server)
		type = server_problem(request->server, err, &body);
	net_reply(request, err_info(err)->http, type, buf_bytes(&body));
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

static void
set_http(struct net_server *server)
{
	size_t max_body = 0;

	for (size_t i = 0; i < server->config.routes_count; i++)
		if (server->config.routes[i].max_body > max_body)
			max_body = server->config.routes[i].max_body;
	evhttp_set_max_headers_size(server->http, EVHTTP_HEAD_MAX);
	evhttp_set_max_body_size(server->http, (ev_ssize_t)max_body + 1);
	evhttp_set_allowed_methods(
	    server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_default_content_type(server->http, NULL);
	evhttp_set_bevcb(server->http, conn_new, server);
	evhttp_set_gencb(server->http, on_request, server);
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
	TAILQ_INIT(&server->requests);
	places_init(&server->places);
	set_limits(server, &config->limits);
	server->drained = evtimer_new(base, on_drained, server);
	server->again = evtimer_new(base, on_again, server);
	server->shed = evtimer_new(base, on_shed, server);
	server->spare = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	server->http = evhttp_new(base);
	if (!server->drained || !server->again || !server->shed ||
	    !server->spare || !server->http)
		return WHY(why, HM_E_NO_MEMORY, "no memory for the server");
	accept_later(server); /* takes what timers need, while it is there */
	set_http(server);
	server->other = servers;
	servers = server;
	*ret = server;
	server = NULL;
	return HM_OK;
}

hm_err
net_server_listen(struct net_server *server, int fd, struct why *why)
{
	struct evhttp_bound_socket *bound =
	    evhttp_accept_socket_with_handle(server->http, fd);

	if (!bound)
		return WHY(why, HM_E_NO_MEMORY, "cannot listen");
	evconnlistener_set_error_cb(
	    evhttp_bound_socket_get_listener(bound), on_accept_error);
	return HM_OK;
}

static void
find_bound(struct evhttp_bound_socket *bound, void *context)
{
	struct evhttp_bound_socket **ret = context;

	*ret = bound;
}

static void
stop_listening(struct net_server *server)
{
	for (;;) {
		struct evhttp_bound_socket *bound = NULL;

		evhttp_foreach_bound_socket(server->http, find_bound, &bound);
		if (!bound)
			return;
		evhttp_del_accept_socket(server->http, bound);
	}
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
		if (conn->evcon &&
		    (conn->state == CONN_IDLE || conn->state == CONN_HANDSHAKE))
			conn_end(conn);
	}
	server_count_changed(server);
}

void
net_server_free(struct net_server *server)
{
	struct net_request *request;
	struct conn *conn;
	struct evhttp *http;
	struct net_server **at = &servers;

	if (!server)
		return;
	while (*at && *at != server)
		at = &(*at)->other;
	if (*at)
		*at = server->other;
	server->stopping = false;
	if (server->spare_is_out)
		on_shed(-1, 0, server);
	http = server->http;
	if (http)
		stop_listening(server);
	server->http = NULL;
	if (http)
		evhttp_free(http); /* ends all connections it has told us of */
	while ((conn = TAILQ_FIRST(&server->conns)) != NULL)
		conn_free(conn);
	while ((request = TAILQ_FIRST(&server->requests)) != NULL) {
		TAILQ_REMOVE(&server->requests, request, next);
		request->server = NULL;
	}
	if (server->drained)
		event_free(server->drained);
	if (server->again)
		event_free(server->again);
	if (server->shed)
		event_free(server->shed);
	if (server->spare)
		bufferevent_free(server->spare);
	free(server);
}

struct net_counts
net_server_counts(const struct net_server *server)
{
	return server->counts;
}
