/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case may come from another process, so no field of it is trusted to be in
 * its range: an unknown scheme has no row, and claims that do not encode are
 * refused before they are hashed.
 */
#include <string.h>

#include "attest/schemes.h"
#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

#define PROOF_ROOM 256 /* scheme evidence, encoded */

#define CLAIMS_GAP (offsetof(struct hm_claims, release) + HM_DIGEST_LEN)

_Static_assert(
    offsetof(struct hm_claims, scheme) == HM_NONCE_LEN + HM_DEVICE_ID_LEN &&
	offsetof(struct hm_claims, counter) - CLAIMS_GAP < sizeof(uint32_t) &&
	sizeof(struct hm_claims) ==
	    offsetof(struct hm_claims, lock) + sizeof(hm_lock),
    "the one gap in claims is before the counter");
_Static_assert(sizeof(struct attest_case) ==
		   sizeof(struct hm_claims) + sizeof(struct hm_proof_imx_mp) +
		       HM_SIGNATURE_LEN,
    "no gap in a case");

/* A decoder's assignment may bring bytes of its stack along in the gap, and a
 * case goes to other processes as it is. */
static void
clear_gap(struct hm_claims *claims)
{
	memset((uint8_t *)claims + CLAIMS_GAP, 0,
	    offsetof(struct hm_claims, counter) - CLAIMS_GAP);
}

hm_err
attest_parse(struct hm_bytes evidence, struct attest_case *ret)
{
	const struct attest_scheme *row;
	struct hm_evidence outer;
	struct attest_case kase;

	memset(&kase, 0, sizeof(kase));
	HM_TRY(hm_evidence_decode(evidence, &outer));
	HM_TRY(hm_claims_decode(outer.claims, &kase.claims));
	row = attest_scheme_row(kase.claims.scheme);
	hm_assert(row != NULL); /* wire/ knows a scheme: so do we */
	HM_TRY(row->decode(outer.proof, &kase));
	clear_gap(&kase.claims);
	memcpy(kase.possession, outer.possession, sizeof(kase.possession));
	memcpy(ret, &kase, sizeof(*ret));
	return HM_OK;
}

static hm_err
check_scheme(const struct attest_scheme *row, const struct hm_product *product,
    hm_channel channel)
{
	if (row == NULL || row->number != product->scheme)
		return HM_E_EVIDENCE_SCHEME;
	if (row->software && channel != HM_CHANNEL_DEV &&
	    !product->soft_in_prod)
		return HM_E_CHANNEL;
	return HM_OK;
}

static bool
is_pinned(const struct hm_product *product, const uint8_t *point)
{
	for (uint32_t i = 0; i < product->key_count; i++) {
		if (memcmp(product->keys[i], point, HM_POINT_LEN) == 0)
			return true;
	}
	return false;
}

static hm_err
check_key(const struct attest_scheme *row, const struct hm_product *product,
    const uint8_t *point)
{
	switch (product->key_source) {
	case HM_KEYS_PINNED:
		return is_pinned(product, point) ? HM_OK : HM_E_EVIDENCE_KEY;
	case HM_KEYS_ENROLLED:
		return HM_OK;
	case HM_KEYS_ANY:
		return row->software ? HM_OK : HM_E_EVIDENCE_KEY;
	}
	return HM_E_EVIDENCE_KEY;
}

hm_err
attest_judge(const struct attest_case *kase, const struct hm_product *product,
    const struct attest_wanted *wanted)
{
	const struct hm_claims *claims = &kase->claims;
	const struct attest_scheme *row = attest_scheme_row(claims->scheme);
	uint8_t point[HM_POINT_LEN];

	HM_TRY(check_scheme(row, product, wanted->channel));
	row->key(kase, point);
	HM_TRY(check_key(row, product, point));
	if (attest_is_dummy(point))
		return HM_E_EVIDENCE_DUMMY;
	if (claims->lock < product->lock_min || claims->lock > HM_LOCK_LOCKED)
		return HM_E_EVIDENCE_OPEN;
	if (row->judge != NULL)
		HM_TRY(row->judge(kase, product));
	if (memcmp(claims->release, wanted->release, HM_DIGEST_LEN) != 0)
		return HM_E_RELEASE;
	if (claims->counter < wanted->counter)
		return HM_E_COUNTER;
	return HM_OK;
}

static hm_err
make_binding(const struct hm_claims *claims, uint8_t ret[static HM_DIGEST_LEN])
{
	uint8_t encoded[HM_CLAIMS_MAX];
	struct hm_bytes pieces[2] = { HM_LITERAL(HM_BINDING_LABEL),
		{ encoded, 0 } };

	HM_TRY(hm_claims_encode(claims,
	    (struct hm_span){ encoded, sizeof(encoded) }, &pieces[1].len));
	sha256(pieces, 2, ret);
	return HM_OK;
}

void
attest_binding(
    const struct hm_claims *claims, uint8_t ret[static HM_DIGEST_LEN])
{
	hm_assert(make_binding(claims, ret) == HM_OK);
}

hm_err
attest_verify(const struct attest_case *kase)
{
	const struct attest_scheme *row =
	    attest_scheme_row(kase->claims.scheme);
	uint8_t binding[HM_DIGEST_LEN];
	hm_err err;

	if (row == NULL)
		return HM_E_EVIDENCE_SCHEME;
	HM_TRY(make_binding(&kase->claims, binding));
	err = row->verify(kase, binding);
	return err == HM_E_SIGNATURE ? HM_E_EVIDENCE : err;
}

hm_err
attest_possession(const struct attest_case *kase)
{
	const struct attest_scheme *row =
	    attest_scheme_row(kase->claims.scheme);
	uint8_t claims[HM_CLAIMS_MAX], proof[PROOF_ROOM], digest[SHA256_LEN];
	struct hm_bytes pieces[3] = { HM_LITERAL(HM_POSSESSION_LABEL),
		{ claims, 0 }, { proof, 0 } };
	hm_err err;

	if (row == NULL)
		return HM_E_EVIDENCE_SCHEME;
	HM_TRY(hm_claims_encode(&kase->claims,
	    (struct hm_span){ claims, sizeof(claims) }, &pieces[1].len));
	HM_TRY(row->encode(
	    kase, (struct hm_span){ proof, sizeof(proof) }, &pieces[2].len));
	sha256(pieces, 3, digest);
	err = p256_verify(kase->claims.identity, digest, kase->possession);
	return err == HM_E_SIGNATURE ? HM_E_POSSESSION : err;
}

hm_err
attest_evidence_digest(
    const struct attest_case *kase, uint8_t ret[static HM_DIGEST_LEN])
{
	const struct attest_scheme *row =
	    attest_scheme_row(kase->claims.scheme);
	uint8_t claims[HM_CLAIMS_MAX], proof[PROOF_ROOM],
	    room[HM_CLAIMS_MAX + PROOF_ROOM + HM_SIGNATURE_LEN + 16];
	struct hm_evidence outer = { { claims, 0 }, { proof, 0 }, { 0 } };
	struct hm_bytes message = { room, 0 };

	if (row == NULL)
		return HM_E_EVIDENCE_SCHEME;
	HM_TRY(hm_claims_encode(&kase->claims,
	    (struct hm_span){ claims, sizeof(claims) }, &outer.claims.len));
	HM_TRY(row->encode(
	    kase, (struct hm_span){ proof, sizeof(proof) }, &outer.proof.len));
	memcpy(outer.possession, kase->possession, sizeof(outer.possession));
	HM_TRY(hm_evidence_encode(
	    &outer, (struct hm_span){ room, sizeof(room) }, &message.len));
	sha256_one(message, ret);
	return HM_OK;
}

static const struct attest_scheme *
row_of(const struct attest_case *kase)
{
	const struct attest_scheme *row =
	    attest_scheme_row(kase->claims.scheme);

	hm_assert(row != NULL);
	return row;
}

void
attest_key_digest(
    const struct attest_case *kase, uint8_t ret[static HM_DIGEST_LEN])
{
	uint8_t point[HM_POINT_LEN];

	row_of(kase)->key(kase, point);
	sha256_one(HM_BYTES(point), ret);
}

void
attest_reuse_digest(
    const struct attest_case *kase, uint8_t ret[static HM_DIGEST_LEN])
{
	const struct attest_scheme *row = row_of(kase);
	uint8_t point[HM_POINT_LEN];
	struct hm_bytes pieces[] = { HM_BYTES(point),
		{ row->signature(kase), HM_SIGNATURE_LEN / 2 } };

	row->key(kase, point);
	sha256(pieces, 2, ret);
}
