/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One EVP_MD_CTX serves all digests of a thread. HMAC is two of them, made
 * here: 0.82 of the time of EVP_MAC with a kept context (bench_crypto), and
 * EVP_KDF of OpenSSL 3.0 would add 1.4 us to each of the seven HKDF steps of a
 * seal. After a keyed run the context is started again, which overwrites its
 * state.
 */
#include "crypto/digest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>

#include "base/process.h"
#include "core/check.h"
#include "crypto/ossl.h"

#define BLOCK_LEN 64

static _Thread_local EVP_MD *sha256_md, *sha384_md;
static _Thread_local EVP_MD_CTX *sha256_ctx, *sha384_ctx;

struct sha256_run {
	EVP_MD_CTX *ctx;
};

static hm_err
start(void)
{
	if (sha256_md == NULL)
		sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (sha384_md == NULL)
		sha384_md = EVP_MD_fetch(NULL, "SHA384", NULL);
	if (sha256_ctx == NULL)
		sha256_ctx = EVP_MD_CTX_new();
	if (sha384_ctx == NULL)
		sha384_ctx = EVP_MD_CTX_new();
	if (sha256_md == NULL || sha384_md == NULL || sha256_ctx == NULL ||
	    sha384_ctx == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

void
digest_stop(void)
{
	EVP_MD_CTX_free(sha256_ctx);
	EVP_MD_CTX_free(sha384_ctx);
	EVP_MD_free(sha256_md);
	EVP_MD_free(sha384_md);
	sha256_ctx = sha384_ctx = NULL;
	sha256_md = sha384_md = NULL;
}

/* OpenSSL 3.0 allocates at each beginning, and has nothing else to fail by. */
static void
must(int done)
{
	if (done != 1)
		process_out_of_memory("a digest");
}

static void
begin(void)
{
	if (sha256_ctx == NULL)
		must(start() == HM_OK);
	must(EVP_DigestInit_ex(sha256_ctx, sha256_md, NULL));
}

static void
add(struct hm_bytes bytes)
{
	if (bytes.len > 0)
		must(EVP_DigestUpdate(sha256_ctx, bytes.ptr, bytes.len));
}

static void
add_all(const struct hm_bytes *pieces, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(pieces[i]);
}

static void
end(uint8_t ret[static SHA256_LEN])
{
	must(EVP_DigestFinal_ex(sha256_ctx, ret, NULL));
}

void
sha256(
    const struct hm_bytes *pieces, size_t count, uint8_t ret[static SHA256_LEN])
{
	begin();
	add_all(pieces, count);
	end(ret);
}

void
sha256_one(struct hm_bytes bytes, uint8_t ret[static SHA256_LEN])
{
	sha256(&bytes, 1, ret);
}

void
sha384_one(struct hm_bytes bytes, uint8_t ret[static SHA384_LEN])
{
	static const uint8_t nothing[1];
	const uint8_t *ptr = bytes.len > 0 ? bytes.ptr : nothing;

	if (sha384_ctx == NULL)
		must(start() == HM_OK);
	must(EVP_DigestInit_ex(sha384_ctx, sha384_md, NULL));
	must(EVP_DigestUpdate(sha384_ctx, ptr, bytes.len));
	must(EVP_DigestFinal_ex(sha384_ctx, ret, NULL));
}

hm_err
sha256_run_new(struct sha256_run **ret)
{
	struct sha256_run *run;

	HM_TRY(start());
	run = calloc(1, sizeof(*run));
	if (run == NULL)
		return HM_E_NO_MEMORY;
	run->ctx = EVP_MD_CTX_new();
	if (run->ctx == NULL ||
	    EVP_DigestInit_ex(run->ctx, sha256_md, NULL) != 1) {
		sha256_run_free(run);
		return ossl_failed(HM_E_NO_MEMORY);
	}
	*ret = run;
	return HM_OK;
}

void
sha256_run_add(struct sha256_run *run, struct hm_bytes bytes)
{
	if (bytes.len > 0)
		must(EVP_DigestUpdate(run->ctx, bytes.ptr, bytes.len));
}

void
sha256_run_end(struct sha256_run *run, uint8_t ret[static SHA256_LEN])
{
	must(EVP_DigestFinal_ex(run->ctx, ret, NULL));
	must(EVP_DigestInit_ex(run->ctx, sha256_md, NULL));
}

void
sha256_run_free(struct sha256_run *run)
{
	if (run == NULL)
		return;
	EVP_MD_CTX_free(run->ctx);
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
begin_hmac(const struct hmac_key *key)
{
	begin();
	add(HM_BYTES(key->inner));
}

static void
end_hmac(const struct hmac_key *key, uint8_t ret[static SHA256_LEN])
{
	end(ret);
	begin();
	add(HM_BYTES(key->outer));
	add((struct hm_bytes){ ret, SHA256_LEN });
	end(ret);
}

/* SHA256_Init overwrites what the context remembers of a key. */
static void
forget(struct hmac_key *key)
{
	begin();
	hm_wipe(key, sizeof(*key));
}

void
hmac_sha256(struct hm_bytes key, const struct hm_bytes *pieces, size_t count,
    uint8_t ret[static SHA256_LEN])
{
	struct hmac_key masked;

	hmac_key_init(&masked, key);
	begin_hmac(&masked);
	add_all(pieces, count);
	end_hmac(&masked, ret);
	forget(&masked);
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
	uint8_t block[SHA256_LEN];
	uint8_t counter = 0;

	hm_assert(ret.len <= 255 * SHA256_LEN); /* RFC 5869 section 2.3 */

	hmac_key_init(&masked, (struct hm_bytes){ prk, SHA256_LEN });
	for (size_t done = 0; done < ret.len; done += SHA256_LEN) {
		size_t left = ret.len - done;

		begin_hmac(&masked);
		if (counter++ > 0)
			add(HM_BYTES(block));
		add_all(info, count);
		add((struct hm_bytes){ &counter, 1 });
		end_hmac(&masked, block);
		memcpy(ret.ptr + done, block,
		    left < SHA256_LEN ? left : SHA256_LEN);
	}
	hm_wipe(block, sizeof(block));
	forget(&masked);
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
