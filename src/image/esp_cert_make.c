/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DS_DATA: LE32(bits/32 - 1), IV, then AES-256-CBC of
 *   d, n, 2^(2*bits) mod n (each as long as the chip's longest modulus, low
 *   byte first), SHA-256 of these, -1/n, LE32(bits/32 - 1), IV; -1/n; length; 8
 *   times 08
 * by the key HMAC-SHA-256(eFuse key, 32 times FF). Parameters of md come in
 * this order: d n Rb m' length iv.
 */
#include <string.h>

#include "base/auto.h"
#include "base/crc.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"
#include "image/esp_cert.h"
#include "image/esp_sbv2_block.h"

#define SIG_HEAD 16
#define DS_NUMBER_MAX 512
#define DS_TAIL 48 /* digest, m', length, 8 bytes of padding */

hm_err
esp_cert_add(struct buf *partition, const struct esp_cert_tlv *tlv)
{
	uint8_t head[ESP_CERT_HEAD] = { 0 }, crc[4];
	static const uint8_t zeros[ESP_CERT_PAD];
	size_t start = partition->len;
	size_t pad =
	    (ESP_CERT_PAD - tlv->value.len % ESP_CERT_PAD) % ESP_CERT_PAD;

	if (esp_cert_type_name(tlv->type) == NULL ||
	    tlv->subtype > ESP_CERT_SUBTYPE_MAX)
		return HM_E_IMAGE_FIELD;
	if (tlv->value.len > ESP_CERT_VALUE_MAX)
		return HM_E_TOO_LARGE;
	image_put_u32(head, ESP_CERT_MAGIC);
	head[4] = tlv->flags;
	head[8] = tlv->type;
	head[9] = tlv->subtype;
	image_put_u16(head + 10, (uint16_t)tlv->value.len);
	HM_TRY(buf_add(partition, HM_BYTES(head)));
	HM_TRY(buf_add(partition, tlv->value));
	HM_TRY(buf_add(partition, (struct hm_bytes){ zeros, pad }));
	image_put_u32(crc,
	    crc32_add(UINT32_MAX, (struct hm_bytes){ partition->ptr + start,
				      partition->len - start }));
	return buf_add(partition, HM_BYTES(crc));
}

hm_err
esp_cert_seal(struct buf *partition, uint8_t subtype)
{
	uint8_t digest[SHA256_LEN];
	struct esp_cert_tlv tlv = { .type = ESP_CERT_INTEGRITY,
		.subtype = subtype,
		.value = HM_BYTES(digest) };

	sha256_one(buf_bytes(partition), digest);
	return esp_cert_add(partition, &tlv);
}

/* Up to the first TLV of that type, or the end of all (`type` 256). */
static size_t
walk_to(struct hm_bytes partition, unsigned type)
{
	size_t at = 0;

	while (partition.len - at >= ESP_CERT_HEAD &&
	       image_get_u32(partition.ptr + at) == ESP_CERT_MAGIC &&
	       partition.ptr[at + 8] != type) {
		size_t len = image_get_u16(partition.ptr + at + 10);

		len = (len + ESP_CERT_PAD - 1) / ESP_CERT_PAD * ESP_CERT_PAD;
		len += ESP_CERT_HEAD + 4;
		if (len > partition.len - at)
			break;
		at += len;
	}
	return at;
}

size_t
esp_cert_used(struct hm_bytes partition)
{
	return walk_to(partition, 256);
}

bool
esp_cert_is_signed(struct hm_bytes partition)
{
	return walk_to(partition, ESP_CERT_SIGNATURE) !=
	       esp_cert_used(partition);
}

/* ---- signing ---- */

static uint8_t
algorithm_of(const struct sbv2_shape *shape)
{
	if (shape->scheme == ESP_RSA3072)
		return 0;
	return shape->scheme == ESP_P256 ? 2 : 3;
}

/* A block of Secure Boot V2, signed. */
static hm_err
sign_block(const struct image_signer *signer, const struct sbv2_shape *shape,
    struct hm_bytes data, uint8_t *block, struct why *why)
{
	uint8_t digest[HASH_MAX], signature[PKEY_SIGNATURE_MAX];
	struct pkey_input input = { .scheme = PKEY_PSS, .hash = shape->hash };
	struct sbv2_parts parts = { .key = signer->key, .digest = digest };

	HM_TRY(hash_one(shape->hash, data, digest));
	input.bytes = (struct hm_bytes){ digest, hash_len(shape->hash) };
	if (shape->scheme != ESP_RSA3072)
		input.scheme = PKEY_ECDSA;
	parts.signature.ptr = signature;
	HM_TRY(image_sign(signer, &input,
	    (struct hm_span){ signature, sizeof(signature) },
	    &parts.signature.len, why));
	memset(block, 0, SBV2_BLOCK);
	return sbv2_block_make(shape, &parts, block);
}

static hm_err
add_signature(struct buf *partition, size_t signed_len, uint8_t subtype,
    const struct image_signer *signer, struct why *why)
{
	const struct sbv2_shape *shape = sbv2_shape_of_key(signer->key);
	uint8_t value[SIG_HEAD + SBV2_BLOCK] = { 1 }, block[SBV2_BLOCK];
	struct esp_cert_tlv tlv = { .type = ESP_CERT_SIGNATURE,
		.subtype = subtype };
	size_t len = SBV2_BLOCK;

	if (shape == NULL || shape->scheme == ESP_P192)
		return WHY(why, HM_E_KEY,
		    "signed by RSA-3072, P-256 or P-384, not %s",
		    pkey_name(signer->key));
	HM_TRY(sign_block(signer, shape,
	    (struct hm_bytes){ partition->ptr, signed_len }, block, why));
	image_put_u32(value + 8, (uint32_t)signed_len);
	value[12] = algorithm_of(shape);
	if (shape->scheme == ESP_RSA3072) {
		memcpy(value + SIG_HEAD, block, SBV2_BLOCK);
	} else {
		len = shape->key_len + 2 * shape->number;
		memcpy(value + SIG_HEAD, block + shape->key_at, shape->key_len);
		memcpy(value + SIG_HEAD + shape->key_len, block + shape->sig_at,
		    2 * shape->number);
	}
	tlv.value = (struct hm_bytes){ value, SIG_HEAD + len };
	return esp_cert_add(partition, &tlv);
}

hm_err
esp_cert_sign(struct buf *partition, const struct image_signer *signers,
    size_t count, struct why *why)
{
	static const uint8_t end[4] = { 0xff, 0xff, 0, 0 };
	size_t signed_len = partition->len;

	if (count == 0 || count > SBV2_BLOCKS)
		return WHY(why, HM_E_USAGE, "1 to 3 keys sign a partition");
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++)
			if (pkey_equal(signers[i].key, signers[j].key))
				return WHY(why, HM_E_IMAGE_MIXED,
				    "a key is given twice");
		if (pkey_kind(signers[i].key) != pkey_kind(signers[0].key))
			return WHY(why, HM_E_IMAGE_MIXED,
			    "all signatures are of one scheme");
		HM_TRY(add_signature(
		    partition, signed_len, (uint8_t)i, &signers[i], why));
	}
	HM_TRY(esp_cert_seal(partition, 1));
	return buf_add(partition, HM_BYTES(end));
}

/* ---- the DS peripheral ---- */

unsigned
esp_cert_ds_bits(const char *chip)
{
	static const struct {
		const char *name;
		unsigned bits;
	} chips[] = { { "esp32s2", 4096 }, { "esp32s3", 4096 },
		{ "esp32p4", 4096 }, { "esp32c5", 4096 }, { "esp32s31", 4096 },
		{ "esp32c3", 3072 }, { "esp32c6", 3072 }, { "esp32h2", 3072 } };

	for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
		if (strcmp(chips[i].name, chip) == 0)
			return chips[i].bits;
	return 0;
}

/* Big-endian bytes appended low byte first, zeros up to `len`. */
static hm_err
add_reversed(struct buf *ret, struct hm_bytes number, size_t len)
{
	uint8_t *at;

	HM_TRY(buf_reserve(ret, len, &at));
	memset(at, 0, len);
	for (size_t i = 0; i < number.len; i++)
		at[i] = number.ptr[number.len - 1 - i];
	ret->len += len;
	return HM_OK;
}

/* d, n, Rb; *ret_n0 is -1/n. */
static hm_err
add_numbers(const struct esp_cert_ds *ds, struct buf *ret, uint32_t *ret_n0)
{
	AUTO(buf) struct buf n = { .max = DS_NUMBER_MAX };
	struct secret d = { 0 };
	uint8_t r2[DS_NUMBER_MAX];
	size_t len = pkey_bits(ds->key) / 8, longest = ds->max_bits / 8;
	hm_err err = pkey_private_exponent(ds->key, &d);

	if (err == HM_OK)
		err = add_reversed(ret, secret_bytes(&d), longest);
	secret_done(&d);
	HM_TRY(err);
	HM_TRY(pkey_modulus(ds->key, &n));
	HM_TRY(add_reversed(ret, buf_bytes(&n), longest));
	HM_TRY(pkey_montgomery(ds->key, (struct hm_span){ r2, len }, ret_n0));
	return add_reversed(ret, (struct hm_bytes){ r2, len }, longest);
}

static hm_err
add_tail(const struct esp_cert_ds *ds, const uint8_t *iv, uint32_t n0,
    struct buf *plain)
{
	uint8_t words[8], tail[DS_TAIL];

	image_put_u32(words, n0);
	image_put_u32(words + 4, pkey_bits(ds->key) / 32 - 1);
	sha256((const struct hm_bytes[]){ buf_bytes(plain), HM_BYTES(words),
		   { iv, 16 } },
	    3, tail);
	memcpy(tail + 32, words, 8);
	memset(tail + 40, 8, 8);
	return buf_add(plain, HM_BYTES(tail));
}

static hm_err
encrypt(const struct esp_cert_ds *ds, const uint8_t *iv, struct buf *plain)
{
	AUTO_CIPHER struct cipher *cipher = NULL;
	uint8_t ones[32], key[32];
	hm_err err;

	memset(ones, 0xff, sizeof(ones));
	hmac_sha256((struct hm_bytes){ ds->hmac_key, 32 },
	    &(struct hm_bytes){ ones, 32 }, 1, key);
	err = cipher_new(CIPHER_AES256_CBC, true, HM_BYTES(key),
	    (struct hm_bytes){ iv, 16 }, &cipher);
	if (err == HM_OK)
		err = cipher_update(cipher, buf_bytes(plain), plain->ptr);
	hm_wipe(key, sizeof(key));
	return err;
}

static hm_err
make_ds(const struct esp_cert_ds *ds, const uint8_t *iv, struct buf *plain)
{
	uint32_t n0;

	HM_TRY(add_numbers(ds, plain, &n0));
	HM_TRY(add_tail(ds, iv, n0, plain));
	return encrypt(ds, iv, plain);
}

/* DS_DATA of the encrypted numbers, and DS_CONTEXT. */
static hm_err
add_tlvs(struct buf *partition, const struct esp_cert_ds *ds, const uint8_t *iv,
    struct hm_bytes cipher)
{
	AUTO(buf) struct buf value = { .max = ESP_CERT_VALUE_MAX };
	uint8_t bits[4], context[8] = { 0, 0, 0, 0, ds->efuse_id, 0 };
	struct esp_cert_tlv tlv = { .type = ESP_CERT_DS_DATA };

	image_put_u32(bits, pkey_bits(ds->key) / 32 - 1);
	HM_TRY(buf_add(&value, HM_BYTES(bits)));
	HM_TRY(buf_add(&value, (struct hm_bytes){ iv, 16 }));
	HM_TRY(buf_add(&value, cipher));
	tlv.value = buf_bytes(&value);
	HM_TRY(esp_cert_add(partition, &tlv));
	image_put_u16(context + 6, (uint16_t)pkey_bits(ds->key));
	tlv.type = ESP_CERT_DS_CONTEXT;
	tlv.value = HM_BYTES(context);
	return esp_cert_add(partition, &tlv);
}

hm_err
esp_cert_add_ds(struct buf *partition, const struct esp_cert_ds *ds)
{
	struct buf plain = { .max = 3 * DS_NUMBER_MAX + DS_TAIL };
	uint8_t iv[16];
	hm_err err;

	if (pkey_kind(ds->key) != PKEY_RSA || !pkey_is_private(ds->key) ||
	    pkey_bits(ds->key) > ds->max_bits)
		return HM_E_KEY;
	if (ds->iv != NULL)
		memcpy(iv, ds->iv, sizeof(iv));
	else
		HM_TRY(random_bytes((struct hm_span){ iv, sizeof(iv) }));
	err = make_ds(ds, iv, &plain);
	if (err == HM_OK)
		err = add_tlvs(partition, ds, iv, buf_bytes(&plain));
	buf_wipe(&plain);
	return err;
}
