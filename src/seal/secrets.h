/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * secrets - making a device's secrets as its product says, and sealing them
 *
 * Runs in the signer only. Plaintext lives in one buffer that is wiped on every
 * way out; nothing but ciphertext leaves.
 */
#include "base/buf.h"
#include "wire/object.h"

/*
 * Random: bytes. Passcode: decimal digits, each as likely as another. Shared:
 * what the callback gives. Key: a fresh P-256 key as SEC1 DER. Certificate and
 * literal: as the product says.
 */

/* Fetches a secret that the product shares, by its label in the token, into
 * `room`; *ret_len bytes. */
typedef hm_err (*shared_secret)(
    void *context, struct hm_bytes label, struct hm_span room, size_t *ret_len);

/* Where they come from. */
struct secrets_vault {
	shared_secret shared;
	void *context;
};

/* Whom they are sealed for, and what is bound to them; borrowed. */
struct secrets_owner {
	const struct hm_claims *claims;
	struct hm_bytes order, serial;
	const uint8_t *binding; /* HM_DIGEST_LEN */
};

/*
 * Make and seal to claims->kem, new secrets at every call. `enc` and `ret`
 * (appended) are what stands in the stamp; both are unchanged on failure.
 * HM_E_KEY, HM_E_NO_ENTROPY, HM_E_TOO_LARGE (all together do not fit a stamp),
 * HM_E_BAD_INPUT (a kind or size that no product has), HM_E_NO_MEMORY, what
 * the vault returns
 */
HM_MUST hm_err secrets_seal(const struct hm_product *product,
    const struct secrets_owner *owner, const struct secrets_vault *vault,
    uint8_t enc[static HM_POINT_LEN], struct buf *ret);
