/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * schemes - this room's own header: what a root of trust has to bring
 *
 * One file a scheme, one row in schemes.c. What all schemes share (key source,
 * dummy keys, firmware, possession) is in attest.c and asks the row.
 */
#include "attest/attest.h"

struct attest_scheme {
	hm_scheme number;
	const char *name;
	/* No hardware keeps the key: HM_KEYS_ANY is possible, and a production
	 * order needs the product's word (soft_in_prod). */
	bool software;
	/* Scheme evidence into and out of the case's proof. */
	hm_err (*decode)(struct hm_bytes proof, struct attest_case *ret);
	hm_err (*encode)(const struct attest_case *kase, struct hm_span room,
	    size_t *ret_len);
	/* The evidence key, and its signature r || s over the evidence. */
	void (*key)(
	    const struct attest_case *kase, uint8_t ret[static HM_POINT_LEN]);
	const uint8_t *(*signature)(const struct attest_case *kase);
	/* Policy on the state that the hardware vouches for; NULL: none.
	 * HM_E_EVIDENCE_OPEN */
	hm_err (*judge)(
	    const struct attest_case *kase, const struct hm_product *product);
	/* HM_E_SIGNATURE, HM_E_KEY, HM_E_NO_MEMORY */
	hm_err (*verify)(const struct attest_case *kase,
	    const uint8_t binding[static HM_DIGEST_LEN]);
};

/* NULL for an unknown number. */
const struct attest_scheme *attest_scheme_row(hm_scheme number);

/* The rows. */
extern const struct attest_scheme attest_soft, attest_imx_mp;

/* Is it a key whose private half everybody can have? */
bool attest_is_dummy(const uint8_t point[static HM_POINT_LEN]);

/* P-256 over SHA-256(mpmr || message), as CAAM's MPSign makes it.
 * HM_E_SIGNATURE, HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err imx_mp_verify(const uint8_t mpmr[static HM_MPMR_LEN],
    struct hm_bytes message, const uint8_t key[static 64],
    const uint8_t signature[static HM_SIGNATURE_LEN]);
/* MPMR of an open chip under OP-TEE. */
extern const uint8_t imx_mp_open_mpmr[HM_MPMR_LEN];
