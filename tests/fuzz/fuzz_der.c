/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_der - ECDSA signatures in DER, beside OpenSSL's reader
 *
 * Ours takes exactly what OpenSSL takes to the last byte, writes again the same
 * and finds to fit the curve; both then read the same numbers.
 */
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "crypto/p256.h"
#include "crypto/p384.h"
#include "fuzz.h"
#include "mutate.h"

/* OpenSSL's r || s in `size` bytes each, if it takes the input. */
static bool
theirs(struct hm_bytes der, int size, uint8_t *ret)
{
	const uint8_t *at = der.ptr;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
	uint8_t *again = NULL;
	bool ok = false;
	int len;

	if (sig != NULL && at == der.ptr + der.len) {
		len = i2d_ECDSA_SIG(sig, &again);
		ok = len == (int)der.len &&
		     memcmp(again, der.ptr, der.len) == 0 &&
		     !BN_is_negative(ECDSA_SIG_get0_r(sig)) &&
		     !BN_is_negative(ECDSA_SIG_get0_s(sig)) &&
		     BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, size) == size &&
		     BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + size, size) ==
			 size;
	}
	OPENSSL_free(again);
	ECDSA_SIG_free(sig);
	ERR_clear_error();
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_bytes der = { data, size };
	uint8_t ours[P384_SIGNATURE_LEN], other[P384_SIGNATURE_LEN];
	uint8_t again[P384_DER_MAX];
	bool took;

	took = ecdsa_from_der(der, ours) == HM_OK;
	fuzz_must(took == theirs(der, 32, other));
	if (took) {
		fuzz_must(memcmp(ours, other, P256_SIGNATURE_LEN) == 0);
		fuzz_must(ecdsa_to_der(ours, again) == size);
		fuzz_must(memcmp(again, data, size) == 0);
	}
	took = p384_from_der(der, ours) == HM_OK;
	fuzz_must(took == theirs(der, 48, other));
	if (took) {
		fuzz_must(memcmp(ours, other, P384_SIGNATURE_LEN) == 0);
		fuzz_must(p384_to_der(ours, again) == size);
		fuzz_must(memcmp(again, data, size) == 0);
	}
	return 0;
}

MUTATE_OF(&mutate_der, 0)
