/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_esp_sbv2 - any bytes as a sector of signatures behind data
 *
 * The first byte says whether digests and CRCs are made right before, and what
 * is done then: signed anew, or once more. Keys are one of each
 * kind, and a signature is good if its last bit is set: else nothing behind the
 * arithmetic would be reached, and it is hundred times dearer than the rest.
 */
#include <string.h>

#include "crypto/pkey.h"
#include "fuzz.h"
#include "image/esp_sbv2_block.h"

#define REPAIR 1
#define APPEND 2
#define TRUST 4
#define NEW 8

static struct pkey *keys[PKEY_P384 + 1];

hm_err __real_pkey_from_point(
    pkey_type type, struct hm_bytes point, struct pkey **ret);
hm_err __wrap_pkey_from_point(
    pkey_type type, struct hm_bytes point, struct pkey **ret);
hm_err __real_pkey_from_modulus(struct hm_bytes modulus, struct pkey **ret);
hm_err __wrap_pkey_from_modulus(struct hm_bytes modulus, struct pkey **ret);
hm_err __wrap_pkey_montgomery(
    const struct pkey *key, struct hm_span ret_r2, uint32_t *ret_n0);
hm_err __wrap_pkey_verify(struct pkey *key, const struct pkey_input *input,
    struct hm_bytes signature);
void __wrap_pkey_clean(struct pkey **key);

/* A point that ends so is on no curve here. */
static bool
is_off(struct hm_bytes point)
{
	return point.ptr[point.len - 1] % 4 == 3;
}

/* Nothing is computed with it, so any odd number does. */
static struct pkey *
rsa_key(void)
{
	uint8_t modulus[384];

	memset(modulus, 0xc5, sizeof(modulus));
	if (keys[PKEY_RSA] == NULL)
		fuzz_must(__real_pkey_from_modulus(
			      HM_BYTES(modulus), &keys[PKEY_RSA]) == HM_OK);
	return keys[PKEY_RSA];
}

static struct pkey *
key_of(pkey_type type)
{
	struct buf point = { .max = PKEY_POINT_MAX };

	if (type == PKEY_RSA)
		return rsa_key();
	while (keys[type] == NULL) {
		fuzz_must(pkey_generate(type, 0, &keys[type]) == HM_OK);
		buf_clear(&point);
		fuzz_must(pkey_point(keys[type], &point) == HM_OK);
		if (!is_off(buf_bytes(&point)))
			break;
		pkey_free(keys[type]);
		keys[type] = NULL;
	}
	buf_done(&point);
	return keys[type];
}

hm_err
__wrap_pkey_from_point(pkey_type type, struct hm_bytes point, struct pkey **ret)
{
	if (is_off(point))
		return HM_E_KEY;
	*ret = key_of(type);
	return HM_OK;
}

hm_err
__wrap_pkey_from_modulus(struct hm_bytes modulus, struct pkey **ret)
{
	if (modulus.ptr[modulus.len - 1] % 2 == 0)
		return HM_E_KEY_WEAK;
	*ret = key_of(PKEY_RSA);
	return HM_OK;
}

hm_err
__wrap_pkey_montgomery(
    const struct pkey *key, struct hm_span ret_r2, uint32_t *ret_n0)
{
	(void)key;
	memset(ret_r2.ptr, 0x5a, ret_r2.len);
	*ret_n0 = 0x5a5a5a5a;
	return HM_OK;
}

hm_err
__wrap_pkey_verify(
    struct pkey *key, const struct pkey_input *input, struct hm_bytes signature)
{
	fuzz_must(key != NULL && input->bytes.len == hash_len(input->hash));
	return signature.ptr[signature.len - 1] % 2 == 1 ? HM_OK
							 : HM_E_SIGNATURE;
}

/* The keys are kept. */
void
__wrap_pkey_clean(struct pkey **key)
{
	*key = NULL;
}

static hm_err
sign(void *context, const struct pkey_input *input, struct hm_span room,
    size_t *ret_len, struct why *why)
{
	struct pkey *key = context;

	(void)input;
	(void)why;
	*ret_len = pkey_signature_len(key);
	fuzz_must(*ret_len <= room.len);
	memset(room.ptr, 1, *ret_len);
	return HM_OK;
}

static bool
is_good(const struct sbv2_verify *how, const struct input *file)
{
	AUTO_FINDINGS struct findings *f = NULL;

	fuzz_must(findings_new("esp-secure-boot-v2", &f) == HM_OK);
	fuzz_must(esp_sbv2_verify(how, file, f) == HM_OK);
	return findings_faults(f) == 0;
}

/* One more block, or the first; what comes out is good. */
static void
try_sign(const struct input *file, const uint8_t *sector, sbv2_mode mode)
{
	struct sbv2_verify any = { .rules.content = ESP_DATA, .any_key = true };
	struct sbv2_sign how = {
		.rules.content = ESP_DATA, .mode = mode, .signer_count = 1
	};
	const struct sbv2_shape *shape = sbv2_shape_of_block(sector);
	struct image_signer signer = { .sign = sign };
	struct output *out = NULL;
	struct input made;

	signer.key = key_of(shape != NULL ? shape->type : PKEY_P256);
	signer.context = signer.key;
	how.signers = &signer;
	fuzz_must(output_memory(16384, &out) == HM_OK);
	if (esp_sbv2_sign(&how, file, out, NULL) == HM_OK) {
		fuzz_must(mode == SBV2_NEW || is_good(&any, file));
		fuzz_must(output_input(out, &made) == HM_OK);
		fuzz_must(made.size % ESP_SECTOR == 0);
		/* RSA: a modulus need not be odd here, nor be its key's. */
		fuzz_must(signer.key == keys[PKEY_RSA] || is_good(&any, &made));
	}
	output_free(out);
}

/* Digests of 4096 times FF. */
static void
repair(uint8_t *block)
{
	static uint8_t body[ESP_SECTOR], sha256[HASH_MAX], sha384[HASH_MAX];

	if (body[0] == 0) {
		memset(body, 0xff, sizeof(body));
		fuzz_must(
		    hash_one(HASH_SHA256, HM_BYTES(body), sha256) == HM_OK);
		fuzz_must(
		    hash_one(HASH_SHA384, HM_BYTES(body), sha384) == HM_OK);
	}
	if (block[0] != SBV2_MAGIC)
		return;
	if (block[2] == 1)
		memcpy(block + 4, sha384, 48);
	else
		memcpy(block + 4, sha256, 32);
	image_put_u32(block + SBV2_CRC_AT, sbv2_block_crc(block));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[2 * ESP_SECTOR];
	uint8_t *sector = bytes + ESP_SECTOR;
	struct sbv2_digest digest = { .len = 32 };
	struct sbv2_verify any = { .rules.content = ESP_DATA, .any_key = true };
	struct sbv2_verify one = { .rules.content = ESP_DATA,
		.trusted = &digest,
		.trusted_count = 1 };
	struct input file = input_of(HM_BYTES(bytes));
	bool good;

	if (size < 1 || size > ESP_SECTOR)
		return 0;
	memset(bytes, 0xff, sizeof(bytes));
	memcpy(sector, data + 1, size - 1);
	for (size_t i = 0; i < SBV2_BLOCKS && (data[0] & REPAIR) != 0; i++)
		repair(sector + i * SBV2_BLOCK);
	good = is_good(&any, &file);
	if (good)
		fuzz_must(esp_sbv2_is(&file));
	if ((data[0] & TRUST) != 0)
		fuzz_must(!is_good(&one, &file)); /* of nobody's key */
	if ((data[0] & APPEND) != 0)
		try_sign(&file, sector, SBV2_APPEND);
	file = input_of((struct hm_bytes){ sector, size - 1 });
	if ((data[0] & NEW) != 0)
		try_sign(&file, sector, SBV2_NEW);
	return 0;
}
