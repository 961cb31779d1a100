/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * evidence - what a device answers to a challenge
 *
 *   evidence = { 0: 1, 1: claims (bstr), 2: scheme evidence (bstr),
 *                3: proof of possession (bstr 64) }
 *
 * The proof of possession is the ECDSA P-256 signature of the identity key over
 * SHA-256("hallmark-possession-v1" || claims || scheme evidence).
 *
 * Scheme evidence:
 *   soft    { 1: public key (bstr 65), 2: signature (bstr 64) }
 *           signature over SHA-256(binding)
 *   imx-mp  { 1: public key X || Y (bstr 64), 2: MPMR (bstr 32),
 *             3: r || s (bstr 64) }
 *           signature over SHA-256(MPMR || message), where
 *           message = "hallmark-imx-mp-v1" || binding
 */

#include "core/cbor.h"
#include "wire/limits.h"

HM_C_BEGIN

#define HM_POSSESSION_LABEL "hallmark-possession-v1"
#define HM_IMX_MP_LABEL "hallmark-imx-mp-v1"
#define HM_MPMR_LEN 32
#define HM_PROOF_MAX 3072 /* scheme evidence */

struct hm_evidence {
	struct hm_bytes claims; /* borrowed */
	struct hm_bytes proof;  /* scheme evidence; borrowed */
	uint8_t possession[HM_SIGNATURE_LEN];
};

struct hm_proof_soft {
	uint8_t key[HM_POINT_LEN];
	uint8_t signature[HM_SIGNATURE_LEN];
};

struct hm_proof_imx_mp {
	uint8_t key[64]; /* X || Y */
	uint8_t mpmr[HM_MPMR_LEN];
	uint8_t signature[HM_SIGNATURE_LEN];
};

/* Encoders: HM_E_NO_ROOM, HM_E_BAD_INPUT. Decoders: HM_E_BAD_INPUT, *ret
 * untouched. */
HM_MUST hm_err hm_evidence_encode(
    const struct hm_evidence *evidence, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_evidence_decode(
    struct hm_bytes message, struct hm_evidence *ret);
HM_MUST hm_err hm_proof_soft_encode(
    const struct hm_proof_soft *proof, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_proof_soft_decode(
    struct hm_bytes message, struct hm_proof_soft *ret);
HM_MUST hm_err hm_proof_imx_mp_encode(
    const struct hm_proof_imx_mp *proof, struct hm_span room, size_t *ret_len);
HM_MUST hm_err hm_proof_imx_mp_decode(
    struct hm_bytes message, struct hm_proof_imx_mp *ret);

HM_C_END
