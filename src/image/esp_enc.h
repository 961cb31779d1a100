/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_enc - images that travel encrypted and are decrypted while they are
 * written (Espressif's pre-encrypted OTA)
 *
 *    0   4  magic 0788B6CF, little-endian as all numbers
 *    4 384  RSA-3072: the content key by PKCS#1 v1.5
 *	     P-256: ephemeral X || Y (64), HKDF salt (32), zeros (288)
 *  388  16  IV
 *  404   4  bytes of the image
 *  408  16  tag
 *  424  88  zeros
 *  512   n  AES-256-GCM, no additional data
 *
 * P-256: content key = HKDF-SHA-256(agreed X, salt, "_esp_enc_img_ecc"). The
 * device's scalar comes from its HMAC eFuse key: PBKDF2-HMAC-SHA-256, 2,048
 * rounds, with a salt that all devices share. The header is not authenticated:
 * what could be changed unnoticed has one value here.
 */
#include "image/image.h"

#define ESP_ENC_MAGIC UINT32_C(0x0788b6cf)
#define ESP_ENC_KEY_AT 4
#define ESP_ENC_KEY_LEN 384
#define ESP_ENC_IV_AT 388
#define ESP_ENC_SIZE_AT 404
#define ESP_ENC_TAG_AT 408
#define ESP_ENC_FILL_AT 424
#define ESP_ENC_HEADER 512

/* `to`: RSA-3072 or P-256. HM_E_KEY, HM_E_IMAGE_EMPTY, HM_E_TOO_LARGE (4 GiB)
 */
HM_MUST hm_err esp_enc_seal(struct pkey *to, const struct input *image,
    struct output *out, struct why *why);
/* Judge it, and write the image if `out` is not NULL; without a key only what
 * needs none is judged. */
HM_MUST hm_err esp_enc_open(struct pkey *own, const struct input *file,
    struct output *out, struct findings *findings);
/* The device's key of its 32-byte HMAC key. HM_E_KEY */
HM_MUST hm_err esp_enc_device_key(
    const uint8_t hmac_key[static 32], struct pkey **ret);

bool esp_enc_is(const struct input *file);
HM_MUST hm_err esp_enc_inspect(
    const struct input *file, struct findings *findings);
