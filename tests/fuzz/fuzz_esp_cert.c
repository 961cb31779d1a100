/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_esp_cert - any bytes as a partition esp_secure_cert
 *
 * CRCs, digests and signatures are made right beforehand or taken for good, so
 * that the form decides. A partition that is taken is what its TLVs make when
 * they are added one by one.
 */
#include <string.h>

#include "base/auto.h"
#include "base/crc.h"
#include "fuzz.h"
#include "image/esp_cert.h"
#include "image/esp_sbv2_block.h"

hm_err __wrap_sbv2_block_verify(const struct sbv2_shape *shape,
    const uint8_t *block, struct pkey *key, const uint8_t *digest);

hm_err
__wrap_sbv2_block_verify(const struct sbv2_shape *shape, const uint8_t *block,
    struct pkey *key, const uint8_t *digest)
{
	(void)shape;
	(void)block;
	(void)key;
	(void)digest;
	return HM_OK;
}

hm_err __wrap_sbv2_block_key(
    const struct sbv2_shape *shape, const uint8_t *block, struct pkey **ret);

hm_err
__wrap_sbv2_block_key(
    const struct sbv2_shape *shape, const uint8_t *block, struct pkey **ret)
{
	static const uint8_t x25519[32] = { 9 };

	(void)shape;
	if (block[700] == 0x77)
		return HM_E_KEY;
	return pkey_from_point(PKEY_X25519, HM_BYTES(x25519), ret);
}

/* Sizes of the TLVs as they stand; their CRC and INTEGRITY made right. */
static void
mend(uint8_t *data, size_t size)
{
	uint8_t digest[HASH_MAX];
	size_t at = 0;

	while (size - at >= 12 && image_get_u32(data + at) == ESP_CERT_MAGIC) {
		size_t len = image_get_u16(data + at + 10);
		size_t end = at + 12 + (len + 15) / 16 * 16;

		if (end + 4 > size)
			return;
		if (data[at + 8] == ESP_CERT_INTEGRITY && len == 32 &&
		    data[at + 7] == 0 &&
		    hash_one(HASH_SHA256, (struct hm_bytes){ data, at },
			digest) == HM_OK)
			memcpy(data + at + 12, digest, 32);
		if (data[end] != 0x66)
			image_put_u32(data + end,
			    crc32_add(UINT32_MAX,
				(struct hm_bytes){ data + at, end - at }));
		at = end + 4;
	}
}

static void
compare(const uint8_t *data, size_t size)
{
	AUTO(buf) struct buf again = { .max = ESP_CERT_MAX };
	size_t used = esp_cert_used((struct hm_bytes){ data, size });

	for (size_t at = 0; at < used;) {
		size_t len = image_get_u16(data + at + 10);
		struct esp_cert_tlv tlv = { .flags = data[at + 4],
			.type = data[at + 8],
			.subtype = data[at + 9],
			.value = { data + at + 12, len } };

		if (len > ESP_CERT_VALUE_MAX)
			return;
		fuzz_must(esp_cert_add(&again, &tlv) == HM_OK);
		at += 12 + (len + 15) / 16 * 16 + 4;
	}
	fuzz_must(again.len == used && memcmp(again.ptr, data, used) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[8192];
	AUTO_FINDINGS struct findings *findings = NULL;
	struct esp_cert_verify anybody = { 0 };
	struct input file;

	if (size > sizeof(copy) || size < 12)
		return 0;
	memcpy(copy, data, size);
	mend(copy, size);
	file = input_of((struct hm_bytes){ copy, size });
	if (findings_new("esp-secure-cert", &findings) != HM_OK)
		return 0;
	fuzz_must(esp_cert_verify(&anybody, &file, findings) == HM_OK);
	if (findings_faults(findings) == 0)
		compare(copy, size);
	return 0;
}
