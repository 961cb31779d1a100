/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain OpenSSL on a non-blocking socket and poll(): the caller blocks anyway,
 * and the deadline is then in one place (await).
 */
#include "net/client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/head.h"
#include "net/tls.h"

#define HOST_MAX 255
#define PORT_MAX 5
#define DEADLINE_MS 30000
#define ANSWER_MAX (1024 * 1024)
#define CHUNK 16384 /* a TLS record */

struct net_client {
	SSL_CTX *ctx;
	char host[HOST_MAX + 1], port[PORT_MAX + 1];
	char authority[HOST_MAX + PORT_MAX + 4]; /* for Host */
	unsigned deadline_ms;
	size_t max_answer;
	int fd;               /* -1: no connection */
	SSL *ssl;             /* NULL: no connection */
	SSL_SESSION *session; /* for a short handshake next time */
	uint64_t until_us;    /* of the call */
	bool heard;           /* a byte of the answer has come */
	struct net_client_counts counts;
};

/* "https://host[:port]", host may be "[address]" */
static hm_err
parse_url(struct net_client *client, const char *url)
{
	static const char scheme[] = "https://";
	const char *at = url + sizeof scheme - 1, *end, *colon, *close;
	uint64_t port = 443;
	size_t n;

	if (strncmp(url, scheme, sizeof scheme - 1) != 0)
		return HM_E_USAGE;
	end = at + strcspn(at, "/?#@ ");
	if (*end && strcmp(end, "/") != 0)
		return HM_E_USAGE;
	close = at[0] == '[' ? memchr(at, ']', (size_t)(end - at)) : NULL;
	colon = memchr(
	    close ? close : at, ':', (size_t)(end - (close ? close : at)));
	if (colon && uint_parse((struct hm_bytes){ (const uint8_t *)colon + 1,
				    (size_t)(end - colon) - 1 },
			 UINT16_MAX, &port) != HM_OK)
		return HM_E_USAGE;
	if (close) {
		at++;
		n = (size_t)(close - at);
	} else {
		n = (size_t)((colon ? colon : end) - at);
	}
	if (n == 0 || n > HOST_MAX)
		return HM_E_USAGE;
	memcpy(client->host, at, n);
	client->host[n] = '\0';
	snprintf(client->port, sizeof client->port, "%u",
	    (unsigned)(port & UINT16_MAX));
	snprintf(client->authority, sizeof client->authority,
	    close ? "[%s]:%s" : "%s:%s", client->host, client->port);
	return HM_OK;
}

static void
client_done(struct net_client **client)
{
	net_client_free(*client);
}

/* OpenSSL brings a session whenever the server has given one. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct net_client *client = SSL_get_app_data(ssl);

	SSL_SESSION_free(client->session);
	client->session = session;
	return 1;
}

hm_err
net_client_new(const struct net_client_config *config, struct net_client **ret,
    struct why *why)
{
	AUTO(client) struct net_client *client = calloc(1, sizeof *client);

	if (!client)
		return WHY(why, HM_E_NO_MEMORY, "no memory for the client");
	client->fd = -1;
	client->deadline_ms =
	    config->deadline_ms ? config->deadline_ms : DEADLINE_MS;
	client->max_answer =
	    config->max_answer ? config->max_answer : ANSWER_MAX;
	if (parse_url(client, config->url) != HM_OK)
		return WHY(why, HM_E_USAGE,
		    "\"%s\" is not of the form https://host:port", config->url);
	tls_ignore_sigpipe();
	HM_TRY(tls_client_new(config, &client->ctx, why));
	SSL_CTX_set_session_cache_mode(
	    client->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client->ctx, keep_session);
	*ret = client;
	client = NULL;
	return HM_OK;
}

void
net_client_hang_up(struct net_client *client)
{
	if (client->ssl && SSL_is_init_finished(client->ssl))
		SSL_shutdown(client->ssl); /* one try; nobody waits for it */
	ERR_clear_error();
	SSL_free(client->ssl);
	client->ssl = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

void
net_client_free(struct net_client *client)
{
	if (!client)
		return;
	net_client_hang_up(client);
	SSL_SESSION_free(client->session);
	SSL_CTX_free(client->ctx);
	free(client);
}

void
net_answer_done(struct net_answer *answer)
{
	buf_done(&answer->body);
	*answer = (struct net_answer){ 0 };
}

/* Wait until the socket can be read or written, or the call's time is up. */
static hm_err
await(struct net_client *client, short events, struct why *why)
{
	struct pollfd p = { .fd = client->fd, .events = events };

	for (;;) {
		uint64_t now = clock_mono_us();
		int n;

		if (now >= client->until_us)
			return WHY(why, HM_E_TIMEOUT,
			    "%s did not answer within %u ms", client->authority,
			    client->deadline_ms);
		n = poll(&p, 1, (int)((client->until_us - now) / 1000) + 1);
		if (n > 0)
			return HM_OK;
		if (n < 0 && errno != EINTR)
			return WHY(why, HM_E_IO, "poll: %s", strerror(errno));
	}
}

static hm_err
connect_to(
    struct net_client *client, const struct addrinfo *to, struct why *why)
{
	const int one = 1;
	int error = 0;
	socklen_t len = sizeof error;

	client->fd = socket(
	    to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return WHY(why, HM_E_IO, "socket: %s", strerror(errno));
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(client->fd, to->ai_addr, to->ai_addrlen) != 0) {
		error = errno;
		if (error == EINPROGRESS) {
			HM_TRY(await(client, POLLOUT, why));
			getsockopt(
			    client->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		}
	}
	if (error)
		return WHY(why, HM_E_UNREACHABLE, "%s: %s", client->authority,
		    strerror(error));
	return HM_OK;
}

/* All addresses of the name in turn. */
static hm_err
connect_any(struct net_client *client, struct why *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct addrinfo *all = NULL;
	struct why last = { 0 };
	hm_err err = HM_E_UNREACHABLE;
	int n = getaddrinfo(client->host, client->port, &hints, &all);

	if (n != 0)
		return WHY(why, HM_E_UNREACHABLE, "no address for \"%s\": %s",
		    client->host, gai_strerror(n));
	for (const struct addrinfo *a = all; a; a = a->ai_next) {
		last = (struct why){ 0 };
		err = connect_to(client, a, &last);
		if (err == HM_OK || err == HM_E_TIMEOUT)
			break;
		net_client_hang_up(client);
	}
	freeaddrinfo(all);
	if (err != HM_OK && why && why->err == HM_OK)
		*why = last;
	return err;
}

/* The certificate must be for this name or address; SNI for names only. */
static bool
name_host(struct net_client *client)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(client->ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, client->host))
		return true;
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(param, client->host, 0) == 1 &&
	       SSL_set_tlsext_host_name(client->ssl, client->host) == 1;
}

static hm_err
broken(struct net_client *client, struct why *why)
{
	ERR_clear_error();
	return WHY(why, HM_E_UNREACHABLE, "%s closed the connection",
	    client->authority);
}

/* What to do after an OpenSSL call that gave `rc` <= 0: HM_OK is "again". */
static hm_err
after(struct net_client *client, int rc, struct why *why)
{
	unsigned long queued = ERR_peek_last_error();

	switch (SSL_get_error(client->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return await(client, POLLIN, why);
	case SSL_ERROR_WANT_WRITE:
		return await(client, POLLOUT, why);
	case SSL_ERROR_SSL:
		if (ERR_GET_REASON(queued) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return broken(client, why);
		return tls_explain(client->ssl, why);
	default:
		return broken(client, why);
	}
}

static hm_err
open_connection(struct net_client *client, struct why *why)
{
	HM_TRY(connect_any(client, why));
	client->counts.connections++;
	client->ssl = SSL_new(client->ctx);
	if (!client->ssl || SSL_set_fd(client->ssl, client->fd) != 1 ||
	    !name_host(client) || SSL_set_app_data(client->ssl, client) != 1)
		return WHY(why, HM_E_NO_MEMORY, "no memory for TLS");
	if (client->session)
		SSL_set_session(client->ssl, client->session);
	for (;;) {
		int rc;

		ERR_clear_error();
		rc = SSL_connect(client->ssl);
		if (rc == 1)
			break;
		HM_TRY(after(client, rc, why));
	}
	client->counts.resumed += SSL_session_reused(client->ssl) == 1;
	return HM_OK;
}

/* The other side is gone. If it said why (an alert about our certificate comes
 * after the handshake in TLS 1.3), that still waits to be read. */
static hm_err
last_words(struct net_client *client, struct why *why)
{
	uint8_t byte;
	int rc;

	ERR_clear_error();
	rc = SSL_read(client->ssl, &byte, 1);
	if (rc <= 0 && SSL_get_error(client->ssl, rc) == SSL_ERROR_SSL)
		return after(client, rc, why);
	return broken(client, why);
}

static hm_err
send_all(struct net_client *client, struct hm_bytes bytes, struct why *why)
{
	size_t done = 0;

	while (done < bytes.len) {
		size_t n = bytes.len - done;
		int rc, error;

		ERR_clear_error();
		rc = SSL_write(
		    client->ssl, bytes.ptr + done, n < CHUNK ? (int)n : CHUNK);
		if (rc > 0) {
			done += (size_t)rc;
			continue;
		}
		error = SSL_get_error(client->ssl, rc);
		if (error == SSL_ERROR_SYSCALL)
			return last_words(client, why);
		HM_TRY(after(client, rc, why));
	}
	return HM_OK;
}

/* Append what comes next, at least one byte. */
static hm_err
receive(struct net_client *client, struct buf *in, struct why *why)
{
	uint8_t *room;

	HM_TRY(buf_reserve(in, CHUNK, &room));
	for (;;) {
		int rc;

		ERR_clear_error();
		rc = SSL_read(client->ssl, room, CHUNK);
		if (rc > 0) {
			in->len += (size_t)rc;
			client->heard = true;
			return HM_OK;
		}
		HM_TRY(after(client, rc, why));
	}
}

static hm_err
not_http(struct net_client *client, struct why *why)
{
	return WHY(why, HM_E_HTTP, "%s does not answer in HTTP as we know it",
	    client->authority);
}

static hm_err
receive_head(struct net_client *client, struct buf *in, struct head *ret,
    size_t *ret_len, struct why *why)
{
	size_t seen = 0, len = 0;

	while (len == 0) {
		HM_TRY(receive(client, in, why));
		if (head_find_end(buf_bytes(in), seen, &len) != HM_OK)
			return not_http(client, why);
		seen = in->len;
	}
	if (head_parse_answer((struct hm_bytes){ in->ptr, len }, ret) != HM_OK)
		return not_http(client, why);
	*ret_len = len;
	return HM_OK;
}

/* `in` may move while the body comes, so what the head lends is copied first.
 */
static hm_err
receive_answer(
    struct net_client *client, struct net_answer *answer, struct why *why)
{
	AUTO(buf) struct buf in;
	struct head head;
	size_t start = 0, length;

	buf_init(&in, HEAD_MAX + client->max_answer + 2 * CHUNK);
	HM_TRY(receive_head(client, &in, &head, &start, why));
	answer->status = head.status;
	if (head.type.len)
		memcpy(answer->type, head.type.ptr, head.type.len);
	if (head.length > client->max_answer)
		return WHY(why, HM_E_TOO_LARGE,
		    "the answer of %s has %llu bytes, %zu are allowed",
		    client->authority, (unsigned long long)head.length,
		    client->max_answer);
	length = (size_t)head.length;
	while (in.len - start < length)
		HM_TRY(receive(client, &in, why));
	if (in.len - start > length)
		return not_http(client, why);
	buf_init(&answer->body, client->max_answer);
	HM_TRY(buf_add(
	    &answer->body, (struct hm_bytes){ in.ptr + start, length }));
	if (head.close)
		net_client_hang_up(client);
	return HM_OK;
}

static hm_err
attempt(struct net_client *client, struct hm_bytes message,
    struct net_answer *answer, struct why *why)
{
	client->heard = false;
	if (!client->ssl)
		HM_TRY(open_connection(client, why));
	HM_TRY(send_all(client, message, why));
	return receive_answer(client, answer, why);
}

static hm_err
call(struct net_client *client, struct hm_bytes message, struct net_answer *ret,
    struct why *why)
{
	bool kept = client->ssl != NULL;
	struct why first = { 0 };
	AUTO(net_answer) struct net_answer answer = { 0 };
	hm_err err;

	client->counts.calls++;
	client->until_us =
	    clock_mono_us() + (uint64_t)client->deadline_ms * 1000;
	err = attempt(client, message, &answer, &first);
	if (err == HM_E_UNREACHABLE && kept && !client->heard) {
		/* It had been closed while nobody looked. */
		net_client_hang_up(client);
		first = (struct why){ 0 };
		net_answer_done(&answer);
		err = attempt(client, message, &answer, &first);
	}
	if (err != HM_OK) {
		net_client_hang_up(client);
		if (why && why->err == HM_OK)
			*why = first;
		return err;
	}
	net_answer_done(ret);
	*ret = answer;
	answer = (struct net_answer){ 0 };
	return HM_OK;
}

/* A path or type that would break out of its line is a mistake of the caller's
 * caller; the server would refuse it, we do so first. */
static bool
is_line_part(const char *text, char least)
{
	for (; *text; text++)
		if (*text < least || *text > '~')
			return false;
	return true;
}

hm_err
net_client_post(struct net_client *client, const char *path, const char *type,
    struct hm_bytes body, struct net_answer *ret, struct why *why)
{
	AUTO(buf) struct buf message;

	buf_init(&message, HEAD_MAX + body.len);
	if (path[0] != '/' || !is_line_part(path, '!') ||
	    !is_line_part(type, ' '))
		return WHY(why, HM_E_HTTP, "\"%s\" is not a path", path);
	HM_TRY(buf_print(&message,
	    "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    path, client->authority, type, body.len));
	HM_TRY(buf_add(&message, body));
	return call(client, buf_bytes(&message), ret, why);
}

hm_err
net_client_get(struct net_client *client, const char *path,
    struct net_answer *ret, struct why *why)
{
	AUTO(buf) struct buf message;

	buf_init(&message, HEAD_MAX);
	if (path[0] != '/' || !is_line_part(path, '!'))
		return WHY(why, HM_E_HTTP, "\"%s\" is not a path", path);
	HM_TRY(buf_print(&message, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path,
	    client->authority));
	return call(client, buf_bytes(&message), ret, why);
}

void
net_client_deadline(struct net_client *client, unsigned deadline_ms)
{
	client->deadline_ms = deadline_ms ? deadline_ms : DEADLINE_MS;
}

struct net_client_counts
net_client_counts(const struct net_client *client)
{
	return client->counts;
}
