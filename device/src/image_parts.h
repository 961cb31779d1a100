/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_parts - what the files about images share among themselves
 *
 *   header, little-endian:
 *    0 magic 96f3b83d | 4 load address | 8 header size u16 | 10 protected
 *    TLVs' size u16 | 12 payload size | 16 flags | 20 version: major u8, minor
 *    u8, revision u16, build u32 | 28 zero
 *   area of TLVs: magic u16, total u16 with these four; TLV: type u16, length
 *    u16, value
 */
#include "hallmark/image.h"

#define IMAGE_AREA_MAGIC 0x6907u
#define IMAGE_PROTECTED_MAGIC 0x6908u
#define IMAGE_HEAD_LEN 4u /* of an area, and of a TLV */
#define IMAGE_ENCRYPTED (HM_IMAGE_ENC_AES128 | HM_IMAGE_ENC_AES256)

#define TLV_KEYHASH 0x01u
#define TLV_PUBKEY 0x02u
#define TLV_SHA256 0x10u
#define TLV_SHA384 0x11u
#define TLV_SHA512 0x12u
#define TLV_RSA2048 0x20u
#define TLV_ECDSA 0x22u
#define TLV_RSA3072 0x23u
#define TLV_ED25519 0x24u
#define TLV_ENC_EC256 0x32u
#define TLV_DEPENDENCY 0x40u
#define TLV_SEC_CNT 0x50u

/* Little-endian, `len` up to 4. */
uint32_t image_le(const uint8_t *at, unsigned len);
void image_version(const uint8_t at[HM_STATIC 8], struct hm_image_version *ret);

struct image_tlv {
	uint32_t type;
	struct hm_bytes value;
};
/* The TLV in front of *rest, which gets shorter; false: at the end (nothing
 * is left), or it reaches beyond (something is). */
bool image_next(struct hm_bytes *rest, struct image_tlv *ret);
/* The TLVs of the one area, or of the other, out of both. */
struct hm_bytes image_protected(
    const struct hm_image *image, struct hm_bytes tlvs);
struct hm_bytes image_unprotected(
    const struct hm_image *image, struct hm_bytes tlvs);

/* image->digest from the image's hash, stated or computed. */
void image_measure(struct hm_image *image, const uint8_t *digest);

/* r || s, each of `len` bytes, from DER that has no other form. */
bool image_ecdsa_plain(struct hm_bytes der, size_t len, uint8_t *ret);

/* hm_p256_verify, of public data alone: image_p256_small.c */
hm_verdict image_p256_small(
    const uint8_t *key, const uint8_t *digest, const uint8_t *signature);

/* For image_read() and those that need the TLVs, too: both areas, into `room`
 * of HM_IMAGE_TLVS_MAX bytes. */
HM_MUST hm_err image_load(hm_area area, struct hm_image *ret, uint8_t *room,
    struct hm_bytes *ret_tlvs);
