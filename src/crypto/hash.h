/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* hash - SHA-2 by name, for formats that choose; digest.h is for the rest */
#include "core/bytes.h"

typedef enum hash_kind {
	HASH_SHA1 = 1, /* recognised, to be refused by name */
	HASH_SHA256 = 2,
	HASH_SHA384 = 3,
	HASH_SHA512 = 4,
	HASH_MD5 = 5, /* a checksum of partition tables, no security in it */
} hash_kind;

#define HASH_MAX 64

size_t hash_len(hash_kind kind);       /* bytes */
const char *hash_name(hash_kind kind); /* "sha256" */

struct hash_run; /* opaque, heap */
/* HM_E_NO_MEMORY */
HM_MUST hm_err hash_run_new(hash_kind kind, struct hash_run **ret);
void hash_run_add(struct hash_run *run, struct hm_bytes bytes);
/* hash_len() bytes; the run can be begun again by hash_run_restart(). */
void hash_run_end(struct hash_run *run, uint8_t ret[static HASH_MAX]);
/* The digest of what was added so far; more can be added. HM_E_NO_MEMORY */
HM_MUST hm_err hash_run_peek(
    const struct hash_run *run, uint8_t ret[static HASH_MAX]);
void hash_run_restart(struct hash_run *run);
void hash_run_free(struct hash_run *run);
HM_MUST hm_err hash_one(
    hash_kind kind, struct hm_bytes bytes, uint8_t ret[static HASH_MAX]);
HM_MUST hm_err hash_hmac(hash_kind kind, struct hm_bytes key,
    struct hm_bytes message, uint8_t ret[static HASH_MAX]);
/* HKDF (RFC 5869), both steps. HM_E_NO_MEMORY */
struct hash_hkdf {
	struct hm_bytes secret, salt, info;
};
HM_MUST hm_err hash_hkdf(
    hash_kind kind, const struct hash_hkdf *from, struct hm_span ret);
/* PBKDF2-HMAC (RFC 8018). HM_E_NO_MEMORY */
HM_MUST hm_err hash_pbkdf2(hash_kind kind, struct hm_bytes password,
    struct hm_bytes salt, uint32_t rounds, struct hm_span ret);
