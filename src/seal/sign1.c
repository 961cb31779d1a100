/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/sign1.h"

#include <string.h>

#include "core/check.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "wire/claims.h"

hm_err
sign1_digest(struct hm_bytes kid, struct hm_bytes aad, struct hm_bytes payload,
    uint8_t ret[static 32])
{
	uint8_t head[HM_COSE_HEAD_MAX];
	struct hm_bytes pieces[] = { { head, 0 }, payload };

	HM_TRY(hm_sign1_head(kid, aad, payload.len,
	    (struct hm_span){ head, sizeof(head) }, &pieces[0].len));
	sha256(pieces, 2, ret);
	return HM_OK;
}

hm_err
sign1_make(struct hm_bytes kid, struct hm_bytes aad, struct hm_bytes payload,
    digest_signer signer, void *context, struct buf *ret)
{
	struct hm_sign1 sign1 = { .kid = kid, .payload = payload };
	uint8_t digest[SHA256_LEN], *room;
	size_t len;
	hm_err err;

	HM_TRY(sign1_digest(kid, aad, payload, digest));
	/* Room first: a signature that nobody would get is not made. */
	err = hm_sign1_encode(&sign1, (struct hm_span){ 0 }, &len);
	hm_assert(err == HM_E_NO_ROOM);
	HM_TRY(buf_reserve(ret, len, &room));
	HM_TRY(signer(context, digest, sign1.signature));
	HM_TRY(hm_sign1_encode(&sign1, (struct hm_span){ room, len }, &len));
	ret->len += len;
	return HM_OK;
}

hm_err
sign1_open(struct hm_bytes message, size_t max, struct hm_bytes aad,
    const uint8_t point[static HM_POINT_LEN], struct hm_bytes *ret_payload)
{
	struct hm_sign1 sign1;
	uint8_t digest[SHA256_LEN];

	HM_TRY(hm_sign1_decode(message, max, &sign1));
	HM_TRY(sign1_digest(sign1.kid, aad, sign1.payload, digest));
	HM_TRY(p256_verify(point, digest, sign1.signature));
	*ret_payload = sign1.payload;
	return HM_OK;
}

void
sign1_kid(
    const uint8_t point[static HM_POINT_LEN], uint8_t ret[static HM_KID_LEN])
{
	uint8_t spki[HM_SPKI_LEN], digest[SHA256_LEN];

	hm_spki_encode(point, spki);
	sha256_one(HM_BYTES(spki), digest);
	memcpy(ret, digest, HM_KID_LEN);
}
