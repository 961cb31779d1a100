/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_answer - any bytes as the answer of a server, in the client
 *
 * The input is turns (turns.h): what one read of TLS gives, kind 255 is the
 * end of the connection. Two calls are made on it, the second on the kept
 * connection if there is one. The client is whole; the functions of OpenSSL and
 * the system that speak to the network are replaced here, and there is one SSL
 * object and one descriptor for all connections. An answer that is taken was
 * there.
 */
#include <string.h>

#include <openssl/ssl.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "net/client.h"
#include "net/tls.h"
#include "turns.h"

#define ANSWER_MAX 8192
#define END 255
#define FD 1000000

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_socket(int domain, int type, int protocol);
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_setsockopt(
    int fd, int level, int option, const void *value, socklen_t len);
SSL *__real_SSL_new(SSL_CTX *ctx);
SSL *__wrap_SSL_new(SSL_CTX *ctx);
void __wrap_SSL_free(SSL *ssl);
int __wrap_SSL_set_fd(SSL *ssl, int fd);
void __wrap_ERR_clear_error(void);
int __wrap_SSL_connect(SSL *ssl);
int __wrap_SSL_write(SSL *ssl, const void *from, int len);
int __wrap_SSL_read(SSL *ssl, void *room, int size);
int __wrap_SSL_get_error(const SSL *ssl, int rc);
hm_err __wrap_tls_client_new(
    const struct net_client_config *config, SSL_CTX **ret, struct why *why);

static struct hm_bytes input, said;
static bool ended;
static struct buf all; /* what was read, for comparing */
static bool is_open;   /* the one descriptor */

int
__wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
	(void)fd;
	(void)to;
	(void)len;
	return 0;
}

int
__wrap_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	fuzz_must(!is_open);
	is_open = true;
	return FD;
}

int
__wrap_close(int fd)
{
	if (fd != FD)
		return __real_close(fd);
	fuzz_must(is_open);
	is_open = false;
	return 0;
}

int
__wrap_setsockopt(
    int fd, int level, int option, const void *value, socklen_t len)
{
	(void)level;
	(void)option;
	(void)value;
	(void)len;
	fuzz_must(fd == FD && is_open);
	return 0;
}

SSL *
__wrap_SSL_new(SSL_CTX *ctx)
{
	static SSL *kept;

	if (kept == NULL)
		kept = __real_SSL_new(ctx);
	return kept;
}

void
__wrap_SSL_free(SSL *ssl)
{
	(void)ssl;
}

int
__wrap_SSL_set_fd(SSL *ssl, int fd)
{
	(void)ssl;
	fuzz_must(fd == FD && is_open);
	return 1;
}

/* None of the functions that are left has errors. */
void
__wrap_ERR_clear_error(void)
{
}

int
__wrap_SSL_connect(SSL *ssl)
{
	(void)ssl;
	return 1;
}

int
__wrap_SSL_write(SSL *ssl, const void *from, int len)
{
	(void)ssl;
	(void)from;
	return len;
}

int
__wrap_SSL_read(SSL *ssl, void *room, int size)
{
	struct turn turn;
	size_t len;

	(void)ssl;
	while (said.len == 0 && !ended) {
		ended = !turns_next(&input, &turn) || turn.kind == END;
		if (!ended)
			said = turn.bytes;
	}
	if (ended)
		return 0;
	len = said.len < (size_t)size ? said.len : (size_t)size;
	memcpy(room, said.ptr, len);
	fuzz_must(buf_add(&all, (struct hm_bytes){ said.ptr, len }) == HM_OK);
	said.ptr += len;
	said.len -= len;
	return (int)len;
}

int
__wrap_SSL_get_error(const SSL *ssl, int rc)
{
	(void)ssl;
	fuzz_must(rc <= 0);
	return SSL_ERROR_ZERO_RETURN;
}

/* No files: nobody is verified here. */
hm_err
__wrap_tls_client_new(
    const struct net_client_config *config, SSL_CTX **ret, struct why *why)
{
	(void)config;
	(void)why;
	*ret = SSL_CTX_new(TLS_client_method());
	return *ret != NULL ? HM_OK : HM_E_NO_MEMORY;
}

static bool
was_said(struct hm_bytes body)
{
	return body.len == 0 ||
	       memmem(all.ptr, all.len, body.ptr, body.len) != NULL;
}

static void
call(struct net_client *client)
{
	struct net_answer answer = { 0 };
	struct why why = { 0 };
	hm_err err = net_client_get(client, "/v1/order/PO-1", &answer, &why);

	ended = false; /* of the connection, not of what comes */
	if (err == HM_OK) {
		fuzz_must(answer.status >= 100 && answer.status < 600);
		fuzz_must(answer.body.len <= ANSWER_MAX);
		fuzz_must(was_said(buf_bytes(&answer.body)));
		for (const char *at = answer.type; *at; at++)
			fuzz_must((*at >= ' ' && *at <= '~') || *at == '\t');
	} else {
		fuzz_must(err == HM_E_HTTP || err == HM_E_UNREACHABLE ||
			  err == HM_E_TOO_LARGE);
		fuzz_must(why.err == err && why.text[0] != '\0');
	}
	net_answer_done(&answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct net_client *client;
	struct net_client_config config = { .url = "https://127.0.0.1:9",
		.max_answer = ANSWER_MAX };

	if (client == NULL) {
		fuzz_must(net_client_new(&config, &client, NULL) == HM_OK);
		buf_init(&all, 1 << 20);
	}
	buf_clear(&all);
	input = (struct hm_bytes){ data, size };
	said = (struct hm_bytes){ 0 };
	ended = false;
	call(client);
	call(client);
	net_client_hang_up(client);
	fuzz_must(!is_open);
	return 0;
}

TURNS_OF(&mutate_lines)
