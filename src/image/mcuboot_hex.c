/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "image/ihex.h"
#include "image/mcuboot_parts.h"

#define MAGIC_LEN 16u

static hm_err
to_writer(void *context, struct hm_bytes piece)
{
	return ihex_add(context, piece);
}

static hm_err
put_part(struct ihex_writer *writer, const struct input *image, uint32_t base,
    uint64_t at)
{
	HM_TRY(ihex_seek(writer, base + (uint32_t)at));
	return input_walk(image, at, image->size - at, to_writer, writer);
}

/* The field of image_ok, if it is set, and the magic; all that follows the
 * image if that is not how it ends. */
static hm_err
put_trailer(struct ihex_writer *writer, const struct mcuboot_image *image,
    uint32_t base)
{
	const struct input *file = &image->file;
	uint64_t end = file->size;
	uint8_t magic[MAGIC_LEN], expected[MAGIC_LEN], flag[32];
	uint32_t max_align;
	uint64_t ok;

	if (end - image->end < MAGIC_LEN)
		return put_part(writer, file, base, image->end);
	HM_TRY(input_read(
	    file, end - MAGIC_LEN, (struct hm_span){ magic, sizeof(magic) }));
	for (max_align = 8; max_align <= 32; max_align *= 2) {
		mcuboot_magic(max_align, expected);
		if (memcmp(magic, expected, sizeof(magic)) == 0)
			break;
	}
	ok = max_align + (max_align < MAGIC_LEN ? MAGIC_LEN : max_align);
	if (max_align > 32 || end - image->end < ok)
		return put_part(writer, file, base, image->end);
	HM_TRY(input_read(file, end - ok, (struct hm_span){ flag, max_align }));
	if (flag[0] == 1) {
		HM_TRY(ihex_seek(writer, base + (uint32_t)(end - ok)));
		HM_TRY(ihex_add(writer, (struct hm_bytes){ flag, max_align }));
	}
	return put_part(writer, file, base, end - MAGIC_LEN);
}

hm_err
mcuboot_to_hex(const struct input *file, uint32_t base, struct output *out,
    struct why *why)
{
	struct ihex_writer writer = { .out = out };
	AUTO_FINDINGS struct findings *findings = NULL;
	struct mcuboot_image image;
	uint64_t end;
	hm_err err;

	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the image is empty");
	if (file->size > UINT32_MAX - (uint64_t)base + 1)
		return WHY(why, HM_E_USAGE,
		    "an image of %" PRIu64 " bytes at 0x%08" PRIx32
		    " ends beyond 4 GiB",
		    file->size, base);
	writer.highest = base + (uint32_t)(file->size - 1);
	HM_TRY(findings_new("mcuboot", &findings));
	err = mcuboot_read(file, &image, findings);
	end = image.is_readable ? image.end : file->size;
	if (err == HM_OK)
		err = ihex_seek(&writer, base);
	if (err == HM_OK)
		err = input_walk(file, 0, end, to_writer, &writer);
	if (err == HM_OK && end < file->size)
		err = put_trailer(&writer, &image, base);
	mcuboot_image_done(&image);
	return err == HM_OK ? ihex_end(&writer) : err;
}
