/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

hm_err
stream_init(struct stream *stream, int fd, SSL_CTX *ctx)
{
	SSL *ssl = NULL;

	if (ctx != NULL) {
		ssl = SSL_new(ctx);
		if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) {
			SSL_free(ssl);
			ERR_clear_error();
			return HM_E_NO_MEMORY;
		}
		SSL_set_accept_state(ssl);
	}
	*stream = (struct stream){ .fd = fd, .ssl = ssl };
	return HM_OK;
}

/* OpenSSL's queue stays clean. */
static void
say_goodbye(struct stream *stream)
{
	if (stream->ssl != NULL && !stream->is_broken &&
	    SSL_is_init_finished(stream->ssl))
		(void)SSL_shutdown(stream->ssl); /* nobody waits for theirs */
	ERR_clear_error();
}

void
stream_done(struct stream *stream)
{
	say_goodbye(stream);
	SSL_free(stream->ssl);
	if (stream->fd >= 0)
		close(stream->fd);
	*stream = (struct stream){ .fd = -1 };
}

void
stream_shut(struct stream *stream)
{
	say_goodbye(stream);
	(void)shutdown(stream->fd, SHUT_WR); /* it may be gone already */
}

bool
stream_has_more(const struct stream *stream)
{
	return stream->ssl != NULL && SSL_has_pending(stream->ssl) == 1;
}

/* What a call that gave nothing means. */
static stream_state
explain_tls(struct stream *stream, int said)
{
	int err = SSL_get_error(stream->ssl, said);

	ERR_clear_error();
	stream->wants_write = err == SSL_ERROR_WANT_WRITE;
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return STREAM_AGAIN;
	if (err == SSL_ERROR_ZERO_RETURN)
		return STREAM_END;
	stream->is_broken = true;
	return STREAM_BROKEN;
}

static stream_state
explain_plain(struct stream *stream, ssize_t said, bool writing)
{
	if (said == 0)
		return STREAM_END;
	stream->wants_write = writing;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return STREAM_AGAIN;
	stream->is_broken = true;
	return STREAM_BROKEN;
}

stream_state
stream_shake(struct stream *stream)
{
	int said;

	if (stream->ssl == NULL)
		return STREAM_OK;
	said = SSL_do_handshake(stream->ssl);
	return said == 1 ? STREAM_OK : explain_tls(stream, said);
}

bool
stream_has_hello(const struct stream *stream)
{
	OSSL_HANDSHAKE_STATE state;

	if (stream->ssl == NULL)
		return false;
	state = SSL_get_state(stream->ssl);
	return state != TLS_ST_BEFORE && state != TLS_ST_SR_CLNT_HELLO;
}

stream_state
stream_read(struct stream *stream, struct hm_span room, size_t *ret_len)
{
	ssize_t n;

	if (stream->ssl != NULL) {
		int said =
		    SSL_read_ex(stream->ssl, room.ptr, room.len, ret_len);

		return said == 1 ? STREAM_OK : explain_tls(stream, said);
	}
	n = read(stream->fd, room.ptr, room.len);
	if (n <= 0)
		return explain_plain(stream, n, false);
	*ret_len = (size_t)n;
	return STREAM_OK;
}

stream_state
stream_write(struct stream *stream, struct hm_bytes bytes, size_t *ret_len)
{
	ssize_t n;

	if (stream->ssl != NULL) {
		int said =
		    SSL_write_ex(stream->ssl, bytes.ptr, bytes.len, ret_len);

		return said == 1 ? STREAM_OK : explain_tls(stream, said);
	}
	n = write(stream->fd, bytes.ptr, bytes.len);
	if (n < 0)
		return explain_plain(stream, n, true);
	*ret_len = (size_t)n;
	return STREAM_OK;
}
