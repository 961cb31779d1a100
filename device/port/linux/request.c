/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS #10 (RFC 2986), one form of it:
 *
 *   SEQUENCE { SEQUENCE { INTEGER 0,
 *                         SEQUENCE { SET { SEQUENCE { id-at-commonName,
 *                                                     UTF8String } } },
 *                         SubjectPublicKeyInfo, [0] {} },
 *              SEQUENCE { ecdsa-with-SHA256 }, BIT STRING }
 */
#include <string.h>

#include <bearssl.h>

#include "keys.h"
#include "wire/challenge.h"

#define SEQUENCE 0x30
#define SET 0x31
#define UTF8 0x0c
#define BITS 0x03
#define INFO_MAX 160
#define SIGNATURE_MAX 80

struct der {
	uint8_t *at;
	size_t len;
};

static void
put(struct der *out, struct hm_bytes bytes)
{
	memcpy(out->at + out->len, bytes.ptr, bytes.len);
	out->len += bytes.len;
}

/* Tag and length, below 256. */
static void
head(struct der *out, uint8_t tag, size_t len)
{
	out->at[out->len++] = tag;
	if (len >= 0x80)
		out->at[out->len++] = 0x81;
	out->at[out->len++] = (uint8_t)len;
}

static size_t
head_len(size_t len)
{
	return len >= 0x80 ? 3 : 2;
}

/* What the device signs; INFO_MAX is enough for a name of HM_NAME_MAX. */
static void
info(struct hm_bytes name, const uint8_t point[static HM_POINT_LEN],
    struct der *out)
{
	static const uint8_t version[] = { 0x02, 0x01, 0x00 };
	static const uint8_t common[] = { 0x06, 0x03, 0x55, 0x04, 0x03 };
	static const uint8_t attributes[] = { 0xa0, 0x00 };
	size_t pair = sizeof(common) + 2 + name.len, subject = pair + 6;
	uint8_t spki[HM_SPKI_LEN];

	hm_spki_encode(point, spki);
	head(out, SEQUENCE,
	    sizeof(version) + subject + sizeof(spki) + sizeof(attributes));
	put(out, HM_BYTES(version));
	head(out, SEQUENCE, pair + 4);
	head(out, SET, pair + 2);
	head(out, SEQUENCE, pair);
	put(out, HM_BYTES(common));
	head(out, UTF8, name.len);
	put(out, name);
	put(out, HM_BYTES(spki));
	put(out, HM_BYTES(attributes));
}

static hm_err
sign(struct hm_bytes text, uint8_t ret[static SIGNATURE_MAX], size_t *ret_len)
{
	uint8_t digest[HM_DIGEST_LEN];

	hm_sha256(text, digest);
	HM_TRY(hm_port_key_sign(HM_KEY_IDENTITY, digest, ret));
	*ret_len = br_ecdsa_raw_to_asn1(ret, HM_SIGNATURE_LEN);
	return *ret_len == 0 ? HM_E_STORAGE : HM_OK;
}

hm_err
linux_request(const char *name, struct hm_span room, size_t *ret_len)
{
	static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
		0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	uint8_t text[INFO_MAX], point[HM_POINT_LEN], signature[SIGNATURE_MAX];
	struct der signed_part = { text, 0 }, out = { room.ptr, 0 };
	size_t len = 0, inner, bits;

	if (!hm_is_name(hm_bytes_of(name)))
		return HM_E_BAD_INPUT;
	HM_TRY(hm_port_key_public(HM_KEY_IDENTITY, point));
	info(hm_bytes_of(name), point, &signed_part);
	HM_TRY(
	    sign((struct hm_bytes){ text, signed_part.len }, signature, &len));
	bits = len + 1;
	inner = signed_part.len + sizeof(algorithm) + head_len(bits) + bits;
	if (head_len(inner) + inner > room.len)
		return HM_E_NO_ROOM;
	head(&out, SEQUENCE, inner);
	put(&out, (struct hm_bytes){ text, signed_part.len });
	put(&out, HM_BYTES(algorithm));
	head(&out, BITS, bits);
	out.at[out.len++] = 0; /* unused bits */
	put(&out, (struct hm_bytes){ signature, len });
	*ret_len = out.len;
	return HM_OK;
}
