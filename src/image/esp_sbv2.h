/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_sbv2 - Secure Boot V2 of the ESP32 family: a sector of signatures
 *
 *   0            n * 4096   body: image or data, filled with FF to the sector
 *   n * 4096     3 * 1216   blocks, one a signer, from the first on
 *   + 3648       448        FF, as is the place of each block that is not used
 *
 *   block, RSA-3072-PSS          block, ECDSA P-192, P-256      P-384
 *   0     E7 02 00 00            0     E7 03 00 00              E7 03 01 00
 *   4     SHA-256 of the body    4     SHA-256 of the body      48 B SHA-384
 *   36    n                      36    curve (1, 2)             52: 3
 *   420   e                      37    X Y                      53: X Y
 *   424   2^6144 mod n           101   r s                      149: r s
 *   808   -1/n mod 2^32          165   zeros                    245: zeros
 *   812   signature              ...
 *   1196  CRC-32 of all before, then 16 zeros                   the same
 *
 * All numbers lie with their low byte first; coordinates of P-192 are packed,
 * 24 bytes each. A chip knows a key by the SHA-256 of its part of the block
 * (36..811, 36..100 or 52..148), burned into an eFuse as it is.
 *
 * Boot code looks for the sector behind the parsed image, skips blocks that it
 * does not like and takes the first that a burned digest names. It reads
 * neither the digest field nor anything unused; the strict verdict does.
 */
#include "image/esp_app.h"

#define SBV2_BLOCK 1216
#define SBV2_BLOCKS 3
#define SBV2_DIGEST 32 /* of a key; chip C2 burns its first 16 bytes */
#define SBV2_DIGESTS_MAX 16

struct sbv2_digest {
	uint8_t bytes[SBV2_DIGEST];
	size_t len; /* 32 or 16 */
};

/* The digest to burn for a key, and its scheme (enum esp_scheme).
 * HM_E_KEY: neither RSA-3072 nor P-192, P-256, P-384; HM_E_NO_MEMORY */
HM_MUST hm_err sbv2_key_digest(const struct pkey *key,
    uint8_t ret[static SBV2_DIGEST], unsigned *ret_scheme);

struct sbv2_verify {
	struct esp_app_rules rules;
	uint64_t partition_size; /* that it has to fit, bytes; 0: any */
	/* Who is trusted: by keys, by digests as burned; borrowed. */
	struct image_keys keys;
	const struct sbv2_digest *trusted, *revoked;
	size_t trusted_count, revoked_count;
	bool any_key; /* inspect: nobody needs to be trusted */
};
/* Faults are found; the result is a breakdown, or HM_E_KEY for a trusted key
 * that is of no scheme. */
HM_MUST hm_err esp_sbv2_verify(const struct sbv2_verify *how,
    const struct input *file, struct findings *findings);

typedef enum sbv2_mode {
	SBV2_NEW = 0, /* HM_E_IMAGE_SIGNED if there are blocks */
	SBV2_APPEND,  /* add to blocks that are good, and that `old` accepts */
	SBV2_RESIGN,  /* replace blocks that `old` accepts */
} sbv2_mode;

struct sbv2_sign {
	struct esp_app_rules rules;
	bool any_chip; /* sign what the image's chip will not accept */
	bool is_prod;  /* no key that is publicly known */
	uint64_t partition_size;
	sbv2_mode mode;
	const struct sbv2_verify *old; /* NULL, to append only: any key */
	const struct image_signer *signers;
	size_t signer_count; /* 1 to 3 */
};
/* Body, fill and sector to `out`. HM_E_IMAGE_EMPTY, HM_E_IMAGE_SIGNED, what the
 * image is refused for, HM_E_IMAGE_MIXED (schemes, a key twice, too many),
 * HM_E_KEY, HM_E_KEY_ROLE, HM_E_IMAGE_FIELD (the chip does not know the
 * scheme), HM_E_IMAGE_PLACE, what the signers return, HM_E_IO, HM_E_NO_MEMORY
 */
HM_MUST hm_err esp_sbv2_sign(const struct sbv2_sign *how,
    const struct input *file, struct output *out, struct why *why);

/* Row of the table. */
bool esp_sbv2_is(const struct input *file);
hm_err esp_sbv2_inspect(const struct input *file, struct findings *findings);
