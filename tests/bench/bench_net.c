/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_net - what TLS and HTTP cost before any work is done
 *
 * A server with an empty handler in a process of its own, clients in others;
 * TLS 1.3 with client certificates, 2 KiB there, 1 KiB back. One JSON line a
 * figure. cpu_us is the server's CPU time for each request: it says the same on
 * a busy machine. Wall figures are of this machine at this moment.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/loop.h"
#include "core/check.h"
#include "net/client.h"
#include "net/server.h"

#define CLIENTS 4
#define KEEP_ALIVE 4000 /* requests of each client */
#define FULL 100        /* connections of each client */
#define RESUMED 200
#define IDLE 400

static char folder[] = "/tmp/hallmark-bench-XXXXXX", url[96];
static char paths[5][64]; /* ca, server, its key, client, its key */
static uint8_t there[2048], back[1024];
static pid_t server_pid;

static void
must(bool ok)
{
	hm_assert(ok);
}

/* ---- certificates ---- */

static void
extend(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(e && X509_add_ext(x509, e, -1));
	X509_EXTENSION_free(e);
}

static X509 *
certificate(const char *name, EVP_PKEY *key, int nid, const char *value)
{
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_get_subject_name(x509);

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), name[0]);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_set_pubkey(x509, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	extend(x509, nid, value);
	return x509;
}

static void
save(int at, const char *name, X509 *x509, EVP_PKEY *key)
{
	FILE *file;

	snprintf(paths[at], sizeof paths[at], "%s/%s", folder, name);
	file = fopen(paths[at], "w");
	must(file && (x509 ? PEM_write_X509(file, x509)
			   : PEM_write_PrivateKey(
				 file, key, NULL, NULL, 0, NULL, NULL)));
	fclose(file);
}

static void
make_certificates(void)
{
	static const char usage[2][12] = { "serverAuth", "clientAuth" };
	EVP_PKEY *ca_key = EVP_EC_gen("P-256");
	X509 *ca = certificate(
	    "ca", ca_key, NID_basic_constraints, "critical,CA:TRUE");

	must(mkdtemp(folder) != NULL);
	must(X509_set_issuer_name(ca, X509_get_subject_name(ca)) &&
	     X509_sign(ca, ca_key, EVP_sha256()));
	save(0, "ca", ca, NULL);
	for (int i = 0; i < 2; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");
		X509 *leaf =
		    certificate(usage[i], key, NID_ext_key_usage, usage[i]);

		extend(leaf, NID_subject_alt_name, "IP:127.0.0.1");
		must(X509_set_issuer_name(leaf, X509_get_subject_name(ca)) &&
		     X509_sign(leaf, ca_key, EVP_sha256()));
		save(1 + 2 * i, usage[i], leaf, NULL);
		save(2 + 2 * i, i ? "client.key" : "server.key", NULL, key);
		X509_free(leaf);
		EVP_PKEY_free(key);
	}
	X509_free(ca);
	EVP_PKEY_free(ca_key);
}

/* ---- server ---- */

static void
answer(void *context, struct net_request *request)
{
	(void)context;
	net_reply(request, 200, "application/cbor", HM_BYTES(back));
}

static void
serve(int fd)
{
	static const struct net_route routes[] = {
		{ NET_POST, "/", 4096, answer },
	};
	struct net_tls_files files = {
		.certificate = paths[1], .key = paths[2], .client_ca = paths[0]
	};
	struct net_server_config config = { .routes = routes,
		.routes_count = 1,
		.limits = { .connections_per_address = 1000 } };
	struct net_server *server;
	struct loop *loop;

	must(loop_new(&loop) == HM_OK);
	must(net_tls_load(&files, &config.tls, NULL) == HM_OK);
	must(net_server_new(loop_base(loop), &config, &server, NULL) == HM_OK);
	must(net_server_listen(server, fd, NULL) == HM_OK);
	must(loop_run(loop) == HM_OK);
}

static void
start_server(void)
{
	char address[NET_ADDRESS_LEN];
	int fd;

	must(net_listen("127.0.0.1:0", &fd, NULL) == HM_OK);
	must(net_local_address(fd, address) == HM_OK);
	snprintf(url, sizeof url, "https://%s", address);
	server_pid = fork();
	must(server_pid >= 0);
	if (server_pid == 0) {
		serve(fd);
		_exit(0);
	}
	close(fd);
}

static double
server_cpu_us(void)
{
	clockid_t clock;
	struct timespec t;

	must(clock_getcpuclockid(server_pid, &clock) == 0 &&
	     clock_gettime(clock, &t) == 0);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double
server_kb(void)
{
	char path[64], line[128];
	double kb = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)server_pid);
	file = fopen(path, "r");
	must(file != NULL);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, "Pss:", 4) == 0)
			kb = atof(line + 4);
	fclose(file);
	return kb;
}

/* ---- clients ---- */

static struct net_client *
new_client(void)
{
	struct net_client_config config = { .url = url,
		.ca = paths[0],
		.certificate = paths[3],
		.key = paths[4] };
	struct net_client *client;

	must(net_client_new(&config, &client, NULL) == HM_OK);
	return client;
}

static void
post(struct net_client *client)
{
	struct net_answer got = { 0 };

	must(net_client_post(client, "/", "application/cbor", HM_BYTES(there),
		 &got, NULL) == HM_OK);
	must(got.status == 200 && got.body.len == sizeof back);
	net_answer_done(&got);
}

static void
keep_alive(void)
{
	struct net_client *client = new_client();

	for (int i = 0; i < KEEP_ALIVE; i++)
		post(client);
	net_client_free(client);
}

static void
connect_in_full(void)
{
	for (int i = 0; i < FULL; i++) {
		struct net_client *client = new_client();
		post(client);
		net_client_free(client);
	}
}

static void
connect_again(void)
{
	struct net_client *client = new_client();

	for (int i = 0; i < RESUMED; i++) {
		post(client);
		net_client_hang_up(client);
	}
	must(net_client_counts(client).resumed >= RESUMED - 1);
	net_client_free(client);
}

static void
measure(const char *name, void (*work)(void), int times)
{
	double cpu = server_cpu_us();
	uint64_t wall = clock_mono_us();
	int count = times * CLIENTS, status;

	for (int i = 0; i < CLIENTS; i++) {
		pid_t pid = fork();
		must(pid >= 0);
		if (pid == 0) {
			work();
			_exit(0);
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		must(wait(&status) > 0 && status == 0);
	wall = clock_mono_us() - wall;
	cpu = server_cpu_us() - cpu;
	printf("{\"bench\":\"%s\",\"clients\":%d,\"count\":%d,"
	       "\"per_s\":%.0f,\"cpu_us\":%.1f}\n",
	    name, CLIENTS, count, count * 1e6 / (double)wall, cpu / count);
	fflush(stdout);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure_latency(void)
{
	static double us[KEEP_ALIVE];
	struct net_client *client = new_client();

	post(client);
	for (int i = 0; i < KEEP_ALIVE; i++) {
		uint64_t start = clock_mono_us();
		post(client);
		us[i] = (double)(clock_mono_us() - start);
	}
	net_client_free(client);
	qsort(us, KEEP_ALIVE, sizeof us[0], by_size);
	printf("{\"bench\":\"net one client\",\"count\":%d,\"p50_us\":%.0f,"
	       "\"p99_us\":%.0f}\n",
	    KEEP_ALIVE, us[KEEP_ALIVE / 2], us[KEEP_ALIVE * 99 / 100]);
}

static void
measure_idle(void)
{
	static struct net_client *clients[IDLE];
	double before = server_kb();

	for (int i = 0; i < IDLE; i++) {
		clients[i] = new_client();
		post(clients[i]);
	}
	printf("{\"bench\":\"net idle connection\",\"count\":%d,"
	       "\"kb_pss\":%.1f}\n",
	    IDLE, (server_kb() - before) / IDLE);
	for (int i = 0; i < IDLE; i++)
		net_client_free(clients[i]);
}

int
main(void)
{
	make_certificates();
	start_server();
	measure_idle(); /* first, while the heap is fresh */
	measure_latency();
	measure("net keep-alive", keep_alive, KEEP_ALIVE);
	measure("net new connection", connect_in_full, FULL);
	measure("net resumed connection", connect_again, RESUMED);
	kill(server_pid, SIGKILL);
	for (int i = 0; i < 5; i++)
		unlink(paths[i]);
	return rmdir(folder);
}
