/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/claims.h"
#include "wire/evidence.h"
#include "wire/message.h"

hm_err
hm_evidence_encode(
    const struct hm_evidence *evidence, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 4);
	hm_msg_put_bytes(&out, 1, evidence->claims, 1, HM_CLAIMS_MAX);
	hm_msg_put_bytes(&out, 2, evidence->proof, 1, HM_PROOF_MAX);
	hm_msg_put_fixed(&out, 3, evidence->possession, HM_SIGNATURE_LEN);
	return hm_msg_end(&out, HM_EVIDENCE_MAX, ret_len);
}

hm_err
hm_evidence_decode(struct hm_bytes message, struct hm_evidence *ret)
{
	struct hm_evidence evidence;
	struct hm_cbor_in in;

	hm_msg_open(&in, message, HM_EVIDENCE_MAX, 4);
	evidence.claims = hm_msg_get_bytes(&in, 1, 1, HM_CLAIMS_MAX);
	evidence.proof = hm_msg_get_bytes(&in, 2, 1, HM_PROOF_MAX);
	hm_msg_get_fixed(&in, 3, evidence.possession, HM_SIGNATURE_LEN);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = evidence;
	return HM_OK;
}

hm_err
hm_proof_soft_encode(
    const struct hm_proof_soft *proof, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, room);
	hm_cbor_put_map(&out, 2);
	hm_msg_put_point(&out, 1, proof->key);
	hm_msg_put_fixed(&out, 2, proof->signature, HM_SIGNATURE_LEN);
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
hm_proof_soft_decode(struct hm_bytes message, struct hm_proof_soft *ret)
{
	struct hm_proof_soft proof = { 0 };
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, message);
	hm_msg_map(&in, 2);
	hm_msg_get_point(&in, 1, proof.key);
	hm_msg_get_fixed(&in, 2, proof.signature, HM_SIGNATURE_LEN);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = proof;
	return HM_OK;
}

hm_err
hm_proof_imx_mp_encode(
    const struct hm_proof_imx_mp *proof, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_cbor_out_init(&out, room);
	hm_cbor_put_map(&out, 3);
	hm_msg_put_fixed(&out, 1, proof->key, sizeof(proof->key));
	hm_msg_put_fixed(&out, 2, proof->mpmr, HM_MPMR_LEN);
	hm_msg_put_fixed(&out, 3, proof->signature, HM_SIGNATURE_LEN);
	return hm_cbor_out_end(&out, ret_len);
}

hm_err
hm_proof_imx_mp_decode(struct hm_bytes message, struct hm_proof_imx_mp *ret)
{
	struct hm_proof_imx_mp proof = { 0 };
	struct hm_cbor_in in;

	hm_cbor_in_init(&in, message);
	hm_msg_map(&in, 3);
	hm_msg_get_fixed(&in, 1, proof.key, sizeof(proof.key));
	hm_msg_get_fixed(&in, 2, proof.mpmr, HM_MPMR_LEN);
	hm_msg_get_fixed(&in, 3, proof.signature, HM_SIGNATURE_LEN);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = proof;
	return HM_OK;
}
