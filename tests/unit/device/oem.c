/* SPDX-License-Identifier: Apache-2.0 */
#include "oem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/auto.h"
#include "seal/hpke.h"
#include "seal/sign1.h"
#include "wire/challenge.h"
#include "wire/conformance.h"
#include "wire/evidence.h"
#include "wire/stamp.h"
#include "crypto/digest.h"

#define ORDER HM_LITERAL("PO-1")
#define SERIAL HM_LITERAL("HM-000001")

void
oem_init(struct oem *oem)
{
	assert_int_equal(p256_pair_new(&oem->stamp_key), HM_OK);
	assert_int_equal(p256_pair_new(&oem->other), HM_OK);
	p256_pair_point(oem->stamp_key, oem->point);
}

void
oem_init_known(struct oem *oem, const uint8_t scalar[static 32])
{
	assert_int_equal(p256_pair_from(scalar, &oem->stamp_key), HM_OK);
	assert_int_equal(p256_pair_new(&oem->other), HM_OK);
	p256_pair_point(oem->stamp_key, oem->point);
}

void
oem_done(struct oem *oem)
{
	p256_pair_free(oem->stamp_key);
	p256_pair_free(oem->other);
}

/* Encode with `call` (room, &len) behind what `ret` has. */
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
oem_challenge(uint8_t first_of_nonce, struct buf *ret)
{
	struct hm_challenge challenge = { .order = ORDER,
		.nonce = { first_of_nonce } };

	APPEND(
	    ret, HM_CHALLENGE_MAX, hm_challenge_encode(&challenge, span, &len));
}

void
oem_check_evidence(struct hm_bytes body, uint8_t first_of_nonce,
    struct hm_claims *ret, uint8_t ret_binding[static 32])
{
	struct hm_evidence evidence;
	struct hm_proof_soft proof;
	uint8_t digest[32];

	assert_int_equal(hm_evidence_decode(body, &evidence), HM_OK);
	assert_int_equal(hm_claims_decode(evidence.claims, ret), HM_OK);
	assert_int_equal(ret->nonce[0], first_of_nonce);
	assert_int_equal(hm_proof_soft_decode(evidence.proof, &proof), HM_OK);

	const struct hm_bytes bound[] = { HM_LITERAL(HM_BINDING_LABEL),
		evidence.claims };
	sha256(bound, 2, ret_binding);
	sha256_one((struct hm_bytes){ ret_binding, 32 }, digest);
	assert_int_equal(
	    p256_verify(proof.key, digest, proof.signature), HM_OK);

	const struct hm_bytes owned[] = { HM_LITERAL(HM_POSSESSION_LABEL),
		evidence.claims, evidence.proof };
	sha256(owned, 3, digest);
	assert_int_equal(
	    p256_verify(ret->identity, digest, evidence.possession), HM_OK);
	assert_int_equal(p256_check(ret->kem), HM_OK);
}

static void
put_der(struct buf *ret, uint8_t tag, struct hm_bytes content)
{
	const uint8_t head[4] = { tag, 0x82, (uint8_t)(content.len >> 8),
		(uint8_t)content.len };
	const uint8_t small[2] = { tag, (uint8_t)content.len };

	assert_true(content.len < 0x80 || content.len > 0xff);
	assert_int_equal(
	    buf_add(ret, content.len < 0x80 ? HM_BYTES(small) : HM_BYTES(head)),
	    HM_OK);
	assert_int_equal(buf_add(ret, content), HM_OK);
}

/* A certificate as far as a device looks: the fields, and padding to length. */
static void
make_certificate(const uint8_t identity[static 65], oem_flaw flaw,
    const uint8_t other[static 65], struct buf *ret)
{
	static const uint8_t version[3] = { 2, 1, 2 }, serial[1] = { 1 };
	static const uint8_t padding[256];
	uint8_t mine[HM_SPKI_LEN], theirs[HM_SPKI_LEN];
	AUTO(buf) struct buf tbs = { .max = 4096 };
	AUTO(buf) struct buf whole = { .max = 4096 };
	bool apart = flaw == OEM_OTHER_KEY || flaw == OEM_BURIED_KEY;

	hm_spki_encode(identity, mine);
	hm_spki_encode(other, theirs);
	put_der(&tbs, 0xa0, HM_BYTES(version));
	put_der(&tbs, 0x02, HM_BYTES(serial));
	put_der(&tbs, 0x30, (struct hm_bytes){ 0 });
	put_der(&tbs, 0x30, (struct hm_bytes){ 0 });
	put_der(&tbs, 0x30, (struct hm_bytes){ 0 });
	put_der(&tbs, 0x30,
	    flaw == OEM_BURIED_KEY ? HM_BYTES(mine) : (struct hm_bytes){ 0 });
	assert_int_equal(
	    buf_add(&tbs, apart ? HM_BYTES(theirs) : HM_BYTES(mine)), HM_OK);
	put_der(&tbs, 0xa3, HM_BYTES(padding));
	put_der(&whole, 0x30, buf_bytes(&tbs));
	put_der(&whole, 0x30, (struct hm_bytes){ 0 });
	put_der(&whole, 0x03, HM_BYTES(serial));
	put_der(
	    ret, flaw == OEM_NO_CERTIFICATE ? 0x31 : 0x30, buf_bytes(&whole));
}

static void
seal(struct oem *oem, const struct hm_claims *claims, oem_flaw flaw,
    struct hm_stamp *stamp, uint8_t sealed[static 512])
{
	const struct hm_secret secrets[] = { { HM_LITERAL(OEM_SECRET_NAME),
	    HM_SECRET_RANDOM, HM_LITERAL(OEM_SECRET_VALUE) } };
	uint8_t info[HM_SEAL_INFO_MAX], aad[HM_SEAL_AAD_MAX], plain[256];
	uint8_t recipient[65];
	size_t info_len, aad_len, len;

	assert_int_equal(hm_secrets_encode(secrets, 1,
			     (struct hm_span){ plain, sizeof(plain) }, &len),
	    HM_OK);
	if (flaw == OEM_NO_SECRETS)
		plain[0] = 0x60;
	assert_int_equal(
	    hm_seal_info(stamp->order, claims->device_id, stamp->binding,
		(struct hm_span){ info, sizeof(info) }, &info_len),
	    HM_OK);
	assert_int_equal(hm_seal_aad(claims->device_id,
			     flaw == OEM_OTHER_SERIAL ? ORDER : SERIAL,
			     (struct hm_span){ aad, sizeof(aad) }, &aad_len),
	    HM_OK);
	memcpy(recipient, claims->kem, sizeof(recipient));
	if (flaw == OEM_OTHER_KEM)
		p256_pair_point(oem->other, recipient);
	assert_int_equal(hpke_seal(&(struct hpke_message){ HPKE_AES_128_GCM,
				       { info, info_len }, { aad, aad_len },
				       { plain, len } },
			     recipient, stamp->enc, sealed),
	    HM_OK);
	if (flaw == OEM_SEAL_ALTERED)
		sealed[3] ^= 1;
	if (flaw == OEM_NOT_ON_CURVE)
		stamp->enc[64] ^= 1;
	stamp->sealed = (struct hm_bytes){ sealed, len + 16 };
}

/* Sign `payload` as the flaw has it. */
static void
sign(struct oem *oem, struct buf *payload, oem_flaw flaw, struct buf *ret)
{
	if (flaw == OEM_NO_STAMP)
		payload->ptr[1] = 0x01;
	assert_int_equal(
	    sign1_make((struct hm_bytes){ 0 },
		flaw == OEM_OTHER_PURPOSE ? HM_LITERAL(HM_AAD_CONFORMANCE)
					  : HM_LITERAL(HM_AAD_STAMP),
		buf_bytes(payload), p256_pair_signer,
		flaw == OEM_FOREIGN_KEY ? oem->other : oem->stamp_key, ret),
	    HM_OK);
	if (flaw == OEM_ALTERED)
		ret->ptr[ret->len / 2] ^= 1;
	if (flaw == OEM_NO_COSE)
		ret->ptr[0] ^= 1;
}

void
oem_stamp(struct oem *oem, const struct hm_claims *claims,
    const uint8_t binding[static 32], oem_flaw flaw, struct buf *ret)
{
	struct hm_stamp stamp = { .order = ORDER,
		.serial = SERIAL,
		.counter = claims->counter,
		.origin = HM_LITERAL("log.example"),
		.issued_s = 1 };
	AUTO(buf) struct buf certificate = { .max = 4096 };
	AUTO(buf) struct buf payload = { .max = 8192 };
	uint8_t other[65], sealed[512];

	p256_pair_point(oem->other, other);
	memcpy(stamp.device_id, claims->device_id, 32);
	memcpy(stamp.binding, binding, 32);
	memcpy(stamp.release, claims->release, 32);
	make_certificate(claims->identity, flaw, other, &certificate);
	stamp.certificate = buf_bytes(&certificate);
	if (flaw == OEM_OTHER_BINDING)
		stamp.binding[31] ^= 1;
	seal(oem, claims, flaw, &stamp, sealed);
	if (flaw == OEM_OTHER_ID)
		stamp.device_id[31] ^= 1;
	if (flaw == OEM_OTHER_RELEASE)
		stamp.release[31] ^= 1;
	if (flaw == OEM_OTHER_COUNTER)
		stamp.counter++;
	APPEND(&payload, 4096, hm_stamp_encode(&stamp, span, &len));
	sign(oem, &payload, flaw, ret);
}

void
oem_check_conformance(
    struct hm_bytes body, struct hm_bytes stamp, const struct hm_claims *claims)
{
	struct hm_conformance conformance;
	struct hm_bytes payload;
	uint8_t digest[32];

	assert_int_equal(
	    sign1_open(body, HM_CONFORMANCE_MAX, HM_LITERAL(HM_AAD_CONFORMANCE),
		claims->identity, &payload),
	    HM_OK);
	assert_int_equal(hm_conformance_decode(payload, &conformance), HM_OK);
	sha256_one(stamp, digest);
	assert_memory_equal(conformance.stamp, digest, 32);
	assert_memory_equal(conformance.device_id, claims->device_id, 32);
	assert_memory_equal(conformance.release, claims->release, 32);
	assert_int_equal(conformance.counter, claims->counter);
	assert_int_equal(conformance.lock, claims->lock);
}

void
oem_receipt(struct buf *ret)
{
	const struct hm_confirm_answer answer = { .entry = HM_LITERAL("entry"),
		.receipt = HM_LITERAL("c2sp.org/tlog-proof@v1\n") };

	APPEND(ret, 256, hm_confirm_answer_encode(&answer, span, &len));
}
