/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_scheme - which signatures this product takes, and with which keys
 *
 * hm_image_schemes is the table that decides what is linked. The library's own,
 * src/image_schemes.c, has ECDSA P-256 alone; a product that wants others
 * defines the table itself, and only what it names comes along:
 *
 *   scheme                   signature  hash      key DER
 *   hm_image_p256            22         SHA-256   SubjectPublicKeyInfo
 *   hm_image_p256_small      22         SHA-256   SubjectPublicKeyInfo
 *   hm_image_p384            22         SHA-384   SubjectPublicKeyInfo
 *   hm_image_rsa3072         23, PSS    SHA-256   RSAPublicKey
 *   hm_image_rsa2048         20, PSS    SHA-256   RSAPublicKey
 *   hm_image_ed25519         24         SHA-256   SubjectPublicKeyInfo
 *   hm_image_ed25519_sha512  24         SHA-512   SubjectPublicKeyInfo
 *
 * hm_image_p256_small is the same as hm_image_p256 in 2 KB of code of its own
 * and nothing of the provider but SHA-256: for boot loaders. Name one of them.
 *
 * RSA-2048 has 112 bits of strength; it is there for fleets whose fuses hold
 * such a key, and for no other. All signatures of one image are of one scheme.
 *
 * Write-once memory has hashes only (hm_port_boot_key). The key itself comes
 * with the image (TLV PUBKEY), or, where the image has but its hash (TLV
 * KEYHASH), from hm_port_boot_public(); which one is trusted, the hash in
 * write-once memory decides in both cases.
 */

#include "hallmark/crypto.h"

HM_C_BEGIN

union hm_image_sha {
	struct hm_sha256 sha256;
	struct hm_sha512 sha512;
};

struct hm_image_hash {
	uint16_t type; /* TLV of the image's hash */
	uint16_t len;  /* bytes */
	void (*begin)(union hm_image_sha *sha);
	void (*add)(union hm_image_sha *sha, struct hm_bytes bytes);
	void (*end)(union hm_image_sha *sha, uint8_t *ret); /* wiped */
};
extern const struct hm_image_hash hm_image_sha256, hm_image_sha384,
    hm_image_sha512;

#define HM_IMAGE_HASH_MAX 64 /* bytes */

struct hm_image_scheme {
	uint16_t type; /* TLV of a signature */
	const struct hm_image_hash *hash;
	/* `key` is DER that is trusted; `digest` has hash->len bytes. */
	hm_verdict (*verify)(struct hm_bytes key, const uint8_t *digest,
	    struct hm_bytes signature);
};
extern const struct hm_image_scheme hm_image_p256, hm_image_p384,
    hm_image_rsa3072, hm_image_rsa2048, hm_image_ed25519,
    hm_image_ed25519_sha512, hm_image_p256_small;

/* Ends with NULL. */
extern const struct hm_image_scheme *const hm_image_schemes[];

/*
 * Of the product: public keys that are linked into the boot loader, DER as in
 * the table above, for `index` below HM_BOOT_KEYS; empty: no such. The memory
 * is constant. src/image_keyless.c has none, for products whose images carry
 * the key (`hallmark image sign --public-key-format full`).
 */
struct hm_bytes hm_port_boot_public(uint32_t index);

struct hm_image_version {
	uint8_t major, minor;
	uint16_t revision;
	uint32_t build;
};

/*
 * Of the product: the version of image `id` of this device, on which another
 * may depend (TLV DEPENDENCY): of a radio's firmware, say. HM_E_NOT_FOUND: the
 * device has no such image, and what depends on it is refused.
 * src/image_alone.c answers so for all.
 */
HM_MUST hm_err hm_port_image_version(uint32_t id, struct hm_image_version *ret);

HM_C_END
