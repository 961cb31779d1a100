/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_agent - any conversation with a device
 *
 * The input is a list of turns (turns.h); their kinds, modulo 3:
 *   0  a message as it stands
 *   1  the payload of a stamp, which is taken for signed with the pinned key,
 *      so that what lies behind the signature is reached
 *   2  power is cut, and comes back
 *
 * The chip is always the same, so a stamp of the corpus fits it. Whatever is
 * said, the device answers, never goes back, and leaves nothing in its memory.
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
must_be_clean(hm_agent_state before)
{
	fuzz_must(hm_agent_where(&agent) >= before);
	fuzz_must(agent.work[0] == 0);
	fuzz_must(
	    memcmp(agent.work, agent.work + 1, sizeof(agent.work) - 1) == 0);
}

static void
say(struct hm_bytes message)
{
	uint8_t room[HM_ANSWER_MAX];
	hm_agent_state before = hm_agent_where(&agent);
	struct hm_link answer;
	size_t len = 0;

	fuzz_must(hm_agent_handle(&agent, message,
		      (struct hm_span){ room, sizeof(room) }, &len) == HM_OK);
	fuzz_must(
	    hm_link_decode((struct hm_bytes){ room, len }, &answer) == HM_OK);
	fuzz_must(answer.type % 2 == 0 || answer.type == HM_LINK_PROBLEM);
	must_be_clean(before);
}

static void
say_stamp(struct hm_bytes payload)
{
	static uint8_t stamp[HM_LINK_MAX], message[HM_LINK_MAX];
	struct hm_sign1 sign1 = { .payload = payload };
	struct hm_link link = { .type = HM_LINK_STAMP };
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
	link.body = (struct hm_bytes){ stamp, len };
	if (hm_link_encode(&link, (struct hm_span){ message, sizeof(message) },
		&len) == HM_OK)
		say((struct hm_bytes){ message, len });
}

static void
turn(uint8_t kind, struct hm_bytes bytes)
{
	hm_agent_state before = hm_agent_where(&agent);

	if (kind == 0)
		say(bytes);
	else if (kind == 1)
		say_stamp(bytes);
	else {
		fuzz_must(hm_agent_init(&agent) == HM_OK);
		must_be_clean(before);
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
		turn(next.kind % 3, next.bytes);
	return 0;
}

TURNS_OF(&mutate_cbor)
