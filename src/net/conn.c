/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>

#include "base/auto.h"
#include "base/errtext.h"
#include "core/check.h"
#include "net/places.h"

#define PROBLEM_MAX 4096
#define LINGER_MS 1000 /* for the client to read a refusal */

static struct timeval
time_of(unsigned ms)
{
	return (struct timeval){ .tv_sec = ms / 1000,
		.tv_usec = (ms % 1000) * 1000 };
}

void
conn_enter(struct conn *conn, conn_state state)
{
	unsigned ms = conn->server->deadline_ms[state];
	struct timeval after = time_of(ms);

	conn->state = state;
	if (conn->woken) /* a new deadline would call that off */
		return;
	if (ms)
		evtimer_add(conn->timer, &after);
	else
		evtimer_del(conn->timer);
}

/* Let the timer fire in the next turn of the loop. */
static void
wake(struct conn *conn)
{
	event_active(conn->timer, EV_TIMEOUT, 0);
}

static void
wake_to(struct conn *conn, void (*woken)(struct conn *conn))
{
	conn->woken = woken;
	wake(conn);
}

void
conn_end(struct conn *conn)
{
	bufferevent_event_cb told = conn->told;
	void *arg;

	if (conn->state != CONN_CLOSING) {
		bufferevent_getcb(conn->bev, NULL, NULL, &told, &arg);
		hm_assert(arg == conn->evcon);
	}
	told(conn->bev, BEV_EVENT_READING | BEV_EVENT_EOF, conn->evcon);
}

/* CLOSING: what comes is of no interest. */
static void
throw_away(struct bufferevent *bev, void *context)
{
	struct evbuffer *input = bufferevent_get_input(bev);

	(void)context;
	evbuffer_drain(input, evbuffer_get_length(input));
}

/* Not after a fatal error, and OpenSSL's queue stays clean. */
static void
notify_close(SSL *ssl)
{
	if (ssl && SSL_is_init_finished(ssl))
		SSL_shutdown(ssl);
	ERR_clear_error();
}

/* CLOSING: the refusal has left; the client reads it, then hangs up. A close
 * now would make the kernel reset the connection, and the refusal be lost. */
static void
say_goodbye(struct bufferevent *bev, void *context)
{
	struct conn *conn = context;
	struct timeval linger = time_of(LINGER_MS);

	if (!conn->answered)
		return;
	if (conn->deaf) {
		conn_end(conn);
		return;
	}
	notify_close(conn->ssl);
	shutdown(bufferevent_getfd(bev), SHUT_WR);
	evtimer_add(conn->timer, &linger);
}

/* CLOSING: the client has hung up. If it only ended its own side, the refusal
 * still goes out. */
static void
hung_up(struct bufferevent *bev, short what, void *context)
{
	struct conn *conn = context;
	bool sent = conn->answered &&
		    evbuffer_get_length(bufferevent_get_output(bev)) == 0;

	if ((what & BEV_EVENT_EOF) && !conn->deaf && !sent) {
		conn->deaf = true;
		bufferevent_disable(bev, EV_READ);
		bufferevent_enable(bev, EV_WRITE);
	} else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
		conn_end(conn);
	}
}

static void
take_over(struct conn *conn)
{
	void *arg;

	bufferevent_getcb(conn->bev, NULL, NULL, &conn->told, &arg);
	hm_assert(arg == conn->evcon);
	bufferevent_setcb(conn->bev, throw_away, say_goodbye, hung_up, conn);
	conn_enter(conn, CONN_CLOSING);
}

static void
send_refusal(struct conn *conn)
{
	hm_err err = conn->gate.err;
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	AUTO(buf) struct buf body;
	const char *type;

	buf_init(&body, PROBLEM_MAX);
	type = server_problem(conn->server, err, &body);
	evbuffer_add_printf(out,
	    "HTTP/1.1 %d Refused\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\nCache-Control: no-store\r\n"
	    "Connection: close\r\n\r\n",
	    err_info(err)->http, type, body.len);
	evbuffer_add(out, body.ptr, body.len);
	throw_away(conn->bev, conn);
	conn->answered = true;
	conn->server->counts.refused++;
	conn_enter(conn, CONN_CLOSING);
	bufferevent_enable(
	    conn->bev, conn->deaf ? EV_WRITE : EV_READ | EV_WRITE);
}

/* The gate refused while evhttp had its turn. It may have begun an answer of
 * its own since, which closes the connection just as well. */
static void
refuse_late(struct conn *conn)
{
	if (evbuffer_get_length(bufferevent_get_output(conn->bev))) {
		conn_enter(conn, CONN_SEND);
		return;
	}
	take_over(conn);
	send_refusal(conn);
}

/* The input from `offset` on goes through the gate. */
static void
feed(struct conn *conn, size_t offset)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	size_t len = evbuffer_get_length(input), took = 1;

	while (offset < len && took) {
		struct evbuffer_ptr at;
		struct evbuffer_iovec chunk;

		if (evbuffer_ptr_set(input, &at, offset, EVBUFFER_PTR_SET) ||
		    evbuffer_peek(input, -1, &at, &chunk, 1) < 1)
			break;
		took = gate_feed(&conn->gate,
		    (struct hm_bytes){ chunk.iov_base, chunk.iov_len });
		offset += took;
	}
	if (conn->gate.state == GATE_HEAD && conn->state == CONN_IDLE)
		conn_enter(conn, CONN_HEAD);
	if (conn->gate.state == GATE_BODY && conn->state != CONN_BODY)
		conn_enter(conn, CONN_BODY);
}

/* Bytes came, evhttp has not seen them yet. Behind a whole request they wait
 * for conn_answered(). */
static void
watch_bytes(
    struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
	struct conn *conn = context;

	if (!info->n_added || conn->state == CONN_CLOSING ||
	    conn->gate.state == GATE_WHOLE || conn->gate.state == GATE_REFUSED)
		return;
	feed(conn, evbuffer_get_length(input) - info->n_added);
	if (conn->gate.state == GATE_REFUSED) {
		take_over(conn);
		wake_to(conn, send_refusal);
	}
}

void
conn_answered(struct conn *conn)
{
	gate_next(&conn->gate);
	conn_enter(conn, CONN_IDLE);
	if (conn->server->stopping) {
		wake_to(conn, conn_end);
		return;
	}
	feed(conn, 0);
	if (conn->gate.state == GATE_REFUSED)
		wake_to(conn, refuse_late);
}

void
conn_free(struct conn *conn)
{
	struct net_server *server = conn->server;

	TAILQ_REMOVE(&server->conns, conn, next);
	places_leave(&server->places, conn);
	server->counts.connections--;
	event_free(conn->timer);
	gate_done(&conn->gate);
	if (conn->ssl)
		SSL_set_app_data(conn->ssl, NULL);
	if (!conn->evcon)
		bufferevent_decref(conn->bev);
	free(conn);
	server_count_changed(server);
}

/* evhttp is about to free the connection; its bufferevent lives a little
 * longer, and may even get bytes. */
static void
on_close(struct evhttp_connection *evcon, void *context)
{
	struct conn *conn = context;
	struct net_request *request = conn->request;

	(void)evcon;
	evbuffer_remove_cb_entry(bufferevent_get_input(conn->bev), conn->watch);
	notify_close(conn->ssl);
	if (request) {
		if (!evhttp_request_get_connection(request->evreq))
			evhttp_request_free(request->evreq);
		request->conn = NULL;
		request->evreq = NULL;
	}
	conn_free(conn);
}

/* Somebody else goes, or it does. */
static void
make_room(struct conn *conn, struct conn *instead)
{
	conn->server->counts.refused++;
	conn_end(instead ? instead : conn);
}

/* A newcomer finds a place, or gets that of an older stranger; false if it had
 * to go. */
static bool
take_place(struct conn *conn)
{
	struct net_server *server = conn->server;
	struct places *places = &server->places;
	struct conn *other;

	places_enter(places, conn);
	if (places_of_host(places, conn) >
	    server->limits.connections_per_address) {
		other = places_stranger_of_host(places, conn);
		make_room(conn, other);
		if (!other)
			return false;
	}
	if (server->counts.connections > server->limits.connections) {
		other = places_stranger(places, conn);
		make_room(conn, other);
		if (!other)
			return false;
	}
	return true;
}

struct evhttp_connection *
conn_adopter(struct bufferevent *bev)
{
	bufferevent_event_cb told;
	void *arg;

	bufferevent_getcb(bev, NULL, NULL, &told, &arg);
	if (told) {
		hm_assert(evhttp_connection_get_bufferevent(arg) == bev);
		return arg;
	}
	/* It had no memory itself. The bufferevent it has freed, unless it did
	 * not even come to give it the socket. */
	if (bufferevent_getfd(bev) < 0)
		bufferevent_free(bev);
	return NULL;
}

/* First turn after accept: now evhttp has made its own of it. */
static void
greet(struct conn *conn)
{
	struct net_server *server = conn->server;
	socklen_t len = sizeof conn->from;

	conn->evcon = conn_adopter(conn->bev);
	if (!conn->evcon) {
		conn_free(conn);
		return;
	}
	bufferevent_decref(conn->bev);
	evhttp_connection_set_closecb(conn->evcon, on_close, conn);
	conn->watch = evbuffer_add_cb(
	    bufferevent_get_input(conn->bev), watch_bytes, conn);
	conn_enter(conn, conn->ssl ? CONN_HANDSHAKE : CONN_IDLE);
	if (!conn->watch || server->stopping ||
	    getpeername(bufferevent_getfd(conn->bev),
		(struct sockaddr *)&conn->from, &len) != 0) {
		conn_end(conn);
		return;
	}
	if (!take_place(conn))
		return;
	if (!conn->ssl) /* nobody can prove anything */
		places_prove(&server->places, conn);
	server_count_changed(server);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct conn *conn = context;
	void (*woken)(struct conn *) = conn->woken;

	(void)fd;
	(void)what;
	conn->woken = NULL;
	if (woken) {
		woken(conn);
		return;
	}
	if (conn->state != CONN_IDLE && conn->state != CONN_CLOSING)
		conn->server->counts.too_slow++;
	conn_end(conn);
}

/* From a callback of OpenSSL, so those that have to go do so in the next turn.
 */
static void
meet(struct conn *conn)
{
	struct net_server *server = conn->server;
	struct places *places = &server->places;
	struct conn *other;

	if (tls_peer(conn->ssl, &conn->peer) != HM_OK) {
		wake_to(conn, conn_end);
		return;
	}
	places_prove(places, conn);
	if (places_of_peer(places, conn) >
	    server->limits.connections_per_address) {
		other = places_idle_of_peer(places, conn);
		server->counts.refused++;
		wake_to(other ? other : conn, conn_end);
	}
	server_count_changed(server);
}

static void
on_tls(const SSL *ssl, int where, int value)
{
	struct conn *conn = SSL_get_app_data(ssl);

	(void)value;
	if (!conn || !(where & SSL_CB_HANDSHAKE_DONE) ||
	    conn->state != CONN_HANDSHAKE)
		return;
	conn->server->counts.resumed += SSL_session_reused(ssl) == 1;
	conn_enter(conn, CONN_IDLE);
	meet(conn);
}

/* NULL if there is no memory; then `conn` is as before. */
static struct bufferevent *
new_bufferevent(struct conn *conn, struct event_base *base)
{
	struct net_tls *tls = conn->server->config.tls;
	struct bufferevent *bev;
	SSL *ssl;

	if (!tls)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(tls->ctx);
	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(
	    base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_app_data(ssl, conn);
	SSL_set_info_callback(ssl, on_tls);
	conn->ssl = ssl;
	return bev;
}

/* NULL: no memory. */
static struct conn *
make(struct net_server *server, struct event_base *base)
{
	struct conn *conn = calloc(1, sizeof *conn);

	if (!conn)
		return NULL;
	conn->server = server;
	conn->timer = evtimer_new(base, on_timer, conn);
	conn->bev = conn->timer ? new_bufferevent(conn, base) : NULL;
	if (!conn->bev) {
		if (conn->timer)
			event_free(conn->timer);
		free(conn);
		return NULL;
	}
	return conn;
}

struct bufferevent *
conn_new(struct event_base *base, void *context)
{
	struct net_server *server = context;
	struct conn *conn = make(server, base);

	if (!conn)
		return server_shed(server);
	gate_init(&conn->gate, server_judge, conn);
	bufferevent_incref(conn->bev);
	TAILQ_INSERT_TAIL(&server->conns, conn, next);
	server->counts.connections++;
	server->counts.accepted++;
	server_count_changed(server);
	wake_to(conn, greet);
	return conn->bev;
}

struct conn *
conn_of(struct net_server *server, struct evhttp_connection *evcon)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	struct conn *conn;

	if (ssl || server->config.tls)
		return ssl ? SSL_get_app_data(ssl) : NULL;
	TAILQ_FOREACH(conn, &server->conns, next)
	if (conn->bev == bev)
		return conn;
	return NULL;
}
