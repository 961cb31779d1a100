/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

#define SPKI_LEN 120 /* bytes of DER; the point is the last of it */

static hm_verdict
verify(struct hm_bytes key, const uint8_t *digest, struct hm_bytes signature)
{
	uint8_t plain[HM_P384_SIGNATURE_LEN];

	if (key.len != SPKI_LEN ||
	    !image_ecdsa_plain(signature, HM_P384_SIGNATURE_LEN / 2, plain))
		return HM_VERDICT_NO;
	return hm_p384_verify(
	    key.ptr + SPKI_LEN - HM_P384_POINT_LEN, digest, plain);
}

const struct hm_image_scheme hm_image_p384 = {
	.type = TLV_ECDSA,
	.hash = &hm_image_sha384,
	.verify = verify,
};
