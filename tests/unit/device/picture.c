/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include <string.h>

#include "core/check.h"

static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
	0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };

struct picture_how
picture_good(void)
{
	return (struct picture_how){ .header_len = 64,
		.payload_len = 1000,
		.counter = 7,
		.version = { 1, 2, 3, 4 },
		.key = 1,
		.second_key = 2 };
}

static void
put(struct picture *picture, const void *from, size_t len)
{
	hm_assert(len <= sizeof(picture->bytes) - picture->len);
	memcpy(picture->bytes + picture->len, from, len);
	picture->len += len;
}

static void
put_le(struct picture *picture, uint32_t value, size_t len)
{
	for (; len > 0; len--, value >>= 8)
		put(picture, &(uint8_t){ (uint8_t)value }, 1);
}

static void
patch_u16(struct picture *picture, size_t at, size_t value)
{
	picture->bytes[at] = (uint8_t)value;
	picture->bytes[at + 1] = (uint8_t)(value >> 8);
}

static size_t
put_tlv(struct picture *picture, uint16_t type, struct hm_bytes value)
{
	size_t at;

	put_le(picture, type, 2);
	put_le(picture, (uint32_t)value.len, 2);
	at = picture->len;
	put(picture, value.ptr, value.len);
	return at;
}

static void
put_header(struct picture *picture, const struct picture_how *how)
{
	put_le(picture, 0x96F3B83D, 4);
	put_le(picture, 0x08020000, 4);
	put_le(picture, how->header_len, 2);
	put_le(picture, 0, 2); /* of the protected area, later */
	put_le(picture, how->payload_len, 4);
	put_le(picture, how->flags, 4);
	put_le(picture, how->version.major, 1);
	put_le(picture, how->version.minor, 1);
	put_le(picture, how->version.revision, 2);
	put_le(picture, how->version.build, 4);
	while (picture->len < how->header_len)
		put_le(picture, 0, 1);
	picture->payload = picture->len;
	for (uint32_t i = 0; i < how->payload_len; i++)
		put_le(picture, i * 7 + (i >> 8), 1);
}

static void
put_protected(struct picture *picture, const struct picture_how *how)
{
	const uint8_t counter[4] = { (uint8_t)how->counter,
		(uint8_t)(how->counter >> 8), (uint8_t)(how->counter >> 16),
		(uint8_t)(how->counter >> 24) };
	size_t at = picture->len;

	if (how->no_counter && how->role == 0 && how->more.type == 0)
		return;
	picture->protected_area = at;
	put_le(picture, 0x6908, 2);
	put_le(picture, 0, 2);
	if (!how->no_counter)
		picture->counter = put_tlv(picture, 0x50, HM_BYTES(counter));
	if (how->role != 0)
		picture->role = put_tlv(
		    picture, HM_TLV_ROLE, (struct hm_bytes){ &how->role, 1 });
	if (how->more.type != 0)
		picture->more =
		    put_tlv(picture, how->more.type, how->more.value);
	patch_u16(picture, at + 2, picture->len - at);
	patch_u16(picture, 10, picture->len - at);
}

static void
scalar_of(uint8_t key, uint8_t ret[static 32])
{
	memset(ret, key, 32);
}

void
picture_spki(uint8_t key, uint8_t ret[static PICTURE_SPKI_LEN])
{
	uint8_t scalar[32];

	scalar_of(key, scalar);
	memcpy(ret, spki_head, sizeof(spki_head));
	hm_assert(hm_p256_public(scalar, ret + sizeof(spki_head)) == HM_OK);
}

static size_t
der_number(const uint8_t *from, uint8_t *ret)
{
	size_t skip = 0, pad;

	while (skip < 31 && from[skip] == 0)
		skip++;
	pad = from[skip] >= 0x80;
	ret[0] = 2;
	ret[1] = (uint8_t)(32 - skip + pad);
	ret[2] = 0;
	memcpy(ret + 2 + pad, from + skip, 32 - skip);
	return 2 + pad + 32 - skip;
}

static void
sign(struct picture *picture, const struct picture_how *how, uint8_t key)
{
	uint8_t scalar[32], plain[64], der[72], spki[PICTURE_SPKI_LEN];
	uint8_t hash[32];
	size_t len = 2;

	picture_spki(key, spki);
	hm_sha256(HM_BYTES(spki), hash);
	picture->key = how->full_key ? put_tlv(picture, 0x02, HM_BYTES(spki))
				     : put_tlv(picture, 0x01, HM_BYTES(hash));
	scalar_of(key, scalar);
	hm_assert(hm_p256_sign(scalar, picture->bytes + picture->hash, plain) ==
		  HM_OK);
	len += der_number(plain, der + len);
	len += der_number(plain + 32, der + len);
	der[0] = 0x30;
	der[1] = (uint8_t)(len - 2);
	picture->signature =
	    put_tlv(picture, 0x22, (struct hm_bytes){ der, len });
}

void
picture_make(struct picture *picture, const struct picture_how *how)
{
	uint8_t hash[32];

	memset(picture, 0, sizeof(*picture));
	put_header(picture, how);
	put_protected(picture, how);
	picture->area = picture->len;
	hm_sha256(picture_bytes(picture), hash);
	put_le(picture, 0x6907, 2);
	put_le(picture, 0, 2);
	picture->hash = put_tlv(picture, 0x10, HM_BYTES(hash));
	if (how->second)
		sign(picture, how, how->second_key);
	if (!how->no_signature)
		sign(picture, how, how->key);
	if (how->open.type != 0)
		(void)put_tlv(picture, how->open.type, how->open.value);
	patch_u16(picture, picture->area + 2, picture->len - picture->area);
}

struct hm_bytes
picture_bytes(const struct picture *picture)
{
	return (struct hm_bytes){ picture->bytes, picture->len };
}

struct hm_bytes
picture_tlvs(const struct picture *picture)
{
	size_t at = picture->protected_area != 0 ? picture->protected_area
						 : picture->area;

	return (struct hm_bytes){ picture->bytes + at, picture->len - at };
}
