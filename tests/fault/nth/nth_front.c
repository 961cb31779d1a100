/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nth_front - a front's process, and another of its calls that fails
 *
 * A station talks to it over TLS, a keeper stands behind it (world.h). What
 * breaks down is asked again, over a connection of its own each time; then the
 * front is started again. Without jail, in which no search for leaks can run
 * (base/jail.c). What OpenSSL makes of a lack of memory while it sets itself up
 * is not looked at: it ends the process.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"
#include "core/check.h"
#include "crypto/init.h"
#include "fault.h"
#include "hallmark/agent.h"
#include "ledger/receipt.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/evidence.h"
#include "wire/problem.h"
#include "wire/stamp.h"
#include "world.h"

#define MUST(call) hm_assert((call) == HM_OK)
#define TRIES 4
#define CALL_MS 4000 /* a call that takes longer has failed */

static struct net_client *client;
static struct hm_agent agent;

/* ---- calls ---- */

static void
ensure(void)
{
	for (int i = 0; !world_front_runs(); i++) {
		hm_err err = world_front_start(true);

		if (err != HM_OK && (i == TRIES || !fault_fired()))
			fault_lost("the front does not start: HM-%04d", err);
	}
}

/* Call until nothing breaks down any more. `body` NULL: GET. */
static void
call(const char *path, const struct hm_bytes *body, struct net_answer *ret)
{
	hm_err err = HM_OK;

	for (int i = 0; i < TRIES; i++) {
		ensure();
		net_client_hang_up(client);
		err = body != NULL ? net_client_post(client, path,
					 "application/cbor", *body, ret, NULL)
				   : net_client_get(client, path, ret, NULL);
		if (err == HM_OK && ret->status < 500)
			return;
		if (!fault_fired())
			fault_lost(
			    "%s: HM-%04d, status %d", path, err, ret->status);
		if (i > 0 && world_front_runs())
			(void)world_front_stop(); /* looked at what it was */
	}
	fault_lost("%s breaks down again and again: HM-%04d", path, err);
}

static void
expect(const char *path, const struct hm_bytes *body, int status,
    struct net_answer *ret)
{
	call(path, body, ret);
	if (ret->status != status)
		fault_lost("%s: status %d", path, ret->status);
}

static void
look(const char *path, int status)
{
	AUTO(net_answer) struct net_answer got = { 0 };

	expect(path, NULL, status, &got);
}

/* ---- the device ---- */

/* What it says to one message; in `message`. */
static struct hm_bytes
tell(hm_link_type type, struct hm_bytes body, hm_link_type expected)
{
	static uint8_t message[HM_LINK_MAX];
	const struct hm_link link = { .type = type, .body = body };
	struct hm_link said;
	size_t len;

	MUST(hm_link_encode(
	    &link, (struct hm_span){ message, sizeof(message) }, &len));
	MUST(hm_agent_handle(
	    &agent, (struct hm_span){ message, sizeof(message) }, len, &len));
	MUST(hm_link_decode((struct hm_bytes){ message, len }, &said));
	hm_assert(said.type == expected);
	return said.body;
}

/* ---- a life ---- */

static void
check_receipt(struct hm_bytes entry, struct hm_bytes receipt)
{
	struct note_policy policy = { .log = &world.plant.play.log };
	struct checkpoint at;

	if (receipt_verify(receipt, entry, &policy, NULL, &at) != HM_OK)
		fault_lost("a receipt that proves nothing");
}

static struct hm_bytes
attest(void)
{
	AUTO(net_answer) struct net_answer got = { 0 };
	struct hm_challenge_request request = { .order = HM_LITERAL("PO-1") };
	uint8_t room[HM_CHALLENGE_MAX];
	struct hm_bytes body = { room, 0 };

	MUST(hm_challenge_request_encode(
	    &request, (struct hm_span){ room, sizeof(room) }, &body.len));
	expect("/v1/challenge", &body, 200, &got);
	return tell(HM_LINK_CHALLENGE, buf_bytes(&got.body), HM_LINK_EVIDENCE);
}

/* Twice, with the same answer. */
static void
issue(struct hm_bytes evidence, struct net_answer *ret)
{
	static uint8_t room[HM_EVIDENCE_MAX + 128];
	AUTO(net_answer) struct net_answer again = { 0 };
	struct hm_issue_request request = { .order = HM_LITERAL("PO-1"),
		.slot = HM_LITERAL("A1"),
		.evidence = evidence };
	struct hm_bytes body = { room, 0 };
	struct hm_issue_answer first, second;

	MUST(hm_issue_request_encode(
	    &request, (struct hm_span){ room, sizeof(room) }, &body.len));
	expect("/v1/issue", &body, 200, ret);
	expect("/v1/issue", &body, 200, &again);
	MUST(hm_issue_answer_decode(buf_bytes(&ret->body), &first));
	MUST(hm_issue_answer_decode(buf_bytes(&again.body), &second));
	check_receipt(first.entry, first.receipt);
	if (!hm_bytes_equal(first.stamp, second.stamp) ||
	    !hm_bytes_equal(first.entry, second.entry))
		fault_lost("another stamp for the same evidence");
}

static void
confirm(struct hm_bytes conformance, struct net_answer *ret)
{
	static uint8_t room[HM_CONFORMANCE_MAX + 128];
	struct hm_confirm_request request = { .order = HM_LITERAL("PO-1"),
		.conformance = conformance };
	struct hm_bytes body = { room, 0 };
	struct hm_confirm_answer confirmed;

	MUST(hm_confirm_request_encode(
	    &request, (struct hm_span){ room, sizeof(room) }, &body.len));
	expect("/v1/confirm", &body, 200, ret);
	MUST(hm_confirm_answer_decode(buf_bytes(&ret->body), &confirmed));
	check_receipt(confirmed.entry, confirmed.receipt);
}

static void
refuse(void)
{
	AUTO(net_answer) struct net_answer got = { 0 };
	struct hm_bytes rubbish = HM_LITERAL("rubbish");
	struct hm_problem problem;

	expect("/v1/issue", &rubbish, 400, &got);
	MUST(hm_problem_decode(buf_bytes(&got.body), &problem));
	hm_assert(problem.err == HM_E_BAD_INPUT);
	look("/nowhere", 404);
	look("/v1/order/PO-9", 404);
	look("/v1/device/SN999999", 404);
	look("/v1/quarantine", 403);
	look("/v1/growth?from=1", 200);
}

static void
make_one(void)
{
	AUTO(net_answer) struct net_answer issued = { 0 }, confirmed = { 0 };
	struct hm_issue_answer answer;

	world_chip();
	MUST(hm_agent_init(&agent));
	issue(attest(), &issued);
	MUST(hm_issue_answer_decode(buf_bytes(&issued.body), &answer));
	confirm(
	    tell(HM_LINK_STAMP, answer.stamp, HM_LINK_CONFORMANCE), &confirmed);
	(void)tell(HM_LINK_RECEIPT, buf_bytes(&confirmed.body), HM_LINK_DONE);
	hm_assert(hm_agent_where(&agent) == HM_AGENT_COMPLETE);
}

static void
live(void)
{
	struct net_client_config config = { .url = world.url,
		.ca = world.ca,
		.certificate = world.station_cert,
		.key = world.station_key,
		.deadline_ms = CALL_MS };
	struct ask_order_answer before = world_counts(), after;

	MUST(net_client_new(&config, &client, NULL));
	look("/healthz", 200);
	make_one();
	refuse();
	look("/v1/whoami", 200);
	look("/checkpoint", 200);
	net_client_free(client);
	if (world_front_runs() && world_front_stop() != HM_OK && !fault_fired())
		fault_lost("the front did not end in order");
	after = world_counts();
	if (after.used != before.used + 1 || after.reserved != 0 ||
	    after.confirmed != before.confirmed + 1)
		fault_lost("used %u -> %u, reserved %u, confirmed %u -> %u",
		    before.used, after.used, after.reserved, before.confirmed,
		    after.confirmed);
}

static void
prepare(void)
{
	log_init("front", LOG_INFO);
	MUST(crypto_init());
	world_start();
}

static const struct fault_class classes[] = {
	{ "malloc", NULL, 0, false }, /* libevent's too: base/loop.c */
	{ "malloc", "libcrypto", 16, false },
	{ "malloc", "libssl", 0, false },
	{ "recv", NULL, 0, false },
	{ "send", NULL, 0, false },
	{ "read", "libcrypto", 0, false },
	{ "write", "libcrypto", 0, false },
	{ "poll", "libevent", 0, false },
	{ "accept", NULL, 0, false },
	{ "open", NULL, 0, false },
	{ "random", NULL, 0, false },
	{ 0 },
};

int
main(int argc, char **argv)
{
	static const struct fault_part part = { .name = "front",
		.classes = classes,
		.life_s = 40,
		.prepare = prepare,
		.life = live,
		.finish = world_stop };

	return fault_main(&part, argc, argv);
}
