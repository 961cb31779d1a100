/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * oem - the other side of the conversation, made of the host's rooms
 *
 * Verifies what the device says and makes its stamp with OpenSSL, so the device
 * is checked against an implementation that is not its own. A test may order a
 * stamp that is wrong in one way.
 */
#include "base/buf.h"
#include "crypto/p256.h"
#include "wire/claims.h"
#include "wire/challenge.h"
#include "wire/link.h"

/* What is wrong with a stamp. */
typedef enum oem_flaw {
	OEM_RIGHT,
	OEM_FOREIGN_KEY,    /* signed by another stamp key */
	OEM_OTHER_PURPOSE,  /* signed, but not as a stamp */
	OEM_ALTERED,        /* a bit of the signed payload flipped */
	OEM_NO_COSE,        /* not a COSE_Sign1 */
	OEM_NO_STAMP,       /* signed, but not a stamp */
	OEM_OTHER_ID,       /* another device's id */
	OEM_OTHER_BINDING,  /* claims that this device never made */
	OEM_OTHER_KEY,      /* certifies another identity key */
	OEM_BURIED_KEY,     /* the key stands in a name, not in its place */
	OEM_NO_CERTIFICATE, /* not a certificate */
	OEM_OTHER_RELEASE,
	OEM_OTHER_COUNTER,
	OEM_OTHER_KEM,    /* sealed to another key */
	OEM_OTHER_SERIAL, /* sealed for another serial number */
	OEM_SEAL_ALTERED, /* a bit of the ciphertext flipped */
	OEM_NOT_ON_CURVE, /* the ephemeral key is no point */
	OEM_NO_SECRETS,   /* opens, but does not hold secrets */
	OEM_FLAW_COUNT,
} oem_flaw;

struct oem {
	struct p256_pair *stamp_key, *other;
	uint8_t point[65]; /* of the stamp key */
};

void oem_init(struct oem *oem);
/* With this stamp key. */
void oem_init_known(struct oem *oem, const uint8_t scalar[static 32]);
void oem_done(struct oem *oem);

/* A challenge as the body of a link message. */
void oem_challenge(uint8_t first_of_nonce, struct buf *ret);
/* Verify evidence against `nonce`'s first byte; its claims and binding. */
void oem_check_evidence(struct hm_bytes body, uint8_t first_of_nonce,
    struct hm_claims *ret, uint8_t ret_binding[static 32]);
/* The stamp for these claims. The secrets are OEM_SECRETS. */
void oem_stamp(struct oem *oem, const struct hm_claims *claims,
    const uint8_t binding[static 32], oem_flaw flaw, struct buf *ret);
/* Verify a conformance to `stamp`. */
void oem_check_conformance(struct hm_bytes body, struct hm_bytes stamp,
    const struct hm_claims *claims);
/* A receipt as the body of a link message. */
void oem_receipt(struct buf *ret);

#define OEM_SECRET_NAME "disk-key"
#define OEM_SECRET_VALUE "a secret of thirty-two bytes, yes"
