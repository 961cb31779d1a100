/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/init.h"

#include "crypto/digest.h"
#include "crypto/ossl.h"

hm_err
crypto_init(void)
{
	uint8_t seed[1];

	HM_TRY(digest_start());
	HM_TRY(aead_start());
	HM_TRY(ec_start());
	HM_TRY(p256_pair_start());
	HM_TRY(random_bytes((struct hm_span){ seed, sizeof(seed) }));
	return random_secret((struct hm_span){ seed, sizeof(seed) });
}
