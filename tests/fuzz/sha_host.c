/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's SHA-256 (crypto/digest.h) without OpenSSL 3.0's two allocations a
 * digest, for targets that link with -Wl,--wrap=sha256 and sha256_one: these
 * are slow under the address sanitizer, a fifth of a target's time.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* the only form without an allocation */
#include <openssl/sha.h>

#include "crypto/digest.h"

void __wrap_sha256(const struct hm_bytes *pieces, size_t count,
    uint8_t ret[static SHA256_LEN]);
void __wrap_sha256_one(struct hm_bytes bytes, uint8_t ret[static SHA256_LEN]);

void
__wrap_sha256(
    const struct hm_bytes *pieces, size_t count, uint8_t ret[static SHA256_LEN])
{
	SHA256_CTX sha;

	SHA256_Init(&sha);
	for (size_t i = 0; i < count; i++)
		SHA256_Update(&sha, pieces[i].ptr, pieces[i].len);
	SHA256_Final(ret, &sha);
}

void
__wrap_sha256_one(struct hm_bytes bytes, uint8_t ret[static SHA256_LEN])
{
	__wrap_sha256(&bytes, 1, ret);
}
