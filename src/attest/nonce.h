/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * nonce - challenges without a list: time, random bytes and a MAC
 *
 * Layout in wire/challenge.h. The MAC binds a nonce to an order and a station,
 * so that an answer for one is worth nothing for another:
 *
 *   HMAC-SHA-256(key, time || random || order || 00 || station), first 16 bytes
 *
 * No name has a NUL, so no other pair of names makes the same bytes. Who uses a
 * nonce twice is found by the uniqueness of what was issued for it, not here.
 */
#include "core/bytes.h"
#include "wire/limits.h"

#define NONCE_VALID_S 300 /* seconds */
#define NONCE_KEY_LEN 32

/* HM_E_NO_ENTROPY */
HM_MUST hm_err nonce_make(const uint8_t key[static NONCE_KEY_LEN],
    struct hm_bytes order, struct hm_bytes station, uint64_t now_s,
    uint8_t ret[static HM_NONCE_LEN]);
/* HM_E_NONCE (MAC: not ours, other order, other station), HM_E_NONCE_STALE
 * (older than NONCE_VALID_S, or from the future by more than 5 s) */
HM_MUST hm_err nonce_check(const uint8_t key[static NONCE_KEY_LEN],
    struct hm_bytes order, struct hm_bytes station, uint64_t now_s,
    const uint8_t nonce[static HM_NONCE_LEN]);
