/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_attest - evidence from anybody, and cases from a front that was taken
 * over
 *
 * Evidence that is read is written again to the same bytes from the case alone:
 * else the signer would judge other bytes than the device signed. Then the
 * input is taken as a case itself, which no decoder has looked at.
 */
#include <string.h>

#include "attest/attest.h"
#include "attest/schemes.h"
#include "fuzz.h"
#include "mutate.h"

static void
must_write_the_same(const struct attest_case *kase, struct hm_bytes evidence)
{
	static uint8_t out[HM_EVIDENCE_MAX];
	uint8_t claims[HM_CLAIMS_MAX], proof[512];
	struct hm_evidence outer = { .claims.ptr = claims, .proof.ptr = proof };
	size_t len;

	fuzz_must(hm_claims_encode(&kase->claims,
		      (struct hm_span){ claims, sizeof(claims) },
		      &outer.claims.len) == HM_OK);
	fuzz_must(attest_scheme_row(kase->claims.scheme)
		      ->encode(kase, (struct hm_span){ proof, sizeof(proof) },
			  &outer.proof.len) == HM_OK);
	memcpy(outer.possession, kase->possession, sizeof(outer.possession));
	fuzz_must(hm_evidence_encode(&outer,
		      (struct hm_span){ out, sizeof(out) }, &len) == HM_OK);
	fuzz_must(len == evidence.len && memcmp(out, evidence.ptr, len) == 0);
}

/* Every verdict is one of those that the header names. */
static void
must_be_judged(const struct attest_case *kase)
{
	struct attest_wanted wanted = { .channel = HM_CHANNEL_DEV };
	struct hm_product product = { .scheme = kase->claims.scheme,
		.key_source = HM_KEYS_ENROLLED };
	hm_err err;

	memcpy(product.mpmr, kase->proof.imx_mp.mpmr, sizeof(product.mpmr));
	memcpy(wanted.release, kase->claims.release, sizeof(wanted.release));
	err = attest_judge(kase, &product, &wanted);
	fuzz_must(err == HM_OK || err == HM_E_EVIDENCE_SCHEME ||
		  err == HM_E_EVIDENCE_DUMMY || err == HM_E_EVIDENCE_OPEN);
	err = attest_verify(kase);
	fuzz_must(err == HM_OK || err == HM_E_EVIDENCE || err == HM_E_KEY ||
		  err == HM_E_EVIDENCE_SCHEME || err == HM_E_BAD_INPUT);
	err = attest_possession(kase);
	fuzz_must(err == HM_OK || err == HM_E_POSSESSION || err == HM_E_KEY ||
		  err == HM_E_EVIDENCE_SCHEME || err == HM_E_BAD_INPUT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes evidence = { data, size };
	struct attest_case kase;
	uint8_t digest[HM_DIGEST_LEN];

	if (attest_parse(evidence, &kase) == HM_OK) {
		must_write_the_same(&kase, evidence);
		must_be_judged(&kase);
		attest_binding(&kase.claims, digest);
		attest_key_digest(&kase, digest);
		attest_reuse_digest(&kase, digest);
	}
	memset(&kase, 0, sizeof(kase));
	memcpy(&kase, data, size < sizeof(kase) ? size : sizeof(kase));
	must_be_judged(&kase);
	return 0;
}

MUTATE_OF(&mutate_cbor, 0)
