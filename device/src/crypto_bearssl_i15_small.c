/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys by i15, signatures of others by the boot loader's verifier. */
#include "hallmark/crypto.h"
#include "image_parts.h"
#include "multiplier.h"

static uint32_t
verify(const br_ec_impl *impl, const void *digest, size_t digest_len,
    const br_ec_public_key *key, const void *signature, size_t len)
{
	(void)impl;
	if (key->qlen != HM_POINT_LEN || digest_len != HM_DIGEST_LEN ||
	    len != HM_SIGNATURE_LEN)
		return 0;
	return image_p256_small(key->q, (const uint8_t *)digest,
		   (const uint8_t *)signature) == HM_VERDICT_YES;
}

const br_ec_impl *const hm_bearssl_p256 = &br_ec_prime_i15;
const br_ecdsa_sign hm_bearssl_sign = br_ecdsa_i15_sign_raw;
const br_ecdsa_vrfy hm_bearssl_verify = verify;
const br_ghash hm_bearssl_ghash = br_ghash_ctmul32;
