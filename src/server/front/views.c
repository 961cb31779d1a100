/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET routes that show records, as JSON with a schema name. Values are names,
 * hex, numbers and times only, none of which needs escaping.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "server/front/serve.h"
#include "wire/challenge.h"

#define VIEW_MAX 131072 /* bytes of JSON */

static struct flight *
begin(void *context, struct net_request *request)
{
	struct flight *flight = NULL;
	hm_err err = flight_new(context, request, &flight);

	if (err != HM_OK) {
		front_refuse(request, err);
		return NULL;
	}
	buf_init(&flight->content, VIEW_MAX);
	return flight;
}

static void
show(struct flight *flight, hm_err err)
{
	if (err != HM_OK)
		flight_refuse(flight, err);
	else
		flight_reply(flight, FRONT_JSON, buf_bytes(&flight->content));
}

static const char *
role_name(uint32_t role)
{
	return role == HM_ROLE_STATION   ? "station"
	       : role == HM_ROLE_PLANNER ? "planner"
	       : role == HM_ROLE_AUDITOR ? "auditor"
	       : role == HM_ROLE_DEVICE  ? "device"
					 : "approver";
}

static hm_err
put_hex(struct buf *out, const char *key, struct hm_bytes bytes)
{
	HM_TRY(buf_print(out, ",\"%s\":\"", key));
	HM_TRY(buf_add_hex(out, bytes));
	return buf_print(out, "\"");
}

static hm_err
put_time(struct buf *out, const char *key, uint64_t seconds)
{
	char text[TIME_TEXT_LEN];

	if (seconds == 0)
		return HM_OK;
	time_format(seconds, text);
	return buf_print(out, ",\"%s\":\"%s\"", key, text);
}

/* ---- who am I ---- */

static void
whoami_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	const struct ask_peer_answer *answer = body;

	(void)tail;
	show(flight, buf_print(&flight->content,
			 "{\"schema\":\"hallmark.whoami/1\",\"name\":\"%s\","
			 "\"role\":\"%s\"}\n",
			 answer->name, role_name(answer->role)));
}

void
view_whoami(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct ask_peer ask = { 0 };

	if (flight == NULL)
		return;
	flight_peer(flight, ask.key);
	flight_ask(flight, ASK_PEER, &ask, (struct hm_bytes){ 0 }, whoami_land);
}

/* ---- an order ---- */

static hm_err
put_order(struct buf *out, const struct ask_order_answer *order)
{
	HM_TRY(buf_print(out,
	    "{\"schema\":\"hallmark.order/1\",\"order\":\"%s\","
	    "\"product\":\"%s\",\"release\":\"%s\",\"channel\":\"%s\","
	    "\"closed\":%s",
	    order->order, order->product, order->release,
	    order->channel == HM_CHANNEL_PROD ? "prod" : "dev",
	    order->closed ? "true" : "false"));
	HM_TRY(buf_print(out,
	    ",\"quota\":%" PRIu32 ",\"used\":%" PRIu32 ",\"reserved\":%" PRIu32
	    ",\"left\":%" PRIu32 ",\"confirmed\":%" PRIu32
	    ",\"returned\":%" PRIu32 ",\"scrapped\":%" PRIu32,
	    order->quota, order->used, order->reserved, order->left,
	    order->confirmed, order->returned, order->scrapped));
	HM_TRY(put_time(out, "not_before", order->not_before_s));
	HM_TRY(put_time(out, "not_after", order->not_after_s));
	HM_TRY(put_hex(out, "digest", HM_BYTES(order->digest)));
	return buf_print(out, "}\n");
}

static void
order_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	(void)tail;
	show(flight, put_order(&flight->content, body));
}

void
view_order(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct ask_order ask = { 0 };
	struct hm_bytes name;

	if (flight == NULL)
		return;
	name = hm_bytes_of(net_request_path(request) + strlen("/v1/order/"));
	if (!hm_is_name(name)) {
		flight_refuse(flight, HM_E_NO_ORDER);
		return;
	}
	memcpy(ask.order, name.ptr, name.len);
	flight_peer(flight, ask.peer);
	flight_ask(flight, ASK_ORDER, &ask, (struct hm_bytes){ 0 }, order_land);
}

/* ---- a release ---- */

static hm_err
put_approvals(struct buf *out, const struct ask_release_answer *release)
{
	HM_TRY(buf_print(out, ",\"approvals\":["));
	for (uint32_t i = 0; i < release->approval_count; i++) {
		const struct ask_approval *one = &release->approvals[i];

		HM_TRY(buf_print(
		    out, "%s{\"by\":\"%s\"", i == 0 ? "" : ",", one->by));
		HM_TRY(put_time(out, "at", one->at_s));
		HM_TRY(buf_print(out, "}"));
	}
	return buf_print(out, "]");
}

static hm_err
put_release(struct buf *out, const struct ask_release_answer *release)
{
	static const uint8_t nothing[HM_DIGEST_LEN];
	bool prod = release->channel == HM_CHANNEL_PROD;
	bool waits = prod && release->approval_count < HM_APPROVALS_MIN;

	HM_TRY(buf_print(out,
	    "{\"schema\":\"hallmark.release/1\",\"release\":\"%s\","
	    "\"product\":\"%s\",\"channel\":\"%s\",\"counter\":%" PRIu32
	    ",\"state\":\"%s\"",
	    release->name, release->product, prod ? "prod" : "dev",
	    release->counter,
	    release->revoked ? "revoked"
	    : waits          ? "waits for approvals"
			     : "usable"));
	HM_TRY(put_approvals(out, release));
	if (memcmp(release->promoted, nothing, sizeof(nothing)) != 0)
		HM_TRY(
		    put_hex(out, "promoted_from", HM_BYTES(release->promoted)));
	HM_TRY(put_hex(out, "digest", HM_BYTES(release->digest)));
	return buf_print(out, "}\n");
}

static void
release_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	(void)tail;
	show(flight, put_release(&flight->content, body));
}

static void
manifest_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	(void)body;
	flight_reply(flight, "application/cose", tail);
}

/* 64 hex digits, or PRODUCT/NAME. */
static hm_err
take_release(struct hm_bytes text, struct ask_release *ret)
{
	const uint8_t *slash = memchr(text.ptr, '/', text.len);
	struct hm_bytes left = text, right = text;

	if (text.len == (size_t)2 * HM_DIGEST_LEN && slash == NULL)
		return hex_parse(text, ret->digest, sizeof(ret->digest));
	if (slash == NULL)
		return HM_E_NOT_FOUND;
	left.len = (size_t)(slash - text.ptr);
	right = (struct hm_bytes){ slash + 1, text.len - left.len - 1 };
	if (!hm_is_name(left) || !hm_is_name(right))
		return HM_E_NOT_FOUND;
	memcpy(ret->name, text.ptr, text.len);
	return HM_OK;
}

static void
ask_release(
    void *context, struct net_request *request, const char *path, landing land)
{
	struct flight *flight = begin(context, request);
	struct ask_release ask = { 0 };

	if (flight == NULL)
		return;
	if (take_release(hm_bytes_of(net_request_path(request) + strlen(path)),
		&ask) != HM_OK) {
		flight_refuse(flight, HM_E_NOT_FOUND);
		return;
	}
	flight_peer(flight, ask.peer);
	flight_ask(flight, ASK_RELEASE, &ask, (struct hm_bytes){ 0 }, land);
}

void
view_release(void *context, struct net_request *request)
{
	ask_release(context, request, "/v1/release/", release_land);
}

void
view_manifest(void *context, struct net_request *request)
{
	ask_release(context, request, "/v1/manifest/", manifest_land);
}

/* ---- a device ---- */

static hm_err
put_device(struct buf *out, const struct ask_device_answer *device,
    struct hm_bytes certificate)
{
	HM_TRY(buf_print(out,
	    "{\"schema\":\"hallmark.device/1\",\"serial\":\"%s\","
	    "\"state\":\"%s\",\"order\":\"%s\",\"station\":\"%s\"",
	    device->serial, hm_state_name((hm_device_state)device->state),
	    device->order, device->station));
	HM_TRY(put_hex(out, "device_id", HM_BYTES(device->device_id)));
	if (device->has_mac)
		HM_TRY(put_hex(out, "mac", HM_BYTES(device->mac)));
	HM_TRY(
	    put_hex(out, "certificate_serial", HM_BYTES(device->cert_serial)));
	HM_TRY(put_hex(out, "identity_sha256", HM_BYTES(device->identity)));
	HM_TRY(put_hex(out, "stamp_sha256", HM_BYTES(device->stamp)));
	HM_TRY(put_time(out, "issued", device->issued_s));
	HM_TRY(put_time(out, "confirmed", device->confirmed_s));
	HM_TRY(
	    buf_print(out, ",\"issue_entry\":%" PRIu64, device->issue_index));
	if (device->confirmed_s != 0)
		HM_TRY(buf_print(
		    out, ",\"confirm_entry\":%" PRIu64, device->confirm_index));
	HM_TRY(buf_print(out, ",\"certificate\":\""));
	HM_TRY(buf_add_base64(out, certificate));
	return buf_print(out, "\"}\n");
}

static void
device_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	show(flight, put_device(&flight->content, body, tail));
}

static bool
is_serial(struct hm_bytes text)
{
	if (text.len == 0 || text.len > HM_SERIAL_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	return true;
}

void
view_device(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct ask_device ask = { 0 };
	struct hm_bytes name;
	bool is_id;

	if (flight == NULL)
		return;
	name = hm_bytes_of(net_request_path(request) + strlen("/v1/device/"));
	is_id = name.len == sizeof(ask.device_id) * 2;
	if (is_id
		? hex_parse(name, ask.device_id, sizeof(ask.device_id)) != HM_OK
		: !is_serial(name)) {
		flight_refuse(flight, HM_E_NOT_FOUND);
		return;
	}
	if (!is_id)
		memcpy(ask.serial, name.ptr, name.len);
	flight_peer(flight, ask.peer);
	flight_ask(
	    flight, ASK_DEVICE, &ask, (struct hm_bytes){ 0 }, device_land);
}

/* ---- the quarantine list ---- */

static hm_err
put_quarantined(struct buf *out, const struct ask_quarantined *row, bool first)
{
	HM_TRY(buf_print(out,
	    "%s{\"serial\":\"%s\",\"order\":\"%s\",\"station\":\"%s\"",
	    first ? "" : ",", row->serial, row->order, row->station));
	HM_TRY(put_hex(out, "device_id", HM_BYTES(row->device_id)));
	HM_TRY(put_time(out, "issued", row->issued_s));
	return buf_print(out, "}");
}

static hm_err
put_quarantine(struct buf *out, const struct ask_quarantine_answer *answer,
    struct hm_bytes rows)
{
	struct ask_quarantined row;

	HM_TRY(buf_print(out,
	    "{\"schema\":\"hallmark.quarantine/1\",\"more\":%s,"
	    "\"devices\":[",
	    answer->more ? "true" : "false"));
	for (size_t i = 0; i < rows.len / sizeof(row); i++) {
		memcpy(&row, rows.ptr + i * sizeof(row), sizeof(row));
		HM_TRY(put_quarantined(out, &row, i == 0));
	}
	return buf_print(out, "]}\n");
}

static void
quarantine_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	show(flight, put_quarantine(&flight->content, body, tail));
}

void
view_quarantine(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct ask_quarantine ask = { 0 };
	const char *query;
	hm_err err = HM_OK;

	if (flight == NULL)
		return;
	query = net_request_query(request);
	if (strncmp(query, "after=", 6) == 0)
		err =
		    uint_parse(hm_bytes_of(query + 6), UINT32_MAX, &ask.after);
	else if (*query != 0)
		err = HM_E_BAD_INPUT;
	if (err != HM_OK) {
		flight_refuse(flight, err);
		return;
	}
	flight_peer(flight, ask.peer);
	flight_ask(flight, ASK_QUARANTINE, &ask, (struct hm_bytes){ 0 },
	    quarantine_land);
}

/* ---- has the log only grown? ---- */

static void
growth_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	(void)body;
	flight_reply(flight, "text/plain; charset=utf-8", tail);
}

void
view_growth(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);
	struct ask_growth ask = { 0 };
	struct hm_bytes query;
	hm_err err = HM_E_BAD_INPUT;

	if (flight == NULL)
		return;
	query = hm_bytes_of(net_request_query(request));
	if (query.len > 5 && memcmp(query.ptr, "from=", 5) == 0)
		err = uint_parse(
		    (struct hm_bytes){ query.ptr + 5, query.len - 5 },
		    INT64_MAX, &ask.from);
	if (err != HM_OK) {
		flight_refuse(flight, err);
		return;
	}
	flight_peer(flight, ask.peer);
	flight_ask(
	    flight, ASK_GROWTH, &ask, (struct hm_bytes){ 0 }, growth_land);
}

/* ---- health ---- */

static void
health_land(struct flight *flight, const void *body, struct hm_bytes tail)
{
	const struct ask_health_answer *answer = body;

	(void)tail;
	show(
	    flight, buf_print(&flight->content,
			"{\"schema\":\"hallmark.health/1\",\"entries\":%" PRIu64
			",\"database\":%" PRIu32 ",\"token\":%" PRIu32 "}\n",
			answer->size, answer->database, answer->token));
}

void
view_health(void *context, struct net_request *request)
{
	struct flight *flight = begin(context, request);

	if (flight != NULL)
		flight_ask(flight, ASK_HEALTH, NULL, (struct hm_bytes){ 0 },
		    health_land);
}
