/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * raw - a signature beside a file of any kind
 *
 * Two rows of the table. `raw`: the bare signature over the digest of the whole
 * file (Ed25519: over the file itself, which no memory holds; see
 * image_sign()), as `openssl dgst -verify` and `openssl pkeyutl -verify` take
 * it. `cms`: a CMS SignedData (RFC 5652) without content, one signer with its
 * certificate, and the attributes content type, signing time and message
 * digest, as `openssl cms -verify -binary` takes it.
 *
 * A verifier is told which keys to trust; what a certificate says of its holder
 * or its dates proves nothing here.
 */
#include "image/image.h"

#define CMS_MAX 65536u

struct raw_how {
	hash_kind hash;              /* not looked at for Ed25519 */
	bool is_pkcs1;               /* RSA: PKCS#1 v1.5 in place of PSS */
	bool is_fixed;               /* ECDSA: r || s in place of DER */
	struct hm_bytes certificate; /* cms: DER, of the signer's key */
	uint64_t time_s;             /* cms: signing time */
};

/* HM_E_KEY (signs nothing), HM_E_KEY_WEAK (P-192); so do all of these. */
HM_MUST hm_err raw_key_check(const struct pkey *key, struct why *why);

/* Appends the signature to `out`. HM_E_IMAGE_EMPTY, HM_E_KEY, HM_E_TOO_LARGE
 * (Ed25519), and what the signer says. */
HM_MUST hm_err raw_sign(const struct raw_how *how,
    const struct image_signer *signer, const struct input *file,
    struct output *out, struct why *why);
/* By one of the trusted keys? Faults: HM_E_IMAGE_SIGNATURE, _UNTRUSTED. */
HM_MUST hm_err raw_verify(const struct raw_how *how,
    const struct image_keys *keys, const struct input *file,
    struct hm_bytes signature, struct findings *findings);

/* The same for `cms`. HM_E_CERT (not a certificate of that key) */
HM_MUST hm_err cms_sign(const struct raw_how *how,
    const struct image_signer *signer, const struct input *file,
    struct output *out, struct why *why);
/* Any detached SignedData with one signer, whoever made it. Faults also
 * HM_E_IMAGE_FIELD, _TRAILING, _HASH. */
HM_MUST hm_err cms_verify(const struct image_keys *keys,
    const struct input *file, struct hm_bytes cms, struct findings *findings);
