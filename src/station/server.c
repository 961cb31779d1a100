/* SPDX-License-Identifier: Apache-2.0 */
#include "station/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "wire/problem.h"

#define PAUSE_MIN_US 50000
#define PAUSE_MAX_US 2000000

struct server {
	struct net_client *client;
	struct net_answer answer;
	uint32_t patience_ms;
	server_retry retry;
	void *context;
	struct seen *seen;       /* NULL: nothing is remembered; borrowed */
	struct net_answer proof; /* of growth */
	uint64_t proven;         /* the connection that has proven it */
};

hm_err
server_new(
    const struct station_config *config, struct server **ret, struct why *why)
{
	struct net_client_config client = { .url = config->server.url,
		.ca = config->server.ca,
		.certificate = config->server.certificate,
		.key = config->server.key,
		.deadline_ms = config->server.deadline_ms,
		.max_answer = HM_MESSAGE_MAX };
	struct server *server = calloc(1, sizeof(*server));
	hm_err err;

	if (server == NULL)
		return HM_E_NO_MEMORY;
	err = net_client_new(&client, &server->client, why);
	if (err != HM_OK) {
		free(server);
		return err;
	}
	server->patience_ms = config->server.patience_ms;
	*ret = server;
	return HM_OK;
}

void
server_free(struct server *server)
{
	if (server == NULL)
		return;
	net_client_free(server->client);
	net_answer_done(&server->answer);
	net_answer_done(&server->proof);
	free(server);
}

void
server_on_retry(struct server *server, server_retry retry, void *context)
{
	server->retry = retry;
	server->context = context;
}

/* ---- has the ledger only grown? ---- */

void
server_remember(struct server *server, struct seen *seen)
{
	server->seen = seen;
}

/* What a refusal says. */
static hm_err
problem_of(const struct net_answer *answer)
{
	struct hm_problem problem;

	return hm_problem_decode(buf_bytes(&answer->body), &problem) == HM_OK
		   ? problem.err
		   : HM_E_HTTP;
}

static hm_err
prove_growth(
    struct server *server, const struct checkpoint *from, struct why *why)
{
	char path[64];

	(void)snprintf(
	    path, sizeof(path), "/v1/growth?from=%" PRIu64, from->size);
	HM_TRY(net_client_get(server->client, path, &server->proof, why));
	if (server->proof.status != 200)
		return problem_of(&server->proof);
	return seen_judge(
	    server->seen, from, buf_bytes(&server->proof.body), why);
}

/* A new connection may lead to a server that was started from an old copy. */
static hm_err
meet(struct server *server, struct why *why)
{
	uint64_t connection = net_client_counts(server->client).connections;
	struct checkpoint from;

	if (server->seen == NULL || server->proven == connection)
		return HM_OK;
	from = seen_checkpoint(server->seen);
	if (from.size != 0)
		HM_TRY(prove_growth(server, &from, why));
	server->proven = connection;
	return HM_OK;
}

/* ---- calls ---- */

/* One call, and what it means. */
static hm_err
post_once(struct server *server, const char *path, struct hm_bytes body,
    struct hm_bytes *ret_body, struct why *why)
{
	hm_err met;

	HM_TRY(net_client_post(server->client, path, "application/cbor", body,
	    &server->answer, why));
	met = meet(server, why);
	if (met != HM_OK &&
	    (seen_is_broken(met) || server->answer.status == 200))
		return met;
	if (server->answer.status != 200)
		return problem_of(&server->answer);
	*ret_body = buf_bytes(&server->answer.body);
	return HM_OK;
}

/* A stale challenge is transient too, but only a new one helps. */
static bool
helps_to_repeat(hm_err err)
{
	return err_info(err)->class == ERR_TRANSIENT && err != HM_E_NONCE_STALE;
}

hm_err
server_post(struct server *server, const char *path, struct hm_bytes body,
    struct hm_bytes *ret_body, struct why *why)
{
	uint64_t end_us = clock_mono_us() + server->patience_ms * 1000ull;
	useconds_t pause_us = PAUSE_MIN_US;

	for (;;) {
		struct why reason = { 0 };
		hm_err err = post_once(server, path, body, ret_body, &reason);

		if (err == HM_OK)
			return HM_OK;
		if (!helps_to_repeat(err) ||
		    clock_mono_us() + pause_us >= end_us) {
			if (why != NULL && why->err == HM_OK)
				*why = reason;
			return err;
		}
		if (server->retry != NULL)
			server->retry(server->context, err);
		(void)usleep(pause_us); /* a signal may cut it short */
		pause_us =
		    pause_us * 2 > PAUSE_MAX_US ? PAUSE_MAX_US : pause_us * 2;
	}
}

hm_err
server_receipt(struct server *server, struct hm_bytes receipt, struct why *why)
{
	struct checkpoint checkpoint;
	bool old;

	if (server->seen == NULL)
		return HM_OK;
	HM_TRY(seen_receipt(server->seen, receipt, &old, &checkpoint, why));
	return old ? prove_growth(server, &checkpoint, why) : HM_OK;
}
