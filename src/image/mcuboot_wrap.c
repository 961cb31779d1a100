/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload key, wrapped for a device and unwrapped again.
 *
 * ECIES, as the boot code has it: HKDF of the shared secret, without salt, info
 * "MCUBoot_ECIES_v1"; as many bytes as the payload key has are the AES-CTR key
 * that wraps it, the rest is the HMAC key over the wrapped key.
 *
 *   public key (65: 04 X Y; X25519: 32) | MAC (32; 64) | wrapped key (16; 32)
 */
#include <string.h>

#include "crypto/digest.h"
#include "base/auto.h"
#include "crypto/cipher.h"
#include "image/mcuboot_parts.h"

#define INFO "MCUBoot_ECIES_v1"

struct ecies {
	pkey_type type;
	hash_kind hash;
	size_t point, mac, key; /* bytes */
};

static void
shape_of(uint16_t type, unsigned bits, struct ecies *ret)
{
	bool is_ec = type == MCUBOOT_ENC_EC256;
	bool is_long = type == MCUBOOT_ENC_X25519_SHA512;

	ret->type = is_ec ? PKEY_P256 : PKEY_X25519;
	ret->hash = is_long ? HASH_SHA512 : HASH_SHA256;
	ret->point = is_ec ? 65 : 32;
	ret->mac = is_long ? 64 : 32;
	ret->key = bits / 8;
}

/* Keys for wrapping and MAC, and the key wrapped or unwrapped with the first;
 * the MAC is over the wrapped form. */
struct opened {
	uint8_t keys[MCUBOOT_KEY_MAX + HASH_MAX];
};

static hm_err
derive(const struct ecies *shape, struct pkey *own, const struct pkey *other,
    struct opened *ret)
{
	uint8_t shared[PKEY_POINT_MAX];
	struct hash_hkdf from = { .info = HM_LITERAL(INFO) };
	size_t len;
	hm_err err;

	err = pkey_agree(
	    own, other, (struct hm_span){ shared, sizeof(shared) }, &len);
	if (err == HM_OK) {
		from.secret = (struct hm_bytes){ shared, len };
		err = hash_hkdf(shape->hash, &from,
		    (struct hm_span){ ret->keys, shape->key + shape->mac });
	}
	hm_wipe(shared, sizeof(shared));
	return err;
}

/* AES-CTR from block 0; the same both ways. */
static hm_err
cross(const struct ecies *shape, const struct opened *keys, const uint8_t *from,
    uint8_t *ret)
{
	static const uint8_t zero[16];
	AUTO_CIPHER struct cipher *cipher = NULL;

	HM_TRY(
	    cipher_new(shape->key == 32 ? CIPHER_AES256_CTR : CIPHER_AES128_CTR,
		true, (struct hm_bytes){ keys->keys, shape->key },
		HM_BYTES(zero), &cipher));
	return cipher_update(
	    cipher, (struct hm_bytes){ from, shape->key }, ret);
}

static hm_err
mac_of(const struct ecies *shape, const struct opened *keys,
    const uint8_t *wrapped, uint8_t ret[static HASH_MAX])
{
	return hash_hmac(shape->hash,
	    (struct hm_bytes){ keys->keys + shape->key, shape->mac },
	    (struct hm_bytes){ wrapped, shape->key }, ret);
}

static hm_err
unwrap_with(const struct mcuboot_tlv *tlv, const struct ecies *shape,
    const struct opened *keys, uint8_t *ret, struct findings *findings)
{
	const uint8_t *mac = tlv->value.ptr + shape->point;
	uint8_t expected[HASH_MAX];
	bool same;

	HM_TRY(mac_of(shape, keys, mac + shape->mac, expected));
	same = hm_equal_ct(expected, mac, shape->mac);
	hm_wipe(expected, sizeof(expected));
	if (!same)
		return findings_fault(findings, HM_E_IMAGE_OPEN,
		    tlv->at + shape->point,
		    "ECIES MAC: another device's key, or altered");
	return cross(shape, keys, mac + shape->mac, ret);
}

static hm_err
unwrap_ecies(const struct mcuboot_tlv *tlv, const struct ecies *shape,
    struct pkey *own, uint8_t *ret, struct findings *findings)
{
	AUTO_PKEY struct pkey *theirs = NULL;
	struct opened keys;
	hm_err err;

	err = pkey_from_point(shape->type,
	    (struct hm_bytes){ tlv->value.ptr, shape->point }, &theirs);
	if (err == HM_OK)
		err = derive(shape, own, theirs, &keys);
	if (err != HM_OK && err != HM_E_NO_MEMORY)
		err = findings_fault(findings, HM_E_IMAGE_OPEN, tlv->at,
		    "ECIES point: not a point of the curve that can be used");
	else if (err == HM_OK)
		err = unwrap_with(tlv, shape, &keys, ret, findings);
	hm_wipe(&keys, sizeof(keys));
	return err;
}

static hm_err
unwrap_rsa(const struct mcuboot_tlv *tlv, unsigned bits, struct pkey *own,
    uint8_t *ret, struct findings *findings)
{
	uint8_t room[PKEY_SIGNATURE_MAX];
	size_t len = 0;
	hm_err err = pkey_decrypt(own, PKEY_OAEP, tlv->value,
	    (struct hm_span){ room, sizeof(room) }, &len);

	if (err == HM_OK && len == bits / 8)
		memcpy(ret, room, len);
	else if (err != HM_E_NO_MEMORY)
		err = findings_fault(findings, HM_E_IMAGE_OPEN, tlv->at,
		    "OAEP: another device's key, or altered");
	hm_wipe(room, sizeof(room));
	return err;
}

static hm_err
unwrap_kek(const struct mcuboot_tlv *tlv, struct hm_bytes kek, uint8_t *ret,
    struct findings *findings)
{
	hm_err err = keywrap_unwrap(kek, tlv->value, ret);

	if (err == HM_OK || err == HM_E_NO_MEMORY)
		return err;
	return findings_fault(findings, HM_E_IMAGE_OPEN, tlv->at,
	    "key wrap: another key-encryption key, or altered");
}

static size_t
wrapped_len(uint16_t type, unsigned bits)
{
	struct ecies shape;

	if (type == MCUBOOT_ENC_RSA)
		return 256;
	if (type == MCUBOOT_ENC_KW)
		return bits / 8 + 8;
	shape_of(type, bits, &shape);
	return shape.point + shape.mac + shape.key;
}

/* The key type that opens it; 0: a symmetric one. */
static pkey_type
opener_of(uint16_t type)
{
	if (type == MCUBOOT_ENC_RSA)
		return PKEY_RSA;
	if (type == MCUBOOT_ENC_KW)
		return 0;
	return type == MCUBOOT_ENC_EC256 ? PKEY_P256 : PKEY_X25519;
}

static hm_err
check_opener(const struct mcuboot_tlv *tlv, const struct image_keys *keys,
    struct findings *findings)
{
	const char *name = mcuboot_kind_of(tlv->type)->name;
	bool is_symmetric = opener_of(tlv->type) == 0;

	if (is_symmetric ? keys->decrypt_kek.len == 0 : keys->decrypt == NULL)
		return findings_fault(findings, HM_E_IMAGE_OPEN, tlv->at,
		    "encrypted (%s), and no key to open it was given", name);
	if (!is_symmetric &&
	    (pkey_kind(keys->decrypt) != opener_of(tlv->type) ||
		!pkey_is_private(keys->decrypt)))
		return findings_fault(findings, HM_E_IMAGE_OPEN, tlv->at,
		    "%s is not opened by a %s key", name,
		    pkey_name(keys->decrypt));
	return HM_OK;
}

hm_err
mcuboot_check_wrap(
    const struct mcuboot_tlv *tlv, unsigned bits, struct findings *findings)
{
	size_t len = wrapped_len(tlv->type, bits);

	if (tlv->value.len == len)
		return HM_OK;
	return findings_fault(findings, HM_E_IMAGE_FIELD, tlv->at,
	    "%s of %zu bytes, not %zu for AES-%u",
	    mcuboot_kind_of(tlv->type)->name, tlv->value.len, len, bits);
}

hm_err
mcuboot_unwrap(const struct mcuboot_tlv *tlv, unsigned bits,
    const struct image_keys *keys, uint8_t ret[static MCUBOOT_KEY_MAX],
    struct findings *findings)
{
	struct ecies shape;

	HM_TRY(mcuboot_check_wrap(tlv, bits, findings));
	HM_TRY(check_opener(tlv, keys, findings));
	if (tlv->type == MCUBOOT_ENC_RSA)
		return unwrap_rsa(tlv, bits, keys->decrypt, ret, findings);
	if (tlv->type == MCUBOOT_ENC_KW)
		return unwrap_kek(tlv, keys->decrypt_kek, ret, findings);
	shape_of(tlv->type, bits, &shape);
	return unwrap_ecies(tlv, &shape, keys->decrypt, ret, findings);
}

/* ---- wrapping ---- */

void
mcuboot_wrapped_done(struct mcuboot_wrapped *wrapped)
{
	hm_wipe(wrapped, sizeof(*wrapped));
}

static hm_err
wrap_ecies(struct pkey *to, struct mcuboot_wrapped *ret)
{
	AUTO_PKEY struct pkey *own = NULL;
	AUTO(buf) struct buf point = { 0 };
	struct ecies shape;
	struct opened keys;
	uint8_t *mac, computed[HASH_MAX];
	hm_err err;

	shape_of(ret->type, ret->bits, &shape);
	HM_TRY(pkey_generate(shape.type, 0, &own));
	buf_init(&point, PKEY_POINT_MAX);
	HM_TRY(pkey_point(own, &point));
	memcpy(ret->value, point.ptr, shape.point);
	mac = ret->value + shape.point;
	err = derive(&shape, own, to, &keys);
	if (err == HM_OK)
		err = cross(&shape, &keys, ret->key, mac + shape.mac);
	if (err == HM_OK)
		err = mac_of(&shape, &keys, mac + shape.mac, computed);
	if (err == HM_OK)
		memcpy(mac, computed, shape.mac);
	hm_wipe(&keys, sizeof(keys));
	ret->len = shape.point + shape.mac + shape.key;
	return err;
}

static hm_err
wrap_rsa(struct pkey *to, struct mcuboot_wrapped *ret, struct why *why)
{
	if (pkey_bits(to) != 2048)
		return WHY(why, HM_E_KEY,
		    "the boot loader knows RSA-2048 for encryption, not %s",
		    pkey_name(to));
	return pkey_encrypt(to, PKEY_OAEP,
	    (struct hm_bytes){ ret->key, ret->bits / 8 },
	    (struct hm_span){ ret->value, sizeof(ret->value) }, &ret->len);
}

static hm_err
wrap_kek(struct hm_bytes kek, struct mcuboot_wrapped *ret, struct why *why)
{
	if (kek.len != ret->bits / 8)
		return WHY(why, HM_E_KEY,
		    "a key-encryption key of %zu bits for AES-%u: the boot "
		    "loader has one as long as the payload key",
		    kek.len * 8, ret->bits);
	ret->type = MCUBOOT_ENC_KW;
	ret->len = ret->bits / 8 + 8;
	return keywrap_wrap(
	    kek, (struct hm_bytes){ ret->key, ret->bits / 8 }, ret->value);
}

hm_err
mcuboot_wrap_key(const struct mcuboot_sealing *sealing,
    struct mcuboot_wrapped *ret, struct why *why)
{
	pkey_type kind;

	if (sealing->to == NULL)
		return wrap_kek(sealing->kek, ret, why);
	kind = pkey_kind(sealing->to);
	if (kind == PKEY_RSA) {
		ret->type = MCUBOOT_ENC_RSA;
		return wrap_rsa(sealing->to, ret, why);
	}
	if (kind != PKEY_P256 && kind != PKEY_X25519)
		return WHY(why, HM_E_KEY,
		    "no image is encrypted for a %s key: use RSA-2048, P-256 "
		    "or X25519",
		    pkey_name(sealing->to));
	ret->type = kind == PKEY_P256      ? MCUBOOT_ENC_EC256
		    : sealing->hmac_sha512 ? MCUBOOT_ENC_X25519_SHA512
					   : MCUBOOT_ENC_X25519;
	return wrap_ecies(sealing->to, ret);
}

hm_err
mcuboot_wrap(const struct mcuboot_sealing *sealing, struct mcuboot_wrapped *ret,
    struct why *why)
{
	const struct mcuboot_sealed *known = sealing->known;

	ret->bits = sealing->bits;
	if (known == NULL) {
		HM_TRY(
		    random_secret((struct hm_span){ ret->key, ret->bits / 8 }));
		return mcuboot_wrap_key(sealing, ret, why);
	}
	if (known->key.len != ret->bits / 8 ||
	    known->wrapped.len > sizeof(ret->value))
		return WHY(why, HM_E_USAGE, "a wrapped key of another length");
	memcpy(ret->key, known->key.ptr, known->key.len);
	memcpy(ret->value, known->wrapped.ptr, known->wrapped.len);
	ret->type = known->type;
	ret->len = known->wrapped.len;
	return HM_OK;
}
