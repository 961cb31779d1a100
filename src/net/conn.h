/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * conn - one connection of a server: its state, its deadline, its gate
 *
 *	            TLS done         first byte       head read
 *	HANDSHAKE ----------> IDLE ------------> HEAD ---------> BODY
 *	                       ^                                   |
 *	                       |  client took it       whole       v
 *	                      SEND <------------------------------ WORK
 *	                               net_reply
 *
 * and from anywhere but WORK to CLOSING, where we hold the bufferevent instead
 * of evhttp: a refusal is sent, what still comes is thrown away, and the end is
 * told to evhttp as if the client had hung up. That is the one way in which a
 * connection ends, so that evhttp frees what is its own. WORK has no deadline:
 * the handler answers.
 *
 * How we get in between, with public calls of libevent 2.1 only:
 * - bytes: a callback on the input evbuffer runs before evhttp's read callback;
 * - end: evhttp_connection_set_closecb. The evhttp_connection is the argument
 *of the callbacks that evhttp has set (bufferevent_getcb), known right after
 *   accept, and checked;
 * - taking over: bufferevent_setcb. evhttp sets its own again whenever it
 *starts to read or to write, so it is not done while evhttp has a turn.
 *
 * Room-internal.
 */
#include <event2/event.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "net/gate.h"
#include "net/tls.h"

typedef enum conn_state {
	CONN_HANDSHAKE,
	CONN_IDLE,
	CONN_HEAD,
	CONN_BODY,
	CONN_WORK,
	CONN_SEND,
	CONN_CLOSING, /* ours: a refusal goes out, or nothing */
	CONN_STATES,
} conn_state;

typedef enum conn_place {
	PLACE_NONE,
	PLACE_STRANGER, /* no handshake yet */
	PLACE_KNOWN,
} conn_place;

struct net_request {
	struct conn *conn;         /* NULL: it has gone */
	struct net_server *server; /* NULL: freed */
	struct evhttp_request *evreq;
	TAILQ_ENTRY(net_request) next;
	net_method method;
	struct net_peer peer;
	const char *path, *query, *type; /* in `text` */
	struct hm_bytes body;            /* in `text` */
	char text[];
};

struct conn {
	struct net_server *server;
	struct bufferevent *bev; /* evhttp's, but for the time of accept */
	struct evhttp_connection *evcon; /* NULL until the first turn */
	SSL *ssl;                        /* the bufferevent's; NULL: plain */
	struct event *timer;
	struct evbuffer_cb_entry *watch;
	TAILQ_ENTRY(conn) next, next_stranger, next_of_host, next_of_peer;
	conn_place place; /* net/places.h, as the last three */
	conn_state state;
	bool answered; /* CLOSING: a refusal was put out */
	bool deaf;     /* CLOSING: the client will send no more */
	/* What the timer is to do when it is woken; NULL: the deadline passed.
	 */
	void (*woken)(struct conn *conn);
	bufferevent_event_cb told; /* CLOSING: evhttp's, to be told the end */
	struct gate gate;
	const struct net_route *route; /* of the request at the gate */
	struct net_request *request;   /* in WORK */
	struct sockaddr_storage from;
	struct net_peer peer;
};

TAILQ_HEAD(conns, conn);
TAILQ_HEAD(requests, net_request);

#define PLACES_BUCKETS 256

struct places {
	struct conns strangers; /* in the order in which they came */
	struct conns hosts[PLACES_BUCKETS], peers[PLACES_BUCKETS];
};

struct net_server {
	struct net_server *other; /* of this process */
	struct event_base *base;
	struct evhttp *http;
	struct net_server_config config;
	struct net_limits limits;
	unsigned deadline_ms[CONN_STATES];
	struct conns conns;
	struct places places;
	struct requests requests;
	struct net_counts counts;
	struct event *drained; /* fires once nothing is left */
	struct event *again;   /* accepts again after a lack of descriptors */
	/* For a connection that there is no memory for; NULL: nothing is
	 * accepted. Once evhttp has it, `shed` ends it. */
	struct bufferevent *spare;
	bool spare_is_out;
	struct event *shed;
	void (*drained_call)(void *context);
	bool stopping;
};

/* For evhttp_set_bevcb; `server` is a struct net_server. Never NULL: evhttp
 * would make a bufferevent of its own, past TLS and the gate. */
struct bufferevent *conn_new(struct event_base *base, void *server);
/* What evhttp made of a bufferevent in the turn before. NULL: it failed, and
 * holds the bufferevent no more. */
struct evhttp_connection *conn_adopter(struct bufferevent *bev);
/* Whose connection is it? */
struct conn *conn_of(struct net_server *server, struct evhttp_connection *ev);
/* Enter a state and start its deadline. */
void conn_enter(struct conn *conn, conn_state state);
/* The answer is out: look at what the client sent meanwhile. */
void conn_answered(struct conn *conn);
/* End it now, as if the client had hung up: `conn` is freed. Not while evhttp
 * has a turn with it. */
void conn_end(struct conn *conn);
/* evhttp let go of it before its first turn (server freed). */
void conn_free(struct conn *conn);

/* Asked of the server by its connections. */
hm_err server_judge(void *conn, const struct head *head);
/* Accept again or no more, according to the counts; tell when drained. */
void server_count_changed(struct net_server *server);
/* No memory for a connection: a bufferevent that takes it from evhttp and is
 * ended in the next turn, before a byte of it is read. */
struct bufferevent *server_shed(struct net_server *server);
/* The body that goes with a refusal, and its Content-Type. */
const char *server_problem(
    const struct net_server *server, hm_err err, struct buf *ret);
