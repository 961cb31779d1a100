/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/crypto.h"

#include <string.h>

#include <bearssl.h>

#include "rsa.h"

hm_err
hm_rsa_public(struct hm_bytes modulus, struct hm_bytes signature, uint8_t *ret)
{
	uint8_t n[HM_RSA_MAX], e[3] = { 1, 0, 1 };
	br_rsa_public_key key = { n, modulus.len, e, sizeof(e) };

	if (!hm_rsa_is_modulus(modulus) || signature.len != modulus.len)
		return HM_E_KEY;
	memcpy(n, modulus.ptr, modulus.len);
	memcpy(ret, signature.ptr, signature.len);
	return br_rsa_i31_public(ret, signature.len, &key) == 1 ? HM_OK
								: HM_E_KEY;
}
