/* SPDX-License-Identifier: Apache-2.0 */
#include "multiplier.h"

const br_ec_impl *const hm_bearssl_p256 = &br_ec_prime_i31;
const br_ecdsa_sign hm_bearssl_sign = br_ecdsa_i31_sign_raw;
const br_ecdsa_vrfy hm_bearssl_verify = br_ecdsa_i31_vrfy_raw;
const br_ghash hm_bearssl_ghash = br_ghash_ctmul;
