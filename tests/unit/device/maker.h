/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * maker - MCUboot images made in memory, by the device's own cryptography
 *
 * For tests of what a device does with images; that they are what other tools
 * make, and read, is the business of the vectors and of src/image.
 */
#include "hallmark/image.h"

#define MAKER_ROOM 65536

struct maker {
	uint32_t header_len; /* 0: 32 */
	struct hm_image_version version;
	uint32_t counter;
	hm_image_role role; /* 0: no such TLV, which is a product */
	struct hm_bytes payload;
	const uint8_t *signer;    /* private scalar, 32 bytes */
	struct hm_bytes keys;     /* value of HM_TLV_KEYS; empty: none */
	const uint8_t *recipient; /* point: encrypted for it; NULL: in clear */
	uint32_t key_len;         /* 16 or 32, if encrypted */
};

/* What was made; `header` and `tlvs` are what is announced. */
struct made {
	uint32_t len, tlvs_at;
	uint8_t bytes[MAKER_ROOM];
};

/* Stops the program if it does not fit. */
void maker_make(const struct maker *how, struct made *ret);
struct hm_bytes made_tlvs(const struct made *made);
/* A private scalar, number `n` of the tests. */
void maker_scalar(uint8_t n, uint8_t ret[static 32]);
/* What hm_port_boot_key() gives for the public part. */
void maker_key_hash(
    const uint8_t scalar[static 32], uint8_t ret[static HM_DIGEST_LEN]);
