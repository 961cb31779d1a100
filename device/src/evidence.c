/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

#include <string.h>

#include "wire/challenge.h"
#include "wire/evidence.h"

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

hm_err
step_evidence(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	struct hm_challenge challenge;
	struct hm_evidence evidence = { 0 };
	struct hm_link link = { .type = HM_LINK_EVIDENCE };
	uint8_t claims[HM_CLAIMS_MAX], digest[HM_DIGEST_LEN];
	uint8_t *proof = agent->work, *whole = agent->work + HM_ATTEST_MAX;
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
	    HM_MAKE(hm_bytes, 0), digest);
	HM_TRY(hm_port_attest(
	    digest, HM_MAKE(hm_span, proof, HM_ATTEST_MAX), &len));
	evidence.proof = HM_MAKE(hm_bytes, proof, len);
	HM_TRY(remember(agent, digest));

	digest_two(HM_LITERAL(HM_POSSESSION_LABEL), evidence.claims,
	    evidence.proof, digest);
	HM_TRY(hm_port_key_sign(HM_KEY_IDENTITY, digest, evidence.possession));
	HM_TRY(hm_evidence_encode(&evidence,
	    HM_MAKE(hm_span, whole, sizeof(agent->work) - HM_ATTEST_MAX),
	    &len));
	link.body = HM_MAKE(hm_bytes, whole, len);
	return hm_link_encode(&link, room, ret_len);
}
