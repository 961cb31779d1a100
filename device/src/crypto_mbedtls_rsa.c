/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/crypto.h"

#include <mbedtls/bignum.h>

#include "rsa.h"

hm_err
hm_rsa_public(struct hm_bytes modulus, struct hm_bytes signature, uint8_t *ret)
{
	mbedtls_mpi n, e, x;
	bool good;

	if (!hm_rsa_is_modulus(modulus) || signature.len != modulus.len)
		return HM_E_KEY;
	mbedtls_mpi_init(&n);
	mbedtls_mpi_init(&e);
	mbedtls_mpi_init(&x);
	good = mbedtls_mpi_read_binary(&n, modulus.ptr, modulus.len) == 0 &&
	       mbedtls_mpi_lset(&e, 65537) == 0 &&
	       mbedtls_mpi_read_binary(&x, signature.ptr, signature.len) == 0 &&
	       mbedtls_mpi_cmp_mpi(&x, &n) < 0 &&
	       mbedtls_mpi_exp_mod(&x, &x, &e, &n, NULL) == 0 &&
	       mbedtls_mpi_write_binary(&x, ret, modulus.len) == 0;
	mbedtls_mpi_free(&x);
	mbedtls_mpi_free(&e);
	mbedtls_mpi_free(&n);
	return good ? HM_OK : HM_E_KEY;
}
