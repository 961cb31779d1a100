/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "core/check.h"
#include "net/places.h"

#define LINGER_MS 1000 /* for the client to read a refusal */
#define READ_MAX 16384 /* bytes at once: what a TLS record holds */
#define ANSWER_MAX (16u * 1024 * 1024)

static struct timeval
time_of(unsigned ms)
{
	return (struct timeval){ .tv_sec = ms / 1000,
		.tv_usec = (ms % 1000) * 1000 };
}

/* Enter a state and start its deadline. */
static void
enter(struct conn *conn, conn_state state)
{
	unsigned ms = conn->server->deadline_ms[state];
	struct timeval after = time_of(ms);

	conn->state = state;
	if (ms)
		evtimer_add(&conn->timer, &after);
	else
		evtimer_del(&conn->timer);
}

static void
hear(struct conn *conn, bool on)
{
	if (on == conn->hears)
		return;
	conn->hears = on;
	if (on)
		event_add(&conn->reads, NULL);
	else
		event_del(&conn->reads);
}

static void
drop_request(struct conn *conn)
{
	struct net_request *request = conn->request;

	conn->request = NULL;
	if (!request)
		return;
	if (conn->state == CONN_WORK || request->asked) {
		request->conn = NULL; /* the handler has it */
		return;
	}
	if (request->next_part)
		request->next_part(request->context, true);
	free(request);
}

void
conn_end(struct conn *conn)
{
	struct net_server *server = conn->server;

	if (conn->state == CONN_OVER)
		return;
	drop_request(conn);
	conn->state = CONN_OVER;
	event_del(&conn->reads);
	event_del(&conn->writes);
	event_del(&conn->timer);
	stream_done(&conn->stream);
	places_leave(&server->places, conn);
	TAILQ_REMOVE(&server->conns, conn, next);
	TAILQ_INSERT_TAIL(&server->over, conn, next);
	server->counts.connections--;
	event_active(&conn->timer, EV_TIMEOUT, 0);
	server_count_changed(server);
}

void
conn_free(struct conn *conn)
{
	hm_assert(conn->state == CONN_OVER);
	TAILQ_REMOVE(&conn->server->over, conn, next);
	event_del(&conn->timer);
	gate_done(&conn->gate);
	buf_done(&conn->ahead);
	buf_done(&conn->out);
	free(conn);
}

/* ---- out ---- */

static void
sent(struct conn *conn)
{
	struct timeval linger = time_of(LINGER_MS);

	buf_done(&conn->out);
	conn->out_done = 0;
	if (conn->request) { /* the next part; its handler has a stack of its
				own */
		event_active(&conn->writes, EV_WRITE, 0);
	} else if (conn->state == CONN_CLOSING && !conn->deaf) {
		stream_shut(&conn->stream);
		evtimer_add(&conn->timer, &linger);
	} else if (conn->closes || conn->server->stopping) {
		conn_end(conn);
	} else {
		gate_next(&conn->gate);
		enter(conn, CONN_IDLE);
		hear(conn, true);
		if (conn->ahead.len || stream_has_more(&conn->stream))
			event_active(&conn->reads, EV_READ, 0);
	}
}

/* As much of `bytes` as goes; the rest waits. False: it is at an end. */
static bool
push(struct conn *conn, struct hm_bytes *bytes)
{
	while (bytes->len) {
		size_t n = 0;
		stream_state state = stream_write(&conn->stream, *bytes, &n);

		if (state == STREAM_AGAIN)
			return true;
		if (state != STREAM_OK) {
			conn_end(conn);
			return false;
		}
		bytes->ptr += n;
		bytes->len -= n;
	}
	return true;
}

/* What waits goes on. */
static void
flush(struct conn *conn)
{
	struct hm_bytes rest = { conn->out.ptr + conn->out_done,
		conn->out.len - conn->out_done };

	if (!push(conn, &rest))
		return;
	conn->out_done = conn->out.len - rest.len;
	if (rest.len)
		event_add(&conn->writes, NULL);
	else
		sent(conn);
}

/* The client has taken all that there was: the handler is asked for more. */
static void
ask_for_more(struct conn *conn)
{
	struct net_request *request = conn->request;

	if (request->asked)
		return;
	request->asked = true;
	evtimer_del(&conn->timer);
	request->next_part(request->context, false);
}

/* `state` is what it is in while something waits. */
static void
send_from(struct conn *conn, struct hm_bytes bytes, conn_state state)
{
	if (!push(conn, &bytes))
		return;
	buf_init(&conn->out, ANSWER_MAX);
	if (bytes.len && buf_add(&conn->out, bytes) != HM_OK) {
		conn_end(conn);
		return;
	}
	if (bytes.len || state == CONN_CLOSING)
		enter(conn, state);
	if (bytes.len)
		event_add(&conn->writes, NULL);
	else
		sent(conn);
}

/* Head and body, or its first part, from WORK on. */
static void
send_both(struct conn *conn, struct hm_bytes head, struct hm_bytes body)
{
	static uint8_t room[2 * READ_MAX]; /* both leave as one record */
	AUTO(buf) struct buf large = { .max = ANSWER_MAX };
	struct hm_bytes all = { room, head.len + body.len };

	if (all.len <= sizeof room) {
		memcpy(room, head.ptr, head.len);
		if (body.len)
			memcpy(room + head.len, body.ptr, body.len);
	} else if (buf_add(&large, head) == HM_OK &&
		   buf_add(&large, body) == HM_OK) {
		all = buf_bytes(&large);
	} else {
		conn_end(conn);
		return;
	}
	send_from(conn, all, CONN_SEND);
}

void
conn_answer(
    struct conn *conn, struct hm_bytes head, struct hm_bytes body, bool close)
{
	conn->request = NULL;
	conn->closes = close;
	send_both(conn, head, body);
}

void
conn_begin(
    struct conn *conn, struct hm_bytes head, struct hm_bytes part, bool close)
{
	conn->closes = close;
	enter(conn, CONN_SEND);
	send_both(conn, head, part);
}

void
conn_part(struct conn *conn, struct hm_bytes part)
{
	if (conn->request->parts_left == 0)
		conn->request = NULL;
	send_from(conn, part, CONN_SEND);
}

static void
refuse(struct conn *conn, hm_err err)
{
	AUTO(buf) struct buf answer = { 0 };

	drop_request(conn);
	conn->server->counts.refused++;
	if (server_refusal(conn->server, err, &answer) != HM_OK) {
		conn_end(conn);
		return;
	}
	buf_done(&conn->ahead);
	send_from(conn, buf_bytes(&answer), CONN_CLOSING);
}

/* ---- in ---- */

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

/* All that the handler will need, in one piece of memory of its own: it may
 * outlive the connection. */
static struct net_request *
new_request(struct conn *conn)
{
	const struct head *head = &conn->gate.head;
	struct net_request *request =
	    malloc(sizeof *request + head->path.len + head->query.len +
		   head->type.len + 3 + (size_t)head->length);
	char *at;

	if (!request)
		return NULL;
	*request = (struct net_request){ .conn = conn,
		.server = conn->server,
		.method = head->method,
		.peer = conn->peer };
	at = request->text;
	request->path = put_text(&at, head->path);
	request->query = put_text(&at, head->query);
	request->type = put_text(&at, head->type);
	request->body_at = (uint8_t *)at;
	request->body =
	    (struct hm_bytes){ request->body_at, (size_t)head->length };
	return request;
}

/* The gate has taken `took` bytes, whose last belong to the body. */
static hm_err
keep_body(struct conn *conn, struct hm_bytes took)
{
	struct net_request *request = conn->request;
	size_t have = (size_t)(conn->gate.head.length - conn->gate.left), n;

	if (!request)
		request = conn->request = new_request(conn);
	if (!request)
		return HM_E_NO_MEMORY;
	n = have - request->body_have;
	hm_assert(n <= took.len && have <= request->body.len);
	if (n)
		memcpy(request->body_at + request->body_have,
		    took.ptr + took.len - n, n);
	request->body_have = have;
	return HM_OK;
}

/* A request is whole. */
static hm_err
hand_over(struct conn *conn, struct hm_bytes rest)
{
	AUTO(buf) struct buf ahead = { .max = READ_MAX };

	/* `rest` may lie in what was ahead before */
	HM_TRY(buf_add(&ahead, rest));
	buf_done(&conn->ahead);
	conn->ahead = ahead;
	ahead = (struct buf){ 0 };
	HM_TRY(server_check(conn));
	enter(conn, CONN_WORK);
	server_take(conn);
	return HM_OK;
}

/* Bytes go through the gate, up to the end of a request. */
static hm_err
pass(struct conn *conn, struct hm_bytes bytes)
{
	struct gate *gate = &conn->gate;
	size_t took = gate_feed(gate, bytes);

	if (gate->state == GATE_REFUSED)
		return gate->err;
	if (gate->state == GATE_BODY || gate->state == GATE_WHOLE)
		HM_TRY(keep_body(conn, (struct hm_bytes){ bytes.ptr, took }));
	if (gate->state == GATE_WHOLE)
		return hand_over(conn,
		    (struct hm_bytes){ bytes.ptr + took, bytes.len - took });
	if (gate->state == GATE_HEAD && conn->state == CONN_IDLE)
		enter(conn, CONN_HEAD);
	if (gate->state == GATE_BODY && conn->state != CONN_BODY)
		enter(conn, CONN_BODY);
	return HM_OK;
}

static bool
is_listening(const struct conn *conn)
{
	return conn->state == CONN_IDLE || conn->state == CONN_HEAD ||
	       conn->state == CONN_BODY;
}

/* True: a request was found, or refused. */
static bool
feed(struct conn *conn, struct hm_bytes bytes)
{
	hm_err err = pass(conn, bytes);

	if (err != HM_OK)
		refuse(conn, err);
	return err != HM_OK || !(conn->gate.state == GATE_HEAD ||
				   conn->gate.state == GATE_BODY);
}

static bool
feed_ahead(struct conn *conn)
{
	struct buf ahead = conn->ahead;
	bool found;

	conn->ahead = (struct buf){ 0 };
	found = feed(conn, buf_bytes(&ahead));
	buf_done(&ahead);
	return found;
}

/* One request at a time: others have their turn before the next one. */
static void
take_in(struct conn *conn)
{
	static uint8_t room[READ_MAX];
	struct hm_bytes bytes = { room, 0 };
	bool found = conn->ahead.len && feed_ahead(conn);

	while (!found) {
		stream_state state = stream_read(&conn->stream,
		    (struct hm_span){ room, sizeof room }, &bytes.len);

		if (state == STREAM_AGAIN)
			return;
		if (state != STREAM_OK) {
			conn_end(conn);
			return;
		}
		found = feed(conn, bytes);
	}
}

/* CLOSING: what comes is of no interest but for the end. If the client only
 * ended its own side, the refusal still goes out. */
static void
throw_away(struct conn *conn)
{
	static uint8_t room[READ_MAX];
	stream_state state = STREAM_OK;
	size_t n;

	while (state == STREAM_OK)
		state = stream_read(
		    &conn->stream, (struct hm_span){ room, sizeof room }, &n);
	if (state == STREAM_AGAIN)
		return;
	if (state == STREAM_END && conn->out.len) {
		conn->deaf = true;
		hear(conn, false);
	} else {
		conn_end(conn);
	}
}

/* ---- who is there? ---- */

/* Somebody else goes, or it does. */
static void
make_room(struct conn *conn, struct conn *instead)
{
	conn->server->counts.refused++;
	conn_end(instead ? instead : conn);
}

/* A newcomer finds a place, or gets that of an older stranger, or has to go. */
static void
take_place(struct conn *conn)
{
	struct net_server *server = conn->server;
	struct places *places = &server->places;

	places_enter(places, conn);
	if (places_of_host(places, conn) >
	    server->limits.connections_per_address)
		make_room(conn, places_stranger_of_host(places, conn));
	if (conn->state != CONN_OVER &&
	    server->counts.connections > server->limits.connections)
		make_room(conn, places_stranger(places, conn));
}

/* The handshake is over. */
static void
meet(struct conn *conn)
{
	struct net_server *server = conn->server;
	struct places *places = &server->places;

	server->counts.resumed += SSL_session_reused(conn->stream.ssl) == 1;
	if (tls_peer(conn->stream.ssl, &conn->peer) != HM_OK) {
		conn_end(conn);
		return;
	}
	places_prove(places, conn);
	enter(conn, CONN_IDLE);
	if (places_of_peer(places, conn) >
	    server->limits.connections_per_address)
		make_room(conn, places_idle_of_peer(places, conn));
	server_count_changed(server);
	if (conn->state == CONN_IDLE)
		take_in(conn);
}

static void
shake(struct conn *conn)
{
	stream_state state = stream_shake(&conn->stream);

	if (state == STREAM_OK) {
		meet(conn);
		return;
	}
	if (state != STREAM_AGAIN) {
		conn_end(conn);
		return;
	}
	if (stream_has_hello(&conn->stream))
		places_greet(&conn->server->places, conn);
	if (conn->stream.wants_write)
		event_add(&conn->writes, NULL);
}

/* ---- events ---- */

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct conn *conn = context;

	(void)fd;
	(void)what;
	if (conn->state == CONN_HANDSHAKE)
		shake(conn);
	else if (conn->state == CONN_CLOSING)
		throw_away(conn);
	else if (is_listening(conn))
		take_in(conn);
	else
		hear(conn, false); /* until the answer is out */
}

static void
on_writable(evutil_socket_t fd, short what, void *context)
{
	struct conn *conn = context;

	(void)fd;
	(void)what;
	if (conn->state == CONN_HANDSHAKE)
		shake(conn);
	else if (conn->state == CONN_SEND && conn->out.len == 0)
		ask_for_more(conn);
	else
		flush(conn);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct conn *conn = context;

	(void)fd;
	(void)what;
	if (conn->state == CONN_OVER) {
		conn_free(conn);
		return;
	}
	if (conn->state != CONN_IDLE && conn->state != CONN_CLOSING)
		conn->server->counts.too_slow++;
	conn_end(conn);
}

/* ---- a new one ---- */

static hm_err
set_events(struct conn *conn, conn_state state)
{
	struct event_base *base = conn->server->base;
	struct timeval after = time_of(conn->server->deadline_ms[state]);
	int fd = conn->stream.fd;

	if (event_assign(&conn->reads, base, fd, EV_READ | EV_PERSIST,
		on_readable, conn) != 0 ||
	    event_assign(
		&conn->writes, base, fd, EV_WRITE, on_writable, conn) != 0 ||
	    evtimer_assign(&conn->timer, base, on_timer, conn) != 0 ||
	    evtimer_add(&conn->timer, &after) != 0)
		return HM_E_NO_MEMORY;
	if (event_add(&conn->reads, NULL) != 0) {
		evtimer_del(&conn->timer);
		return HM_E_NO_MEMORY;
	}
	conn->state = state;
	conn->hears = true;
	return HM_OK;
}

hm_err
conn_new(struct net_server *server, int fd, const struct sockaddr_storage *from,
    socklen_t from_len)
{
	struct net_tls *tls = server->config.tls;
	struct conn *conn = calloc(1, sizeof *conn);

	if (!conn ||
	    stream_init(&conn->stream, fd, tls ? tls->ctx : NULL) != HM_OK) {
		free(conn);
		close(fd);
		return HM_E_NO_MEMORY;
	}
	conn->server = server;
	memcpy(&conn->from, from, from_len);
	if (set_events(conn, tls ? CONN_HANDSHAKE : CONN_IDLE) != HM_OK) {
		stream_done(&conn->stream);
		free(conn);
		return HM_E_NO_MEMORY;
	}
	gate_init(&conn->gate, server_judge, conn);
	TAILQ_INSERT_TAIL(&server->conns, conn, next);
	server->counts.connections++;
	server->counts.accepted++;
	take_place(conn);
	if (!tls && conn->state != CONN_OVER) /* nobody can prove anything */
		places_prove(&server->places, conn);
	server_count_changed(server);
	return HM_OK;
}
