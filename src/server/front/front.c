/* SPDX-License-Identifier: Apache-2.0 */
#include "server/front/front.h"

#include <stdlib.h>
#include <unistd.h>

#include "attest/nonce.h"
#include "base/auto.h"
#include "base/log.h"
#include "base/process.h"
#include "server/front/serve.h"
#include "server/life.h"
#include "wire/problem.h"

#define DRAIN_MS 5000  /* for requests in flight when we are to stop */
#define OTHER_FILES 64 /* besides connections */

struct running {
	struct front front;
	struct front devices; /* the same keeper, another door; no server: no
				 device comes in */
	uint32_t serving;
	const struct front_options *options;
	bool stopping;
	hm_err end;
};

/* What net/ answers by itself has the same form as our own refusals. */
static hm_err
problem(hm_err err, struct buf *ret)
{
	struct hm_problem content = { .err = err };
	uint8_t room[HM_PROBLEM_MAX];
	size_t len;

	HM_TRY(hm_problem_encode(
	    &content, (struct hm_span){ room, sizeof(room) }, &len));
	return buf_add(ret, (struct hm_bytes){ room, len });
}

static void
on_drained(void *context)
{
	struct front *front = context;

	if (--*front->serving == 0)
		loop_stop(front->loop);
}

static void
on_patience_ends(void *context)
{
	struct running *running = context;

	loop_stop(running->front.loop);
}

static void
on_broken(void *context)
{
	struct running *running = context;

	running->end = HM_E_STOPPING;
	loop_stop(running->front.loop);
}

static void
on_life(void *context)
{
	struct running *running = context;
	struct watch *patience;
	life_word word = life_poll(running->options->life);

	if (word == LIFE_NOTHING || running->stopping)
		return;
	running->stopping = true;
	if (word == LIFE_GONE) {
		on_broken(running);
		return;
	}
	if (watch_timer(running->front.loop, DRAIN_MS, on_patience_ends,
		running, &patience) != HM_OK)
		on_patience_ends(running);
	if (running->devices.server != NULL)
		net_server_stop(running->devices.server, on_drained);
	net_server_stop(running->front.server, on_drained);
}

/* Where devices come in: they find only what makes them. */
static hm_err
open_devices(struct running *running, struct net_tls *tls, struct why *why)
{
	struct net_server_config config = { .tls = tls,
		.routes = device_routes,
		.routes_count = device_routes_count,
		.context = &running->devices,
		.limits = running->options->limits,
		.problem_type = FRONT_CBOR,
		.problem = problem };

	running->devices = running->front;
	running->devices.server = NULL;
	running->devices.door = ASK_DOOR_DEVICES;
	HM_TRY(net_server_new(loop_base(running->front.loop), &config,
	    &running->devices.server, why));
	running->serving++;
	return net_server_listen(
	    running->devices.server, running->options->devices, why);
}

static hm_err
set_up(struct running *running, struct net_tls *const tls[2], struct why *why)
{
	struct net_server_config config = { .tls = tls[0],
		.routes = front_routes,
		.routes_count = front_routes_count,
		.context = &running->front,
		.limits = running->options->limits,
		.problem_type = FRONT_CBOR,
		.problem = problem };
	struct front *front = &running->front;
	struct watch *life;

	HM_TRY(loop_new(&front->loop));
	HM_TRY(asker_new(front->loop, running->options->keeper, on_broken,
	    running, &front->asker));
	HM_TRY(watch_read(
	    front->loop, running->options->life, on_life, running, &life));
	HM_TRY(net_server_new(
	    loop_base(front->loop), &config, &front->server, why));
	running->serving = 1;
	front->serving = &running->serving;
	HM_TRY(
	    net_server_listen(front->server, running->options->listener, why));
	return tls[1] == NULL ? HM_OK : open_devices(running, tls[1], why);
}

static hm_err
serve(struct running *running, struct net_tls *const tls[2], struct why *why)
{
	HM_TRY(set_up(running, tls, why));
	HM_TRY(jail_enter(&running->options->jail, why));
	log_event(LOG_INFO, "ready", "jail", jail_describe(), NULL);
	HM_TRY(life_ready(running->options->life));
	HM_TRY(loop_run(running->front.loop));
	return running->end;
}

hm_err
front_run(const struct front_options *options, const struct secret *nonce_key,
    struct why *why)
{
	static struct running running;
	struct net_tls *tls[2] = { NULL, NULL }; /* of line and devices */
	uint32_t doors = options->devices < 0 ? 1 : 2;
	hm_err err;

	if (nonce_key->len != NONCE_KEY_LEN)
		return HM_E_BUG;
	running = (struct running){ .options = options };
	running.front.nonce_key = nonce_key->bytes;
	running.front.rate.per_s = options->requests_per_s;
	HM_TRY(process_want_files(
	    doors * options->limits.connections + OTHER_FILES, why));
	err = net_tls_load(&options->tls, &tls[0], why);
	if (err == HM_OK && doors == 2)
		err = net_tls_load(&options->devices_tls, &tls[1], why);
	if (err == HM_OK)
		err = serve(&running, tls, why);
	asker_free(running.front.asker);
	net_server_free(running.devices.server);
	net_server_free(running.front.server);
	loop_free(running.front.loop);
	net_tls_free(tls[1]);
	net_tls_free(tls[0]);
	return err;
}
