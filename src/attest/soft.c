/* SPDX-License-Identifier: Apache-2.0 */
/* soft - a plain key signs SHA-256(binding); it proves nothing but itself */
#include <string.h>

#include "attest/schemes.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

static hm_err
decode(struct hm_bytes proof, struct attest_case *ret)
{
	return hm_proof_soft_decode(proof, &ret->proof.soft);
}

static hm_err
encode(const struct attest_case *kase, struct hm_span room, size_t *ret_len)
{
	return hm_proof_soft_encode(&kase->proof.soft, room, ret_len);
}

static void
key(const struct attest_case *kase, uint8_t ret[static HM_POINT_LEN])
{
	memcpy(ret, kase->proof.soft.key, HM_POINT_LEN);
}

static const uint8_t *
signature(const struct attest_case *kase)
{
	return kase->proof.soft.signature;
}

static hm_err
verify(
    const struct attest_case *kase, const uint8_t binding[static HM_DIGEST_LEN])
{
	const struct hm_proof_soft *proof = &kase->proof.soft;
	uint8_t digest[SHA256_LEN];

	sha256_one((struct hm_bytes){ binding, HM_DIGEST_LEN }, digest);
	return p256_verify(proof->key, digest, proof->signature);
}

const struct attest_scheme attest_soft = {
	.number = HM_SCHEME_SOFT,
	.name = "soft",
	.software = true,
	.decode = decode,
	.encode = encode,
	.key = key,
	.signature = signature,
	.verify = verify,
};
