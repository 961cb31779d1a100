/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ec - this room's own header: what P-256 and P-384 share
 *
 * A point comes in as 04 || X || Y and nothing else: no compressed and no
 * hybrid form, and the point at infinity has none of that length. OpenSSL
 * checks at import that it is on the curve.
 */
#include "crypto/ossl.h"

#define EC_SIZE_MAX 48 /* bytes of a coordinate */
#define EC_POINT_MAX (1 + 2 * EC_SIZE_MAX)
#define EC_DER_MAX (2 + 2 * (3 + EC_SIZE_MAX))

struct ec_curve {
	char name[16]; /* OpenSSL's */
	size_t size;   /* bytes of a coordinate and of a scalar */
	uint8_t order[EC_SIZE_MAX];
	/* Made at first use of a thread, then kept: */
	EVP_PKEY_CTX *import;
	EVP_PKEY *guest;        /* a key whose point ec_load() exchanges */
	EVP_PKEY_CTX *verifier; /* with it */
};

extern _Thread_local struct ec_curve ec_p256, ec_p384;

/* Make what is kept, once. HM_E_NO_MEMORY */
HM_MUST hm_err ec_start(struct ec_curve *curve);
/* Free it again. */
void ec_stop(struct ec_curve *curve);
/* Give the guest key this point, until the next call. HM_E_KEY, HM_E_NO_MEMORY
 */
HM_MUST hm_err ec_load(struct ec_curve *curve, const uint8_t *point);
/* A key of its own. HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err ec_import(
    struct ec_curve *curve, const uint8_t *point, EVP_PKEY **ret);
/* 1 <= scalar < order, in a time that does not depend on the scalar. */
bool ec_is_scalar(const struct ec_curve *curve, const uint8_t *scalar);
/* A context that is ready to verify with `key`; NULL: no memory. */
EVP_PKEY_CTX *ec_verifier(EVP_PKEY *key);
/* `digest` has the size of a coordinate. HM_E_SIGNATURE, HM_E_NO_MEMORY */
HM_MUST hm_err ec_verify(const struct ec_curve *curve, EVP_PKEY_CTX *verifier,
    const uint8_t *digest, const uint8_t *signature);
/* All of it for a key that is used once. */
HM_MUST hm_err ec_verify_once(struct ec_curve *curve, const uint8_t *point,
    const uint8_t *digest, const uint8_t *signature);

/* DER of r || s of `size` bytes each; `ret` has room for EC_DER_MAX. */
size_t ec_to_der(const uint8_t *signature, size_t size, uint8_t *ret);
/* HM_E_BAD_INPUT; `ret` gets 2 * size bytes. */
HM_MUST hm_err ec_from_der(struct hm_bytes der, size_t size, uint8_t *ret);
