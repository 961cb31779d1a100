/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-2 by the functions below EVP, which are deprecated in OpenSSL 3.0 without
 * a successor that needs no memory: EVP takes some at each beginning, so that a
 * digest could fail, and 0.1 us, of which a device has a hundred. HMAC is two
 * digests, made here: EVP_KDF of OpenSSL 3.0 would add 1.4 us to each of the
 * seven HKDF steps of a seal.
 */
#include "crypto/digest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "core/check.h"

#define BLOCK_LEN 64

struct sha256_run {
	SHA256_CTX sha;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void
begin(SHA256_CTX *sha)
{
	hm_assert(SHA256_Init(sha) == 1);
}

static void
add(SHA256_CTX *sha, struct hm_bytes bytes)
{
	if (bytes.len > 0)
		hm_assert(SHA256_Update(sha, bytes.ptr, bytes.len) == 1);
}

/* What is left of the state knows as much as the digest. */
static void
end(SHA256_CTX *sha, uint8_t ret[static SHA256_LEN])
{
	hm_assert(SHA256_Final(ret, sha) == 1);
	hm_wipe(sha, sizeof(*sha));
}

void
sha384_one(struct hm_bytes bytes, uint8_t ret[static SHA384_LEN])
{
	SHA512_CTX sha;

	hm_assert(SHA384_Init(&sha) == 1);
	if (bytes.len > 0)
		hm_assert(SHA384_Update(&sha, bytes.ptr, bytes.len) == 1);
	hm_assert(SHA384_Final(ret, &sha) == 1);
}
#pragma GCC diagnostic pop

static void
add_all(SHA256_CTX *sha, const struct hm_bytes *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(sha, pieces[i]);
}

void
sha256(
    const struct hm_bytes *pieces, size_t count, uint8_t ret[static SHA256_LEN])
{
	SHA256_CTX sha;

	begin(&sha);
	add_all(&sha, pieces, count);
	end(&sha, ret);
}

void
sha256_one(struct hm_bytes bytes, uint8_t ret[static SHA256_LEN])
{
	sha256(&bytes, 1, ret);
}

hm_err
sha256_run_new(struct sha256_run **ret)
{
	struct sha256_run *run = malloc(sizeof(*run));

	if (run == NULL)
		return HM_E_NO_MEMORY;
	begin(&run->sha);
	*ret = run;
	return HM_OK;
}

void
sha256_run_add(struct sha256_run *run, struct hm_bytes bytes)
{
	add(&run->sha, bytes);
}

void
sha256_run_end(struct sha256_run *run, uint8_t ret[static SHA256_LEN])
{
	end(&run->sha, ret);
	begin(&run->sha);
}

void
sha256_run_free(struct sha256_run *run)
{
	free(run);
}

/* RFC 2104: the key in its two masks. */
struct hmac_key {
	uint8_t inner[BLOCK_LEN], outer[BLOCK_LEN];
};

static void
hmac_key_init(struct hmac_key *masked, struct hm_bytes key)
{
	uint8_t block[BLOCK_LEN] = { 0 };

	if (key.len > BLOCK_LEN)
		sha256_one(key, block);
	else if (key.len > 0)
		memcpy(block, key.ptr, key.len);
	for (size_t i = 0; i < BLOCK_LEN; i++) {
		masked->inner[i] = block[i] ^ 0x36;
		masked->outer[i] = block[i] ^ 0x5c;
	}
	hm_wipe(block, sizeof(block));
}

/* What was added since begin_hmac() ends in `ret`. */
static void
begin_hmac(SHA256_CTX *sha, const struct hmac_key *key)
{
	begin(sha);
	add(sha, HM_BYTES(key->inner));
}

static void
end_hmac(
    SHA256_CTX *sha, const struct hmac_key *key, uint8_t ret[static SHA256_LEN])
{
	end(sha, ret);
	begin(sha);
	add(sha, HM_BYTES(key->outer));
	add(sha, (struct hm_bytes){ ret, SHA256_LEN });
	end(sha, ret);
}

void
hmac_sha256(struct hm_bytes key, const struct hm_bytes *pieces, size_t count,
    uint8_t ret[static SHA256_LEN])
{
	struct hmac_key masked;
	SHA256_CTX sha;

	hmac_key_init(&masked, key);
	begin_hmac(&sha, &masked);
	add_all(&sha, pieces, count);
	end_hmac(&sha, &masked, ret);
	hm_wipe(&masked, sizeof(masked));
}

void
hkdf_extract(struct hm_bytes salt, const struct hm_bytes *pieces, size_t count,
    uint8_t ret[static SHA256_LEN])
{
	hmac_sha256(salt, pieces, count, ret);
}

void
hkdf_expand(const uint8_t prk[static SHA256_LEN], const struct hm_bytes *info,
    size_t count, struct hm_span ret)
{
	struct hmac_key masked;
	SHA256_CTX sha;
	uint8_t block[SHA256_LEN];
	uint8_t counter = 0;

	hm_assert(ret.len <= 255 * SHA256_LEN); /* RFC 5869 section 2.3 */

	hmac_key_init(&masked, (struct hm_bytes){ prk, SHA256_LEN });
	for (size_t done = 0; done < ret.len; done += SHA256_LEN) {
		size_t left = ret.len - done;

		begin_hmac(&sha, &masked);
		if (counter++ > 0)
			add(&sha, HM_BYTES(block));
		add_all(&sha, info, count);
		add(&sha, (struct hm_bytes){ &counter, 1 });
		end_hmac(&sha, &masked, block);
		memcpy(ret.ptr + done, block,
		    left < SHA256_LEN ? left : SHA256_LEN);
	}
	hm_wipe(block, sizeof(block));
	hm_wipe(&masked, sizeof(masked));
}

static hm_err
draw(int (*source)(unsigned char *, int), struct hm_span ret)
{
	hm_assert(ret.len <= INT_MAX);

	if (ret.len == 0 || source(ret.ptr, (int)ret.len) == 1)
		return HM_OK;
	hm_wipe(ret.ptr, ret.len);
	ERR_clear_error();
	return HM_E_NO_ENTROPY;
}

hm_err
random_bytes(struct hm_span ret)
{
	return draw(RAND_bytes, ret);
}

hm_err
random_secret(struct hm_span ret)
{
	return draw(RAND_priv_bytes, ret);
}
