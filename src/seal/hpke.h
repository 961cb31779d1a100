/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hpke - RFC 9180 base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-GCM
 *
 * One message a context (sequence number 0), which is all that sealing a
 * device's secrets needs; so a nonce can not be used twice by mistake. The
 * suite is fixed by the caller, never read from a message. The recipient's
 * point is checked at import; the agreement is then made without a second
 * validation (safe on P-256: cofactor 1, on the curve, infinity has no 65-byte
 * form).
 */
#include "core/bytes.h"
#include "crypto/p256.h"

typedef enum hpke_aead { HPKE_AES_128_GCM = 1, HPKE_AES_256_GCM = 2 } hpke_aead;

/* What is sealed or opened, and what it is bound to; borrowed. */
struct hpke_message {
	hpke_aead aead;
	struct hm_bytes info, aad;
	struct hm_bytes text; /* plain to seal, cipher to open */
};

/*
 * Seal to `recipient`. `enc` gets the ephemeral key, `ret` has room for
 * text.len + 16. HM_E_KEY, HM_E_NO_ENTROPY, HM_E_NO_MEMORY
 */
HM_MUST hm_err hpke_seal(const struct hpke_message *message,
    const uint8_t recipient[static P256_POINT_LEN],
    uint8_t enc[static P256_POINT_LEN], uint8_t *ret);
/* The same with a given ephemeral key pair: known-answer tests only. */
HM_MUST hm_err hpke_seal_with(const struct hpke_message *message,
    struct p256_pair *ephemeral, const uint8_t recipient[static P256_POINT_LEN],
    uint8_t enc[static P256_POINT_LEN], uint8_t *ret);
/* HM_E_KEY, HM_E_OPEN, HM_E_NO_MEMORY; `ret` has room for text.len - 16 and
 * is untouched or wiped on failure. */
HM_MUST hm_err hpke_open(const struct hpke_message *message,
    struct p256_pair *recipient, const uint8_t enc[static P256_POINT_LEN],
    uint8_t *ret);
