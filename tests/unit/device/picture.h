/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * picture - images in MCUboot's format for tests, made here byte by byte
 *
 * Written from the format's description alone: nothing of the room that makes
 * images on the host is in it, so that the two can disagree.
 */
#include "hallmark/image.h"

#define PICTURE_MAX 8192
#define PICTURE_SPKI_LEN 91

struct picture_tlv {
	uint16_t type;
	struct hm_bytes value; /* borrowed */
};

struct picture_how {
	uint16_t header_len;
	uint32_t payload_len, flags, counter;
	struct hm_image_version version;
	bool no_counter, full_key, second, no_signature;
	uint8_t key, second_key;       /* which private key signs */
	uint8_t role;                  /* 0: no TLV */
	struct picture_tlv more, open; /* one more, protected or not; 0: none */
};

/* Offsets are of the values; 0: there is none. */
struct picture {
	uint8_t bytes[PICTURE_MAX];
	size_t len, payload, protected_area, area;
	size_t counter, role, more, hash, key, signature;
};

/* What a good image is: change what the test is about. */
struct picture_how picture_good(void);
void picture_make(struct picture *picture, const struct picture_how *how);
/* The DER of public key number `key`. */
void picture_spki(uint8_t key, uint8_t ret[static PICTURE_SPKI_LEN]);
struct hm_bytes picture_bytes(const struct picture *picture);
/* Header and TLVs apart, as an update announces them. */
struct hm_bytes picture_tlvs(const struct picture *picture);
