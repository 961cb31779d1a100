/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cipher - AES in the modes that firmware formats use, for data in pieces
 *
 * Key lengths: XTS twice that of its AES. Nothing is padded: ECB, CBC take
 * multiples of 16; a call of XTS is one data unit of 16 bytes or more.
 */
#include "core/bytes.h"

typedef enum cipher_kind {
	CIPHER_AES128_CTR = 1, /* iv 16: the first counter block */
	CIPHER_AES256_CTR,
	CIPHER_AES128_XTS, /* key 32, iv 16: the tweak */
	CIPHER_AES256_XTS, /* key 64 */
	CIPHER_AES256_ECB, /* no iv */
	CIPHER_AES128_CBC, /* iv 16 */
	CIPHER_AES256_CBC,
	CIPHER_AES128_GCM, /* iv as long as given, 1 to 16 */
	CIPHER_AES256_GCM,
	CIPHER_AES128_ECB, /* no iv */
} cipher_kind;

struct cipher; /* opaque, heap; wiped by free */

/* HM_E_BAD_INPUT (lengths; XTS with equal halves), HM_E_NO_MEMORY */
HM_MUST hm_err cipher_new(cipher_kind kind, bool encrypt, struct hm_bytes key,
    struct hm_bytes iv, struct cipher **ret);
void cipher_free(struct cipher *cipher);
void cipher_clean(struct cipher **cipher);
#define AUTO_CIPHER __attribute__((cleanup(cipher_clean)))
/* Same key, new start. */
HM_MUST hm_err cipher_restart(struct cipher *cipher, struct hm_bytes iv);
/* Another key of the same length, for ECB. HM_E_BAD_INPUT */
HM_MUST hm_err cipher_rekey(struct cipher *cipher, struct hm_bytes key);
/* GCM, before the first update. */
HM_MUST hm_err cipher_aad(struct cipher *cipher, struct hm_bytes aad);
/* from.len bytes to `ret`, which may be from.ptr. HM_E_BAD_INPUT */
HM_MUST hm_err cipher_update(
    struct cipher *cipher, struct hm_bytes from, uint8_t *ret);
/* GCM: the tag; and, decrypting, is it this one? HM_E_OPEN */
HM_MUST hm_err cipher_tag(struct cipher *cipher, uint8_t ret[static 16]);
HM_MUST hm_err cipher_check(
    struct cipher *cipher, const uint8_t tag[static 16]);

/* RFC 3394; key 16 or 32, plain 16 or 32 bytes; wrapped is 8 longer.
 * HM_E_BAD_INPUT, HM_E_OPEN, HM_E_NO_MEMORY */
HM_MUST hm_err keywrap_wrap(
    struct hm_bytes key, struct hm_bytes plain, uint8_t *ret);
HM_MUST hm_err keywrap_unwrap(
    struct hm_bytes key, struct hm_bytes wrapped, uint8_t *ret);
