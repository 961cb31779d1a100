/* SPDX-License-Identifier: Apache-2.0 */
#include "line_echo.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "core/check.h"
#include "line.h"
#include "line_http.h"
#include "net/tls.h"

#define DEVICES 1500 /* of a round */
#define CONNECTIONS 120
#define ROUNDS 5

struct job {
	int listener;
	SSL_CTX *ctx;
	const size_t *wire;
	unsigned connections, devices; /* of each connection; 0: one byte */
	double us;
};

static void
must(bool ok)
{
	hm_assert(ok);
}

static void
read_all(SSL *ssl, size_t len)
{
	static _Thread_local uint8_t room[LINE_ROOM];

	while (len > 0) {
		int n = SSL_read(
		    ssl, room, (int)(len < sizeof(room) ? len : sizeof(room)));

		must(n > 0);
		len -= (size_t)n;
	}
}

static void
write_all(SSL *ssl, size_t len)
{
	static _Thread_local uint8_t room[LINE_ROOM];

	must(len <= sizeof(room) && SSL_write(ssl, room, (int)len) == (int)len);
}

static int
no_delay(int fd)
{
	int one = 1;

	must(fd >= 0 &&
	     setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
	return fd;
}

static void
serve_one(const struct job *job)
{
	int fd = no_delay(accept(job->listener, NULL, NULL));
	SSL *ssl = SSL_new(job->ctx);

	must(SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1);
	if (job->devices == 0) {
		read_all(ssl, 1);
		write_all(ssl, 1);
	}
	for (unsigned i = 0; i < 3 * job->devices; i++) {
		read_all(ssl, job->wire[2 * (i % 3)]);
		write_all(ssl, job->wire[2 * (i % 3) + 1]);
	}
	(void)SSL_shutdown(ssl); /* the client may be gone already */
	SSL_free(ssl);
	close(fd);
}

static void *
serve(void *context)
{
	struct job *job = context;
	double start = line_thread_us();

	for (unsigned i = 0; i < job->connections; i++)
		serve_one(job);
	job->us = line_thread_us() - start;
	return NULL;
}

static void
call_one(const struct job *job, SSL_CTX *ctx, struct line_conn *conn,
    const struct sockaddr_in *to)
{
	int fd = no_delay(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	must(connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0);
	conn->ssl = SSL_new(ctx);
	must(SSL_set_fd(conn->ssl, fd) == 1 &&
	     SSL_set_app_data(conn->ssl, conn) == 1);
	if (conn->session != NULL)
		must(SSL_set_session(conn->ssl, conn->session) == 1);
	must(SSL_connect(conn->ssl) == 1);
	if (job->devices == 0) {
		write_all(conn->ssl, 1);
		read_all(conn->ssl, 1);
	}
	for (unsigned i = 0; i < 3 * job->devices; i++) {
		write_all(conn->ssl, job->wire[2 * (i % 3)]);
		read_all(conn->ssl, job->wire[2 * (i % 3) + 1]);
	}
	(void)SSL_shutdown(conn->ssl);
	SSL_free(conn->ssl);
	close(fd);
}

static double
round_us(struct job *job, SSL_CTX *client)
{
	struct sockaddr_in to;
	socklen_t len = sizeof(to);
	static struct line_conn conn; /* large */
	pthread_t thread;

	must(getsockname(job->listener, (struct sockaddr *)&to, &len) == 0);
	must(pthread_create(&thread, NULL, serve, job) == 0);
	for (unsigned i = 0; i < job->connections; i++)
		call_one(job, client, &conn, &to);
	must(pthread_join(thread, NULL) == 0);
	SSL_SESSION_free(conn.session);
	conn.session = NULL;
	return job->us / (job->connections * (job->devices ? job->devices : 1));
}

static double
median_us(struct job *job, bool resume)
{
	SSL_CTX *client = line_ctx("LINE-0.pem", "LINE-0.key", resume);
	double found[ROUNDS];

	SSL_CTX_set_read_ahead(job->ctx, 1);
	for (int i = 0; i < ROUNDS; i++)
		found[i] = round_us(job, client);
	SSL_CTX_free(client);
	return line_median(found, ROUNDS);
}

void
line_echo_measure(const size_t wire[static 6], struct line_echo *ret)
{
	struct net_tls_files files = { .certificate = "server.pem",
		.key = "server.key",
		.client_ca = "line.pem" };
	struct job job = { .wire = wire };
	struct net_tls *tls;
	struct why why = { 0 };

	line_must(
	    net_listen("127.0.0.1:0", &job.listener, &why), &why, "listen");
	must(fcntl(job.listener, F_SETFL, 0) == 0); /* calls may block here */
	line_must(net_tls_load(&files, &tls, &why), &why, "TLS");
	job.ctx = tls->ctx;
	job.connections = 1;
	job.devices = DEVICES;
	ret->records = median_us(&job, false);
	job.connections = CONNECTIONS;
	job.devices = 0;
	ret->connect = median_us(&job, false);
	ret->resume = median_us(&job, true);
	net_tls_free(tls);
	close(job.listener);
}
