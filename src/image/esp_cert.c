/* SPDX-License-Identifier: Apache-2.0 */
#include "image/esp_cert.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/crc.h"
#include "crypto/digest.h"
#include "image/esp_sbv2_block.h"

#define SIG_HEAD 16
#define FLAG_STORAGE 0xc0
#define FLAG_PERIPHERAL 0x38

static const struct {
	uint8_t type;
	const char *name;
} types[] = {
	{ ESP_CERT_CA, "CA_CERT" },
	{ ESP_CERT_DEVICE, "DEV_CERT" },
	{ ESP_CERT_PRIVATE_KEY, "PRIV_KEY" },
	{ ESP_CERT_DS_DATA, "DS_DATA" },
	{ ESP_CERT_DS_CONTEXT, "DS_CONTEXT" },
	{ ESP_CERT_HMAC_SALT, "HMAC_ECDSA_SALT" },
	{ ESP_CERT_SEC_CFG, "SEC_CFG" },
	{ ESP_CERT_TEE, "TEE_STORAGE" },
	{ ESP_CERT_SIGNATURE, "SIGNATURE" },
	{ ESP_CERT_INTEGRITY, "INTEGRITY" },
	{ ESP_CERT_END, "END" },
	{ 51, "USER_DATA_1" },
	{ 52, "USER_DATA_2" },
	{ 53, "USER_DATA_3" },
	{ 54, "USER_DATA_4" },
	{ 55, "USER_DATA_5" },
	{ ESP_CERT_MATTER_1, "MATTER_1" },
	{ ESP_CERT_MATTER_2, "MATTER_2" },
};

const char *
esp_cert_type_name(unsigned type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

bool
esp_cert_is(const struct input *file)
{
	uint8_t magic[4];

	return input_read(file, 0, (struct hm_span){ magic, 4 }) == HM_OK &&
	       image_get_u32(magic) == ESP_CERT_MAGIC;
}

/* ---- walking ---- */

struct walk {
	const struct esp_cert_verify *how;
	struct findings *findings;
	struct hm_bytes all; /* the whole partition */
	size_t at;
	size_t signed_len; /* offset of the first SIGNATURE; 0: none yet */
	unsigned integrities, signatures, trusted;
	uint8_t seen[256][(ESP_CERT_SUBTYPE_MAX + 8) / 8];
};

static hm_err
fault(struct walk *w, hm_err err, size_t at, const char *text)
{
	return findings_fault(w->findings, err, at, "%s", text);
}

/* The TLV at w->at, checked by itself. */
static hm_err
read_tlv(struct walk *w, struct esp_cert_tlv *ret, size_t *ret_size)
{
	const uint8_t *at = w->all.ptr + w->at;
	size_t left = w->all.len - w->at, len, padded;

	if (left < ESP_CERT_HEAD)
		return fault(w, HM_E_IMAGE_SHORT, w->at, "a TLV without head");
	len = image_get_u16(at + 10);
	padded = (len + ESP_CERT_PAD - 1) / ESP_CERT_PAD * ESP_CERT_PAD;
	if (left < ESP_CERT_HEAD + padded + 4)
		return fault(
		    w, HM_E_IMAGE_SHORT, w->at, "a TLV goes beyond the file");
	*ret = (struct esp_cert_tlv){ .flags = at[4],
		.type = at[8],
		.subtype = at[9],
		.value = { at + ESP_CERT_HEAD, len } };
	*ret_size = ESP_CERT_HEAD + padded + 4;
	if (crc32_add(
		UINT32_MAX, (struct hm_bytes){ at, ESP_CERT_HEAD + padded }) !=
	    image_get_u32(at + ESP_CERT_HEAD + padded))
		return fault(w, HM_E_IMAGE_HASH, w->at + ESP_CERT_HEAD + padded,
		    "CRC of a TLV");
	for (size_t i = len; i < padded; i++)
		if (at[ESP_CERT_HEAD + i] != 0)
			return fault(w, HM_E_IMAGE_FIELD,
			    w->at + ESP_CERT_HEAD + i,
			    "a byte of padding is not zero");
	return HM_OK;
}

static hm_err
check_fields(struct walk *w, const struct esp_cert_tlv *tlv)
{
	const uint8_t *at = w->all.ptr + w->at;
	uint8_t *seen;

	if (at[5] != 0 || at[6] != 0 || at[7] != 0)
		return fault(
		    w, HM_E_IMAGE_FIELD, w->at + 5, "reserved bytes are set");
	if (esp_cert_type_name(tlv->type) == NULL)
		return findings_fault(w->findings, HM_E_IMAGE_FIELD, w->at + 8,
		    "type %u is unknown", tlv->type);
	if (tlv->subtype > ESP_CERT_SUBTYPE_MAX)
		return fault(w, HM_E_IMAGE_FIELD, w->at + 9, "subtype over 16");
	if ((tlv->flags & FLAG_STORAGE) == FLAG_STORAGE ||
	    (tlv->flags & FLAG_PERIPHERAL) > 0x08 || (tlv->flags & 7) != 0)
		return findings_fault(w->findings, HM_E_IMAGE_FIELD, w->at + 4,
		    "flags %02x", tlv->flags);
	seen = &w->seen[tlv->type][tlv->subtype / 8];
	if (*seen & 1u << tlv->subtype % 8)
		return fault(w, HM_E_IMAGE_FIELD, w->at + 8,
		    "type and subtype are there already");
	*seen |= (uint8_t)(1u << tlv->subtype % 8);
	return HM_OK;
}

static hm_err
check_integrity(struct walk *w, const struct esp_cert_tlv *tlv)
{
	uint8_t digest[SHA256_LEN];

	sha256_one((struct hm_bytes){ w->all.ptr, w->at }, digest);
	if (!hm_bytes_equal(tlv->value, HM_BYTES(digest)))
		return fault(w, HM_E_IMAGE_HASH, w->at + ESP_CERT_HEAD,
		    "SHA-256 of everything before it differs");
	if (tlv->subtype != w->integrities ||
	    (w->integrities > 0 && w->signatures == 0))
		return fault(w, HM_E_IMAGE_FIELD, w->at + 9,
		    "an INTEGRITY out of its order");
	w->integrities++;
	return HM_OK;
}

/* ---- signatures ---- */

static const struct sbv2_shape *
shape_of(uint8_t algorithm)
{
	switch (algorithm) {
	case 0:
		return sbv2_shape_of(ESP_RSA3072);
	case 2:
		return sbv2_shape_of(ESP_P256);
	case 3:
		return sbv2_shape_of(ESP_P384);
	default:
		return NULL; /* P-192: no tool has ever made one */
	}
}

/* The signature as a block of Secure Boot V2. */
static hm_err
block_of(struct walk *w, const struct esp_cert_tlv *tlv,
    const struct sbv2_shape *shape, uint8_t *ret)
{
	const uint8_t *value = tlv->value.ptr + SIG_HEAD;
	size_t len = tlv->value.len - SIG_HEAD;

	memset(ret, 0, SBV2_BLOCK);
	if (shape->scheme != ESP_RSA3072) {
		if (len != shape->key_len + 2 * shape->number)
			return fault(w, HM_E_IMAGE_FIELD, w->at + 10,
			    "a signature of another length");
		if (value[0] != shape->curve)
			return fault(w, HM_E_IMAGE_FIELD,
			    w->at + ESP_CERT_HEAD + SIG_HEAD,
			    "the curve is not that of the algorithm");
		memcpy(ret + shape->key_at, value, shape->key_len);
		memcpy(ret + shape->sig_at, value + shape->key_len,
		    2 * shape->number);
		return HM_OK;
	}
	if (len != SBV2_BLOCK)
		return fault(w, HM_E_IMAGE_FIELD, w->at + 10,
		    "a signature of another length");
	memcpy(ret, value, SBV2_BLOCK);
	if (sbv2_shape_of_block(ret) != shape ||
	    sbv2_block_crc(ret) != image_get_u32(ret + SBV2_CRC_AT))
		return fault(w, HM_E_IMAGE_FIELD,
		    w->at + ESP_CERT_HEAD + SIG_HEAD,
		    "not a block of Secure Boot V2 that adds up");
	return HM_OK;
}

static hm_err
is_trusted(struct walk *w, const struct sbv2_shape *shape, const uint8_t *block,
    const struct pkey *key, bool *ret)
{
	uint8_t digest[SBV2_DIGEST];

	for (size_t i = 0; i < w->how->keys.trusted_count; i++)
		if (pkey_equal(key, w->how->keys.trusted[i]))
			*ret = true;
	HM_TRY(sbv2_block_key_digest(shape, block, digest));
	for (size_t i = 0; i < w->how->trusted_count; i++)
		if (memcmp(w->how->trusted[i].bytes, digest, SBV2_DIGEST) == 0)
			*ret = true;
	return HM_OK;
}

static hm_err
judge_block(struct walk *w, const struct sbv2_shape *shape, uint8_t *block)
{
	AUTO_PKEY struct pkey *key = NULL;
	struct hm_bytes what = { w->all.ptr, w->signed_len };
	uint8_t digest[HASH_MAX];
	bool trusted = false;
	hm_err err;

	HM_TRY(hash_one(shape->hash, what, digest));
	err = sbv2_block_key(shape, block, &key);
	if (err == HM_E_NO_MEMORY)
		return err;
	if (err != HM_OK)
		return fault(
		    w, HM_E_KEY_WEAK, w->at, "not a key that is taken");
	if (shape->scheme == ESP_RSA3072 && memcmp(block + 4, digest, 32) != 0)
		return fault(w, HM_E_IMAGE_HASH,
		    w->at + ESP_CERT_HEAD + SIG_HEAD + 4,
		    "the digest in the signature is of other data");
	if (sbv2_block_verify(shape, block, key, digest) != HM_OK)
		return fault(w, HM_E_IMAGE_SIGNATURE, w->at,
		    "the signature does not verify");
	HM_TRY(is_trusted(w, shape, block, key, &trusted));
	w->trusted += trusted;
	findings_part(w->findings, w->at, 0, "signer", "%s%s", pkey_name(key),
	    trusted ? ", trusted" : "");
	return HM_OK;
}

static hm_err
check_signature(struct walk *w, const struct esp_cert_tlv *tlv)
{
	const uint8_t *value = tlv->value.ptr;
	uint8_t block[SBV2_BLOCK];
	const struct sbv2_shape *shape;

	if (w->signed_len == 0)
		w->signed_len = w->at;
	if (tlv->subtype != w->signatures || w->signatures >= SBV2_BLOCKS ||
	    w->integrities != 1)
		return fault(w, HM_E_IMAGE_FIELD, w->at + 9,
		    "a SIGNATURE out of its order");
	w->signatures++;
	if (tlv->value.len < SIG_HEAD || image_get_u32(value) != 1 ||
	    image_get_u32(value + 4) != 0 || value[13] != 0 || value[14] != 0 ||
	    value[15] != 0)
		return fault(w, HM_E_IMAGE_FIELD, w->at + ESP_CERT_HEAD,
		    "the head of a SIGNATURE");
	if (image_get_u32(value + 8) != w->signed_len)
		return findings_fault(w->findings, HM_E_IMAGE_FIELD,
		    w->at + ESP_CERT_HEAD + 8,
		    "signs %u bytes where %zu stand before it",
		    image_get_u32(value + 8), w->signed_len);
	shape = shape_of(value[12]);
	if (shape == NULL)
		return findings_fault(w->findings, HM_E_IMAGE_FIELD,
		    w->at + ESP_CERT_HEAD + 12, "algorithm %u", value[12]);
	HM_TRY(block_of(w, tlv, shape, block));
	return judge_block(w, shape, block);
}

/* ---- the whole ---- */

/* Data belong before INTEGRITY 0, signatures behind it. */
static hm_err
check_place(struct walk *w, const struct esp_cert_tlv *tlv)
{
	if (tlv->type == ESP_CERT_INTEGRITY)
		return check_integrity(w, tlv);
	if (tlv->type == ESP_CERT_SIGNATURE)
		return check_signature(w, tlv);
	if (w->integrities > 0)
		return fault(w, HM_E_IMAGE_TRAILING, w->at,
		    "a TLV behind the INTEGRITY");
	return HM_OK;
}

static bool
is_tlv(const struct walk *w)
{
	return w->all.len - w->at >= 4 &&
	       image_get_u32(w->all.ptr + w->at) == ESP_CERT_MAGIC;
}

/* Behind the last TLV: the end of a signed one, the fill of a partition. */
static hm_err
check_end(struct walk *w)
{
	static const uint8_t end[4] = { 0xff, 0xff, 0, 0 };

	if (w->signatures > 0) {
		if (w->all.len - w->at < 4 ||
		    memcmp(w->all.ptr + w->at, end, 4) != 0)
			return fault(w, HM_E_IMAGE_SHORT, w->at,
			    "no end mark behind the signatures");
		w->at += 4;
	}
	for (size_t i = w->at; i < w->all.len; i++)
		if (w->all.ptr[i] != 0xff || w->all.len % 4096 != 0)
			return fault(w, HM_E_IMAGE_TRAILING, i,
			    "bytes behind the last TLV");
	return HM_OK;
}

static hm_err
check_counts(struct walk *w)
{
	bool wanted = w->how->keys.trusted_count + w->how->trusted_count > 0;

	if (w->integrities != (w->signatures > 0 ? 2u : 1u)) {
		findings_boot(w->findings, true,
		    "it does not ask for an INTEGRITY; older tools wrote none");
		return fault(w, HM_E_IMAGE_FIELD, w->at, "no INTEGRITY");
	}
	if (wanted && w->trusted == 0)
		return fault(w, HM_E_IMAGE_UNTRUSTED, w->at,
		    w->signatures == 0 ? "it has no signature"
				       : "no signature is by a trusted key");
	if (!wanted && w->how->is_judged && w->signatures > 0)
		return fault(w, HM_E_IMAGE_UNTRUSTED, w->at,
		    "it is signed, and no key was given to trust");
	return HM_OK;
}

static hm_err
walk(struct walk *w)
{
	while (is_tlv(w)) {
		struct esp_cert_tlv tlv;
		size_t size = 0;

		HM_TRY(read_tlv(w, &tlv, &size));
		findings_part(w->findings, w->at, size,
		    esp_cert_type_name(tlv.type) == NULL
			? "unknown"
			: esp_cert_type_name(tlv.type),
		    "%u, flags %02x, %zu bytes", tlv.subtype, tlv.flags,
		    tlv.value.len);
		HM_TRY(check_fields(w, &tlv));
		HM_TRY(check_place(w, &tlv));
		w->at += size;
	}
	if (w->at == 0)
		return fault(w, HM_E_IMAGE_FORMAT, 0, "no TLV at its start");
	HM_TRY(check_end(w));
	return check_counts(w);
}

hm_err
esp_cert_verify(const struct esp_cert_verify *how, const struct input *file,
    struct findings *findings)
{
	struct walk *w;
	uint8_t *all;
	hm_err err;

	if (file->size > ESP_CERT_MAX) {
		(void)findings_fault(findings, HM_E_IMAGE_PLACE, ESP_CERT_MAX,
		    "more than %d bytes", ESP_CERT_MAX);
		return HM_OK;
	}
	w = calloc(1, sizeof(*w));
	all = malloc((size_t)file->size + 1);
	if (w == NULL || all == NULL) {
		free(w);
		free(all);
		return HM_E_NO_MEMORY;
	}
	w->how = how;
	w->findings = findings;
	w->all = (struct hm_bytes){ all, (size_t)file->size };
	err = input_read(file, 0, (struct hm_span){ all, (size_t)file->size });
	if (err == HM_OK)
		err = walk(w);
	hm_wipe(all, (size_t)file->size); /* it may hold a private key */
	free(all);
	free(w);
	return findings_faults(findings) > 0 ? HM_OK : err;
}

hm_err
esp_cert_inspect(const struct input *file, struct findings *findings)
{
	struct esp_cert_verify anybody = { 0 };

	return esp_cert_verify(&anybody, file, findings);
}
