/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * p256_desk - this room's own header: what a thread computes with on P-256
 *
 * OpenSSL's calls for ECDSA and ECDH make numbers, points and contexts anew for
 * each call, parse DER, and convert each point that they find back to two
 * coordinates. Here the curve's own call (EC_POINT_mul) is made with what the
 * thread keeps. It allocates nothing after a thread's first call but what
 * EC_POINT_mul takes for itself.
 *
 * Verifying, SEC 1 section 4.1.4: w = 1/s, u1 = e w, u2 = r w, and the x
 * coordinate of u1 G + u2 Q is r. All of it is public.
 */
#include <openssl/ec.h>

#include "crypto/ossl.h"
#include "crypto/p256.h"

struct p256_desk {
	EC_GROUP *group;
	BN_CTX *ctx;
	BN_MONT_CTX *order, *field; /* to multiply modulo n and p */
	BIGNUM *r, *u1, *u2;        /* of the signature that is verified */
	BIGNUM *a, *b, *c;          /* to compute with */
	EC_POINT *key;              /* p256_desk_load() */
	EC_POINT *sum, *other;
};

/* The thread's. HM_E_NO_MEMORY */
HM_MUST hm_err p256_desk_open(struct p256_desk **ret);
/* desk->key becomes the point. HM_E_KEY (not on the curve), HM_E_NO_MEMORY */
HM_MUST hm_err p256_desk_load(
    struct p256_desk *desk, const uint8_t point[static P256_POINT_LEN]);
/* r, u1 and u2 of a signature. HM_E_SIGNATURE (out of range), HM_E_NO_MEMORY */
HM_MUST hm_err p256_desk_begin(struct p256_desk *desk,
    const uint8_t digest[static 32],
    const uint8_t signature[static P256_SIGNATURE_LEN]);
/* Is desk->sum = u1 G + u2 Q a point whose x is r? HM_E_SIGNATURE,
 * HM_E_NO_MEMORY */
HM_MUST hm_err p256_desk_judge(struct p256_desk *desk);
