/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * server - HTTPS for machines that know each other: TLS 1.3, both sides named
 *
 * A server lives on an event base of the caller, takes connections from
 * sockets that somebody else opened (net_listen, before the jail), and calls
 * the handler of a route once a whole request is there. The handler answers at
 * once or any time later, on the same thread: net_reply() is safe when the
 * client has gone and when the server has been freed meanwhile.
 *
 * Every byte passes a gate (net/gate.h) that takes one strict form of HTTP/1.1
 * and nothing else: GET and POST, one Content-Length, no Transfer-Encoding, no
 * folded lines, no bare LF, a body no larger than the route allows. What the
 * gate refuses is answered and cut off. Pipelined requests are served one after
 * the other. There is no HTTP library behind it (decision 0005).
 *
 * Every state of a connection has a deadline of its own, which progress does
 * not extend: a client that sends a byte a second is gone after header_ms.
 *
 * Who may do what is not decided here: a handler gets the peer's key and
 * decides. A peer whose certificate does not verify, or has no P-256 key,
 * never gets as far as a request; one that expires meanwhile gets no further,
 * on a kept connection or a resumed session, either. One thread.
 */
#include "base/buf.h"
#include "base/why.h"

struct event_base;

#define NET_POINT_LEN 65  /* 0x04 || x || y, P-256 */
#define NET_DIGEST_LEN 32 /* SHA-256 */
#define NET_ADDRESS_LEN 64

/*
 * A listening socket for "127.0.0.1:8443" or "[::1]:8443" (port 0: any free
 * one): non-blocking, close-on-exec, TCP_NODELAY (TCP stalls for 44 ms
 * without) and SO_REUSEPORT, so that each front has one of its own.
 * HM_E_USAGE for another form, HM_E_UNREACHABLE if it cannot be had.
 */
HM_MUST hm_err net_listen(const char *address, int *ret_fd, struct why *why);
/* The local address of a socket in the form that net_listen takes. HM_E_IO */
HM_MUST hm_err net_local_address(int fd, char ret[static NET_ADDRESS_LEN]);

/* Certificates and key of a server; made before the jail, for it reads files.
 */
struct net_tls;

struct net_tls_files {
	const char *certificate; /* PEM: leaf, then what else is sent with it */
	const char *key;         /* PEM of the leaf's private key */
	const char *client_ca;   /* PEM: who issues client certificates; each
				    may be a sub-CA, clients send a leaf only */
	const char *crl;         /* PEM, may be NULL: nothing is revoked */
	bool small;              /* for devices: TLS 1.2 too (see below) */
};

/*
 * A TLS for small devices has no TLS 1.3. `small` takes TLS 1.2 besides, in one
 * form: ECDHE-ECDSA with AES-128-GCM; no session is kept or resumed, and
 * nothing is negotiated twice, so that what resumption without RFC 7627 allows
 * cannot be tried.
 *
 * HM_E_FILE, HM_E_CERT (not PEM, no certificate), HM_E_KEY (it does not belong
 * to the certificate), HM_E_NO_MEMORY */
HM_MUST hm_err net_tls_load(
    const struct net_tls_files *files, struct net_tls **ret, struct why *why);
/* From now on, these CRLs (PEM) hold instead; all sessions are forgotten, so
 * nobody resumes past them. A CRL beyond its nextUpdate refuses everybody.
 * HM_E_CERT: the old ones still hold. */
HM_MUST hm_err net_tls_set_crl(
    struct net_tls *tls, struct hm_bytes pem, struct why *why);
/* After the server that uses it. NULL is fine. */
void net_tls_free(struct net_tls *tls);

/* Whom the TLS handshake has proven to be there. */
struct net_peer {
	uint8_t point[NET_POINT_LEN];   /* public key of the certificate */
	uint8_t digest[NET_DIGEST_LEN]; /* SHA-256 of the certificate, DER */
	uint64_t not_after_s; /* of the certificate; seconds since 1970 */
};

typedef enum net_method { NET_GET, NET_POST } net_method;

struct net_request;

struct net_route {
	net_method method;
	const char *path; /* exact; or ending with '/': all paths below it */
	size_t max_body;  /* bytes; a GET has none */
	/* Called with a whole request. Must lead to one net_reply(). */
	void (*handle)(void *context, struct net_request *request);
};

/* 0 anywhere means the value in brackets. */
struct net_limits {
	unsigned connections; /* [1024]; more push out the oldest that has no
				 handshake yet, else wait unaccepted */
	unsigned connections_per_address; /* [256] without a handshake, IPv6: of
					     one /64; more push out the oldest.
					     As many with one certificate; more
					     push out one that is idle */
	unsigned requests; /* [1024] in flight; more get HM_E_BUSY at once */
	unsigned handshake_ms; /* [5000] from accept to the end of TLS */
	unsigned header_ms;    /* [5000] from its first byte to its last */
	unsigned body_ms;      /* [10000] from end of header to last byte */
	unsigned idle_ms;      /* [60000] between an answer and a request */
	unsigned send_ms;      /* [10000] until the client took the answer */
};

struct net_server_config {
	struct net_tls *tls; /* borrowed; NULL: plain HTTP without peer, for
				fuzzing and tests of this room only */
	const struct net_route *routes; /* borrowed; first match counts */
	size_t routes_count;
	void *context; /* for the handlers */
	struct net_limits limits;
	/* Body of answers that the server itself makes; NULL: plain text. */
	const char *problem_type;
	hm_err (*problem)(hm_err err, struct buf *ret);
};

struct net_server;

/* Nothing is accepted before net_server_listen. HM_E_NO_MEMORY */
HM_MUST hm_err net_server_new(struct event_base *base,
    const struct net_server_config *config, struct net_server **ret,
    struct why *why);
/* Accept from a listening socket, which the server then owns. Any number of
 * times. HM_E_NO_MEMORY: the socket is still the caller's. */
HM_MUST hm_err net_server_listen(
    struct net_server *server, int fd, struct why *why);
/*
 * Accept no more, answer what is in flight (with Connection: close), close what
 * is idle; `drained` is called from the loop once no connection is left. There
 * is no deadline here: call net_server_free() when patience ends.
 */
void net_server_stop(struct net_server *server, void (*drained)(void *context));
/* Cuts off whoever is left. Requests in flight stay valid until net_reply().
 * Not from within a handler. NULL is fine. */
void net_server_free(struct net_server *server);

struct net_counts {
	unsigned connections, requests; /* now */
	uint64_t accepted, served;      /* ever */
	uint64_t resumed;               /* handshakes that were short */
	uint64_t refused;  /* answered by the gate or cut for a limit */
	uint64_t too_slow; /* cut off by a deadline */
};
struct net_counts net_server_counts(const struct net_server *server);

net_method net_request_method(const struct net_request *request);
/* Without query, as sent: no escapes are undone, and the gate takes none but
 * unreserved characters and '/'. Valid until net_reply(), as the next three. */
const char *net_request_path(const struct net_request *request);
/* What follows '?', or "". */
const char *net_request_query(const struct net_request *request);
/* "" if there is none. */
const char *net_request_type(const struct net_request *request);
struct hm_bytes net_request_body(const struct net_request *request);
/* Never NULL; all zero without TLS. */
const struct net_peer *net_request_peer(const struct net_request *request);

/*
 * Answer and forget the request. `type` is the Content-Type; the body is
 * copied. 429 and 503 carry Retry-After: 1.
 */
void net_reply(struct net_request *request, int status, const char *type,
    struct hm_bytes body);

/*
 * Called when the client has taken all parts so far: must lead to one
 * net_reply_part() or net_reply_break(). `gone`: the connection has ended, and
 * so has the request; nothing may be called any more.
 */
typedef void net_next(void *context, bool gone);
/*
 * As net_reply() with 200, for a body of `size` bytes of which `part` is the
 * beginning, and not all. What follows is asked for by `next`, part by part and
 * not before this call has returned, so that a client who reads slowly holds no
 * more than one; each has send_ms. The request is no longer in flight, and
 * stays valid until its end. False: the client has gone, and so has the
 * request; `next` is not called.
 */
HM_MUST bool net_reply_parts(struct net_request *request, const char *type,
    size_t size, struct hm_bytes part, net_next *next, void *context);
/* The next one, not empty and not beyond the end. False: it was the last, or
 * the client has gone; the request has ended, `next` is not called again. */
HM_MUST bool net_reply_part(struct net_request *request, struct hm_bytes part);
/* There will be no more: the connection is cut off, the request ends. */
void net_reply_break(struct net_request *request);
/* Answer with the status of `err` and the body of config->problem. */
void net_reply_error(struct net_request *request, hm_err err);
