/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * client - one HTTPS call at a time, ended by its deadline whatever happens
 *
 * A call blocks: it connects if need be, sends, waits and returns, all within
 * deadline_ms. The connection is kept for the next call. When a kept one turns
 * out to be dead before a byte of the answer came, the call connects anew once:
 * all our requests may be repeated, the server gives the same answer bytes.
 *
 * TLS 1.3; the server's certificate must lead to one of the given CAs and name
 * the host of the URL as DNS name or IP address. There is no way to switch that
 * off. Redirects, cookies, proxies and chunked answers are not for us.
 *
 * An answer with status 400 or above is a success here: the caller reads the
 * body. A name is looked up by the system's resolver, which knows no deadline
 * of ours: stations that must not wait give an address. One thread at a time.
 */
#include "base/buf.h"
#include "base/why.h"

#define NET_TYPE_MAX 63

struct net_client_config {
	const char *url;         /* "https://host[:port]", nothing behind */
	const char *ca;          /* PEM file: whom to trust; a sub-CA will do */
	const char *certificate; /* PEM file, or NULL: stay unnamed */
	const char *key;         /* PEM file, or NULL */
	unsigned deadline_ms;    /* of each call; 0: 30000 */
	size_t max_answer;       /* bytes of a body; 0: 1 MiB */
};

struct net_client;

/* Nothing is sent yet; the files are read now. HM_E_USAGE (url), HM_E_FILE,
 * HM_E_CERT, HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err net_client_new(const struct net_client_config *config,
    struct net_client **ret, struct why *why);
/* Says goodbye to the server and closes. NULL is fine. */
void net_client_free(struct net_client *client);

struct net_answer {
	int status;
	char type[NET_TYPE_MAX + 1]; /* Content-Type, "" if there is none */
	struct buf body;
};
void net_answer_done(struct net_answer *answer);

/*
 * HM_E_UNREACHABLE (no name, no connection, it broke), HM_E_TIMEOUT, HM_E_TLS
 * (either side refused the other: the clock is named first if it is about
 * dates), HM_E_TOO_LARGE, HM_E_HTTP (not an answer), HM_E_NO_MEMORY. On failure
 * *ret is unchanged and the connection is closed. `ret` must be empty or hold
 * an earlier answer, which is replaced.
 */
HM_MUST hm_err net_client_post(struct net_client *client, const char *path,
    const char *type, struct hm_bytes body, struct net_answer *ret,
    struct why *why);
HM_MUST hm_err net_client_get(struct net_client *client, const char *path,
    struct net_answer *ret, struct why *why);

/* Close the kept connection, so that the next call makes one. */
void net_client_hang_up(struct net_client *client);
/* New deadline for the calls to come, in ms. */
void net_client_deadline(struct net_client *client, unsigned deadline_ms);

struct net_client_counts {
	uint64_t calls, connections, resumed;
};
struct net_client_counts net_client_counts(const struct net_client *client);
