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
 * An answer in parts stays in SEND, with the deadline anew for each part; its
 * request is the connection's until the last one is there.
 *
 * and from anywhere but WORK to CLOSING: a refusal is sent and what still comes
 * is thrown away, so that the client reads the refusal: a close at once would
 * make the kernel reset the connection. WORK has no deadline: the handler
 * answers. States that are over within one turn of the loop (a request that
 * came whole, an answer that the socket took) are not entered.
 *
 * What a client sends behind a request waits, at most as much as one read gave;
 * then the socket is not read until the answer is out.
 *
 * A connection ends by conn_end(): from then on it counts no more and gets no
 * event; its memory goes in the next turn, when nobody on the stack uses it.
 *
 * Room-internal.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "net/gate.h"
#include "net/stream.h"
#include "net/tls.h"

typedef enum conn_state {
	CONN_HANDSHAKE,
	CONN_IDLE,
	CONN_HEAD,
	CONN_BODY,
	CONN_WORK,
	CONN_SEND,
	CONN_CLOSING, /* a refusal goes out, or is out */
	CONN_OVER,
	CONN_STATES,
} conn_state;

typedef enum conn_place {
	PLACE_NONE,
	PLACE_STRANGER, /* has said nothing that makes sense yet */
	PLACE_GREETED,  /* a whole ClientHello was answered */
	PLACE_KNOWN,    /* the handshake has ended */
} conn_place;

struct net_request {
	struct conn *conn;         /* NULL: it has gone */
	struct net_server *server; /* NULL: freed */
	TAILQ_ENTRY(net_request) next;
	net_method method;
	struct net_peer peer;
	const char *path, *query, *type; /* in `text` */
	struct hm_bytes body;            /* in `text` */
	net_next *next_part;             /* an answer in parts is under way */
	void *context;                   /* of it */
	size_t parts_left;               /* bytes of the answer not given yet */
	bool asked;                      /* the handler owes the next part */
	uint8_t *body_at;                /* where more of it goes */
	size_t body_have;
	char text[];
};

struct conn {
	struct net_server *server;
	struct stream stream;
	struct event reads, writes, timer;
	TAILQ_ENTRY(conn) next, next_in_queue, next_of_host, next_of_peer;
	conn_place place; /* net/places.h, as the last three */
	conn_state state;
	bool hears;  /* `reads` is on */
	bool closes; /* the answer under way is the last */
	bool deaf;   /* CLOSING: the client will send no more */
	struct gate gate;
	const struct net_route *route; /* of the request at the gate */
	struct net_request *request;   /* from BODY to WORK */
	struct buf ahead;              /* what came behind it */
	struct buf out;                /* what the socket did not take yet */
	size_t out_done;               /* bytes of it that it took */
	struct sockaddr_storage from;
	struct net_peer peer;
};

TAILQ_HEAD(conns, conn);
TAILQ_HEAD(requests, net_request);

#define PLACES_BUCKETS 256

struct places {
	/* In the order in which they became it. */
	struct conns strangers, greeted;
	unsigned stranger_count, greeted_count;
	struct conns hosts[PLACES_BUCKETS], peers[PLACES_BUCKETS];
};

struct listener {
	struct net_server *server;
	struct listener *next;
	int fd; /* owned */
	struct event event;
};

struct net_server {
	struct event_base *base;
	struct net_server_config config;
	struct net_limits limits;
	unsigned deadline_ms[CONN_STATES];
	struct listener *listeners;
	struct conns conns, over; /* over: to be freed */
	struct places places;
	struct requests requests;
	struct net_counts counts;
	struct event *drained; /* fires once nothing is left */
	struct event *again;   /* accepts again after a lack of descriptors */
	void (*drained_call)(void *context);
	bool stopping;
};

/* A client has come; `fd` is its connection's from now on, in any case.
 * HM_E_NO_MEMORY: closed. */
HM_MUST hm_err conn_new(struct net_server *server, int fd,
    const struct sockaddr_storage *from, socklen_t from_len);
/* Send the answer to the request in WORK; head and body are copied. */
void conn_answer(
    struct conn *conn, struct hm_bytes head, struct hm_bytes body, bool close);
/* The beginning of an answer in parts: conn->request has the rest. */
void conn_begin(
    struct conn *conn, struct hm_bytes head, struct hm_bytes part, bool close);
/* The next part of it. */
void conn_part(struct conn *conn, struct hm_bytes part);
/* End it now. */
void conn_end(struct conn *conn);
/* Give back the memory of one that has ended. */
void conn_free(struct conn *conn);

/* Asked of the server by its connections. */
hm_err server_judge(void *conn, const struct head *head);
/* May the peer still ask? HM_E_CERT_DATES */
HM_MUST hm_err server_check(const struct conn *conn);
/* conn->request is whole: give it to its handler. */
void server_take(struct conn *conn);
/* Accept again or no more, according to the counts; tell when drained. */
void server_count_changed(struct net_server *server);
/* The whole answer of a refusal, with `Connection: close`. */
HM_MUST hm_err server_refusal(
    struct net_server *server, hm_err err, struct buf *ret);
