/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_agent - any conversation with a device
 *
 * The input is a list of turns (turns.h); their kinds, modulo 4:
 *   0  a message as it stands
 *   1  the payload of a stamp, which is taken for signed with the pinned key,
 *      so that what lies behind the signature is reached
 *   2  power is cut, and comes back
 *   3  as 1, and a receipt with it: a delivery
 *
 * The chip is always the same, so a stamp of the corpus fits it. Whatever is
 * said, the device answers, never goes back, and leaves nothing of it in the
 * room.
 */
#include <string.h>

#include "fuzz.h"
#include "hallmark/agent.h"
#include "memo_device.h"
#include "memport.h"
#include "turns.h"
#include "wire/cose.h"

#define TURNS 12

static struct hm_agent agent;

static void
must_not_go_back(hm_agent_state before)
{
	fuzz_must(hm_agent_where(&agent) >= before);
}

static void
say(struct hm_bytes message)
{
	static uint8_t room[HM_LINK_MAX];
	hm_agent_state before = hm_agent_where(&agent);
	struct hm_link answer;
	size_t len = 0, space;

	if (message.len > sizeof(room))
		return;
	/* as much room as a small device has, or what it needs */
	space = message.len > HM_ROOM_MIN ? message.len : HM_ROOM_MIN;
	memcpy(room, message.ptr, message.len);
	fuzz_must(hm_agent_handle(&agent, (struct hm_span){ room, space },
		      message.len, &len) == HM_OK);
	for (size_t i = len; i < space; i++)
		fuzz_must(room[i] == 0);
	fuzz_must(
	    hm_link_decode((struct hm_bytes){ room, len }, &answer) == HM_OK);
	fuzz_must(answer.type == HM_LINK_PROBLEM ||
		  (answer.type % 2 == 1) == (answer.type > HM_LINK_PROBLEM));
	must_not_go_back(before);
}

static void
say_link(hm_link_type type, struct hm_bytes body)
{
	static uint8_t message[HM_LINK_MAX];
	const struct hm_link link = { .type = type, .body = body };
	size_t len = 0;

	if (hm_link_encode(&link, (struct hm_span){ message, sizeof(message) },
		&len) == HM_OK)
		say((struct hm_bytes){ message, len });
}

/* With a receipt of the least that is one. */
static void
deliver(struct hm_bytes stamp)
{
	static const uint8_t receipt[] = { 0xa3, 0, 1, 1, 0x41, 1, 2, 0x61,
		'r' };
	static uint8_t body[HM_LINK_MAX];
	const struct hm_delivery delivery = { stamp, HM_BYTES(receipt) };
	size_t len = 0;

	if (hm_delivery_encode(&delivery,
		(struct hm_span){ body, sizeof(body) }, &len) == HM_OK)
		say_link(HM_LINK_DELIVER, (struct hm_bytes){ body, len });
}

static void
say_stamp(struct hm_bytes payload, bool with_receipt)
{
	static uint8_t stamp[HM_LINK_MAX];
	struct hm_sign1 sign1 = { .payload = payload };
	uint8_t head[HM_COSE_HEAD_MAX], digest[32];
	struct hm_sha256 sha;
	size_t len = 0;

	if (hm_sign1_head(sign1.kid, HM_LITERAL(HM_AAD_STAMP), payload.len,
		(struct hm_span){ head, sizeof(head) }, &len) != HM_OK)
		return;
	hm_sha256_init(&sha);
	hm_sha256_add(&sha, (struct hm_bytes){ head, len });
	hm_sha256_add(&sha, payload);
	hm_sha256_end(&sha, digest);
	memcpy(sign1.signature, digest, sizeof(digest));
	memo_device_signed(chip.stamp_key, digest, sign1.signature);
	if (hm_sign1_encode(&sign1, (struct hm_span){ stamp, sizeof(stamp) },
		&len) != HM_OK)
		return;
	if (with_receipt)
		deliver((struct hm_bytes){ stamp, len });
	else
		say_link(HM_LINK_STAMP, (struct hm_bytes){ stamp, len });
}

static void
turn(uint8_t kind, struct hm_bytes bytes)
{
	hm_agent_state before = hm_agent_where(&agent);

	if (kind == 0)
		say(bytes);
	else if (kind == 1 || kind == 3)
		say_stamp(bytes, kind == 3);
	else {
		fuzz_must(hm_agent_init(&agent) == HM_OK);
		must_not_go_back(before);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes input = { data, size };
	uint8_t scalar[32], point[65];
	struct turn next;

	memport_stamp_scalar(scalar);
	fuzz_must(hm_p256_public(scalar, point) == HM_OK);
	memport_reset(1, point);
	fuzz_must(hm_agent_init(&agent) == HM_OK);
	for (size_t i = 0; i < TURNS && turns_next(&input, &next); i++)
		turn(next.kind % 4, next.bytes);
	return 0;
}

TURNS_OF(&mutate_cbor)
