/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_vault - any content of the vault's flash
 *
 * The first byte chooses the geometry, the rest is the area; what is missing is
 * erased. A vault starts on it, or says that it is damaged. If it starts, every
 * record is read, one is written, read again after a start, and all is erased.
 *
 * The seal is taken for good here, or nothing behind it would be reached: a tag
 * of zeros is right, text is in the clear, random numbers are zeros. That a
 * wrong tag is refused is what tests/unit/device/test_vault.c shows.
 */
#include <string.h>

#include "fuzz.h"
#include "hallmark/vault.h"
#include "mutate.h"

#define AREA_MAX 2048

static const struct hm_flash geometries[] = { { 1024, 512, 8, 0xff },
	{ 2048, 512, 32, 0xff }, { 1024, 256, 1, 0x00 },
	{ 1280, 256, 4, 0xff } };

static struct hm_flash flash;
static uint8_t area[AREA_MAX];

hm_err
hm_port_flash(hm_area which, struct hm_flash *ret)
{
	fuzz_must(which == HM_AREA_VAULT);
	*ret = flash;
	return HM_OK;
}

hm_err
hm_port_flash_read(hm_area which, uint32_t at, struct hm_span ret)
{
	fuzz_must(which == HM_AREA_VAULT);
	fuzz_must(at <= flash.size && ret.len <= flash.size - at);
	memcpy(ret.ptr, area + at, ret.len);
	return HM_OK;
}

hm_err
hm_port_flash_program(hm_area which, uint32_t at, struct hm_bytes bytes)
{
	fuzz_must(which == HM_AREA_VAULT);
	fuzz_must(at <= flash.size && bytes.len <= flash.size - at);
	fuzz_must(at % flash.unit == 0 && bytes.len % flash.unit == 0);
	for (size_t i = 0; i < bytes.len; i++)
		fuzz_must(area[at + i] == flash.erased);
	memcpy(area + at, bytes.ptr, bytes.len);
	return HM_OK;
}

hm_err
hm_port_flash_erase(hm_area which, uint32_t at)
{
	fuzz_must(which == HM_AREA_VAULT);
	fuzz_must(at % flash.sector == 0 && at < flash.size);
	memset(area + at, flash.erased, flash.sector);
	return HM_OK;
}

hm_err
hm_port_derive(struct hm_bytes label, uint8_t ret[static 32])
{
	(void)label;
	memset(ret, 0, 32);
	return HM_OK;
}

hm_err
hm_port_random(struct hm_span ret)
{
	memset(ret.ptr, 0, ret.len);
	return HM_OK;
}

void
hm_hkdf_expand(const uint8_t prk[static HM_DIGEST_LEN],
    const struct hm_bytes *info, size_t count, struct hm_span ret)
{
	(void)prk;
	(void)info;
	(void)count;
	memset(ret.ptr, 0, ret.len);
}

void
hm_gcm_seal(struct hm_bytes key, const uint8_t nonce[static HM_GCM_NONCE_LEN],
    struct hm_bytes aad, struct hm_bytes plain, uint8_t *ret)
{
	(void)key;
	(void)nonce;
	(void)aad;
	if (plain.len > 0)
		memmove(ret, plain.ptr, plain.len);
	memset(ret + plain.len, 0, HM_GCM_TAG_LEN);
}

hm_err
hm_gcm_open(struct hm_bytes key, const uint8_t nonce[static HM_GCM_NONCE_LEN],
    struct hm_bytes aad, struct hm_bytes cipher, uint8_t *ret)
{
	static const uint8_t good[HM_GCM_TAG_LEN];
	size_t len = cipher.len - HM_GCM_TAG_LEN;

	(void)key;
	(void)nonce;
	(void)aad;
	fuzz_must(cipher.len >= HM_GCM_TAG_LEN);
	if (memcmp(cipher.ptr + len, good, sizeof(good)) != 0)
		return HM_E_OPEN;
	if (len > 0)
		memmove(ret, cipher.ptr, len);
	return HM_OK;
}

static void
read_all(void)
{
	static uint8_t room[HM_LINK_MAX];
	size_t len = 0;
	hm_err err;

	for (int i = 1; i <= HM_RECORD_COUNT; i++) {
		err = hm_port_store_read(
		    (hm_record)i, (struct hm_span){ room, sizeof(room) }, &len);
		fuzz_must(err == HM_OK || err == HM_E_NOT_FOUND ||
			  err == HM_E_STORAGE);
	}
}

static void
write_one(hm_record record)
{
	static const uint8_t bytes[100] = { 1, 2, 3 };
	uint8_t room[sizeof(bytes)];
	size_t len = 0;

	if (hm_port_store_write(record, HM_BYTES(bytes)) != HM_OK)
		return;
	fuzz_must(hm_vault_init() == HM_OK);
	fuzz_must(hm_port_store_read(record,
		      (struct hm_span){ room, sizeof(room) }, &len) == HM_OK);
	fuzz_must(len == sizeof(bytes));
	fuzz_must(memcmp(room, bytes, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	flash = geometries[data[0] % 4];
	size = size - 1 < flash.size ? size - 1 : flash.size;
	memset(area, flash.erased, sizeof(area));
	memcpy(area, data + 1, size);
	if (hm_vault_init() == HM_OK) {
		read_all();
		write_one((hm_record)(1 + data[0] / 4 % HM_RECORD_COUNT));
	}
	fuzz_must(hm_vault_erase() == HM_OK);
	for (uint32_t i = 0; i < flash.size; i++)
		fuzz_must(area[i] == flash.erased);
	return 0;
}
