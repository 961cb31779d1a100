/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * attest - is this evidence what the product's hardware would have signed?
 *
 * A row a scheme in schemes.c; a new root of trust is one more file and one
 * more row. Three steps, so that each process does what it may:
 *
 *   attest_parse   front: untrusted CBOR to a struct of fixed layout
 *   attest_judge   front, and again signer: policy, no cryptography
 *   attest_verify  signer, where the secrets are: the signature, once
 *
 * The signer repeats judge and verify over the fixed struct because a front
 * that was taken over would otherwise have secrets sealed to a key of its own
 * (docs/decisions/0003). Order of judgement and so of reasons: scheme, key
 * source, dummy keys, life cycle and MPMR, firmware, security counter. Whether
 * a software key may serve a production order at all belongs to the scheme.
 *
 * A dummy key is one whose private half is public: test keys of source trees,
 * and the keys of chips that were never closed (dummies.c).
 */
#include "wire/claims.h"
#include "wire/evidence.h"
#include "wire/object.h"

/* Evidence as a struct of fixed layout: it crosses process borders as it is. */
struct attest_case {
	struct hm_claims claims;
	union {
		struct hm_proof_soft soft;
		struct hm_proof_imx_mp imx_mp;
	} proof;
	uint8_t possession[HM_SIGNATURE_LEN];
};

/* What the order asks of the device, beside the product. */
struct attest_wanted {
	hm_channel channel;
	uint8_t release[HM_DIGEST_LEN]; /* image digest */
	uint32_t counter;               /* least security counter */
};

/* HM_E_BAD_INPUT (an unknown scheme too), HM_E_KEY; *ret is untouched then. On
 * success every byte of it is set, padding too. */
HM_MUST hm_err attest_parse(struct hm_bytes evidence, struct attest_case *ret);

/* HM_E_EVIDENCE_SCHEME, _KEY, _DUMMY, _OPEN, HM_E_RELEASE, HM_E_COUNTER,
 * HM_E_CHANNEL. With HM_KEYS_ENROLLED the list is the caller's to ask. */
HM_MUST hm_err attest_judge(const struct attest_case *kase,
    const struct hm_product *product, const struct attest_wanted *wanted);

/* The hardware's signature over the binding. HM_E_EVIDENCE, HM_E_KEY,
 * HM_E_EVIDENCE_SCHEME, HM_E_BAD_INPUT (not from attest_parse), HM_E_NO_MEMORY
 */
HM_MUST hm_err attest_verify(const struct attest_case *kase);
/* The proof of possession of the identity key. HM_E_POSSESSION, HM_E_KEY,
 * HM_E_EVIDENCE_SCHEME, HM_E_BAD_INPUT (not from attest_parse), HM_E_NO_MEMORY
 */
HM_MUST hm_err attest_possession(const struct attest_case *kase);

/*
 * SHA-256 of the evidence message that attest_parse() made this case from: what
 * the ledger names. A case from another process that no message can give is
 * refused here, before the three functions below see it.
 * HM_E_BAD_INPUT, HM_E_KEY, HM_E_EVIDENCE_SCHEME
 */
HM_MUST hm_err attest_evidence_digest(
    const struct attest_case *kase, uint8_t ret[static HM_DIGEST_LEN]);

/* SHA-256("hallmark-binding-v1" || claims). These three are for a case that
 * attest_parse() made or attest_verify() accepted; they panic on another. */
void attest_binding(
    const struct hm_claims *claims, uint8_t ret[static HM_DIGEST_LEN]);
/* SHA-256 of the evidence key's 65-byte point: what enrolment lists. */
void attest_key_digest(
    const struct attest_case *kase, uint8_t ret[static HM_DIGEST_LEN]);
/* SHA-256(evidence key point || r): the uniqueness of ECDSA nonces. */
void attest_reuse_digest(
    const struct attest_case *kase, uint8_t ret[static HM_DIGEST_LEN]);
/* "imx-mp" ...; NULL for an unknown number. And back: 0 for an unknown name. */
const char *attest_scheme_name(hm_scheme scheme);
hm_scheme attest_scheme_of(struct hm_bytes name);
