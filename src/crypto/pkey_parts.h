/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* pkey_parts - this room's own header: what the files of pkey.h share */
#include "crypto/ossl.h"
#include "crypto/pkey.h"

struct pkey {
	EVP_PKEY *evp;
	pkey_type type;
	unsigned bits;
	bool is_private;
};

/* Takes `evp` over, also on failure: its kind is found and checked. HM_E_KEY,
 * HM_E_KEY_WEAK, HM_E_NO_MEMORY */
HM_MUST hm_err pkey_adopt(EVP_PKEY *evp, bool is_private, struct pkey **ret);
bool pkey_is_ec(const struct pkey *key);
/* Bytes of a coordinate. */
size_t pkey_field_len(const struct pkey *key);
