/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_esp_app - any bytes as an image of an ESP32, signed or not
 *
 * The first byte says whether checksum and hash are made right before, and what
 * the bytes are taken for (one thing at a time: that is faster). What is
 * accepted ends where its parts end, and stays acceptable when it is padded.
 */
#include <string.h>

#include "fuzz.h"
#include "image/esp.h"

#define REPAIR 1
#define AS 6 /* mask */
#define AS_APP 0
#define AS_BOOTLOADER 2
#define AS_SIGNED 4
#define AS_V1 6
#define BOOT 8
#define BOOT_PAGE 65536
#define MAX 4096

/* The size of the pages that it is mapped in; 0: it is refused. */
static uint32_t
good_page(const struct esp_app_rules *rules, const struct input *file)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct esp_app app;

	fuzz_must(findings_new("esp-app-image", &f) == HM_OK);
	fuzz_must(esp_app_verify(rules, file, f) == HM_OK);
	if (findings_faults(f) != 0)
		return 0;
	fuzz_must(esp_app_layout(rules, file, f, &app) == HM_OK);
	fuzz_must(app.is_whole && app.boots && app.size == file->size);
	fuzz_must(app.size % 16 == 0);
	fuzz_must(esp_app_is(file));
	return app.mmu_page;
}

static bool
is_good(const struct esp_app_rules *rules, const struct input *file)
{
	return good_page(rules, file) != 0;
}

/* Checksum and hash of bytes that have segments. */
static void
repair(uint8_t *bytes, size_t len)
{
	AUTO_FINDINGS struct findings *f = NULL;
	struct input file = input_of((struct hm_bytes){ bytes, len });
	struct esp_app_rules rules = { .content = ESP_BOOTLOADER };
	struct esp_app app;
	uint8_t sum = 0xef, digest[HASH_MAX];

	fuzz_must(findings_new("esp-app-image", &f) == HM_OK);
	fuzz_must(esp_app_layout(&rules, &file, f, &app) == HM_OK);
	if (!app.is_whole)
		return;
	for (unsigned i = 0; i < app.segment_count; i++)
		for (uint32_t k = 0; k < app.segments[i].size; k++)
			sum ^= bytes[app.segments[i].at + k];
	bytes[app.sum_at] = sum;
	if (!app.has_hash)
		return;
	fuzz_must(hash_one(HASH_SHA256,
		      (struct hm_bytes){ bytes, (size_t)app.sum_at + 1 },
		      digest) == HM_OK);
	memcpy(bytes + app.sum_at + 1, digest, 32);
}

static void
try_pad(const struct esp_app_rules *rules, const struct input *file)
{
	struct esp_app_pad how = {
		.rules = *rules, .version = ESP_PAD_V2, .page = 8192
	};
	struct output *out = NULL;
	struct input padded;

	fuzz_must(output_memory(65536, &out) == HM_OK);
	if (esp_app_pad(&how, file, out, NULL) == HM_OK) {
		fuzz_must(output_input(out, &padded) == HM_OK);
		fuzz_must(padded.size % 8192 == 0);
		fuzz_must(is_good(rules, &padded));
	}
	output_free(out);
}

/* Whatever it is taken for, nothing but findings comes of it. */
static void
try_signed(const struct input *file, bool v1)
{
	AUTO_FINDINGS struct findings *f = NULL;

	fuzz_must(findings_new("any", &f) == HM_OK);
	if (v1)
		fuzz_must(esp_sbv1_inspect(file, f) == HM_OK);
	else
		fuzz_must(esp_sbv2_inspect(file, f) == HM_OK);
	if (findings_faults(f) == 0 && v1)
		fuzz_must(esp_sbv1_is(file));
	if (findings_faults(f) == 0 && !v1)
		fuzz_must(esp_sbv2_is(file));
}

/* The bytes as iv, digest and image of a boot loader in flash. */
static void
try_boot(const uint8_t *bytes, size_t size)
{
	static uint8_t flash[SBV1_IMAGE_AT + MAX];
	const uint8_t key[SBV1_KEY] = { 1 };
	AUTO_FINDINGS struct findings *f = NULL;
	struct input file =
	    input_of((struct hm_bytes){ flash, SBV1_IMAGE_AT + size });

	memset(flash, 0xff, SBV1_IMAGE_AT);
	memcpy(flash, bytes, size < 192 ? size : 192);
	memcpy(flash + SBV1_IMAGE_AT, bytes, size);
	fuzz_must(findings_new("any", &f) == HM_OK);
	fuzz_must(esp_sbv1_boot_verify(HM_BYTES(key), &file, f) == HM_OK);
	fuzz_must(findings_faults(f) != 0); /* nobody knows the digest */
	if (size > 0 && bytes[0] == 0xe9)
		fuzz_must(esp_sbv1_inspect(&file, f) == HM_OK);
}

static void
try_boot_make(const struct input *file)
{
	const uint8_t key[SBV1_KEY] = { 1 }, iv[SBV1_IV] = { 2 };
	struct sbv1_digest how = { HM_BYTES(key), HM_BYTES(iv) };
	AUTO_FINDINGS struct findings *f = NULL;
	struct output *out = NULL;
	struct input made;

	fuzz_must(output_memory(65536, &out) == HM_OK);
	if (esp_sbv1_boot_make(&how, file, out, NULL) == HM_OK) {
		fuzz_must(output_input(out, &made) == HM_OK);
		fuzz_must(findings_new("any", &f) == HM_OK);
		fuzz_must(
		    esp_sbv1_boot_verify(HM_BYTES(key), &made, f) == HM_OK);
		fuzz_must(findings_faults(f) == 0);
	}
	output_free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[MAX];
	struct esp_app_rules app = { .content = ESP_APP };
	struct esp_app_rules boot = { .content = ESP_BOOTLOADER };
	struct input file;

	if (size < 1 || size > MAX)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	if ((data[0] & REPAIR) != 0)
		repair(bytes, size - 1);
	file = input_of((struct hm_bytes){ bytes, size - 1 });
	if ((data[0] & AS) == AS_SIGNED || (data[0] & AS) == AS_V1)
		try_signed(&file, (data[0] & AS) == AS_V1);
	else if ((data[0] & AS) == AS_BOOTLOADER && is_good(&boot, &file))
		try_pad(&boot, &file);
	else if ((data[0] & AS) == AS_APP &&
		 good_page(&app, &file) == BOOT_PAGE) /* an app may have less */
		fuzz_must(is_good(&boot, &file));
	if ((data[0] & BOOT) != 0)
		try_boot(bytes, size - 1);
	if ((data[0] & BOOT) != 0 && (data[0] & AS) == AS_BOOTLOADER)
		try_boot_make(&file);
	return 0;
}
