/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * stream - bytes to and from a client, with TLS or without, never blocking
 *
 * One call, one system call: a request that came as one record is read with
 * one read(2), an answer of one record leaves with one write(2). Room-internal.
 */
#include <openssl/ssl.h>

#include "core/bytes.h"

typedef enum stream_state {
	STREAM_OK,
	STREAM_AGAIN, /* not now; see wants_write */
	STREAM_END,   /* the client said goodbye, or hung up */
	STREAM_BROKEN,
} stream_state;

struct stream {
	int fd;           /* owned; -1: none */
	SSL *ssl;         /* owned; NULL: plain */
	bool wants_write; /* AGAIN: when it can be written, not read */
	bool is_broken;
};

/* `fd` is the stream's from now on. ctx NULL: plain. HM_E_NO_MEMORY: `fd` is
 * still the caller's. */
HM_MUST hm_err stream_init(struct stream *stream, int fd, SSL_CTX *ctx);
/* Says goodbye if the other side can still hear it, closes. */
void stream_done(struct stream *stream);
/* The server's side of the handshake. */
stream_state stream_shake(struct stream *stream);
/* Was a whole ClientHello read? */
bool stream_has_hello(const struct stream *stream);
/* Up to room.len bytes. */
stream_state stream_read(
    struct stream *stream, struct hm_span room, size_t *ret_len);
/* Some of `bytes`, or all. */
stream_state stream_write(
    struct stream *stream, struct hm_bytes bytes, size_t *ret_len);
/* Are there bytes that were read from the socket already? */
bool stream_has_more(const struct stream *stream);
/* Nothing more is written; what comes can still be read. */
void stream_shut(struct stream *stream);
