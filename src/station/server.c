/* SPDX-License-Identifier: Apache-2.0 */
#include "station/server.h"

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
	free(server);
}

void
server_on_retry(struct server *server, server_retry retry, void *context)
{
	server->retry = retry;
	server->context = context;
}

/* One call, and what it means. */
static hm_err
post_once(struct server *server, const char *path, struct hm_bytes body,
    struct hm_bytes *ret_body, struct why *why)
{
	struct hm_problem problem;

	HM_TRY(net_client_post(server->client, path, "application/cbor", body,
	    &server->answer, why));
	if (server->answer.status == 200) {
		*ret_body = buf_bytes(&server->answer.body);
		return HM_OK;
	}
	if (hm_problem_decode(buf_bytes(&server->answer.body), &problem) !=
	    HM_OK)
		return HM_E_HTTP;
	return problem.err;
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
