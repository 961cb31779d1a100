/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "core/check.h"
#include "crypto/ossl.h"

struct hash_run {
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
};

static const struct {
	const char *name, *ossl;
	size_t len;
} kinds[] = {
	[HASH_SHA1] = { "sha1", "SHA1", 20 },
	[HASH_SHA256] = { "sha256", "SHA256", 32 },
	[HASH_SHA384] = { "sha384", "SHA384", 48 },
	[HASH_SHA512] = { "sha512", "SHA512", 64 },
	[HASH_MD5] = { "md5", "MD5", 16 },
};

size_t
hash_len(hash_kind kind)
{
	return kinds[kind].len;
}

const char *
hash_name(hash_kind kind)
{
	return kinds[kind].name;
}

static const EVP_MD *
md_of(hash_kind kind)
{
	switch (kind) {
	case HASH_SHA1:
		return EVP_sha1();
	case HASH_SHA384:
		return EVP_sha384();
	case HASH_SHA512:
		return EVP_sha512();
	case HASH_MD5:
		return EVP_md5();
	case HASH_SHA256:
	default:
		return EVP_sha256();
	}
}

hm_err
hash_run_new(hash_kind kind, struct hash_run **ret)
{
	struct hash_run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return HM_E_NO_MEMORY;
	run->md = md_of(kind);
	run->ctx = EVP_MD_CTX_new();
	if (run->ctx == NULL ||
	    EVP_DigestInit_ex(run->ctx, run->md, NULL) != 1) {
		hash_run_free(run);
		return ossl_failed(HM_E_NO_MEMORY);
	}
	*ret = run;
	return HM_OK;
}

void
hash_run_add(struct hash_run *run, struct hm_bytes bytes)
{
	if (bytes.len > 0)
		hm_assert(
		    EVP_DigestUpdate(run->ctx, bytes.ptr, bytes.len) == 1);
}

void
hash_run_end(struct hash_run *run, uint8_t ret[static HASH_MAX])
{
	hm_assert(EVP_DigestFinal_ex(run->ctx, ret, NULL) == 1);
}

hm_err
hash_run_peek(const struct hash_run *run, uint8_t ret[static HASH_MAX])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	int good = copy != NULL && EVP_MD_CTX_copy_ex(copy, run->ctx) == 1 &&
		   EVP_DigestFinal_ex(copy, ret, NULL) == 1;

	EVP_MD_CTX_free(copy);
	return good ? HM_OK : ossl_failed(HM_E_NO_MEMORY);
}

void
hash_run_restart(struct hash_run *run)
{
	hm_assert(EVP_DigestInit_ex(run->ctx, NULL, NULL) == 1);
}

void
hash_run_free(struct hash_run *run)
{
	if (run == NULL)
		return;
	EVP_MD_CTX_free(run->ctx);
	free(run);
}

hm_err
hash_one(hash_kind kind, struct hm_bytes bytes, uint8_t ret[static HASH_MAX])
{
	static const uint8_t nothing[1];
	const uint8_t *ptr = bytes.len > 0 ? bytes.ptr : nothing;

	if (EVP_Digest(ptr, bytes.len, ret, NULL, md_of(kind), NULL) != 1)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

hm_err
hash_hmac(hash_kind kind, struct hm_bytes key, struct hm_bytes message,
    uint8_t ret[static HASH_MAX])
{
	static const uint8_t nothing[1];
	size_t len = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, kinds[kind].ossl, NULL,
		key.len > 0 ? key.ptr : nothing, key.len,
		message.len > 0 ? message.ptr : nothing, message.len, ret,
		HASH_MAX, &len) == NULL)
		return ossl_failed(HM_E_NO_MEMORY);
	return HM_OK;
}

static OSSL_PARAM
octets(const char *name, struct hm_bytes bytes)
{
	return OSSL_PARAM_construct_octet_string(
	    name, (void *)(uintptr_t)bytes.ptr, bytes.len);
}

static hm_err
derive(const char *name, const OSSL_PARAM *params, struct hm_span ret)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	int good =
	    ctx == NULL ? 0 : EVP_KDF_derive(ctx, ret.ptr, ret.len, params);

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	if (good == 1)
		return HM_OK;
	hm_wipe(ret.ptr, ret.len);
	return ossl_failed(HM_E_NO_MEMORY);
}

hm_err
hash_hkdf(hash_kind kind, const struct hash_hkdf *from, struct hm_span ret)
{
	static const uint8_t zeros[HASH_MAX];
	/* No salt is a salt of zeros as long as the hash. */
	struct hm_bytes salt = from->salt.len > 0
				   ? from->salt
				   : (struct hm_bytes){ zeros, hash_len(kind) };
	OSSL_PARAM params[5];
	size_t n = 0;

	params[n++] = OSSL_PARAM_construct_utf8_string(
	    OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)kinds[kind].ossl, 0);
	params[n++] = octets(OSSL_KDF_PARAM_KEY, from->secret);
	params[n++] = octets(OSSL_KDF_PARAM_SALT, salt);
	if (from->info.len > 0)
		params[n++] = octets(OSSL_KDF_PARAM_INFO, from->info);
	params[n] = OSSL_PARAM_construct_end();
	return derive("HKDF", params, ret);
}

hm_err
hash_pbkdf2(hash_kind kind, struct hm_bytes password, struct hm_bytes salt,
    uint32_t rounds, struct hm_span ret)
{
	if (PKCS5_PBKDF2_HMAC((const char *)password.ptr, (int)password.len,
		salt.ptr, (int)salt.len, (int)rounds, md_of(kind), (int)ret.len,
		ret.ptr) == 1)
		return HM_OK;
	hm_wipe(ret.ptr, ret.len);
	return ossl_failed(HM_E_NO_MEMORY);
}
