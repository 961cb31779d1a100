/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few shapes that nearly every key file has, byte for byte. OpenSSL 3.0
 * finds out which of its decoders and encoders may follow which for each key:
 * 9 and 4 million instructions, more than all else that a signature of a small
 * file takes. What differs by a byte from what stands here is left to it.
 */
#include <string.h>

#include <openssl/core_names.h>

#include "crypto/p256.h"
#include "crypto/pkey_parts.h"

#define ID_EC 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01
#define ID_P192 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01
#define ID_P256 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
#define ID_P384 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22
#define ID_X25519 0x06, 0x03, 0x2b, 0x65, 0x6e
#define ID_ED25519 0x06, 0x03, 0x2b, 0x65, 0x70

/* SubjectPublicKeyInfo (RFC 5280, 5480, 8410) up to the point. */
static const struct {
	pkey_type type;
	uint8_t len, point_len;
	uint8_t bytes[28];
} spkis[] = {
	{ PKEY_P192, 26, 49,
	    { 0x30, 0x49, 0x30, 0x13, ID_EC, ID_P192, 0x03, 0x32, 0x00 } },
	{ PKEY_P256, 26, 65,
	    { 0x30, 0x59, 0x30, 0x13, ID_EC, ID_P256, 0x03, 0x42, 0x00 } },
	{ PKEY_P384, 23, 97,
	    { 0x30, 0x76, 0x30, 0x10, ID_EC, ID_P384, 0x03, 0x62, 0x00 } },
	{ PKEY_X25519, 12, 32,
	    { 0x30, 0x2a, 0x30, 0x05, ID_X25519, 0x03, 0x21, 0x00 } },
	{ PKEY_ED25519, 12, 32,
	    { 0x30, 0x2a, 0x30, 0x05, ID_ED25519, 0x03, 0x21, 0x00 } },
};
#define SPKIS (sizeof(spkis) / sizeof(spkis[0]))

/* PKCS#8 (RFC 5958, 8410) and SEC1 (RFC 5915): what stands before the scalar,
 * and between it and the point, if there is one. */
#define SCALAR_LEN 32u
#define POINT_LEN 65u
static const struct {
	pkey_type type;
	uint8_t before_len, between_len;
	uint8_t before[36], between[17];
} privates[] = {
	{ PKEY_ED25519, 16, 0,
	    { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, ID_ED25519, 0x04, 0x22,
		0x04, 0x20 },
	    { 0 } },
	{ PKEY_X25519, 16, 0,
	    { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, ID_X25519, 0x04, 0x22,
		0x04, 0x20 },
	    { 0 } },
	{ PKEY_P256, 36, 5,
	    { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, ID_EC, ID_P256,
		0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 },
	    { 0xa1, 0x44, 0x03, 0x42, 0x00 } },
	{ PKEY_P256, 7, 17, { 0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20 },
	    { 0xa0, 0x0a, ID_P256, 0xa1, 0x44, 0x03, 0x42, 0x00 } },
};
#define PRIVATES (sizeof(privates) / sizeof(privates[0]))

hm_err
pkey_der_spki(const struct pkey *key, struct buf *ret)
{
	for (size_t i = 0; i < SPKIS; i++)
		if (spkis[i].type == key->type) {
			HM_TRY(buf_add(ret,
			    (struct hm_bytes){ spkis[i].bytes, spkis[i].len }));
			return pkey_point(key, ret);
		}
	return HM_E_KEY;
}

bool
pkey_der_is_point(
    struct hm_bytes der, pkey_type *ret_type, struct hm_bytes *ret_point)
{
	for (size_t i = 0; i < SPKIS; i++) {
		size_t len = spkis[i].len;

		if (der.len != len + spkis[i].point_len ||
		    memcmp(der.ptr, spkis[i].bytes, len) != 0)
			continue;
		*ret_type = spkis[i].type;
		*ret_point = (struct hm_bytes){ der.ptr + len, der.len - len };
		return true;
	}
	return false;
}

/* Which row of the table this is; PRIVATES: none. */
static size_t
find_private(struct hm_bytes der)
{
	size_t i;

	for (i = 0; i < PRIVATES; i++) {
		size_t before = privates[i].before_len;
		size_t between = privates[i].between_len;
		size_t point = between > 0 ? POINT_LEN : 0;

		if (der.len == before + SCALAR_LEN + between + point &&
		    memcmp(der.ptr, privates[i].before, before) == 0 &&
		    memcmp(der.ptr + before + SCALAR_LEN, privates[i].between,
			between) == 0)
			break;
	}
	return i;
}

static EVP_PKEY *
p256(const uint8_t scalar[static 32], const uint8_t point[static 65])
{
	uint8_t native[SCALAR_LEN];
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    (char *)(uintptr_t) "prime256v1", 10),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, SCALAR_LEN),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    (void *)(uintptr_t)point, POINT_LEN),
		OSSL_PARAM_END,
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *evp = NULL;

	for (size_t i = 0; i < SCALAR_LEN; i++)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		native[i] = scalar[SCALAR_LEN - 1 - i];
#else
		native[i] = scalar[i];
#endif
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_KEYPAIR, params) != 1)
		evp = NULL;
	EVP_PKEY_CTX_free(ctx);
	hm_wipe(native, sizeof(native));
	return evp;
}

/* OpenSSL takes any number, and any point beside it. */
static hm_err
p256_pair(const uint8_t scalar[static 32], const uint8_t point[static 65],
    struct pkey **ret)
{
	uint8_t own[P256_POINT_LEN];
	struct p256_pair *pair;

	HM_TRY(p256_pair_from(scalar, &pair));
	p256_pair_point(pair, own);
	p256_pair_free(pair);
	if (memcmp(own, point, sizeof(own)) != 0)
		return HM_E_KEY;
	return pkey_adopt(p256(scalar, point), true, ret);
}

bool
pkey_der_is_private(struct hm_bytes der)
{
	return find_private(der) < PRIVATES;
}

hm_err
pkey_der_private(struct hm_bytes der, struct pkey **ret)
{
	size_t row = find_private(der);
	const uint8_t *scalar;

	if (row == PRIVATES)
		return HM_E_KEY;
	scalar = der.ptr + privates[row].before_len;
	if (privates[row].type == PKEY_P256)
		return p256_pair(scalar, der.ptr + der.len - POINT_LEN, ret);
	return pkey_adopt(
	    EVP_PKEY_new_raw_private_key(privates[row].type == PKEY_ED25519
					     ? EVP_PKEY_ED25519
					     : EVP_PKEY_X25519,
		NULL, scalar, SCALAR_LEN),
	    true, ret);
}
