/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of routes, and those that carry messages: challenge, issue,
 * confirm, void, object. Each has two halves: what the client sent becomes an
 * ask, what the keeper answers becomes a message.
 */
#include <string.h>

#include "attest/nonce.h"
#include "base/clock.h"
#include "core/check.h"
#include "server/front/serve.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/stamp.h"
#include "wire/void.h"

static bool
is_message(const struct net_request *request)
{
	const char *type = net_request_type(request);

	return strcmp(type, FRONT_CBOR) == 0 ||
	       strcmp(type, "application/cose") == 0;
}

/* A name of at most HM_NAME_MAX bytes, as decoders return them. */
static void
name_copy(ask_name ret, struct hm_bytes name)
{
	hm_assert(name.len < sizeof(ask_name));
	memcpy(ret, name.ptr, name.len);
	ret[name.len] = 0;
}

/* Begin a route that takes a message, or refuse. */
static struct flight *
begin(void *context, struct net_request *request)
{
	struct flight *flight = NULL;
	hm_err err = is_message(request) ? HM_OK : HM_E_HTTP;

	if (err == HM_OK)
		err = flight_new(context, request, &flight);
	if (err != HM_OK)
		front_refuse(request, err);
	return flight;
}

/* ---- challenge ---- */

/* Answer with what an encoder made of it. */
static void
land(struct flight *flight, hm_err err, struct hm_bytes message)
{
	if (err != HM_OK)
		flight_refuse(flight, err);
	else
		flight_reply(flight, FRONT_CBOR, message);
}

static void
challenge_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	const struct ask_challenge_answer *answer = body;
	struct hm_challenge challenge = { .order = hm_bytes_of(flight->order) };
	uint8_t room[HM_CHALLENGE_MAX], peer[HM_POINT_LEN];
	size_t len = 0;
	hm_err err;

	(void)tail;
	flight_peer(flight, peer);
	memcpy(challenge.release, answer->release, sizeof(challenge.release));
	err = nonce_make(flight->front->nonce_key, challenge.order,
	    HM_BYTES(peer), clock_now_s(), challenge.nonce);
	if (err == HM_OK)
		err = hm_challenge_encode(
		    &challenge, (struct hm_span){ room, sizeof(room) }, &len);
	land(flight, err, (struct hm_bytes){ room, len });
}

static void
challenge(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct hm_challenge_request message;
	struct ask_challenge ask = { 0 };
	hm_err err;

	if (flight == NULL)
		return;
	err = hm_challenge_request_decode(net_request_body(request), &message);
	if (err != HM_OK) {
		flight_refuse(flight, err);
		return;
	}
	name_copy(flight->order, message.order);
	name_copy(ask.order, message.order);
	ask.door = flight->front->door;
	flight_peer(flight, ask.peer);
	flight_ask(flight, ASK_CHALLENGE, &ask, (struct hm_bytes){ 0 },
	    challenge_land);
}

/* ---- issue ---- */

/* The first `len` bytes of `tail`, which is shortened by them. */
static struct hm_bytes
cut(struct hm_bytes *tail, size_t len)
{
	struct hm_bytes part = { tail->ptr, len <= tail->len ? len : 0 };

	tail->ptr += part.len;
	tail->len -= part.len;
	return part;
}

static void
issue_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	static uint8_t room[ASK_MESSAGE_MAX];
	const struct ask_issue_answer *answer = body;
	struct hm_issue_answer message;
	size_t len = 0;
	hm_err err;

	message.stamp = cut(&tail, answer->stamp_len);
	message.entry = cut(&tail, answer->entry_len);
	message.receipt = cut(&tail, answer->receipt_len);
	err = hm_issue_answer_encode(
	    &message, (struct hm_span){ room, sizeof(room) }, &len);
	land(flight, err, (struct hm_bytes){ room, len });
}

static hm_err
issue_read(const struct flight *flight, struct ask_issue *ret)
{
	struct hm_issue_request message;

	HM_TRY(hm_issue_request_decode(
	    net_request_body(flight->request), &message));
	HM_TRY(attest_parse(message.evidence, &ret->kase));
	HM_TRY(attest_possession(&ret->kase));
	name_copy(ret->order, message.order);
	name_copy(ret->slot, message.slot);
	ret->door = flight->front->door;
	flight_peer(flight, ret->peer);
	ret->nonce_verdict =
	    (uint32_t)nonce_check(flight->front->nonce_key, message.order,
		HM_BYTES(ret->peer), clock_now_s(), ret->kase.claims.nonce);
	return HM_OK;
}

static void
issue(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct ask_issue ask = { 0 };
	hm_err err;

	if (flight == NULL)
		return;
	err = issue_read(flight, &ask);
	if (err != HM_OK)
		flight_refuse(flight, err);
	else
		flight_ask(flight, ASK_ISSUE, &ask, (struct hm_bytes){ 0 },
		    issue_land);
}

/* ---- confirm, void, object: answered by entry and receipt ---- */

static void
entry_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	static uint8_t room[ASK_MESSAGE_MAX];
	const struct ask_entry_answer *answer = body;
	struct hm_confirm_answer message;
	size_t len = 0;
	hm_err err;

	message.entry = cut(&tail, answer->entry_len);
	message.receipt = cut(&tail, answer->receipt_len);
	err = hm_confirm_answer_encode(
	    &message, (struct hm_span){ room, sizeof(room) }, &len);
	land(flight, err, (struct hm_bytes){ room, len });
}

static hm_err
confirm_read(const struct flight *flight, struct ask_confirm *ret)
{
	struct hm_confirm_request message;
	struct hm_sign1 sign1;

	HM_TRY(hm_confirm_request_decode(
	    net_request_body(flight->request), &message));
	HM_TRY(
	    hm_sign1_decode(message.conformance, HM_CONFORMANCE_MAX, &sign1));
	HM_TRY(hm_conformance_decode(sign1.payload, &ret->conformance));
	name_copy(ret->order, message.order);
	ret->door = flight->front->door;
	flight_peer(flight, ret->peer);
	ret->has_kid = sign1.kid.len == HM_KID_LEN;
	if (ret->has_kid)
		memcpy(ret->kid, sign1.kid.ptr, HM_KID_LEN);
	memcpy(ret->signature, sign1.signature, sizeof(ret->signature));
	return HM_OK;
}

static void
confirm(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct ask_confirm ask = { 0 };
	hm_err err;

	if (flight == NULL)
		return;
	err = confirm_read(flight, &ask);
	if (err != HM_OK)
		flight_refuse(flight, err);
	else
		flight_ask(flight, ASK_CONFIRM, &ask, (struct hm_bytes){ 0 },
		    entry_land);
}

static hm_err
void_read(struct hm_bytes message)
{
	struct hm_sign1 sign1;
	struct hm_void content;

	HM_TRY(hm_sign1_decode(message, HM_VOID_MAX, &sign1));
	return hm_void_decode(sign1.payload, &content);
}

static hm_err
object_read(struct hm_bytes message)
{
	static struct hm_object content; /* large */
	struct hm_sign1 sign1;

	HM_TRY(hm_sign1_decode(message, HM_OBJECT_MAX, &sign1));
	return hm_object_decode(sign1.payload, &content);
}

/* A signed message goes on as it is, once it is known to be well-formed. */
static void
pass_on(void *context, struct net_request *request, ask_kind kind,
    hm_err (*read)(struct hm_bytes message))
{
	struct flight *flight = begin(context, request);
	struct ask_from ask = { 0 };
	hm_err err;

	if (flight == NULL)
		return;
	err = read(net_request_body(request));
	if (err != HM_OK) {
		flight_refuse(flight, err);
		return;
	}
	flight_peer(flight, ask.peer);
	flight_ask(flight, kind, &ask, net_request_body(request), entry_land);
}

static void
void_(void *context, struct net_request *request)
{
	pass_on(context, request, ASK_VOID, void_read);
}

static void
object(void *context, struct net_request *request)
{
	pass_on(context, request, ASK_OBJECT, object_read);
}

#define MAKE_ROUTES                                                        \
	{ NET_POST, "/v1/challenge", 256, challenge },                     \
	    { NET_POST, "/v1/issue", HM_EVIDENCE_MAX + 512, issue },       \
	{                                                                  \
		NET_POST, "/v1/confirm", HM_CONFORMANCE_MAX + 256, confirm \
	}

const struct net_route device_routes[] = { MAKE_ROUTES };
const size_t device_routes_count =
    sizeof(device_routes) / sizeof(device_routes[0]);

const struct net_route front_routes[] = {
	MAKE_ROUTES,
	{ NET_POST, "/v1/void", HM_VOID_MAX, void_ },
	{ NET_POST, "/v1/object", HM_OBJECT_MAX, object },
	{ NET_GET, "/v1/whoami", 0, view_whoami },
	{ NET_GET, "/v1/order/", 0, view_order },
	{ NET_GET, "/v1/release/", 0, view_release },
	{ NET_GET, "/v1/manifest/", 0, view_manifest },
	{ NET_GET, "/v1/device/", 0, view_device },
	{ NET_GET, "/v1/quarantine", 0, view_quarantine },
	{ NET_GET, "/v1/crl", 0, part_crl },
	{ NET_GET, "/checkpoint", 0, part_checkpoint },
	{ NET_GET, "/tile/", 0, part_tile },
	{ NET_GET, "/v1/growth", 0, view_growth },
	{ NET_GET, "/healthz", 0, view_health },
};
const size_t front_routes_count =
    sizeof(front_routes) / sizeof(front_routes[0]);
