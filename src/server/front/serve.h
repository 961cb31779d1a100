/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * serve - what the routes of a front share: a request on its way to the keeper
 *
 * A flight is one HTTP request from its handler to its answer. It carries what
 * the second half of a route needs and is gone with the answer.
 */

#include "base/buf.h"
#include "net/server.h"
#include "server/front/asker.h"
#include "server/front/rate.h"

#define FRONT_CBOR "application/cbor"
#define FRONT_JSON "application/json"

struct front {
	struct loop *loop;
	struct asker *asker;
	struct net_server *server;
	const uint8_t *nonce_key; /* NONCE_KEY_LEN bytes; borrowed */
	struct rate rate;
	ask_door door;     /* where its clients come in */
	uint32_t *serving; /* doors that have not drained; borrowed */
};

struct flight {
	struct front *front;
	struct net_request *request;
	/* For the second half of a route; names as the keeper knows them. */
	ask_name order;
	uint32_t first, last; /* parts of a file: kind and width */
	uint64_t index;
	struct buf content; /* of a file that comes in parts; owned */
	const char *type;   /* Content-Type of it */
	uint64_t size;      /* of one that leaves in parts; 0: it does not */
	uint64_t sent;      /* bytes of it */
};

/* The half of a route that sees the keeper's answer; it ends the flight. */
typedef void (*landing)(
    struct flight *flight, const void *body, struct hm_bytes tail);

/* HM_E_NO_MEMORY, HM_E_BUSY (the peer has had its share) */
HM_MUST hm_err flight_new(
    struct front *front, struct net_request *request, struct flight **ret);

/* Answer and end; an answer of which a part has left is cut off. */
void flight_reply(
    struct flight *flight, const char *type, struct hm_bytes body);
void flight_refuse(struct flight *flight, hm_err err);
/* End it; its request has been answered or is gone. */
void flight_end(struct flight *flight);

/* Refuse a request that has no flight yet. */
void front_refuse(struct net_request *request, hm_err err);

/* Ask the keeper; `land` is called with a good answer, a refusal is answered
 * here. The flight is the asker's from now on, in any case. */
void flight_ask(struct flight *flight, ask_kind kind, const void *body,
    struct hm_bytes tail, landing land);
/* The key of the TLS peer, into a struct of ask.h. */
void flight_peer(const struct flight *flight, uint8_t ret[static HM_POINT_LEN]);

/* The route tables: messages (routes.c) and views (views.c). */
extern const struct net_route front_routes[];
extern const size_t front_routes_count;
/* All that a device may ask for at its own door. */
extern const struct net_route device_routes[];
extern const size_t device_routes_count;

/* Handlers of views.c and parts.c that the table names. */
void view_whoami(void *context, struct net_request *request);
void view_order(void *context, struct net_request *request);
void view_release(void *context, struct net_request *request);
void view_manifest(void *context, struct net_request *request);
void view_device(void *context, struct net_request *request);
void view_quarantine(void *context, struct net_request *request);
void view_growth(void *context, struct net_request *request);
void view_health(void *context, struct net_request *request);
void part_crl(void *context, struct net_request *request);
void part_checkpoint(void *context, struct net_request *request);
void part_tile(void *context, struct net_request *request);
