/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * esp_sbv1 - Secure Boot V1 of the first ESP32; legacy, for products in the
 * field
 *
 * An app (or any file) carries a trailer of 68 bytes behind its last one:
 *
 *   0    4    version, LE32 0
 *   4    64   r || s, big-endian: ECDSA P-256 with SHA-256 over what is before
 *
 * The boot loader is checked by the ROM with an AES key in eFuse, and lies in
 * flash from 0x0 on:
 *
 *   0        128   iv
 *   128      64    digest over iv and image
 *   192            FF
 *   0x1000         the image as it is covered: without a tail of up to 32
 *                  bytes behind a multiple of 128 (its appended hash), else
 *                  with FF up to one
 *
 * The digest is SHA-512 over AES-256-ECB of each 16 bytes, with bytes turned in
 * between. Who has the key can make it: it is no signature.
 */
#include "image/esp_app.h"

#define SBV1_TRAILER 68
#define SBV1_IV 128
#define SBV1_KEY 32
#define SBV1_IMAGE_AT 0x1000

struct sbv1_verify {
	struct esp_app_rules rules;
	struct image_keys keys;
	bool any_key; /* inspect: says what is there */
};
/* Faults are found, breakdowns returned. */
HM_MUST hm_err esp_sbv1_verify(const struct sbv1_verify *how,
    const struct input *file, struct findings *findings);
/* HM_E_IMAGE_EMPTY, HM_E_IMAGE_SIGNED, HM_E_IMAGE_TRAILING, what the image is
 * refused for, HM_E_KEY (not P-256), what the signer returns, HM_E_IO ... */
HM_MUST hm_err esp_sbv1_sign(const struct esp_app_rules *rules,
    const struct image_signer *signer, const struct input *file,
    struct output *out, struct why *why);

/* Boot loader: image to flash content. `iv` is 128 bytes that were never used
 * before. HM_E_KEY (length), HM_E_BAD_INPUT (iv), what the image is refused for
 */
struct sbv1_digest {
	struct hm_bytes key, iv; /* borrowed */
};
HM_MUST hm_err esp_sbv1_boot_make(const struct sbv1_digest *how,
    const struct input *file, struct output *out, struct why *why);
/* `key` without content: layout only. HM_E_KEY (length) */
HM_MUST hm_err esp_sbv1_boot_verify(
    struct hm_bytes key, const struct input *file, struct findings *findings);

/* Row of the table: both kinds. */
bool esp_sbv1_is(const struct input *file);
hm_err esp_sbv1_inspect(const struct input *file, struct findings *findings);
