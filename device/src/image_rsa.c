/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

/*
 * RSAPublicKey, DER: 30 82 len len, 02 82 len len, 00, modulus, 02 03 01 00 01.
 * The key is trusted as it is; its length tells where the modulus lies.
 */
#define BEFORE 9
#define BEHIND 5

static hm_verdict
verify(struct hm_bytes key, const uint8_t *digest, struct hm_bytes signature)
{
	struct hm_bytes modulus = { key.ptr + BEFORE, signature.len };

	if (key.len != BEFORE + signature.len + BEHIND)
		return HM_VERDICT_NO;
	return hm_pss_verify(modulus, digest, signature);
}

/* The type of the TLV has fixed the signature's length. */
const struct hm_image_scheme hm_image_rsa3072 = {
	.type = TLV_RSA3072,
	.hash = &hm_image_sha256,
	.verify = verify,
};
const struct hm_image_scheme hm_image_rsa2048 = {
	.type = TLV_RSA2048,
	.hash = &hm_image_sha256,
	.verify = verify,
};
