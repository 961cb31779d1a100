/* SPDX-License-Identifier: Apache-2.0 */
/* The types of TLVs, and which key goes with which of them. */
#include "image/mcuboot_parts.h"

#define ANY 0xFFFFu

static const struct mcuboot_kind kinds[] = {
	{ MCUBOOT_KEYHASH, 0, ANY, false, "KEYHASH" },
	{ MCUBOOT_PUBKEY, 1, ANY, false, "PUBKEY" },
	{ MCUBOOT_SHA256, 32, 32, false, "SHA256" },
	{ MCUBOOT_SHA384, 48, 48, false, "SHA384" },
	{ MCUBOOT_SHA512, 64, 64, false, "SHA512" },
	{ MCUBOOT_RSA2048, 256, 256, false, "RSA2048_PSS" },
	{ MCUBOOT_ECDSA224, 1, ANY, false, "ECDSA224" },
	{ MCUBOOT_ECDSA, 8, ANY, false, "ECDSA_SIG" },
	{ MCUBOOT_RSA3072, 384, 384, false, "RSA3072_PSS" },
	{ MCUBOOT_ED25519, 64, 64, false, "ED25519" },
	{ MCUBOOT_SIG_PURE, 1, 1, false, "SIG_PURE" },
	{ MCUBOOT_ENC_RSA, 256, 256, false, "ENC_RSA2048" },
	{ MCUBOOT_ENC_KW, 24, 40, false, "ENC_KW" },
	{ MCUBOOT_ENC_EC256, 113, 129, false, "ENC_EC256" },
	{ MCUBOOT_ENC_X25519, 80, 96, false, "ENC_X25519" },
	{ MCUBOOT_ENC_X25519_SHA512, 112, 128, false, "ENC_X25519_SHA512" },
	{ MCUBOOT_DEPENDENCY, 12, 12, true, "DEPENDENCY" },
	{ MCUBOOT_SEC_CNT, 4, 4, true, "SEC_CNT" },
	{ MCUBOOT_BOOT_RECORD, 1, ANY, true, "BOOT_RECORD" },
	{ MCUBOOT_DECOMP_SIZE, 4, 4, true, "DECOMP_SIZE" },
	{ MCUBOOT_DECOMP_SHA, 32, 64, true, "DECOMP_SHA" },
	{ MCUBOOT_DECOMP_SIGNATURE, 8, ANY, true, "DECOMP_SIGNATURE" },
	{ MCUBOOT_COMP_DEC_SIZE, 4, 4, true, "COMP_DEC_SIZE" },
	{ MCUBOOT_UUID_VID, 16, 16, true, "UUID_VID" },
	{ MCUBOOT_UUID_CID, 16, 16, true, "UUID_CID" },
};

const struct mcuboot_kind *
mcuboot_kind_of(uint16_t type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

bool
mcuboot_is_vendor(uint16_t type)
{
	return (type & 0xFF) >= 0xA0 && (type & 0xFF) <= 0xFE;
}

bool
mcuboot_is_signature(uint16_t type)
{
	return type >= MCUBOOT_RSA2048 && type <= MCUBOOT_ED25519;
}

bool
mcuboot_is_wrap(uint16_t type)
{
	return type >= MCUBOOT_ENC_RSA && type <= MCUBOOT_ENC_X25519_SHA512;
}

hash_kind
mcuboot_hash_of(uint16_t type)
{
	switch (type) {
	case MCUBOOT_SHA256:
		return HASH_SHA256;
	case MCUBOOT_SHA384:
		return HASH_SHA384;
	case MCUBOOT_SHA512:
		return HASH_SHA512;
	default:
		return 0;
	}
}

uint16_t
mcuboot_hash_type(hash_kind kind)
{
	return kind == HASH_SHA512   ? MCUBOOT_SHA512
	       : kind == HASH_SHA384 ? MCUBOOT_SHA384
				     : MCUBOOT_SHA256;
}

uint16_t
mcuboot_signature_type(const struct pkey *key)
{
	pkey_type kind = pkey_kind(key);

	if (kind == PKEY_RSA && pkey_bits(key) == 2048)
		return MCUBOOT_RSA2048;
	if (kind == PKEY_RSA && pkey_bits(key) == 3072)
		return MCUBOOT_RSA3072;
	if (kind == PKEY_P256 || kind == PKEY_P384)
		return MCUBOOT_ECDSA;
	return kind == PKEY_ED25519 ? MCUBOOT_ED25519 : 0;
}

pkey_scheme
mcuboot_scheme(uint16_t type)
{
	return type == MCUBOOT_ED25519 ? PKEY_EDDSA
	       : type == MCUBOOT_ECDSA ? PKEY_ECDSA
				       : PKEY_PSS;
}

bool
mcuboot_hash_fits(const struct pkey *key, hash_kind kind)
{
	pkey_type type = pkey_kind(key);

	if (type == PKEY_P384)
		return kind == HASH_SHA384;
	return kind == HASH_SHA256 ||
	       (kind == HASH_SHA512 && type == PKEY_ED25519);
}

hm_err
mcuboot_key_der(const struct pkey *key, struct buf *ret)
{
	if (pkey_kind(key) == PKEY_RSA)
		return pkey_rsa_der(key, ret);
	return pkey_spki(key, ret);
}

hm_err
mcuboot_key_hash(
    const struct pkey *key, hash_kind kind, uint8_t ret[static HASH_MAX])
{
	struct buf der = { 0 };
	hm_err err;

	buf_init(&der, MCUBOOT_AREA_MAX);
	err = mcuboot_key_der(key, &der);
	if (err == HM_OK)
		err = hash_one(kind, buf_bytes(&der), ret);
	buf_done(&der);
	return err;
}

hm_err
mcuboot_area_begin(struct buf *area, uint16_t magic)
{
	uint8_t head[MCUBOOT_HEAD_LEN] = { 0 };

	buf_init(area, MCUBOOT_AREA_MAX);
	image_put_u16(head, magic);
	return buf_add(area, HM_BYTES(head));
}

hm_err
mcuboot_add(struct buf *area, uint16_t type, struct hm_bytes value)
{
	uint8_t head[MCUBOOT_HEAD_LEN];

	if (value.len > MCUBOOT_AREA_MAX)
		return HM_E_TOO_LARGE;
	image_put_u16(head, type);
	image_put_u16(head + 2, (uint16_t)value.len);
	HM_TRY(buf_add(area, HM_BYTES(head)));
	return buf_add(area, value);
}

void
mcuboot_area_end(struct buf *area)
{
	image_put_u16(area->ptr + 2, (uint16_t)area->len);
}
