/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include <string.h>

#include "wire/challenge.h"
#include "wire/evidence.h"

/* What may stand before evidence in an answer. */
#define HEADS_MAX (HM_LINK_HEAD_MAX + HM_OPENED_HEAD_MAX)
/* A proof of the longest, and evidence with it, and what is before that. */
HM_STATIC_ASSERT(HM_ROOM_MIN >= HEADS_MAX + HM_CLAIMS_MAX + HM_SIGNATURE_LEN +
				    16 + 2 * HM_ATTEST_MAX,
    "evidence is made in place");
HM_STATIC_ASSERT(HM_ANSWER_MAX >= HEADS_MAX + HM_CLAIMS_MAX + HM_SIGNATURE_LEN +
				      16 + HM_ATTEST_MAX,
    "the longest answer");

/* What the device says of itself now. */
static hm_err
make_claims(const struct hm_agent *agent, const uint8_t nonce[HM_STATIC 32],
    struct hm_span room, size_t *ret_len)
{
	struct hm_claims claims = { .scheme = hm_port_scheme(),
		.counter = agent->counter };

	memcpy(claims.nonce, nonce, sizeof(claims.nonce));
	memcpy(claims.device_id, agent->device_id, sizeof(claims.device_id));
	memcpy(claims.release, agent->release, sizeof(claims.release));
	HM_TRY(hm_port_key_public(HM_KEY_IDENTITY, claims.identity));
	HM_TRY(hm_port_key_public(HM_KEY_KEM, claims.kem));
	HM_TRY(hm_port_lock(&claims.lock));
	return hm_claims_encode(&claims, room, ret_len);
}

static void
digest_two(struct hm_bytes label, struct hm_bytes a, struct hm_bytes b,
    uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	struct hm_sha256 sha;

	hm_sha256_init(&sha);
	hm_sha256_add(&sha, label);
	hm_sha256_add(&sha, a);
	hm_sha256_add(&sha, b);
	hm_sha256_end(&sha, ret);
}

/*
 * A device that has its stamp attests as before, but remembers nothing: no
 * other stamp will be taken.
 */
static hm_err
remember(struct hm_agent *agent, const uint8_t binding[HM_STATIC HM_DIGEST_LEN])
{
	struct hm_agent_memory next = agent->memory;

	if (next.state >= HM_AGENT_STAMPED ||
	    (next.state == HM_AGENT_READY && memory_knows(&next, binding)))
		return HM_OK;
	next.state = HM_AGENT_READY;
	memory_remember(&next, binding);
	return agent_commit(agent, &next);
}

/*
 * Answer a challenge; *ret is in the room. The proof is made at its end, what
 * is made of it well behind its beginning, where the challenge stood.
 */
static hm_err
make_evidence(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    struct hm_bytes *ret)
{
	struct hm_challenge challenge;
	struct hm_evidence evidence;
	uint8_t claims[HM_CLAIMS_MAX], digest[HM_DIGEST_LEN];
	uint8_t *proof = room.ptr + room.len - HM_ATTEST_MAX;
	uint8_t *whole = room.ptr + HEADS_MAX;
	size_t len = 0;

	HM_TRY(hm_challenge_decode(body, &challenge));
	if (agent->memory.state == HM_AGENT_BLANK) {
		HM_TRY(hm_port_key_make(HM_KEY_IDENTITY));
		HM_TRY(hm_port_key_make(HM_KEY_KEM));
	}
	HM_TRY(make_claims(agent, challenge.nonce,
	    HM_MAKE(hm_span, claims, sizeof(claims)), &len));
	evidence.claims = HM_MAKE(hm_bytes, claims, len);

	digest_two(HM_LITERAL(HM_BINDING_LABEL), evidence.claims,
	    HM_MAKE(hm_bytes, NULL, 0), digest);
	HM_TRY(hm_port_attest(
	    digest, HM_MAKE(hm_span, proof, HM_ATTEST_MAX), &len));
	evidence.proof = HM_MAKE(hm_bytes, proof, len);
	HM_TRY(remember(agent, digest));

	digest_two(HM_LITERAL(HM_POSSESSION_LABEL), evidence.claims,
	    evidence.proof, digest);
	HM_TRY(hm_port_key_sign(HM_KEY_IDENTITY, digest, evidence.possession));
	HM_TRY(hm_evidence_encode(
	    &evidence, HM_MAKE(hm_span, whole, (size_t)(proof - whole)), &len));
	*ret = HM_MAKE(hm_bytes, whole, len);
	return HM_OK;
}

hm_err
step_evidence(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	struct hm_bytes evidence;

	HM_TRY(make_evidence(agent, body, room, &evidence));
	return agent_say(HM_LINK_EVIDENCE, HM_MAKE(hm_bytes, NULL, 0), evidence,
	    room, ret_len);
}

/* A frame adds a byte for each 254, CRC and two more. */
static uint32_t
longest(struct hm_span room)
{
	size_t len = room.len < HM_LINK_MAX ? room.len : HM_LINK_MAX;

	return (uint32_t)(len - len / 254 - 8);
}

hm_err
step_open(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	struct hm_opened opened = HM_ZERO;
	uint8_t head[HM_OPENED_HEAD_MAX];
	size_t len = 0;

	opened.last = agent->last;
	HM_TRY(make_evidence(agent, body, room, &opened.evidence));
	opened.state = agent->memory.state;
	opened.longest = longest(room);
	opened.leaves = agent->leaves;
	memcpy(opened.device_id, agent->device_id, sizeof(opened.device_id));
	HM_TRY(hm_opened_head(
	    &opened, HM_MAKE(hm_span, head, sizeof(head)), &len));
	return agent_say(HM_LINK_OPENED, HM_MAKE(hm_bytes, head, len),
	    opened.evidence, room, ret_len);
}
