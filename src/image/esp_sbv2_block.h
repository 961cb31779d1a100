/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* esp_sbv2_block - one signature block, inside of esp_sbv2_*.c only */
#include "image/esp_sbv2.h"

#define SBV2_MAGIC 0xe7
#define SBV2_CRC_AT 1196
#define SBV2_TAIL_AT 1200

/* Where things are in a block of a scheme. */
struct sbv2_shape {
	unsigned scheme;
	pkey_type type;
	hash_kind hash;
	uint8_t version, hash_code, curve;
	size_t curve_at;        /* 0: none */
	size_t key_at, key_len; /* what the key digest covers */
	size_t point_at;        /* or modulus */
	size_t sig_at;
	size_t number; /* bytes of a coordinate, or of n */
	size_t room;   /* for X and Y, or r and s, or n */
	size_t end;    /* zeros from here to the CRC */
};
const struct sbv2_shape *sbv2_shape_of(unsigned scheme);
/* By what a block says of itself; NULL: nothing that is allowed. */
const struct sbv2_shape *sbv2_shape_of_block(const uint8_t *block);
/* As boot code that is built for that scheme reads it: the hash code does not
 * matter. */
bool sbv2_boot_reads(const struct sbv2_shape *shape, const uint8_t *block);

/* The key in a block. HM_E_KEY, HM_E_KEY_WEAK, HM_E_NO_MEMORY */
HM_MUST hm_err sbv2_block_key(
    const struct sbv2_shape *shape, const uint8_t *block, struct pkey **ret);
/* Its signature, big-endian, pkey_verify()ed. */
HM_MUST hm_err sbv2_block_verify(const struct sbv2_shape *shape,
    const uint8_t *block, struct pkey *key, const uint8_t *digest);
HM_MUST hm_err sbv2_block_key_digest(const struct sbv2_shape *shape,
    const uint8_t *block, uint8_t ret[static SBV2_DIGEST]);
/* The key's part of a block, the rest as it was. HM_E_KEY, HM_E_NO_MEMORY */
HM_MUST hm_err sbv2_block_put_key(
    const struct sbv2_shape *shape, const struct pkey *key, uint8_t *block);
/* A whole block: digest, key, signature (big-endian), CRC.
 * HM_E_KEY, HM_E_NO_MEMORY */
struct sbv2_parts {
	const struct pkey *key;
	const uint8_t *digest;
	struct hm_bytes signature;
};
HM_MUST hm_err sbv2_block_make(const struct sbv2_shape *shape,
    const struct sbv2_parts *parts, uint8_t *block);
/* A test key that comes with esptool: never one of a product. */
bool sbv2_is_public_key(const uint8_t *digest);
uint32_t sbv2_block_crc(const uint8_t *block);
/* NULL: a key of no scheme */
const struct sbv2_shape *sbv2_shape_of_key(const struct pkey *key);

/* The body: where the sector belongs, digests. */
struct sbv2_body {
	struct esp_app app; /* unless data */
	uint64_t content;   /* bytes before the fill */
	uint64_t sector_at; /* where boot code looks */
	bool is_whole, boots, is_filled;
	struct esp_app_digests digests;
};
/* Both digests, if `wants_sha384`. Faults are found; breakdowns returned. */
HM_MUST hm_err sbv2_body_layout(const struct esp_app_rules *rules,
    const struct input *file, struct findings *findings, struct sbv2_body *ret);
HM_MUST hm_err sbv2_body_check(const struct esp_app_rules *rules,
    const struct input *file, struct findings *findings,
    struct sbv2_body *body);
const uint8_t *sbv2_body_digest(
    const struct sbv2_body *body, const struct sbv2_shape *shape);
/* Does a block that adds up stand there? */
bool sbv2_is_block(const struct input *file, uint64_t at);
