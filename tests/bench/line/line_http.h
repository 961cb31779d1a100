/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * line_http - a client's connection that never blocks, as cheap as can be
 *
 * One request under way; the buffers are in place. One system call for each
 * request and one for each answer that is there whole. The server's certificate
 * is not checked against a CA here: it costs the generator as much as a
 * handshake costs the server, and the server nothing.
 */
#include <openssl/ssl.h>

#include "core/bytes.h"

#define LINE_ROOM 24576 /* bytes of an answer with its head */

typedef enum line_io {
	LINE_IO_WAIT, /* call again when the socket says so */
	LINE_IO_DONE,
	LINE_IO_CLOSED, /* by the server, between requests or in one */
} line_io;

struct line_conn {
	int fd; /* -1: none */
	SSL *ssl;
	SSL_SESSION *session; /* of the last connection, owned */
	bool up;              /* the handshake is over */
	bool wants_write;
	size_t out_len, out_done, in_len, total;
	uint8_t out[6144], in[LINE_ROOM];
};

/* A context with a client certificate. `resume`: sessions are kept. */
SSL_CTX *line_ctx(const char *certificate, const char *key, bool resume);

/* Begin to connect, from an address of 127.0.0.0/8 that `number` makes. */
void line_conn_open(
    struct line_conn *conn, SSL_CTX *ctx, const char *address, uint32_t number);
void line_conn_close(struct line_conn *conn);

/* A POST of CBOR; then line_conn_go() until it is done. */
void line_conn_post(
    struct line_conn *conn, const char *path, struct hm_bytes body);
/* Handshake, request, answer: as far as it goes now. */
line_io line_conn_go(struct line_conn *conn);
/* Status and body of an answer that is there; the body borrows. */
int line_conn_answer(struct line_conn *conn, struct hm_bytes *ret_body);
