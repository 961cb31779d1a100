/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

#define SPKI_LEN 44 /* bytes of DER; the key is the last of it */

/* The message is the image's hash; the type of the TLV fixes 64 bytes. */
static hm_verdict
verify_hash(
    struct hm_bytes key, struct hm_bytes hash, struct hm_bytes signature)
{
	if (key.len != SPKI_LEN)
		return HM_VERDICT_NO;
	return hm_ed25519_verify(
	    key.ptr + SPKI_LEN - HM_ED25519_KEY_LEN, hash, signature.ptr);
}

static hm_verdict
verify(struct hm_bytes key, const uint8_t *digest, struct hm_bytes signature)
{
	return verify_hash(
	    key, HM_MAKE(hm_bytes, digest, HM_DIGEST_LEN), signature);
}

static hm_verdict
verify_sha512(
    struct hm_bytes key, const uint8_t *digest, struct hm_bytes signature)
{
	return verify_hash(
	    key, HM_MAKE(hm_bytes, digest, HM_SHA512_LEN), signature);
}

const struct hm_image_scheme hm_image_ed25519 = {
	.type = TLV_ED25519,
	.hash = &hm_image_sha256,
	.verify = verify,
};
const struct hm_image_scheme hm_image_ed25519_sha512 = {
	.type = TLV_ED25519,
	.hash = &hm_image_sha512,
	.verify = verify_sha512,
};
