/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imx_mp - NXP i.MX7, i.MX8M, i.MX RT11xx: CAAM manufacturing protection
 *
 * The boot ROM derives a P-256 key from fuses that only a closed chip uses; the
 * CAAM signs SHA-256(MPMR || message) with it and does not normalise s. MPMR is
 * a 32-byte register that the boot chain may fill and lock; the signature
 * covers it, so it is the one piece of boot state that the chip vouches for.
 *
 * An open chip attests as well: OP-TEE then derives the key from the public
 * pass-phrase "manufacturing protection" and fills MPMR with a text
 * (core/drivers/crypto/caam/mp/caam_mp.c). Both are known here, one as a dummy
 * key, the other below; either is enough to refuse.
 */
#include <string.h>

#include "attest/schemes.h"
#include "crypto/digest.h"
#include "crypto/p256.h"

const uint8_t imx_mp_open_mpmr[HM_MPMR_LEN] = "value to fill the MPMR content";

static void
to_point(const uint8_t key[static 64], uint8_t ret[static HM_POINT_LEN])
{
	ret[0] = 0x04;
	memcpy(ret + 1, key, 64);
}

hm_err
imx_mp_verify(const uint8_t mpmr[static HM_MPMR_LEN], struct hm_bytes message,
    const uint8_t key[static 64],
    const uint8_t signature[static HM_SIGNATURE_LEN])
{
	struct hm_bytes pieces[] = { { mpmr, HM_MPMR_LEN }, message };
	uint8_t digest[SHA256_LEN], point[HM_POINT_LEN];

	sha256(pieces, 2, digest);
	to_point(key, point);
	return p256_verify(point, digest, signature);
}

static hm_err
decode(struct hm_bytes proof, struct attest_case *ret)
{
	return hm_proof_imx_mp_decode(proof, &ret->proof.imx_mp);
}

static hm_err
encode(const struct attest_case *kase, struct hm_span room, size_t *ret_len)
{
	return hm_proof_imx_mp_encode(&kase->proof.imx_mp, room, ret_len);
}

static void
key_of(const struct attest_case *kase, uint8_t ret[static HM_POINT_LEN])
{
	to_point(kase->proof.imx_mp.key, ret);
}

static const uint8_t *
signature_of(const struct attest_case *kase)
{
	return kase->proof.imx_mp.signature;
}

static hm_err
judge(const struct attest_case *kase, const struct hm_product *product)
{
	const uint8_t *mpmr = kase->proof.imx_mp.mpmr;

	/* Not even if the product asks for it. */
	if (memcmp(mpmr, imx_mp_open_mpmr, HM_MPMR_LEN) == 0)
		return HM_E_EVIDENCE_OPEN;
	if (memcmp(mpmr, product->mpmr, HM_MPMR_LEN) != 0)
		return HM_E_EVIDENCE_OPEN;
	return HM_OK;
}

static hm_err
verify(
    const struct attest_case *kase, const uint8_t binding[static HM_DIGEST_LEN])
{
	const struct hm_proof_imx_mp *proof = &kase->proof.imx_mp;
	uint8_t message[sizeof(HM_IMX_MP_LABEL) - 1 + HM_DIGEST_LEN];

	memcpy(message, HM_IMX_MP_LABEL, sizeof(HM_IMX_MP_LABEL) - 1);
	memcpy(message + sizeof(HM_IMX_MP_LABEL) - 1, binding, HM_DIGEST_LEN);
	return imx_mp_verify(
	    proof->mpmr, HM_BYTES(message), proof->key, proof->signature);
}

const struct attest_scheme attest_imx_mp = {
	.number = HM_SCHEME_IMX_MP,
	.name = "imx-mp",
	.decode = decode,
	.encode = encode,
	.key = key_of,
	.signature = signature_of,
	.judge = judge,
	.verify = verify,
};
