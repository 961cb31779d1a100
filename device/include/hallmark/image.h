/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image - an image in MCUboot's format, read and judged on the device
 *
 *   +--------+---------+-----------------+----------------+
 *   | header | payload | protected TLVs  | TLVs           |
 *   +--------+---------+-----------------+----------------+
 *   0        header    header + payload    image.size ends here
 *
 *   hashed:  [header, protected TLVs]; signed: the hash
 *
 * Strict, as `hallmark image verify --format mcuboot` is: sizes that add up
 * within the slot, no TLV but those that are known, each once (signatures
 * excepted), minimal DER, exactly one hash, at least one signature by a key
 * whose hash stands in write-once memory and is not revoked, the security
 * counter there and not below the device's. A signature by a trusted key that
 * does not verify refuses the image, even if another does; those by keys that
 * are unknown or revoked are passed over, for an image may be signed for
 * devices that have rotated their keys and for those that have not.
 * The rules, one by one: docs/formats/device-image.md.
 *
 * The verdict is computed twice, from flash, by two calls that share no result;
 * nothing in between trusts a value in RAM that a skipped instruction may have
 * left from before. An image whose payload was encrypted stands decrypted in
 * its slot, with its flags as they were signed.
 *
 * Not reentrant: what is read of an image stands in static memory, lest a
 * skipped instruction make a return address of it. One thread calls, and no
 * interrupt; boot, update and agent are of that thread. A call from within
 * another, out of a port's function, is a NO with HM_E_WRONG_STATE.
 *
 * RAM: HM_IMAGE_TLVS_MAX + HM_FLASH_PIECE and about 600 bytes, static, and 1.4
 * KiB more with image_p256_small.c; 0.6 KiB of stack with that, 4 to 5.4 with
 * a provider's P-256.
 */

#include "hallmark/crypto.h"
#include "hallmark/flash.h"
#include "hallmark/image_scheme.h"

HM_C_BEGIN

#define HM_IMAGE_HEADER_LEN 32

/* MCUboot's flags that are understood; any other refuses the image. */
#define HM_IMAGE_PIC 0x1u
#define HM_IMAGE_ENC_AES128 0x4u
#define HM_IMAGE_ENC_AES256 0x8u
#define HM_IMAGE_RAM_LOAD 0x20u   /* the boot loader copies it to load_addr */
#define HM_IMAGE_ROM_FIXED 0x100u /* runs at load_addr and nowhere else */

/*
 * Protected TLVs of ours, in MCUboot's vendor range. `hallmark image sign
 * --custom-tlv 0x48A0=...` writes them.
 */
#define HM_TLV_ROLE 0x48A0 /* 1 byte, hm_image_role; absent: product */
#define HM_TLV_KEYS 0x48A1 /* rotation: see update.h */

/* Numbers are in images: they only grow. */
typedef enum hm_image_role {
	HM_ROLE_PRODUCT = 0x5A,
	/* Provisions the device: never starts once the life cycle is locked.
	 * Closed is no end: roots of trust sign in closed chips only. */
	HM_ROLE_MANUFACTURING = 0x66,
	/* Recovery: starts from HM_AREA_FACTORY only. */
	HM_ROLE_FACTORY = 0x99,
} hm_image_role;

struct hm_image {
	hm_area area;
	uint32_t load_addr;
	uint32_t header_len; /* at least 32; the payload begins there */
	uint32_t payload_len;
	uint32_t protected_len; /* 0: none */
	uint32_t tlvs_len;      /* the unprotected area */
	uint32_t size;          /* all of it, bytes */
	uint32_t flags;
	struct hm_image_version version;
	uint32_t counter; /* TLV SEC_CNT */
	hm_image_role role;
	const struct hm_image_scheme *scheme;
	uint32_t hash_at; /* of the hash in the TLV areas, protected first */
	/* Row of the last trusted key that signed (hm_port_boot_key): set by
	 * hm_image_signed() and hm_image_verify(). */
	uint32_t key;
	/* SHA-256 of what is signed; where the image has a longer hash, the
	 * SHA-256 of that. As the image states it, and from hm_image_verify()
	 * as it was computed. */
	uint8_t digest[HM_DIGEST_LEN];
};

/*
 * Header and TLVs of the image in `area`, bounds and rules only: nothing is
 * hashed or verified. HM_E_NOT_FOUND: the area is empty (erased), HM_E_IO,
 * HM_E_IMAGE_*: which rule, as in the table of docs/formats/device-image.md
 */
HM_MUST hm_err hm_image_read(hm_area area, struct hm_image *ret);

/*
 * The same from memory: header and TLV areas of an announced update, whose
 * payload is still to come. `tlvs` is both areas, protected first.
 * `room` is the size of the slot that it is meant for.
 */
HM_MUST hm_err hm_image_parse(
    const uint8_t header[HM_STATIC HM_IMAGE_HEADER_LEN], struct hm_bytes tlvs,
    uint32_t room, struct hm_image *ret);
/*
 * Is the hash that `tlvs` state signed by a trusted key, the counter not below
 * the device's, are role and dependencies those of this device now? `image` is
 * what hm_image_parse() made of these TLVs; its `area` is where it is to go.
 * *err (may be NULL) names the first reason of a NO.
 */
hm_verdict hm_image_signed(
    struct hm_image *image, struct hm_bytes tlvs, hm_err *err);

/*
 * All of it: reads, hashes and verifies the image in `area`, checks counter,
 * role against life cycle and area, dependencies. *ret is complete only with
 * HM_VERDICT_YES. *err (may be NULL) names the first reason of a NO, and is
 * HM_OK with YES only; it is for reports, the verdict decides.
 */
hm_verdict hm_image_verify(hm_area area, struct hm_image *ret, hm_err *err);

/*
 * The key under which the payload came, out of TLV ENC_EC256: unwrapped with
 * HM_KEY_KEM. *ret_len is 16 or 32, or 0: the payload is in clear. Secret: the
 * caller wipes it. Bytes of the payload are opened by hm_ctr_crypt() with an
 * IV of zeros, from block 0. HM_E_IMAGE_OPEN: it was not for this device, or
 * altered
 */
HM_MUST hm_err hm_image_payload_key(const struct hm_image *image,
    struct hm_bytes tlvs, uint8_t ret[HM_STATIC 32], uint32_t *ret_len);

/* Below zero, zero, above: MCUboot's order, build number included. */
int hm_image_compare(
    const struct hm_image_version *a, const struct hm_image_version *b);

HM_C_END
