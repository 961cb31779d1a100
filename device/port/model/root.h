/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * root - the root of trust of chips that are emulated
 *
 * After CAAM manufacturing protection: a P-256 key that follows from a secret
 * in fuses and never leaves. An open (unfused) chip has, as the real ones have,
 * the one key that everybody can compute; evidence by it is worth nothing.
 *
 * Private scalar: v mod (n - 1) + 1, with v =
 *   closed imx-mp  HMAC-SHA-256(secret, "hallmark-vdevice-mp")
 *   closed soft    HMAC-SHA-256(secret, "hallmark-vdevice-soft")
 *   open, either   SHA-256("hallmark-vdevice-open-mp" ||
 *                          "manufacturing protection")
 *
 * Virtual chips (virtual/) and those of QEMU's boards (port/mps2) share it.
 */
#include "hallmark/crypto.h"

/* Secret: the caller wipes `ret`. */
void root_key(struct hm_bytes secret, hm_scheme scheme, hm_lock lock,
    uint8_t ret[HM_STATIC 32]);
