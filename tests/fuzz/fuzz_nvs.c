/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_nvs - any bytes as an NVS partition
 *
 * The input is laid over a partition of one page, and what is a CRC is made
 * right, so that the form decides. Of a partition that is taken, no written
 * entry lies behind a free one, and each has a key that ends.
 */
#include <string.h>

#include "base/crc.h"
#include "fuzz.h"
#include "image/nvs.h"

static void
mend_entry(uint8_t *entry, size_t room)
{
	size_t size = image_get_u16(entry + 24);
	bool has_data = entry[1] == NVS_STRING || entry[1] == NVS_BLOB_1 ||
			entry[1] == NVS_BLOB_DATA;

	if (has_data && size <= room)
		image_put_u32(entry + 28,
		    crc32_add(UINT32_MAX,
			(struct hm_bytes){ entry + NVS_ENTRY, size }));
	image_put_u32(entry + 4, nvs_entry_crc(entry));
}

static void
mend(uint8_t *page)
{
	image_put_u32(page + 28,
	    crc32_add(UINT32_MAX, (struct hm_bytes){ page + 4, 24 }));
	for (size_t i = 0; i < NVS_ENTRIES;) {
		uint8_t *entry = page + NVS_ENTRIES_AT + NVS_ENTRY * i;
		size_t left = (NVS_ENTRIES - i - 1) * NVS_ENTRY;

		if ((page[32 + i / 4] >> (i % 4 * 2) & 3) == 2)
			mend_entry(entry, left);
		i += entry[2] == 0 ? 1 : entry[2];
	}
}

static void
check(const uint8_t *page)
{
	bool ended = false;

	for (size_t i = 0; i < NVS_ENTRIES; i++) {
		int state = page[32 + i / 4] >> (i % 4 * 2) & 3;

		fuzz_must(state != 1 && !(ended && state != 3));
		ended = ended || state == 3;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t page[NVS_PAGE];
	AUTO_FINDINGS struct findings *findings = NULL;
	struct nvs_verify how = { .is_readonly = true };
	struct input file = input_of(HM_BYTES(page));

	if (size == 0 || size > sizeof(page) ||
	    findings_new("esp-nvs", &findings) != HM_OK)
		return 0;
	memset(page, 0xff, sizeof(page));
	memcpy(page, data, size);
	if (page[63] != 0x77)
		mend(page);
	fuzz_must(nvs_verify(&how, &file, findings) == HM_OK);
	if (findings_faults(findings) == 0)
		check(page);
	return 0;
}
