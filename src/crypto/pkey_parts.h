/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* pkey_parts - this room's own header: what the files of pkey.h share */
#include "crypto/ossl.h"
#include "crypto/pkey.h"

/* A signature over a digest that verified. */
struct pkey_good {
	pkey_scheme scheme; /* 0: none yet */
	hash_kind hash;
	size_t len, signature_len;
	uint8_t bytes[HASH_MAX], signature[PKEY_SIGNATURE_MAX];
};

struct pkey {
	EVP_PKEY *evp;
	pkey_type type;
	unsigned bits;
	bool is_private;
	struct pkey_good good; /* the last one */
};

/* Takes `evp` over, also on failure: its kind is found and checked. HM_E_KEY,
 * HM_E_KEY_WEAK, HM_E_NO_MEMORY */
HM_MUST hm_err pkey_adopt(EVP_PKEY *evp, bool is_private, struct pkey **ret);
bool pkey_is_ec(const struct pkey *key);
/* Bytes of a coordinate. */
size_t pkey_field_len(const struct pkey *key);

/* pkey_der.c: DER of the usual shapes, without a search for decoders. */
/* SubjectPublicKeyInfo, appended; HM_E_KEY for RSA. */
HM_MUST hm_err pkey_der_spki(const struct pkey *key, struct buf *ret);
/* Is this SubjectPublicKeyInfo with the point of one of these kinds? */
bool pkey_der_is_point(
    struct hm_bytes der, pkey_type *ret_type, struct hm_bytes *ret_point);
/* Is this a private key of one of the shapes that pkey_der_private() reads?
 * HM_E_KEY: no such, no key, or not with that point; HM_E_NO_MEMORY */
bool pkey_der_is_private(struct hm_bytes der);
HM_MUST hm_err pkey_der_private(struct hm_bytes der, struct pkey **ret);
