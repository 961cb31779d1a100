/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * digest - SHA-256, HMAC-SHA-256, HKDF-SHA-256 and random bytes
 *
 * Digests need no memory but the caller's. A sha256_run belongs to one thread
 * at a time.
 */
#include "core/bytes.h"

#define SHA256_LEN 32
#define SHA384_LEN 48

/* Digest of the concatenation of `count` pieces. Cannot fail. */
void sha256(const struct hm_bytes *pieces, size_t count,
    uint8_t ret[static SHA256_LEN]);
void sha256_one(struct hm_bytes bytes, uint8_t ret[static SHA256_LEN]);
void sha384_one(struct hm_bytes bytes, uint8_t ret[static SHA384_LEN]);
/* For data that comes in pieces. */
struct sha256_run; /* opaque, heap */
/* HM_E_NO_MEMORY */
HM_MUST hm_err sha256_run_new(struct sha256_run **ret);
void sha256_run_add(struct sha256_run *run, struct hm_bytes bytes);
void sha256_run_end(struct sha256_run *run, uint8_t ret[static SHA256_LEN]);
void sha256_run_free(struct sha256_run *run);

void hmac_sha256(struct hm_bytes key, const struct hm_bytes *pieces,
    size_t count, uint8_t ret[static SHA256_LEN]);
void hkdf_extract(struct hm_bytes salt, const struct hm_bytes *pieces,
    size_t count, uint8_t ret[static SHA256_LEN]);
void hkdf_expand(const uint8_t prk[static SHA256_LEN],
    const struct hm_bytes *info, size_t count, struct hm_span ret);

/* HM_E_NO_ENTROPY; `ret` is wiped then. For what others will see: nonces. */
HM_MUST hm_err random_bytes(struct hm_span ret);
/* The same from a generator of its own, for what nobody may ever see. */
HM_MUST hm_err random_secret(struct hm_span ret);
