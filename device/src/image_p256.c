/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

#define SPKI_LEN 91 /* bytes of DER; the point is the last of it */

static hm_verdict
verify(struct hm_bytes key, const uint8_t *digest, struct hm_bytes signature)
{
	uint8_t plain[HM_SIGNATURE_LEN];

	if (key.len != SPKI_LEN ||
	    !image_ecdsa_plain(signature, HM_SIGNATURE_LEN / 2, plain))
		return HM_VERDICT_NO;
	return hm_p256_verify(key.ptr + SPKI_LEN - HM_POINT_LEN, digest, plain);
}

const struct hm_image_scheme hm_image_p256 = {
	.type = TLV_ECDSA,
	.hash = &hm_image_sha256,
	.verify = verify,
};
