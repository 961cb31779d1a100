/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device library's SHA-256 by OpenSSL, for targets that link with
 * -Wl,--wrap=hm_sha256_init and so on: the same digests, in an eighth of the
 * time of the portable code for small chips, which was a third of a target's.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the only form without an allocation */
#include <openssl/sha.h>

#include "core/bytes.h"
#include "hallmark/crypto.h"

_Static_assert(
    sizeof(SHA256_CTX) <= HM_SHA256_SIZE, "OpenSSL's state fits the seam");

void __wrap_hm_sha256_init(struct hm_sha256 *sha);
void __wrap_hm_sha256_add(struct hm_sha256 *sha, struct hm_bytes bytes);
void __wrap_hm_sha256_end(
    struct hm_sha256 *sha, uint8_t ret[static HM_DIGEST_LEN]);

void
__wrap_hm_sha256_init(struct hm_sha256 *sha)
{
	SHA256_Init((SHA256_CTX *)(void *)sha->state);
}

void
__wrap_hm_sha256_add(struct hm_sha256 *sha, struct hm_bytes bytes)
{
	SHA256_Update((SHA256_CTX *)(void *)sha->state, bytes.ptr, bytes.len);
}

void
__wrap_hm_sha256_end(struct hm_sha256 *sha, uint8_t ret[static HM_DIGEST_LEN])
{
	SHA256_Final(ret, (SHA256_CTX *)(void *)sha->state);
	hm_wipe(sha, sizeof(*sha));
}
