/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature is verified twice, at the entrance and again right before
 * anything is opened and stored: a glitch would have to hit both, and each time
 * to turn one constant into the other.
 */
#include "steps.h"

#include <string.h>

#include "der.h"
#include "wire/conformance.h"
#include "wire/cose.h"
#include "wire/stamp.h"

/* SHA-256 of what a COSE_Sign1 signs. */
static hm_err
sign1_digest(struct hm_bytes kid, struct hm_bytes aad, struct hm_bytes payload,
    uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	uint8_t head[HM_COSE_HEAD_MAX];
	struct hm_sha256 sha;
	size_t len = 0;

	HM_TRY(hm_sign1_head(
	    kid, aad, payload.len, HM_MAKE(hm_span, head, sizeof(head)), &len));
	hm_sha256_init(&sha);
	hm_sha256_add(&sha, HM_MAKE(hm_bytes, head, len));
	hm_sha256_add(&sha, payload);
	hm_sha256_end(&sha, ret);
	return HM_OK;
}

static hm_verdict
verify(const struct hm_sign1 *sign1)
{
	uint8_t key[HM_POINT_LEN], digest[HM_DIGEST_LEN];

	hm_port_stamp_key(key);
	if (sign1_digest(sign1->kid, HM_LITERAL(HM_AAD_STAMP), sign1->payload,
		digest) != HM_OK)
		return HM_VERDICT_NO;
	return hm_p256_verify(key, digest, sign1->signature);
}

/* Both reads really happen, whatever the compiler knows. */
static hm_err
judge(const struct hm_sign1 *sign1)
{
	volatile hm_verdict verdict = HM_VERDICT_NO;

	verdict = verify(sign1);
	if (verdict != HM_VERDICT_YES)
		return HM_E_STAMP_FOREIGN;
	if ((verdict ^ HM_VERDICT_NO) != (HM_VERDICT_YES ^ HM_VERDICT_NO))
		return HM_E_STAMP_FOREIGN;
	return HM_OK;
}

static hm_err
check_certificate(struct hm_bytes certificate)
{
	uint8_t point[HM_POINT_LEN], spki[HM_SPKI_LEN];
	struct hm_bytes theirs;

	HM_TRY(hm_port_key_public(HM_KEY_IDENTITY, point));
	hm_spki_encode(point, spki);
	if (hm_cert_spki(certificate, &theirs) != HM_OK ||
	    !hm_bytes_equal(theirs, HM_BYTES(spki)))
		return HM_E_STAMP_OTHER;
	return HM_OK;
}

/* Is this for us, as we are now? */
static hm_err
check(const struct hm_agent *agent, const struct hm_stamp *stamp)
{
	if (!hm_equal_ct(
		stamp->device_id, agent->device_id, sizeof(stamp->device_id)) ||
	    !memory_knows(&agent->memory, stamp->binding))
		return HM_E_STAMP_OTHER;
	HM_TRY(check_certificate(stamp->certificate));
	if (!hm_equal_ct(
		stamp->release, agent->release, sizeof(stamp->release)) ||
	    stamp->counter != agent->counter)
		return HM_E_RELEASE;
	return HM_OK;
}

/* Sign what we now are, with `next->stamp`, into next->conformance. */
static hm_err
conform(const struct hm_agent *agent, struct hm_agent_memory *next)
{
	struct hm_conformance conformance = { .counter = agent->counter };
	struct hm_sign1 sign1 = { 0 };
	uint8_t payload[160], digest[HM_DIGEST_LEN];
	size_t len = 0;

	memcpy(conformance.device_id, agent->device_id, HM_DEVICE_ID_LEN);
	memcpy(conformance.stamp, next->stamp, HM_DIGEST_LEN);
	memcpy(conformance.release, agent->release, HM_DIGEST_LEN);
	HM_TRY(hm_port_lock(&conformance.lock));
	HM_TRY(hm_conformance_encode(
	    &conformance, HM_MAKE(hm_span, payload, sizeof(payload)), &len));
	sign1.payload = HM_MAKE(hm_bytes, payload, len);
	HM_TRY(sign1_digest(
	    sign1.kid, HM_LITERAL(HM_AAD_CONFORMANCE), sign1.payload, digest));
	HM_TRY(hm_port_key_sign(HM_KEY_IDENTITY, digest, sign1.signature));
	HM_TRY(hm_sign1_encode(&sign1,
	    HM_MAKE(hm_span, next->conformance, sizeof(next->conformance)),
	    &len));
	next->conformance_len = (uint32_t)len;
	return HM_OK;
}

/* What opens the secrets, and closes them again. */
struct seal {
	struct hm_hpke hpke;
	uint8_t agreed[32], own[HM_POINT_LEN];
	uint8_t info[HM_SEAL_INFO_MAX], aad[HM_SEAL_AAD_MAX];
};

static hm_err
prepare(const struct hm_stamp *stamp, struct seal *seal)
{
	struct hm_hpke *hpke = &seal->hpke;
	hm_err err;

	if (stamp->sealed.len < HM_GCM_TAG_LEN ||
	    stamp->sealed.len > HM_SEALED_MAX)
		return HM_E_OPEN;
	hpke->enc = stamp->enc;
	hpke->recipient = seal->own;
	hpke->agreed = seal->agreed;
	hpke->key_len = 16;
	hpke->info.ptr = seal->info;
	hpke->aad.ptr = seal->aad;
	HM_TRY(hm_seal_info(stamp->order, stamp->device_id, stamp->binding,
	    HM_MAKE(hm_span, seal->info, sizeof(seal->info)), &hpke->info.len));
	HM_TRY(hm_seal_aad(stamp->device_id, stamp->serial,
	    HM_MAKE(hm_span, seal->aad, sizeof(seal->aad)), &hpke->aad.len));
	HM_TRY(hm_port_key_public(HM_KEY_KEM, seal->own));
	err = hm_port_key_agree(HM_KEY_KEM, stamp->enc, seal->agreed);
	return err == HM_E_KEY ? HM_E_OPEN : err;
}

/* Only the form is of interest here: nothing is copied out. */
static hm_err
check_secrets(struct hm_bytes plain)
{
	struct hm_secret secrets[HM_SECRETS_MAX];
	uint32_t count;

	return hm_secrets_decode(plain, secrets, &count);
}

/*
 * Store the secrets, which are opened where they stand, and the stamp, in which
 * they are closed again: there is no room for both. `digest` is the stamp's.
 */
static hm_err
store_both(const struct seal *seal, struct hm_span sealed,
    struct hm_bytes stamp, const uint8_t digest[HM_STATIC HM_DIGEST_LEN])
{
	const struct hm_bytes plain = { sealed.ptr,
		sealed.len - HM_GCM_TAG_LEN };
	uint8_t again[HM_DIGEST_LEN];

	HM_TRY(check_secrets(plain));
	if (hm_port_store_write(HM_RECORD_SECRETS, plain) != HM_OK)
		return HM_E_STORAGE;
	hm_hpke_close(&seal->hpke, plain, sealed.ptr);
	hm_sha256(stamp, again);
	if (!hm_equal_ct(again, digest, sizeof(again)) ||
	    hm_port_store_write(HM_RECORD_STAMP, stamp) != HM_OK)
		return HM_E_STORAGE;
	return HM_OK;
}

/* The bytes of `part`, which is in `room`. */
static struct hm_span
within(struct hm_span room, struct hm_bytes part)
{
	return HM_MAKE(
	    hm_span, room.ptr + (size_t)(part.ptr - room.ptr), part.len);
}

static hm_err
open_and_store(const struct hm_stamp *stamp, struct hm_span room,
    struct hm_bytes body, const uint8_t digest[HM_STATIC HM_DIGEST_LEN])
{
	struct hm_span sealed = within(room, stamp->sealed);
	struct seal seal;
	hm_err err;

	memset(&seal, 0, sizeof(seal));
	err = prepare(stamp, &seal);
	if (err == HM_OK)
		err = hm_hpke_open(&seal.hpke, stamp->sealed, sealed.ptr);
	if (err == HM_OK) {
		err = store_both(&seal, sealed, body, digest);
		if (err != HM_OK)
			hm_wipe(sealed.ptr, sealed.len);
	}
	hm_wipe(&seal, sizeof(seal));
	return err;
}

/* With a receipt it is complete. */
static hm_err
add_receipt(struct hm_agent_memory *next, struct hm_bytes receipt)
{
	if (hm_port_store_write(HM_RECORD_RECEIPT, receipt) != HM_OK)
		return HM_E_STORAGE;
	next->state = HM_AGENT_COMPLETE;
	return HM_OK;
}

/* Take the one stamp of this device's life, and the receipt if one is there. */
static hm_err
take(struct hm_agent *agent, const struct hm_delivery *given,
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN], struct hm_span room)
{
	struct hm_agent_memory next = agent->memory;
	struct hm_sign1 sign1;
	struct hm_stamp stamp;

	HM_TRY(hm_sign1_decode(given->stamp, HM_STAMP_MAX, &sign1));
	HM_TRY(judge(&sign1));
	HM_TRY(hm_stamp_decode(sign1.payload, &stamp));
	HM_TRY(check(agent, &stamp));

	next.state = HM_AGENT_STAMPED;
	memcpy(next.stamp, digest, HM_DIGEST_LEN);
	HM_TRY(conform(agent, &next));
	HM_TRY(judge(&sign1));
	HM_TRY(open_and_store(&stamp, room, given->stamp, digest));
	if (given->receipt.len > 0)
		HM_TRY(add_receipt(&next, given->receipt));
	return agent_commit(agent, &next);
}

/* The first receipt stands; who brings another is told that one is there. */
static hm_err
take_receipt(struct hm_agent *agent, struct hm_bytes receipt)
{
	struct hm_agent_memory next = agent->memory;

	if (next.state != HM_AGENT_STAMPED)
		return HM_OK;
	HM_TRY(add_receipt(&next, receipt));
	return agent_commit(agent, &next);
}

static hm_err
conformance(const struct hm_agent *agent, hm_link_type type,
    struct hm_span room, size_t *ret_len)
{
	return agent_say(type,
	    HM_MAKE(hm_bytes, agent->memory.conformance,
		agent->memory.conformance_len),
	    HM_MAKE(hm_bytes, NULL, 0), room, ret_len);
}

static hm_err
take_once(struct hm_agent *agent, const struct hm_delivery *given,
    struct hm_span room)
{
	uint8_t digest[HM_DIGEST_LEN];

	if (agent->memory.state == HM_AGENT_BLANK)
		return HM_E_WRONG_STATE;
	hm_sha256(given->stamp, digest);
	if (agent->memory.state == HM_AGENT_READY)
		return take(agent, given, digest, room);
	return hm_equal_ct(digest, agent->memory.stamp, sizeof(digest))
		   ? HM_OK
		   : HM_E_WRONG_STATE;
}

hm_err
step_stamp(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	const struct hm_delivery given = { body, { NULL, 0 } };

	HM_TRY(take_once(agent, &given, room));
	return conformance(agent, HM_LINK_CONFORMANCE, room, ret_len);
}

hm_err
step_receipt(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	struct hm_confirm_answer answer;

	if (agent->memory.state < HM_AGENT_STAMPED)
		return HM_E_WRONG_STATE;
	HM_TRY(hm_confirm_answer_decode(body, &answer));
	HM_TRY(take_receipt(agent, body));
	return agent_say(HM_LINK_DONE, HM_MAKE(hm_bytes, NULL, 0),
	    HM_MAKE(hm_bytes, NULL, 0), room, ret_len);
}

hm_err
step_deliver(struct hm_agent *agent, struct hm_bytes body, struct hm_span room,
    size_t *ret_len)
{
	struct hm_delivery given;
	struct hm_confirm_answer answer;

	if (agent->leaves)
		return HM_E_WRONG_STATE;
	HM_TRY(hm_delivery_decode(body, &given));
	HM_TRY(hm_confirm_answer_decode(given.receipt, &answer));
	HM_TRY(take_once(agent, &given, room));
	HM_TRY(take_receipt(agent, given.receipt));
	return conformance(agent, HM_LINK_DELIVERED, room, ret_len);
}
