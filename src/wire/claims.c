/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wire/claims.h"
#include "wire/message.h"

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING (RFC 5480) */
static const uint8_t spki_head[HM_SPKI_LEN - HM_POINT_LEN] = { 0x30, 0x59, 0x30,
	0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
	0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

void
hm_spki_encode(const uint8_t point[HM_STATIC HM_POINT_LEN],
    uint8_t ret[HM_STATIC HM_SPKI_LEN])
{
	memcpy(ret, spki_head, sizeof(spki_head));
	memcpy(ret + sizeof(spki_head), point, HM_POINT_LEN);
}

hm_err
hm_spki_decode(struct hm_bytes spki, uint8_t ret[HM_STATIC HM_POINT_LEN])
{
	const uint8_t *point;

	if (spki.len != HM_SPKI_LEN ||
	    memcmp(spki.ptr, spki_head, sizeof(spki_head)) != 0)
		return HM_E_KEY;
	point = spki.ptr + sizeof(spki_head);
	if (point[0] != 4)
		return HM_E_KEY;
	memcpy(ret, point, HM_POINT_LEN);
	return HM_OK;
}

hm_err
hm_claims_encode(
    const struct hm_claims *claims, struct hm_span room, size_t *ret_len)
{
	uint8_t spki[HM_SPKI_LEN];
	struct hm_cbor_out out;

	if (claims->identity[0] != 4 || claims->kem[0] != 4)
		return HM_E_KEY;
	hm_spki_encode(claims->identity, spki);
	hm_cbor_out_init(&out, room);
	hm_cbor_put_map(&out, 8);
	hm_msg_put_fixed(&out, 1, claims->nonce, HM_NONCE_LEN);
	hm_msg_put_fixed(&out, 2, claims->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_range(
	    &out, 3, claims->scheme, HM_SCHEME_SOFT, HM_SCHEME_IMX_MP);
	hm_msg_put_fixed(&out, 4, spki, sizeof(spki));
	hm_msg_put_fixed(&out, 5, claims->kem, HM_POINT_LEN);
	hm_msg_put_fixed(&out, 6, claims->release, HM_DIGEST_LEN);
	hm_msg_put_uint(&out, 7, claims->counter);
	hm_msg_put_range(&out, 8, claims->lock, HM_LOCK_OPEN, HM_LOCK_LOCKED);
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
hm_claims_decode(struct hm_bytes message, struct hm_claims *ret)
{
	struct hm_claims claims;
	struct hm_bytes spki;
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, message);
	hm_msg_map(&in, 8);
	hm_msg_get_fixed(&in, 1, claims.nonce, HM_NONCE_LEN);
	hm_msg_get_fixed(&in, 2, claims.device_id, HM_DEVICE_ID_LEN);
	claims.scheme = (hm_scheme)hm_msg_get_uint(
	    &in, 3, HM_SCHEME_SOFT, HM_SCHEME_IMX_MP);
	spki = hm_msg_get_bytes(&in, 4, HM_SPKI_LEN, HM_SPKI_LEN);
	hm_msg_get_fixed(&in, 5, claims.kem, HM_POINT_LEN);
	hm_msg_get_fixed(&in, 6, claims.release, HM_DIGEST_LEN);
	claims.counter = hm_msg_get_u32(&in, 7);
	claims.lock =
	    (hm_lock)hm_msg_get_uint(&in, 8, HM_LOCK_OPEN, HM_LOCK_LOCKED);
	HM_TRY(hm_cbor_in_end(&in));
	HM_TRY(hm_spki_decode(spki, claims.identity));
	if (claims.kem[0] != 4)
		return HM_E_KEY;
	*ret = claims;
	return HM_OK;
}
