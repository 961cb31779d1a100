/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BearSSL 0.6: no heap, and no table or branch that depends on a secret;
 * multiplier.h says where its multiplications are constant-time.
 * br_ecdsa_*_vrfy_raw checks the range of r and s, the curve's mul and muladd
 * refuse points that are not on it.
 */
#include "hallmark/crypto.h"

#include <string.h>

#include "multiplier.h"
#include "scalar.h"

void
hm_hmac(struct hm_bytes key, const struct hm_bytes *pieces, size_t count,
    uint8_t ret[HM_STATIC HM_DIGEST_LEN])
{
	br_hmac_key_context pads;
	br_hmac_context mac;

	br_hmac_key_init(&pads, &br_sha256_vtable, key.ptr, key.len);
	br_hmac_init(&mac, &pads, 0);
	for (size_t i = 0; i < count; i++)
		br_hmac_update(&mac, pieces[i].ptr, pieces[i].len);
	br_hmac_out(&mac, ret);
	hm_wipe(&pads, sizeof(pads));
	hm_wipe(&mac, sizeof(mac));
}

/* Both directions over `text` in place; the tag that belongs to it. */
static void
gcm_run(struct hm_bytes key, const uint8_t *nonce, struct hm_bytes aad,
    bool encrypt, struct hm_span text, uint8_t tag[HM_STATIC HM_GCM_TAG_LEN])
{
	br_aes_ct_ctr_keys aes;
	br_gcm_context gcm;

	br_aes_ct_ctr_init(&aes, key.ptr, key.len);
	br_gcm_init(&gcm, &aes.vtable, hm_bearssl_ghash);
	br_gcm_reset(&gcm, nonce, HM_GCM_NONCE_LEN);
	br_gcm_aad_inject(&gcm, aad.ptr, aad.len);
	br_gcm_flip(&gcm);
	br_gcm_run(&gcm, encrypt, text.ptr, text.len);
	br_gcm_get_tag(&gcm, tag);
	hm_wipe(&aes, sizeof(aes));
	hm_wipe(&gcm, sizeof(gcm));
}

void
hm_gcm_seal(struct hm_bytes key,
    const uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes plain, uint8_t *ret)
{
	if (plain.len > 0)
		memmove(ret, plain.ptr, plain.len);
	gcm_run(key, nonce, aad, true, HM_MAKE(hm_span, ret, plain.len),
	    ret + plain.len);
}

hm_err
hm_gcm_open(struct hm_bytes key,
    const uint8_t nonce[HM_STATIC HM_GCM_NONCE_LEN], struct hm_bytes aad,
    struct hm_bytes cipher, uint8_t *ret)
{
	uint8_t tag[HM_GCM_TAG_LEN];
	struct hm_span text = { ret, cipher.len - HM_GCM_TAG_LEN };
	bool good;

	if (cipher.len < HM_GCM_TAG_LEN)
		return HM_E_OPEN;
	if (text.len > 0)
		memmove(ret, cipher.ptr, text.len);
	gcm_run(key, nonce, aad, false, text, tag);
	good = hm_equal_ct(tag, cipher.ptr + text.len, sizeof(tag));
	hm_wipe(tag, sizeof(tag));
	if (!good) {
		hm_wipe(text.ptr, text.len);
		return HM_E_OPEN;
	}
	return HM_OK;
}

void
hm_ctr_crypt(struct hm_bytes key, const uint8_t iv[HM_STATIC 12],
    uint32_t first, struct hm_span text)
{
	br_aes_ct_ctr_keys aes;

	br_aes_ct_ctr_init(&aes, key.ptr, key.len);
	(void)br_aes_ct_ctr_run(&aes, iv, first, text.ptr, text.len);
	hm_wipe(&aes, sizeof(aes));
}

hm_verdict
hm_p256_verify(const uint8_t point[HM_STATIC HM_POINT_LEN],
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    const uint8_t signature[HM_STATIC HM_SIGNATURE_LEN])
{
	uint8_t q[HM_POINT_LEN];
	br_ec_public_key key = { BR_EC_secp256r1, q, sizeof(q) };

	memcpy(q, point, sizeof(q));
	if (hm_bearssl_verify(hm_bearssl_p256, digest, HM_DIGEST_LEN, &key,
		signature, HM_SIGNATURE_LEN) != 1)
		return HM_VERDICT_NO;
	return HM_VERDICT_YES;
}

hm_err
hm_p256_sign(const uint8_t scalar[HM_STATIC 32],
    const uint8_t digest[HM_STATIC HM_DIGEST_LEN],
    uint8_t ret[HM_STATIC HM_SIGNATURE_LEN])
{
	uint8_t x[32], signature[HM_SIGNATURE_LEN];
	br_ec_private_key key = { BR_EC_secp256r1, x, sizeof(x) };
	size_t len;

	if (!hm_p256_is_scalar(scalar))
		return HM_E_KEY;
	memcpy(x, scalar, sizeof(x));
	len = hm_bearssl_sign(
	    hm_bearssl_p256, &br_sha256_vtable, digest, &key, signature);
	hm_wipe(x, sizeof(x));
	if (len != sizeof(signature))
		return HM_E_KEY;
	memcpy(ret, signature, sizeof(signature));
	return HM_OK;
}

hm_err
hm_p256_public(
    const uint8_t scalar[HM_STATIC 32], uint8_t ret[HM_STATIC HM_POINT_LEN])
{
	if (!hm_p256_is_scalar(scalar))
		return HM_E_KEY;
	if (hm_bearssl_p256->mulgen(ret, scalar, 32, BR_EC_secp256r1) !=
	    HM_POINT_LEN)
		return HM_E_KEY;
	return HM_OK;
}

hm_err
hm_p256_agree(const uint8_t scalar[HM_STATIC 32],
    const uint8_t point[HM_STATIC HM_POINT_LEN], uint8_t ret[HM_STATIC 32])
{
	uint8_t shared[HM_POINT_LEN];
	uint32_t good;

	if (!hm_p256_is_scalar(scalar))
		return HM_E_KEY;
	memcpy(shared, point, sizeof(shared));
	good = hm_bearssl_p256->mul(
	    shared, sizeof(shared), scalar, 32, BR_EC_secp256r1);
	if (good == 1)
		memcpy(ret, shared + 1, 32);
	hm_wipe(shared, sizeof(shared));
	return good == 1 ? HM_OK : HM_E_KEY;
}
