/* SPDX-License-Identifier: Apache-2.0 */
#include "server/front/serve.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "base/log.h"
#include "base/text.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "wire/problem.h"

struct landing_of {
	struct flight *flight;
	landing land;
};

hm_err
flight_new(
    struct front *front, struct net_request *request, struct flight **ret)
{
	const uint8_t *peer = net_request_peer(request)->digest;
	struct flight *flight;

	HM_TRY(rate_take(&front->rate, peer, clock_mono_us()));
	flight = calloc(1, sizeof(*flight));

	if (flight == NULL)
		return HM_E_NO_MEMORY;
	flight->front = front;
	flight->request = request;
	*ret = flight;
	return HM_OK;
}

void
flight_end(struct flight *flight)
{
	buf_done(&flight->content);
	free(flight);
}

void
flight_reply(struct flight *flight, const char *type, struct hm_bytes body)
{
	net_reply(flight->request, 200, type, body);
	flight_end(flight);
}

/* The details stay here, under a reference that the client gets. */
static void
note(const struct net_request *request, hm_err err, const uint8_t *reference)
{
	char peer[17], ref[17];
	const struct net_peer *who = net_request_peer(request);
	log_level level = err_info(err)->http >= 500 ? LOG_ERROR : LOG_WARN;

	hex_format((struct hm_bytes){ who->digest, 8 }, peer);
	hex_format((struct hm_bytes){ reference, 8 }, ref);
	log_failure(level, "refused", err, NULL, "path",
	    net_request_path(request), "peer", peer, "reference", ref, NULL);
}

void
front_refuse(struct net_request *request, hm_err err)
{
	struct hm_problem problem = { .err = err, .has_reference = true };
	uint8_t room[HM_PROBLEM_MAX];
	size_t len;

	if (random_bytes((struct hm_span){
		problem.reference, sizeof(problem.reference) }) != HM_OK)
		problem.has_reference = false;
	note(request, err, problem.reference);
	if (hm_problem_encode(&problem, (struct hm_span){ room, sizeof(room) },
		&len) != HM_OK)
		hm_panic(__FILE__, __LINE__, "a problem has a fixed size");
	net_reply(request, err_info(err)->http, FRONT_CBOR,
	    (struct hm_bytes){ room, len });
}

void
flight_refuse(struct flight *flight, hm_err err)
{
	static const uint8_t none[8]; /* it can be given no reference */

	if (flight->size == 0) {
		front_refuse(flight->request, err);
	} else {
		note(flight->request, err, none);
		net_reply_break(flight->request);
	}
	flight_end(flight);
}

static void
on_answer(void *context, hm_err err, const void *body, struct hm_bytes tail)
{
	struct landing_of *pending = context;
	struct flight *flight = pending->flight;
	landing land = pending->land;

	free(pending);
	if (err != HM_OK)
		flight_refuse(flight, err);
	else
		land(flight, body, tail);
}

void
flight_ask(struct flight *flight, ask_kind kind, const void *body,
    struct hm_bytes tail, landing land)
{
	struct landing_of *pending = malloc(sizeof(*pending));
	hm_err err = HM_E_NO_MEMORY;

	if (pending != NULL) {
		*pending = (struct landing_of){ flight, land };
		err = asker_send(
		    flight->front->asker, kind, body, tail, on_answer, pending);
	}
	if (err != HM_OK) {
		free(pending);
		flight_refuse(flight, err);
	}
}

void
flight_peer(const struct flight *flight, uint8_t ret[static HM_POINT_LEN])
{
	memcpy(ret, net_request_peer(flight->request)->point, HM_POINT_LEN);
}
