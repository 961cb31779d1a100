/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET routes for whole files: the revocation list, the checkpoint and the tiles
 * of the ledger. The front sees no files, so the keeper hands them over in
 * parts of at most ASK_TAIL_MAX bytes, one after another.
 */
#include <string.h>

#include "ledger/tiles.h"
#include "server/front/serve.h"

#define FILE_MAX (256 * (2 + 65535)) /* a full entry bundle */

static void ask_next(struct flight *flight);

static void
part_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	const struct ask_part_answer *answer = body;
	hm_err err = buf_add(&flight->content, tail);

	if (err == HM_OK && tail.len == 0 &&
	    flight->content.len < answer->total)
		err = HM_E_IO; /* it shrank in the meantime */
	if (err != HM_OK)
		flight_refuse(flight, err);
	else if (flight->content.len < answer->total)
		ask_next(flight);
	else
		flight_reply(flight, flight->type, buf_bytes(&flight->content));
}

/* The client has taken what there was, or is gone. */
static void
tile_next(void *context, bool gone)
{
	struct flight *flight = context;

	if (gone)
		flight_end(flight);
	else
		ask_next(flight);
}

/* Tiles never change once they are there: each part leaves when it is here. */
static void
tile_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	const struct ask_part_answer *answer = body;
	uint64_t total = answer->total;
	bool goes_on;

	if (total == tail.len && flight->sent == 0) {
		flight_reply(flight, flight->type, tail);
		return;
	}
	if (tail.len == 0 || total - flight->sent < tail.len ||
	    total > FILE_MAX || (flight->sent && total != flight->size)) {
		flight_refuse(flight, HM_E_IO);
		return;
	}
	goes_on = flight->sent == 0
		      ? net_reply_parts(flight->request, flight->type,
			    (size_t)total, tail, tile_next, flight)
		      : net_reply_part(flight->request, tail);
	flight->size = total;
	flight->sent += tail.len;
	if (!goes_on)
		flight_end(flight);
}

static void
ask_next(struct flight *flight)
{
	bool is_tile = flight->first < ASK_CHECKPOINT;
	struct ask_part ask = { .level = flight->first,
		.width = flight->last,
		.index = flight->index,
		.offset = is_tile ? flight->sent : flight->content.len };
	ask_kind kind = flight->first == UINT32_MAX ? ASK_CRL : ASK_FILE;

	flight_peer(flight, ask.peer);
	flight_ask(flight, kind, &ask, (struct hm_bytes){ 0 },
	    is_tile ? tile_land : part_land);
}

static struct flight *
begin(void *context, struct net_request *request, const char *type)
{
	struct flight *flight = NULL;
	hm_err err = flight_new(context, request, &flight);

	if (err != HM_OK) {
		front_refuse(request, err);
		return NULL;
	}
	flight->type = type;
	buf_init(&flight->content, FILE_MAX);
	return flight;
}

void
part_crl(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request, "application/pkix-crl");

	if (flight == NULL)
		return;
	flight->first = UINT32_MAX;
	ask_next(flight);
}

void
part_checkpoint(void *context, struct net_request *request)
{
	struct flight *flight =
	    begin(context, request, "text/plain; charset=utf-8");

	if (flight == NULL)
		return;
	flight->first = ASK_CHECKPOINT;
	ask_next(flight);
}

void
part_tile(void *context, struct net_request *request)
{
	struct flight *flight =
	    begin(context, request, "application/octet-stream");
	unsigned level, width;
	hm_err err;

	if (flight == NULL)
		return;
	err = tile_path_parse(hm_bytes_of(net_request_path(request) + 1),
	    &level, &flight->index, &width);
	if (err != HM_OK) {
		flight_refuse(flight, HM_E_NOT_FOUND);
		return;
	}
	flight->first = level;
	flight->last = width;
	ask_next(flight);
}
