/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_image - what a device says to images, for tests in Python
 *
 * One question a line on standard input, words between spaces:
 *
 *   FILE SLOT COUNTER KEM KEY...
 *
 * the image, the size of its slot, the device's counter, its private key for
 * payloads as hex ("-": none), and the public keys that are linked and trusted,
 * DER as hex. One answer a line, two words, OK or the error: of the file as it
 * stands in the slot, and of the file as an update, which is announced by
 * header and TLVs first, and written with its payload in clear.
 * Images 1 and 3 of the device are of versions 2.0.0+0 and 0.9.65535+max.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memflash.h"
#include "memport.h"

#define WORDS 9
#define DER_MAX 512

static uint8_t der[HM_BOOT_KEYS][DER_MAX];
static uint8_t file[MEMFLASH_SIZE];
static size_t file_len;

static size_t
from_hex(const char *hex, uint8_t *ret, size_t room)
{
	size_t len = strlen(hex) / 2;
	unsigned byte;

	if (len > room)
		abort();
	for (size_t i = 0; i < len; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			abort();
		ret[i] = (uint8_t)byte;
	}
	return len;
}

static void
load(const char *path)
{
	FILE *from = fopen(path, "rb");

	if (from == NULL)
		abort();
	memset(file, 0xFF, sizeof(file));
	file_len = fread(file, 1, sizeof(file), from);
	(void)fclose(from);
}

/* The private key, as softkey.c has it in storage. */
static void
set_kem(const char *hex)
{
	struct memrecord *record = &chip.records[HM_RECORD_KEM];

	record->there = strcmp(hex, "-") != 0;
	if (record->there)
		record->len = from_hex(hex, record->bytes, 32);
}

static hm_err
judge(void)
{
	struct hm_image image;
	hm_err err = HM_OK;
	hm_verdict verdict;

	memflash_put(HM_AREA_SLOT_A, (struct hm_bytes){ file, file_len });
	verdict = hm_image_verify(HM_AREA_SLOT_A, &image, &err);
	if ((err == HM_OK ? HM_VERDICT_YES : HM_VERDICT_NO) != verdict)
		abort();
	return err;
}

/* All behind the payload; of a file that fills the slot, the TLVs alone. */
static struct hm_bytes
rest(uint32_t slot)
{
	struct hm_image image;
	size_t at = (size_t)(file[8] | file[9] << 8) +
		    (size_t)(file[12] | file[13] << 8 | file[14] << 16);

	if (at > file_len || file[15] != 0)
		at = file_len;
	if (file_len == slot && hm_image_read(HM_AREA_SLOT_A, &image) == HM_OK)
		return (struct hm_bytes){ file + at, image.size - at };
	return (struct hm_bytes){ file + at, file_len - at };
}

static hm_err
update(uint32_t slot)
{
	static const uint8_t iv[12];
	struct hm_bytes tlvs = rest(slot);
	struct hm_image image;
	uint8_t key[32];
	uint32_t len;
	hm_err err;

	HM_TRY(hm_image_parse(file, tlvs, slot, &image));
	image.area = HM_AREA_SLOT_A;
	if (hm_image_signed(&image, tlvs, &err) != HM_VERDICT_YES)
		return err;
	HM_TRY(hm_image_payload_key(&image, tlvs, key, &len));
	if (len > 0)
		hm_ctr_crypt((struct hm_bytes){ key, len }, iv, 0,
		    (struct hm_span){
			file + image.header_len, image.payload_len });
	return judge();
}

static void
say(hm_err err)
{
	if (err == HM_OK)
		printf("OK");
	else
		printf("HM-%d", (int)err);
}

static void
answer(char **words, size_t count)
{
	static const uint8_t no_key[65];
	struct hm_bytes key;

	memport_reset(1, no_key);
	memflash_reset();
	load(words[0]);
	flash.size = (uint32_t)strtoul(words[1], NULL, 0);
	if (flash.size == 0 || flash.size > MEMFLASH_SIZE)
		abort();
	chip.counter = (uint32_t)strtoul(words[2], NULL, 0);
	chip.lock = HM_LOCK_LOCKED; /* out in the field */
	set_kem(words[3]);
	for (size_t i = 4; i < count; i++) {
		key = (struct hm_bytes){ der[i - 4],
			from_hex(words[i], der[i - 4], DER_MAX) };
		flash.publics[i - 4] = key;
		memflash_trust((uint32_t)i - 4, key);
	}
	flash.has_version[1] = flash.has_version[3] = true;
	flash.versions[1] = (struct hm_image_version){ .major = 2 };
	flash.versions[3] =
	    (struct hm_image_version){ 0, 9, UINT16_MAX, UINT32_MAX };
	say(judge());
	printf(" ");
	say(update(flash.size));
	printf("\n");
}

int
main(void)
{
	static char line[8192];
	char *words[WORDS], *rest;
	size_t count;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		count = 0;
		rest = line;
		while (count < WORDS &&
		       (words[count] = strtok_r(rest, " \n", &rest)) != NULL)
			count++;
		if (count < 4)
			abort();
		answer(words, count);
	}
	return 0;
}
