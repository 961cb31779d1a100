/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pkey - asymmetric keys of the kinds that firmware formats know
 *
 * p256.h is for the line, where each microsecond counts; this is for whatever
 * a chip's boot code checks. ECDSA signatures are r || s in fixed width, RSA
 * ones as long as the modulus, big-endian; DER is at the edges.
 *
 * Weak keys are no keys: RSA under 2048 or over 4096 bits, with an even modulus
 * or another exponent than 65537; points that are not on their curve.
 */
#include "base/secret.h"
#include "base/buf.h"
#include "base/input.h"
#include "base/why.h"
#include "crypto/ed25519_stream.h"
#include "crypto/hash.h"

typedef enum pkey_type {
	PKEY_RSA = 1, /* 2048, 3072, 4096 bits */
	PKEY_P192 = 2,
	PKEY_P256 = 3,
	PKEY_P384 = 4,
	PKEY_ED25519 = 5,
	PKEY_X25519 = 6,
} pkey_type;

typedef enum pkey_scheme {
	PKEY_PKCS1 = 1,   /* RSASSA-PKCS1-v1_5 over a digest */
	PKEY_PSS = 2,     /* RSASSA-PSS, MGF1 of the same hash, salt as long as
			     the digest, no other */
	PKEY_PSS_ANY = 3, /* verification only: a salt of any length */
	PKEY_ECDSA = 4,   /* over a digest */
	PKEY_EDDSA = 5,   /* over the message itself */
} pkey_scheme;

#define PKEY_SIGNATURE_MAX 512
#define PKEY_POINT_MAX 97

struct pkey; /* opaque, heap; wiped by free */
void pkey_free(struct pkey *key);
void pkey_clean(struct pkey **key);
#define AUTO_PKEY __attribute__((cleanup(pkey_clean)))

/* PEM: SubjectPublicKeyInfo, PKCS#1 public, PKCS#8, SEC1 or PKCS#1 private, or
 * a certificate's key. `passphrase` NULL: an encrypted one is HM_E_KEY, and
 * says so. HM_E_KEY (not one key, or of no kind above), HM_E_KEY_WEAK */
HM_MUST hm_err pkey_from_pem(struct hm_bytes pem,
    const struct secret *passphrase, struct pkey **ret, struct why *why);
/* DER: SubjectPublicKeyInfo or PKCS#1 RSAPublicKey. HM_E_KEY, HM_E_KEY_WEAK */
HM_MUST hm_err pkey_from_der(struct hm_bytes der, struct pkey **ret);
/* 04 || X || Y, or the 32 bytes of Ed25519, X25519. HM_E_KEY */
HM_MUST hm_err pkey_from_point(
    pkey_type type, struct hm_bytes point, struct pkey **ret);
/* Big-endian modulus, exponent 65537. HM_E_KEY, HM_E_KEY_WEAK */
HM_MUST hm_err pkey_from_modulus(struct hm_bytes modulus, struct pkey **ret);
/* The private scalar of P-256 or X25519, 32 bytes. HM_E_KEY */
HM_MUST hm_err pkey_from_scalar(
    pkey_type type, struct hm_bytes scalar, struct pkey **ret);
/* A fresh one; `bits` for RSA. HM_E_NO_MEMORY, HM_E_NO_ENTROPY */
HM_MUST hm_err pkey_generate(pkey_type type, unsigned bits, struct pkey **ret);

pkey_type pkey_kind(const struct pkey *key);
unsigned pkey_bits(const struct pkey *key); /* RSA modulus, or curve size */
bool pkey_is_private(const struct pkey *key);
bool pkey_equal(const struct pkey *a, const struct pkey *b); /* public parts */
/* "rsa-3072", "p256", "ed25519" ... */
const char *pkey_name(const struct pkey *key);
/* Length of a signature by it, bytes. */
size_t pkey_signature_len(const struct pkey *key);

/* Public part, appended: SubjectPublicKeyInfo DER; PKCS#1 RSAPublicKey DER; the
 * modulus; 04 || X || Y (or the 32 bytes). HM_E_TOO_LARGE, HM_E_KEY (another
 * type) */
HM_MUST hm_err pkey_spki(const struct pkey *key, struct buf *ret);
HM_MUST hm_err pkey_rsa_der(const struct pkey *key, struct buf *ret);
HM_MUST hm_err pkey_modulus(const struct pkey *key, struct buf *ret);
HM_MUST hm_err pkey_point(const struct pkey *key, struct buf *ret);
/* The private exponent of RSA, as long as the modulus, for a key that moves
 * into hardware. HM_E_KEY */
HM_MUST hm_err pkey_private_exponent(
    const struct pkey *key, struct secret *ret);
/* The private scalar of an EC key, big-endian, as long as its field. HM_E_KEY
 */
HM_MUST hm_err pkey_private_scalar(const struct pkey *key, struct secret *ret);
/* A private RSA or EC key as PKCS#1 or SEC1 PEM, appended; the caller wipes it.
 * HM_E_KEY */
HM_MUST hm_err pkey_traditional_pem(const struct pkey *key, struct buf *ret);
/* Montgomery constants as boot ROMs want them: R^2 mod n (as long as n,
 * big-endian) and -1/n mod 2^32. HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err pkey_montgomery(
    const struct pkey *key, struct hm_span ret_r2, uint32_t *ret_n0);

/* `input` is a digest by `hash`; for PKEY_EDDSA the message, and `hash` is not
 * looked at. *ret_len is pkey_signature_len(). HM_E_KEY (not private, or of
 * another type), HM_E_NO_ROOM, HM_E_NO_ENTROPY, HM_E_NO_MEMORY */
struct pkey_input {
	pkey_scheme scheme;
	hash_kind hash;
	struct hm_bytes bytes;
	/* What `bytes` is the digest of, for a token that signs no digest but
	 * hashes itself; NULL: it is not at hand. Not looked at here. */
	const struct input *message;
	/* PKEY_EDDSA: in place of `bytes`, a message of any length; NULL. */
	const struct ed25519_message *stream;
};
HM_MUST hm_err pkey_sign(struct pkey *key, const struct pkey_input *input,
    struct hm_span room, size_t *ret_len);
/* HM_E_SIGNATURE; HM_E_KEY if the key is of another type. The last signature
 * over a digest that verified is kept with the key, and not computed again. */
HM_MUST hm_err pkey_verify(struct pkey *key, const struct pkey_input *input,
    struct hm_bytes signature);

/* r || s of `key`'s curve to and from minimal DER. HM_E_KEY, HM_E_BAD_INPUT */
#define PKEY_DER_MAX 104
HM_MUST hm_err pkey_sig_to_der(const struct pkey *key,
    struct hm_bytes signature, struct hm_span room, size_t *ret_len);
HM_MUST hm_err pkey_sig_from_der(const struct pkey *key, struct hm_bytes der,
    struct hm_span room, size_t *ret_len);

/* X of the shared point, or X25519's bytes: 32 bytes (P-384: 48). HM_E_KEY */
HM_MUST hm_err pkey_agree(struct pkey *own, const struct pkey *other,
    struct hm_span room, size_t *ret_len);
/* RSA encryption of a key: OAEP with SHA-256 and MGF1-SHA-256, or PKCS#1 v1.5.
 * Decrypting, HM_E_OPEN whatever was wrong. `room` as long as the modulus. */
typedef enum pkey_padding { PKEY_OAEP = 1, PKEY_PKCS1_V15 = 2 } pkey_padding;
HM_MUST hm_err pkey_encrypt(struct pkey *key, pkey_padding padding,
    struct hm_bytes plain, struct hm_span room, size_t *ret_len);
HM_MUST hm_err pkey_decrypt(struct pkey *key, pkey_padding padding,
    struct hm_bytes cipher, struct hm_span room, size_t *ret_len);
