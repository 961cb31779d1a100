/* SPDX-License-Identifier: Apache-2.0 */
#include "played.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../ledger/testlog.h"
#include "base/auto.h"
#include "ledger/receipt.h"
#include "net/client.h"
#include "wire/challenge.h"
#include "wire/claims.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/evidence.h"
#include "wire/problem.h"
#include "wire/stamp.h"

struct played played;

void
played_reset(void)
{
	played = (struct played){ 0 };
}

/* ---- answers ---- */

/* Encode with `call` (span, &len) behind what `ret` has. */
#define APPEND(ret, most, call)                                             \
	do {                                                                \
		uint8_t *room;                                              \
		size_t len = 0;                                             \
		assert_int_equal(buf_reserve((ret), (most), &room), HM_OK); \
		struct hm_span span = { room, (most) };                     \
		assert_int_equal((call), HM_OK);                            \
		(ret)->len += len;                                          \
	} while (0)

void
played_stamp(const char *serial, struct buf *ret)
{
	AUTO(buf) struct buf payload = { .max = HM_STAMP_MAX };
	const struct hm_stamp stamp = { .order = HM_LITERAL("PO-1"),
		.serial = hm_bytes_of(serial),
		.certificate = HM_LITERAL("certificate"),
		.chain = { HM_LITERAL("authority") },
		.chain_count = 1,
		.sealed = HM_LITERAL("sixteen and more bytes"),
		.origin = HM_LITERAL(TESTLOG_ORIGIN),
		.enc = { 4, 1 },
		.issued_s = 1790000000 };
	struct hm_sign1 sign1 = { 0 };

	APPEND(&payload, HM_STAMP_MAX / 2, hm_stamp_encode(&stamp, span, &len));
	sign1.payload = buf_bytes(&payload);
	APPEND(ret, HM_STAMP_MAX, hm_sign1_encode(&sign1, span, &len));
}

/* The receipt of a log that holds this entry alone. */
static void
receipt(struct hm_bytes entry, struct buf *ret)
{
	AUTO(buf) struct buf note = { .max = NOTE_MAX };
	struct tree tree = { 0 };
	struct tree_hash leaf;

	tree_leaf(played.bad_receipt ? HM_LITERAL("another") : entry, &leaf);
	tree_add(&tree, &leaf);
	testlog_checkpoint(&tree, &note);
	assert_int_equal(
	    receipt_format(0, NULL, 0, buf_bytes(&note), ret), HM_OK);
}

void
played_issue(struct buf *ret)
{
	AUTO(buf) struct buf stamp = { .max = HM_STAMP_MAX };
	AUTO(buf) struct buf proof = { .max = HM_RECEIPT_MAX };
	struct hm_issue_answer answer = { .entry = HM_LITERAL("issued") };

	played_stamp(PLAYED_SERIAL, &stamp);
	receipt(answer.entry, &proof);
	answer.stamp = buf_bytes(&stamp);
	answer.receipt = buf_bytes(&proof);
	APPEND(ret, 20000, hm_issue_answer_encode(&answer, span, &len));
}

void
played_confirm(struct buf *ret)
{
	AUTO(buf) struct buf proof = { .max = HM_RECEIPT_MAX };
	struct hm_confirm_answer answer = { .entry = HM_LITERAL("confirmed") };

	receipt(answer.entry, &proof);
	answer.receipt = buf_bytes(&proof);
	APPEND(ret, 20000, hm_confirm_answer_encode(&answer, span, &len));
}

static hm_err
on_challenge(struct hm_bytes body, struct buf *ret)
{
	struct hm_challenge_request request;
	struct hm_challenge challenge = { 0 };

	assert_int_equal(hm_challenge_request_decode(body, &request), HM_OK);
	played.challenges++;
	played.nonce[0] = (uint8_t)played.challenges;
	challenge.order = request.order;
	memcpy(challenge.nonce, played.nonce, sizeof(challenge.nonce));
	APPEND(
	    ret, HM_CHALLENGE_MAX, hm_challenge_encode(&challenge, span, &len));
	return HM_OK;
}

static hm_err
on_issue(struct hm_bytes body, struct buf *ret)
{
	struct hm_issue_request request;
	struct hm_evidence evidence;
	struct hm_claims claims;

	assert_int_equal(hm_issue_request_decode(body, &request), HM_OK);
	assert_true(hm_bytes_equal(request.slot, HM_LITERAL("A1")));
	played.issues++;
	HM_TRY(hm_evidence_decode(request.evidence, &evidence));
	HM_TRY(hm_claims_decode(evidence.claims, &claims));
	if (memcmp(claims.nonce, played.nonce, sizeof(claims.nonce)) != 0)
		return HM_E_NONCE;
	if (played.rubbish)
		return buf_add(ret, HM_LITERAL("rubbish"));
	played_issue(ret);
	return HM_OK;
}

static hm_err
on_confirm(struct hm_bytes body, struct buf *ret)
{
	struct hm_confirm_request request;

	assert_int_equal(hm_confirm_request_decode(body, &request), HM_OK);
	assert_true(
	    hm_bytes_equal(request.conformance, HM_LITERAL("conforms")));
	played.confirms++;
	played_confirm(ret);
	return HM_OK;
}

static hm_err
answer(const char *path, struct hm_bytes body, struct buf *ret)
{
	if (strcmp(path, "/v1/challenge") == 0)
		return on_challenge(body, ret);
	if (strcmp(path, "/v1/issue") == 0)
		return on_issue(body, ret);
	assert_string_equal(path, "/v1/confirm");
	return on_confirm(body, ret);
}

/* ---- net/client.h ---- */

struct net_client {
	int nothing;
};

static struct net_client client;

hm_err
net_client_new(const struct net_client_config *config, struct net_client **ret,
    struct why *why)
{
	if (config->key[0] == 0)
		return WHY(why, HM_E_FILE, "no key");
	played.has_key = true;
	*ret = &client;
	return HM_OK;
}

void
net_client_free(struct net_client *old)
{
	assert_true(old == NULL || old == &client);
}

void
net_answer_done(struct net_answer *old)
{
	buf_done(&old->body);
}

static void
put_problem(hm_err err, struct net_answer *ret)
{
	const struct hm_problem problem = { .err = err };

	ret->status = 409;
	if (!played.no_problem)
		APPEND(&ret->body, HM_PROBLEM_MAX,
		    hm_problem_encode(&problem, span, &len));
}

hm_err
net_client_post(struct net_client *at, const char *path, const char *type,
    struct hm_bytes body, struct net_answer *ret, struct why *why)
{
	hm_err err = HM_OK;

	assert_ptr_equal(at, &client);
	assert_string_equal(type, "application/cbor");
	if (played.fail_path != NULL && strcmp(path, played.fail_path) == 0 &&
	    played.fail_count > 0) {
		played.fail_count--;
		if (played.at_network)
			return WHY(why, played.fail, "as ordered");
		err = played.fail;
	}
	buf_done(&ret->body);
	buf_init(&ret->body, HM_MESSAGE_MAX);
	ret->status = 200;
	if (err == HM_OK)
		err = answer(path, body, &ret->body);
	if (err != HM_OK)
		put_problem(err, ret);
	return HM_OK;
}

hm_err
net_client_get(struct net_client *at, const char *path, struct net_answer *ret,
    struct why *why)
{
	(void)why;
	assert_ptr_equal(at, &client);
	assert_true(strlen(path) < sizeof(played.asked));
	strcpy(played.asked, path);
	played.growths++;
	buf_done(&ret->body);
	buf_init(&ret->body, HM_MESSAGE_MAX);
	ret->status = 200;
	if (played.growth.len == 0)
		put_problem(HM_E_NO_ROUTE, ret);
	return buf_add(&ret->body, played.growth);
}

struct net_client_counts
net_client_counts(const struct net_client *at)
{
	assert_ptr_equal(at, &client);
	return (struct net_client_counts){ .connections = played.connections };
}
