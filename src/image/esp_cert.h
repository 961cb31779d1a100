/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_cert - the partition esp_secure_cert: who an ESP32 is, in TLVs
 *
 *   0  4  magic BA5EBA11, little-endian as all numbers
 *   4  1  flags: bits 7:6 storage, 5:3 key in the ECDSA peripheral
 *   5  3  zeros
 *   8  1  type		9  1  subtype (instance, 0 to 16)
 *  10  2  length n
 *  12  n  value, then zeros up to a multiple of 16
 *      4  CRC-32 of all of it, started from FFFFFFFF
 *
 * Data first; INTEGRITY 0 ends them: SHA-256 of everything before it. A signed
 * one goes on with up to three SIGNATUREs, INTEGRITY 1 and FF FF 00 00. What is
 * signed is everything before the first SIGNATURE. A partition as read from
 * flash is filled up with FF to its size.
 *
 *   SIGNATURE  0 version 1, zeros   4 offset 0   8 length   12 algorithm
 *             16 RSA: a block of Secure Boot V2 (1,216); else curve, X Y, r s
 */
#include "image/esp_sbv2.h"

#define ESP_CERT_MAGIC UINT32_C(0xba5eba11)
#define ESP_CERT_HEAD 12
#define ESP_CERT_PAD 16
#define ESP_CERT_VALUE_MAX 4096
#define ESP_CERT_MAX 65536 /* bytes of a partition */
#define ESP_CERT_SUBTYPE_MAX 16

typedef enum esp_cert_type {
	ESP_CERT_CA = 0,
	ESP_CERT_DEVICE = 1,
	ESP_CERT_PRIVATE_KEY = 2,
	ESP_CERT_DS_DATA = 3,
	ESP_CERT_DS_CONTEXT = 4,
	ESP_CERT_HMAC_SALT = 5,
	ESP_CERT_SEC_CFG = 6,
	ESP_CERT_TEE = 7,
	ESP_CERT_SIGNATURE = 8,
	ESP_CERT_INTEGRITY = 9,
	ESP_CERT_END = 50,
	ESP_CERT_USER_1 = 51, /* to 55 */
	ESP_CERT_USER_5 = 55,
	ESP_CERT_MATTER_1 = 201,
	ESP_CERT_MATTER_2 = 202,
} esp_cert_type;

/* "CA_CERT" ...; NULL: no such type. */
const char *esp_cert_type_name(unsigned type);

struct esp_cert_tlv {
	uint8_t flags, type, subtype;
	struct hm_bytes value;
};
/* Appended. HM_E_IMAGE_FIELD (type, subtype, flags), HM_E_TOO_LARGE */
HM_MUST hm_err esp_cert_add(
    struct buf *partition, const struct esp_cert_tlv *tlv);
/* INTEGRITY over what is there, as its `subtype`. */
HM_MUST hm_err esp_cert_seal(struct buf *partition, uint8_t subtype);
/* Bytes up to the end of the last TLV; is there a SIGNATURE? Of one that
 * esp_cert_verify() has accepted. */
size_t esp_cert_used(struct hm_bytes partition);
bool esp_cert_is_signed(struct hm_bytes partition);
/* Sign a sealed one, 1 to 3 signers: signatures, INTEGRITY 1, end.
 * HM_E_USAGE, HM_E_KEY, HM_E_IMAGE_MIXED, what the signers say. */
HM_MUST hm_err esp_cert_sign(struct buf *partition,
    const struct image_signer *signers, size_t count, struct why *why);

/*
 * What the DS peripheral of a chip needs to sign with an RSA key that only it
 * can read: DS_DATA and DS_CONTEXT, before all others. `hmac_key` is the
 * content of the eFuse block `efuse_id`. HM_E_KEY, HM_E_USAGE (chip),
 * HM_E_NO_ENTROPY
 */
struct esp_cert_ds {
	struct pkey *key;        /* private, RSA */
	const uint8_t *hmac_key; /* 32 bytes */
	uint8_t efuse_id;
	unsigned max_bits; /* of the chip: 3072 or 4096 */
	const uint8_t *iv; /* 16 bytes, for tests; NULL: fresh */
};
HM_MUST hm_err esp_cert_add_ds(
    struct buf *partition, const struct esp_cert_ds *ds);
/* Of a chip by its name; 0: it has no DS peripheral that is known. */
unsigned esp_cert_ds_bits(const char *chip);

struct esp_cert_verify {
	struct image_keys keys; /* trusted: then a signature is wanted */
	const struct sbv2_digest *trusted; /* by digests as burned */
	size_t trusted_count;
	bool is_judged; /* a signature by nobody knows whom is a fault */
};
/* Faults are found; the result is a breakdown. */
HM_MUST hm_err esp_cert_verify(const struct esp_cert_verify *how,
    const struct input *file, struct findings *findings);

bool esp_cert_is(const struct input *file);
HM_MUST hm_err esp_cert_inspect(
    const struct input *file, struct findings *findings);
