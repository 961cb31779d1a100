/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/auto.h"
#include "base/crc.h"
#include "image/esp_sbv2_block.h"

#define E_AT 420
#define R_AT 424
#define M_AT 808
#define RSA_LEN 384
#define EXPONENT 65537u

static const struct sbv2_shape shapes[] = {
	{ ESP_RSA3072, PKEY_RSA, HASH_SHA256, 2, 0, 0, 0, 36, 776, 36, 812,
	    RSA_LEN, RSA_LEN, SBV2_CRC_AT },
	{ ESP_P192, PKEY_P192, HASH_SHA256, 3, 0, 1, 36, 36, 65, 37, 101, 24,
	    64, 165 },
	{ ESP_P256, PKEY_P256, HASH_SHA256, 3, 0, 2, 36, 36, 65, 37, 101, 32,
	    64, 165 },
	{ ESP_P384, PKEY_P384, HASH_SHA384, 3, 1, 3, 52, 52, 97, 53, 149, 48,
	    96, 245 },
};
#define COUNT (sizeof(shapes) / sizeof(shapes[0]))

const struct sbv2_shape *
sbv2_shape_of(unsigned scheme)
{
	for (size_t i = 0; i < COUNT; i++)
		if (shapes[i].scheme == scheme)
			return &shapes[i];
	return NULL;
}

bool
sbv2_boot_reads(const struct sbv2_shape *shape, const uint8_t *block)
{
	return block[1] == shape->version &&
	       (shape->curve_at == 0 || block[shape->curve_at] == shape->curve);
}

const struct sbv2_shape *
sbv2_shape_of_block(const uint8_t *block)
{
	for (size_t i = 0; i < COUNT; i++)
		if (sbv2_boot_reads(&shapes[i], block) &&
		    (shapes[i].version == 2 || block[2] == shapes[i].hash_code))
			return &shapes[i];
	return NULL;
}

const struct sbv2_shape *
sbv2_shape_of_key(const struct pkey *key)
{
	for (size_t i = 0; i < COUNT; i++)
		if (shapes[i].type == pkey_kind(key) &&
		    (shapes[i].type != PKEY_RSA || pkey_bits(key) == 3072))
			return &shapes[i];
	return NULL;
}

static void
turn(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[len - 1 - i];
}

uint32_t
sbv2_block_crc(const uint8_t *block)
{
	return crc32_add(0, (struct hm_bytes){ block, SBV2_CRC_AT });
}

hm_err
sbv2_block_key(
    const struct sbv2_shape *shape, const uint8_t *block, struct pkey **ret)
{
	uint8_t number[RSA_LEN];
	size_t n = shape->number;

	if (shape->type == PKEY_RSA) {
		turn(number, block + shape->point_at, n);
		if ((number[0] & 0x80) == 0)
			return HM_E_KEY_WEAK; /* not 3072 bits */
		return pkey_from_modulus((struct hm_bytes){ number, n }, ret);
	}
	number[0] = 4;
	turn(number + 1, block + shape->point_at, n);
	turn(number + 1 + n, block + shape->point_at + n, n);
	return pkey_from_point(
	    shape->type, (struct hm_bytes){ number, 1 + 2 * n }, ret);
}

hm_err
sbv2_block_verify(const struct sbv2_shape *shape, const uint8_t *block,
    struct pkey *key, const uint8_t *digest)
{
	uint8_t signature[RSA_LEN];
	size_t n = shape->number;
	struct pkey_input input = {
		.scheme = shape->type == PKEY_RSA ? PKEY_PSS : PKEY_ECDSA,
		.hash = shape->hash,
		.bytes = { digest, hash_len(shape->hash) },
	};

	turn(signature, block + shape->sig_at, n);
	if (shape->type == PKEY_RSA)
		return pkey_verify(
		    key, &input, (struct hm_bytes){ signature, n });
	turn(signature + n, block + shape->sig_at + n, n);
	return pkey_verify(key, &input, (struct hm_bytes){ signature, 2 * n });
}

hm_err
sbv2_block_key_digest(const struct sbv2_shape *shape, const uint8_t *block,
    uint8_t ret[static SBV2_DIGEST])
{
	struct hm_bytes key = { block + shape->key_at, shape->key_len };
	uint8_t digest[HASH_MAX];

	HM_TRY(hash_one(HASH_SHA256, key, digest));
	memcpy(ret, digest, SBV2_DIGEST);
	return HM_OK;
}

/* The first bytes of their digests are enough to know them. */
bool
sbv2_is_public_key(const uint8_t *digest)
{
	static const uint32_t known[] = { 0xcb2791a3, 0x1060f30b, 0xf35cc5db,
		0xfc9c01f2, 0x1e3d1516, 0xbf0f6af6 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (hm_get_u32(digest) == known[i])
			return true;
	return false;
}

static hm_err
put_rsa(const struct pkey *key, uint8_t *block)
{
	AUTO(buf) struct buf n = { .max = RSA_LEN };
	uint8_t r[RSA_LEN];
	uint32_t m;

	HM_TRY(pkey_modulus(key, &n));
	if (n.len != RSA_LEN)
		return HM_E_KEY;
	HM_TRY(pkey_montgomery(key, (struct hm_span){ r, sizeof(r) }, &m));
	turn(block + shapes[0].point_at, n.ptr, RSA_LEN);
	image_put_u32(block + E_AT, EXPONENT);
	turn(block + R_AT, r, RSA_LEN);
	image_put_u32(block + M_AT, m);
	return HM_OK;
}

hm_err
sbv2_block_put_key(
    const struct sbv2_shape *shape, const struct pkey *key, uint8_t *block)
{
	AUTO(buf) struct buf point = { .max = PKEY_POINT_MAX };
	size_t n = shape->number;

	if (shape->type == PKEY_RSA)
		return put_rsa(key, block);
	HM_TRY(pkey_point(key, &point));
	if (point.len != 1 + 2 * n)
		return HM_E_KEY;
	block[shape->curve_at] = shape->curve;
	turn(block + shape->point_at, point.ptr + 1, n);
	turn(block + shape->point_at + n, point.ptr + 1 + n, n);
	return HM_OK;
}

hm_err
sbv2_block_make(const struct sbv2_shape *shape, const struct sbv2_parts *parts,
    uint8_t *block)
{
	size_t n = shape->number;
	bool is_rsa = shape->type == PKEY_RSA;

	if (parts->signature.len != (is_rsa ? n : 2 * n))
		return HM_E_KEY;
	memset(block, 0, SBV2_BLOCK);
	block[0] = SBV2_MAGIC;
	block[1] = shape->version;
	block[2] = shape->hash_code;
	memcpy(block + 4, parts->digest, hash_len(shape->hash));
	HM_TRY(sbv2_block_put_key(shape, parts->key, block));
	turn(block + shape->sig_at, parts->signature.ptr, n);
	if (!is_rsa)
		turn(block + shape->sig_at + n, parts->signature.ptr + n, n);
	image_put_u32(block + SBV2_CRC_AT, sbv2_block_crc(block));
	return HM_OK;
}

hm_err
sbv2_key_digest(const struct pkey *key, uint8_t ret[static SBV2_DIGEST],
    unsigned *ret_scheme)
{
	const struct sbv2_shape *shape = sbv2_shape_of_key(key);
	uint8_t block[SBV2_BLOCK] = { 0 };

	if (shape == NULL)
		return HM_E_KEY;
	HM_TRY(sbv2_block_put_key(shape, key, block));
	HM_TRY(sbv2_block_key_digest(shape, block, ret));
	*ret_scheme = shape->scheme;
	return HM_OK;
}
