/* SPDX-License-Identifier: Apache-2.0 */
#include "maker.h"

#include <string.h>

#include "core/check.h"

static void
put(struct made *made, const void *bytes, size_t len)
{
	hm_assert(len <= sizeof(made->bytes) - made->len);
	if (len > 0)
		memcpy(made->bytes + made->len, bytes, len);
	made->len += (uint32_t)len;
}

static void
put_le(struct made *made, uint32_t value, unsigned len)
{
	for (unsigned i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i);

		put(made, &byte, 1);
	}
}

static void
put_tlv(struct made *made, uint32_t type, struct hm_bytes value)
{
	put_le(made, type, 2);
	put_le(made, (uint32_t)value.len, 2);
	put(made, value.ptr, value.len);
}

void
maker_scalar(uint8_t n, uint8_t ret[static 32])
{
	const uint8_t label[] = { 'k', 'e', 'y', n };

	hm_sha256(HM_BYTES(label), ret);
}

static void
spki_of(const uint8_t *scalar, uint8_t ret[static HM_SPKI_LEN])
{
	uint8_t point[HM_POINT_LEN];

	hm_assert(hm_p256_public(scalar, point) == HM_OK);
	hm_spki_encode(point, ret);
}

void
maker_key_hash(
    const uint8_t scalar[static 32], uint8_t ret[static HM_DIGEST_LEN])
{
	uint8_t spki[HM_SPKI_LEN];

	spki_of(scalar, spki);
	hm_sha256(HM_BYTES(spki), ret);
}

/* ---- signature ---- */

static size_t
der_integer(const uint8_t at[static 32], uint8_t *ret)
{
	size_t skip = 0, pad;

	while (skip < 31 && at[skip] == 0)
		skip++;
	pad = at[skip] >> 7;
	ret[0] = 2;
	ret[1] = (uint8_t)(32 - skip + pad);
	ret[2] = 0;
	memcpy(ret + 2 + pad, at + skip, 32 - skip);
	return 2 + pad + 32 - skip;
}

static void
put_signature(struct made *made, const uint8_t *scalar, const uint8_t *digest)
{
	uint8_t raw[64], der[80], spki[HM_SPKI_LEN];
	size_t len = 2;

	spki_of(scalar, spki);
	put_tlv(made, 0x02, HM_BYTES(spki));
	hm_assert(hm_p256_sign(scalar, digest, raw) == HM_OK);
	len += der_integer(raw, der + len);
	len += der_integer(raw + 32, der + len);
	der[0] = 0x30;
	der[1] = (uint8_t)(len - 2);
	put_tlv(made, 0x22, (struct hm_bytes){ der, len });
}

/* ---- encryption ---- */

/* ECIES-P256 of MCUboot; the payload key and the ephemeral one follow from the
 * digest: each image has its own. */
static void
put_sealed(struct made *made, const struct maker *how, const uint8_t *digest,
    uint8_t *key)
{
	static const uint8_t iv[12];
	const struct hm_bytes info = HM_LITERAL("MCUBoot_ECIES_v1");
	uint8_t ephemeral[32], agreed[32], prk[32], okm[64], tlv[65 + 32 + 32];
	struct hm_bytes pieces[] = { HM_BYTES(agreed) };
	struct hm_bytes wrapped = { tlv + 97, how->key_len };

	hm_sha256((struct hm_bytes){ digest, 32 }, key);
	hm_sha256((struct hm_bytes){ key, 32 }, ephemeral);
	hm_assert(hm_p256_public(ephemeral, tlv) == HM_OK);
	hm_assert(hm_p256_agree(ephemeral, how->recipient, agreed) == HM_OK);
	hm_hkdf_extract((struct hm_bytes){ 0 }, pieces, 1, prk);
	hm_hkdf_expand(
	    prk, &info, 1, (struct hm_span){ okm, how->key_len + 32 });
	memcpy(tlv + 97, key, how->key_len);
	hm_ctr_crypt((struct hm_bytes){ okm, how->key_len }, iv, 0,
	    (struct hm_span){ tlv + 97, how->key_len });
	hm_hmac(
	    (struct hm_bytes){ okm + how->key_len, 32 }, &wrapped, 1, tlv + 65);
	put_tlv(made, 0x32, (struct hm_bytes){ tlv, 97 + how->key_len });
}

static void
encrypt(struct made *made, const struct maker *how, uint32_t header_len,
    const uint8_t *key)
{
	static const uint8_t iv[12];

	hm_ctr_crypt((struct hm_bytes){ key, how->key_len }, iv, 0,
	    (struct hm_span){ made->bytes + header_len, how->payload.len });
}

/* ---- all of it ---- */

static void
put_header(struct made *made, const struct maker *how, uint32_t header_len,
    uint32_t protected_len)
{
	static const uint8_t zeros[4096];

	put_le(made, 0x96F3B83D, 4);
	put_le(made, 0, 4);
	put_le(made, header_len, 2);
	put_le(made, protected_len, 2);
	put_le(made, (uint32_t)how->payload.len, 4);
	put_le(made,
	    how->recipient == NULL ? 0
	    : how->key_len == 16   ? 4
				   : 8,
	    4);
	put_le(made, how->version.major, 1);
	put_le(made, how->version.minor, 1);
	put_le(made, how->version.revision, 2);
	put_le(made, how->version.build, 4);
	put_le(made, 0, 4);
	hm_assert(header_len - 32 <= sizeof(zeros));
	put(made, zeros, header_len - 32);
}

static void
put_protected(struct made *made, const struct maker *how, uint32_t len)
{
	uint8_t role = (uint8_t)how->role;

	put_le(made, 0x6908, 2);
	put_le(made, len, 2);
	put_le(made, 0x50, 2);
	put_le(made, 4, 2);
	put_le(made, how->counter, 4);
	if (how->role != 0)
		put_tlv(made, HM_TLV_ROLE, (struct hm_bytes){ &role, 1 });
	if (how->keys.len > 0)
		put_tlv(made, HM_TLV_KEYS, how->keys);
}

void
maker_make(const struct maker *how, struct made *ret)
{
	const uint32_t header_len = how->header_len ? how->header_len : 32;
	uint32_t protected_len = 4 + 8, area;
	uint8_t digest[32], key[32];

	if (how->role != 0)
		protected_len += 5;
	if (how->keys.len > 0)
		protected_len += 4 + (uint32_t)how->keys.len;
	ret->len = 0;
	put_header(ret, how, header_len, protected_len);
	put(ret, how->payload.ptr, how->payload.len);
	ret->tlvs_at = ret->len;
	put_protected(ret, how, protected_len);
	hm_assert(ret->len == ret->tlvs_at + protected_len);
	hm_sha256((struct hm_bytes){ ret->bytes, ret->len }, digest);
	area = ret->len;
	put_le(ret, 0x6907, 2);
	put_le(ret, 0, 2);
	put_tlv(ret, 0x10, HM_BYTES(digest));
	put_signature(ret, how->signer, digest);
	if (how->recipient != NULL) {
		put_sealed(ret, how, digest, key);
		encrypt(ret, how, header_len, key);
	}
	ret->bytes[area + 2] = (uint8_t)(ret->len - area);
	ret->bytes[area + 3] = (uint8_t)((ret->len - area) >> 8);
}

struct hm_bytes
made_tlvs(const struct made *made)
{
	return (struct hm_bytes){ made->bytes + made->tlvs_at,
		made->len - made->tlvs_at };
}
