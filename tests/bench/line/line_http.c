/* SPDX-License-Identifier: Apache-2.0 */
#include "line_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "line.h"

#define SOURCES 250 /* addresses that connections come from */

/* The server's ticket is an id of its cache; it comes behind the handshake. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct line_conn *conn = SSL_get_app_data(ssl);

	SSL_SESSION_free(conn->session);
	conn->session = session;
	return 1;
}

SSL_CTX *
line_ctx(const char *certificate, const char *key, bool resume)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1 ||
	    SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) !=
		1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		line_fail("%s: no client certificate", certificate);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	if (resume) {
		SSL_CTX_set_session_cache_mode(
		    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, keep_session);
	}
	return ctx;
}

static void
connect_from(int fd, uint32_t number, const char *address)
{
	struct sockaddr_in from = { .sin_family = AF_INET },
			   to = { .sin_family = AF_INET };
	char host[64];
	char *colon;
	int one = 1;

	(void)snprintf(host, sizeof(host), "%s", address);
	colon = strrchr(host, ':');
	if (colon == NULL)
		line_fail("%s is no address", address);
	*colon = 0;
	to.sin_port = htons((uint16_t)atoi(colon + 1));
	(void)inet_pton(AF_INET, host, &to.sin_addr);
	from.sin_addr.s_addr = htonl(0x7f000002u + number % SOURCES);
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
		sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		line_fail("a socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno != EINPROGRESS)
		line_fail("connect: %s", strerror(errno));
}

void
line_conn_open(
    struct line_conn *conn, SSL_CTX *ctx, const char *address, uint32_t number)
{
	conn->fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		line_fail("socket: %s", strerror(errno));
	connect_from(conn->fd, number, address);
	conn->ssl = SSL_new(ctx);
	if (conn->ssl == NULL || SSL_set_fd(conn->ssl, conn->fd) != 1)
		line_fail("no memory for a connection");
	SSL_set_app_data(conn->ssl, conn);
	SSL_set_connect_state(conn->ssl);
	if (conn->session != NULL && SSL_SESSION_is_resumable(conn->session))
		(void)SSL_set_session(conn->ssl, conn->session);
	conn->up = false;
	conn->wants_write = true;
	conn->out_len = conn->in_len = conn->total = 0;
}

void
line_conn_close(struct line_conn *conn)
{
	if (conn->ssl != NULL && conn->up)
		(void)SSL_shutdown(conn->ssl); /* we do not wait for theirs */
	SSL_free(conn->ssl);
	conn->ssl = NULL;
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	ERR_clear_error();
}

void
line_conn_post(struct line_conn *conn, const char *path, struct hm_bytes body)
{
	int n = snprintf((char *)conn->out, sizeof(conn->out),
	    "POST %s HTTP/1.1\r\nHost: bench\r\n"
	    "Content-Type: application/cbor\r\nContent-Length: %zu\r\n\r\n",
	    path, body.len);

	if (n < 0 || (size_t)n + body.len > sizeof(conn->out))
		line_fail("a request is too large");
	memcpy(conn->out + n, body.ptr, body.len);
	conn->out_len = (size_t)n + body.len;
	conn->out_done = conn->in_len = conn->total = 0;
}

/* What a call of OpenSSL that did not succeed means. */
static line_io
pause_for(struct line_conn *conn, int said)
{
	int err = SSL_get_error(conn->ssl, said);

	conn->wants_write = err == SSL_ERROR_WANT_WRITE;
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return LINE_IO_WAIT;
	return LINE_IO_CLOSED;
}

/* Is the answer whole? */
static bool
is_whole(struct line_conn *conn)
{
	static const char end[] = "\r\n\r\n", length[] = "Content-Length: ";
	const uint8_t *body, *at;

	if (conn->total == 0) {
		body = memmem(conn->in, conn->in_len, end, 4);
		if (body == NULL)
			return false;
		at = memmem(conn->in, (size_t)(body - conn->in), length,
		    sizeof(length) - 1);
		if (at == NULL)
			line_fail("an answer without length");
		conn->total =
		    (size_t)(body - conn->in) + 4 +
		    strtoul((const char *)at + sizeof(length) - 1, NULL, 10);
		if (conn->total >= sizeof(conn->in))
			line_fail("an answer is too large");
	}
	return conn->in_len >= conn->total;
}

static line_io
receive(struct line_conn *conn)
{
	int n;

	while (conn->in_len < sizeof(conn->in) - 1) {
		n = SSL_read(conn->ssl, conn->in + conn->in_len,
		    (int)(sizeof(conn->in) - 1 - conn->in_len));
		if (n <= 0)
			return pause_for(conn, n);
		conn->in_len += (size_t)n;
		conn->in[conn->in_len] = 0;
		if (is_whole(conn))
			return LINE_IO_DONE;
	}
	line_fail("an answer is too large");
}

line_io
line_conn_go(struct line_conn *conn)
{
	int n;

	if (!conn->up) {
		n = SSL_do_handshake(conn->ssl);
		if (n != 1)
			return pause_for(conn, n);
		conn->up = true;
	}
	while (conn->out_done < conn->out_len) {
		n = SSL_write(conn->ssl, conn->out + conn->out_done,
		    (int)(conn->out_len - conn->out_done));
		if (n <= 0)
			return pause_for(conn, n);
		conn->out_done += (size_t)n;
		if (conn->out_done == conn->out_len) {
			conn->wants_write = false;
			return LINE_IO_WAIT; /* no answer can be there yet */
		}
	}
	conn->wants_write = false;
	return receive(conn);
}

int
line_conn_answer(struct line_conn *conn, struct hm_bytes *ret_body)
{
	const uint8_t *body = memmem(conn->in, conn->in_len, "\r\n\r\n", 4);

	ret_body->ptr = body + 4;
	ret_body->len = conn->total - (size_t)(body + 4 - conn->in);
	return atoi((const char *)conn->in + sizeof("HTTP/1.1"));
}
