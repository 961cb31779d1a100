/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_facts - any bytes as an image that a release names
 *
 * Version, counter and payload are read of whatever its format is taken for,
 * after the strict verifier said what it says. The payload does not depend on
 * who signed: bytes behind what signatures cover may change, and it stays.
 */
#include <string.h>

#include "fuzz.h"
#include "image/facts.h"
#include "image/mcuboot_parts.h"

#define MAX 8192
#define SECTOR 4096

struct place {
	uint64_t at, size;
};

/* What no signature covers. */
static struct place
free_place(const struct image_format *format, const uint8_t *bytes, size_t size)
{
	uint64_t at;

	if (strcmp(format->name, "esp-secure-boot-v2") == 0 && size > SECTOR)
		return (struct place){ size - SECTOR + 1200, 16 };
	/* of an encrypted one the hash says whether it is in clear */
	if (strcmp(format->name, "mcuboot") != 0 ||
	    (image_get_u32(bytes + MCUBOOT_AT_FLAGS) & MCUBOOT_F_ENCRYPTED))
		return (struct place){ 0 };
	at = (uint64_t)image_get_u16(bytes + MCUBOOT_AT_HDR_SIZE) +
	     image_get_u32(bytes + MCUBOOT_AT_IMG_SIZE) +
	     image_get_u16(bytes + MCUBOOT_AT_PROTECT) + MCUBOOT_HEAD_LEN;
	/* the value of the first TLV */
	return (struct place){ at + MCUBOOT_HEAD_LEN, 4 };
}

static void
look(const struct image_format *format, const struct input *file,
    const struct image_keys *keys, struct image_facts *ret, hm_err *ret_err)
{
	*ret_err = image_facts(format, file, keys, ret);
	if (*ret_err == HM_OK)
		fuzz_must(
		    memchr(ret->version, 0, sizeof(ret->version)) != NULL);
}

static void
try_other(const struct image_format *format, uint8_t *bytes, size_t size,
    const struct image_facts *facts)
{
	static const struct image_keys none;
	struct place place = free_place(format, bytes, size);
	struct input file = input_of((struct hm_bytes){ bytes, size });
	struct image_facts again;
	hm_err err;

	if (place.size == 0 || place.at + place.size > size)
		return;
	for (uint64_t i = 0; i < place.size; i++)
		bytes[place.at + i] ^= 0x55;
	look(format, &file, &none, &again, &err);
	fuzz_must(err == HM_OK && again.has_payload == facts->has_payload);
	fuzz_must(again.has_counter == facts->has_counter &&
		  again.counter == facts->counter);
	fuzz_must(memcmp(again.payload, facts->payload, 32) == 0);
}

static void
try_check(const struct image_format *format, const struct input *file)
{
	static const struct image_keys nobody;
	AUTO_FINDINGS struct findings *findings = NULL;

	if (!image_is_signable(format))
		return;
	fuzz_must(findings_new(format->name, &findings) == HM_OK);
	fuzz_must(image_check(format, file, &nobody, findings) == HM_OK);
	/* nobody is trusted */
	fuzz_must(findings_faults(findings) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct image_keys none;
	static uint8_t bytes[MAX];
	struct input file = input_of((struct hm_bytes){ bytes, size });
	const struct image_format *format;
	struct image_facts facts;
	hm_err err;

	if (size > MAX)
		return 0;
	if (size > 0)
		memcpy(bytes, data, size);
	format = image_format_of(&file);
	if (format == NULL)
		return 0;
	try_check(format, &file);
	look(format, &file, &none, &facts, &err);
	if (err == HM_OK && facts.has_payload)
		try_other(format, bytes, size, &facts);
	return 0;
}
