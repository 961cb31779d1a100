/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_server - a server of net/ with the routes that test_net.py needs
 *
 *	net_server CERT KEY CLIENT_CA [CRL] [limit=value ...]
 *
 * Without files ("plain"): no TLS. Prints "listening ADDRESS". SIGTERM stops it
 * gracefully ("drained"), the end of standard input at once.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/text.h"
#include "net/server.h"

#define HELD_MAX 512
#define BIG (8 * 1024 * 1024)
#define PART 50000

static struct {
	struct loop *loop;
	struct net_server *server;
	struct net_request *held[HELD_MAX];
	unsigned count;
	unsigned parts, parting; /* asked for ever; answers under way */
	uint8_t *big;
	struct net_tls *tls;
} all;

static void
text_reply(struct net_request *request, struct buf *text)
{
	net_reply(request, 200, "text/plain", buf_bytes(text));
	buf_done(text);
}

static void
echo(void *context, struct net_request *request)
{
	(void)context;
	net_reply(
	    request, 200, net_request_type(request), net_request_body(request));
}

static void
where(void *context, struct net_request *request)
{
	struct buf text;

	(void)context;
	buf_init(&text, 4096);
	if (buf_print(&text, "%s %s|%s|%s",
		net_request_method(request) == NET_GET ? "GET" : "POST",
		net_request_path(request), net_request_query(request),
		net_request_type(request)) != HM_OK)
		abort();
	text_reply(request, &text);
}

static void
peer(void *context, struct net_request *request)
{
	const struct net_peer *p = net_request_peer(request);
	struct buf text;

	(void)context;
	buf_init(&text, 4096);
	if (buf_add_hex(&text, HM_BYTES(p->point)) != HM_OK ||
	    buf_print(&text, " ") != HM_OK ||
	    buf_add_hex(&text, HM_BYTES(p->digest)) != HM_OK)
		abort();
	text_reply(request, &text);
}

static void
hold(void *context, struct net_request *request)
{
	(void)context;
	if (all.count == HELD_MAX)
		net_reply_error(request, HM_E_BUSY);
	else
		all.held[all.count++] = request;
}

/* Answers what is held, last come first. */
static void
let_go(void)
{
	while (all.count)
		echo(NULL, all.held[--all.count]);
}

static void
release(void *context, struct net_request *request)
{
	(void)context;
	let_go();
	net_reply(request, 200, "", (struct hm_bytes){ 0 });
}

static void
big(void *context, struct net_request *request)
{
	(void)context;
	net_reply(request, 200, "application/octet-stream",
	    (struct hm_bytes){ all.big, BIG });
}

/* An answer in parts: what is left, and how many were asked for in all. */
struct parts {
	struct net_request *request;
	size_t at;
	bool cut; /* half way */
};

static struct hm_bytes
part_of(const struct parts *parts)
{
	size_t left = BIG - parts->at;

	return (
	    struct hm_bytes){ all.big + parts->at, left < PART ? left : PART };
}

static void
next_part(void *context, bool gone)
{
	struct parts *parts = context;
	struct hm_bytes part = part_of(parts);

	all.parts++;
	parts->at += part.len;
	if (!gone && parts->cut && parts->at > BIG / 2)
		net_reply_break(parts->request);
	else if (!gone && net_reply_part(parts->request, part))
		return;
	all.parting--;
	free(parts);
}

static void
parts(void *context, struct net_request *request)
{
	struct parts *parts = calloc(1, sizeof *parts);
	struct hm_bytes part;

	(void)context;
	if (!parts)
		abort();
	parts->request = request;
	parts->cut = strcmp(net_request_query(request), "cut") == 0;
	part = part_of(parts);
	parts->at = part.len;
	all.parting++;
	if (net_reply_parts(request, "application/octet-stream", BIG, part,
		next_part, parts))
		return;
	all.parting--;
	free(parts);
}

static void
fail(void *context, struct net_request *request)
{
	(void)context;
	net_reply_error(request, HM_E_QUOTA);
}

static void
counts(void *context, struct net_request *request)
{
	struct net_counts c = net_server_counts(all.server);
	struct buf text;

	(void)context;
	buf_init(&text, 4096);
	if (buf_print(&text,
		"{\"connections\":%u,\"requests\":%u,\"held\":%u,"
		"\"accepted\":%llu,\"served\":%llu,\"resumed\":%llu,"
		"\"refused\":%llu,\"too_slow\":%llu,\"parts\":%u,"
		"\"parting\":%u}",
		c.connections, c.requests, all.count,
		(unsigned long long)c.accepted, (unsigned long long)c.served,
		(unsigned long long)c.resumed, (unsigned long long)c.refused,
		(unsigned long long)c.too_slow, all.parts,
		all.parting) != HM_OK)
		abort();
	text_reply(request, &text);
}

static const struct net_route routes[] = {
	{ NET_POST, "/echo", 65536, echo },
	{ NET_POST, "/small", 16, echo },
	{ NET_POST, "/hold", 1024, hold },
	{ NET_POST, "/release", 0, release },
	{ NET_GET, "/where/", 0, where },
	{ NET_POST, "/where/", 100, where },
	{ NET_GET, "/peer", 0, peer },
	{ NET_GET, "/big", 0, big },
	{ NET_GET, "/parts", 0, parts },
	{ NET_GET, "/fail", 0, fail },
	{ NET_GET, "/counts", 0, counts },
};

static void
set_limit(struct net_limits *limits, const char *word)
{
	static const struct {
		const char *name;
		size_t at;
	} names[] = {
#define LIMIT(name) { #name, offsetof(struct net_limits, name) }
		LIMIT(connections),
		LIMIT(connections_per_address),
		LIMIT(requests),
		LIMIT(handshake_ms),
		LIMIT(header_ms),
		LIMIT(body_ms),
		LIMIT(idle_ms),
		LIMIT(send_ms),
	};
	const char *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : 0;
	unsigned value;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strlen(names[i].name) != n ||
		    memcmp(names[i].name, word, n) != 0)
			continue;
		value = (unsigned)atoi(equals + 1);
		memcpy((char *)limits + names[i].at, &value, sizeof value);
		return;
	}
	fprintf(stderr, "no limit %s\n", word);
	exit(2);
}

static void
drained(void *context)
{
	(void)context;
	puts("drained");
	loop_stop(all.loop);
}

static void
on_term(void *context)
{
	(void)context;
	puts("stopping");
	fflush(stdout);
	net_server_stop(all.server, drained);
}

static void
set_crl(const char *path)
{
	AUTO(buf) struct buf pem;
	struct why why = { 0 };

	buf_init(&pem, 65536);
	if (file_read(path, 65536, &pem, &why) != HM_OK)
		abort();
	printf(
	    "crl %d\n", (int)net_tls_set_crl(all.tls, buf_bytes(&pem), &why));
}

/* "crl PATH" on standard input sets a CRL; "free" frees the server while
 * requests are held, and answers them afterwards; its end ends the process. */
static void
on_input(void *context)
{
	char line[512] = "";
	ssize_t n = read(0, line, sizeof line - 1);

	(void)context;
	line[strcspn(line, "\n")] = '\0';
	if (n > 0 && memcmp(line, "crl ", 4) == 0) {
		set_crl(line + 4);
	} else if (n > 0 && strcmp(line, "free") == 0) {
		net_server_free(all.server);
		all.server = NULL;
		let_go();
		puts("freed");
	} else {
		loop_stop(all.loop);
	}
	fflush(stdout);
}

static void
check(hm_err err, const struct why *why)
{
	if (err == HM_OK)
		return;
	fprintf(stderr, "%d %s %s\n", (int)err, why->text, why->where);
	exit(1);
}

int
main(int argc, char **argv)
{
	struct net_tls_files files = { 0 };
	struct net_server_config config = { .routes = routes,
		.routes_count = sizeof routes / sizeof routes[0] };
	struct watch *input, *term;
	struct why why = { 0 };
	char address[NET_ADDRESS_LEN];
	const char **slots[] = { &files.certificate, &files.key,
		&files.client_ca, &files.crl };
	size_t slot = 0;
	int fd = -1;

	for (int i = 1; i < argc; i++) {
		if (strchr(argv[i], '='))
			set_limit(&config.limits, argv[i]);
		else if (strcmp(argv[i], "plain") != 0 && slot < 4)
			*slots[slot++] = argv[i];
	}
	if (files.certificate)
		check(net_tls_load(&files, &all.tls, &why), &why);
	config.tls = all.tls;
	all.big = calloc(1, BIG);
	check(loop_new(&all.loop), &why);
	check(net_listen("127.0.0.1:0", &fd, &why), &why);
	check(net_local_address(fd, address), &why);
	check(net_server_new(loop_base(all.loop), &config, &all.server, &why),
	    &why);
	check(net_server_listen(all.server, fd, &why), &why);
	check(watch_read(all.loop, 0, on_input, NULL, &input), &why);
	check(watch_signal(all.loop, SIGTERM, on_term, NULL, &term), &why);
	printf("listening %s\n", address);
	fflush(stdout);
	check(loop_run(all.loop), &why);
	net_server_free(all.server);
	let_go();
	loop_free(all.loop);
	net_tls_free(all.tls);
	free(all.big);
	return 0;
}
