/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header and areas of an image. What makes the rest unreadable ends here; what
 * is only wrong (a pad, an unknown flag) is said, and the reading goes on, so
 * that the boot loader's verdict can be computed for it too.
 */
#include <inttypes.h>
#include <string.h>

#include "image/mcuboot_parts.h"

#define BIG_ENDIAN_MAGIC 0x3DB8F396u

void
mcuboot_image_done(struct mcuboot_image *image)
{
	for (size_t i = 0; i < MCUBOOT_PLACES; i++)
		buf_done(&image->areas[i].bytes);
}

void
mcuboot_header_put(
    const struct mcuboot_header *header, uint8_t ret[static MCUBOOT_HEADER_LEN])
{
	uint8_t *version = ret + MCUBOOT_AT_VERSION;

	memset(ret, 0, MCUBOOT_HEADER_LEN);
	image_put_u32(ret, header->magic);
	image_put_u32(ret + MCUBOOT_AT_LOAD, header->load_addr);
	image_put_u16(ret + MCUBOOT_AT_HDR_SIZE, header->hdr_size);
	image_put_u16(ret + MCUBOOT_AT_PROTECT, header->protect_size);
	image_put_u32(ret + MCUBOOT_AT_IMG_SIZE, header->img_size);
	image_put_u32(ret + MCUBOOT_AT_FLAGS, header->flags);
	version[0] = header->version.major;
	version[1] = header->version.minor;
	image_put_u16(version + 2, header->version.revision);
	image_put_u32(version + 4, header->version.build);
	image_put_u32(ret + MCUBOOT_AT_PAD, header->pad);
}

static void
get_header(
    const uint8_t from[static MCUBOOT_HEADER_LEN], struct mcuboot_header *ret)
{
	const uint8_t *version = from + MCUBOOT_AT_VERSION;

	ret->magic = image_get_u32(from);
	ret->load_addr = image_get_u32(from + MCUBOOT_AT_LOAD);
	ret->hdr_size = image_get_u16(from + MCUBOOT_AT_HDR_SIZE);
	ret->protect_size = image_get_u16(from + MCUBOOT_AT_PROTECT);
	ret->img_size = image_get_u32(from + MCUBOOT_AT_IMG_SIZE);
	ret->flags = image_get_u32(from + MCUBOOT_AT_FLAGS);
	ret->version.major = version[0];
	ret->version.minor = version[1];
	ret->version.revision = image_get_u16(version + 2);
	ret->version.build = image_get_u32(version + 4);
	ret->pad = image_get_u32(from + MCUBOOT_AT_PAD);
}

unsigned
mcuboot_key_bits(uint32_t flags)
{
	return (flags & MCUBOOT_F_AES256)   ? 256
	       : (flags & MCUBOOT_F_AES128) ? 128
					    : 0;
}

/* Wrong fields that do not hinder reading. */
static void
check_header(const struct mcuboot_header *header, struct findings *findings)
{
	uint32_t flags = header->flags;

	if (header->hdr_size < MCUBOOT_HEADER_LEN)
		(void)findings_fault(findings, HM_E_IMAGE_FIELD,
		    MCUBOOT_AT_HDR_SIZE,
		    "header size %u is below 32: it would not hold itself",
		    header->hdr_size);
	if (flags & ~MCUBOOT_F_KNOWN)
		(void)findings_fault(findings, HM_E_IMAGE_FIELD,
		    MCUBOOT_AT_FLAGS, "unknown flag bits 0x%08" PRIx32,
		    flags & ~MCUBOOT_F_KNOWN);
	if ((flags & MCUBOOT_F_ENCRYPTED) == MCUBOOT_F_ENCRYPTED)
		(void)findings_fault(findings, HM_E_IMAGE_FIELD,
		    MCUBOOT_AT_FLAGS,
		    "both encryption flags, AES-128 and AES-256");
	if (header->pad != 0)
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, MCUBOOT_AT_PAD,
		    "header pad is 0x%08" PRIx32 ", not zero", header->pad);
}

static void
say_header(const struct mcuboot_header *header, struct findings *findings)
{
	findings_part(findings, 0, MCUBOOT_HEADER_LEN, "header",
	    "version %u.%u.%u+%" PRIu32 ", payload %" PRIu32
	    " bytes, flags 0x%" PRIx32 ", load address 0x%08" PRIx32,
	    header->version.major, header->version.minor,
	    header->version.revision, header->version.build, header->img_size,
	    header->flags, header->load_addr);
	if (header->hdr_size > MCUBOOT_HEADER_LEN)
		findings_part(findings, MCUBOOT_HEADER_LEN,
		    header->hdr_size - MCUBOOT_HEADER_LEN, "header padding",
		    "hashed as it is");
	findings_part(findings, header->hdr_size, header->img_size, "payload",
	    "%s", mcuboot_key_bits(header->flags) == 0 ? "plain" : "AES-CTR");
	if (header->flags & MCUBOOT_F_COMPRESSED)
		findings_note(findings, MCUBOOT_AT_FLAGS,
		    "the payload is compressed: hash and signature of the "
		    "compressed form are verified, not what it unpacks to");
}

/* The head of an area at `at`, which must have that magic. */
static hm_err
read_head(struct mcuboot_image *image, uint64_t at, uint16_t magic,
    uint16_t *ret_total, struct findings *findings)
{
	const char *name =
	    magic == MCUBOOT_AREA_MAGIC ? "TLV" : "protected TLV";
	uint8_t head[MCUBOOT_HEAD_LEN];
	uint16_t found;

	*ret_total = 0;
	if (at > image->file.size || image->file.size - at < sizeof(head)) {
		(void)findings_fault(findings, HM_E_IMAGE_SHORT,
		    image->file.size,
		    "file ends before the %s area at %" PRIu64, name, at);
		return HM_OK;
	}
	HM_TRY(input_read(
	    &image->file, at, (struct hm_span){ head, sizeof(head) }));
	found = image_get_u16(head);
	if (found == magic)
		*ret_total = image_get_u16(head + 2);
	else if (found == MCUBOOT_PROTECTED_MAGIC)
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, at,
		    "protected area without a size in the header");
	else
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, at,
		    "%s area magic is %04x, not %04x", name, found, magic);
	if (found == magic && *ret_total < MCUBOOT_HEAD_LEN) {
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, at + 2,
		    "%s area of %u bytes is shorter than its own head", name,
		    *ret_total);
		*ret_total = 0;
	}
	return HM_OK;
}

/* HM_OK and no bytes: it is not there, and the findings say so. */
static hm_err
read_area(struct mcuboot_image *image, mcuboot_place place, uint64_t at,
    struct findings *findings)
{
	struct mcuboot_area *area = &image->areas[place];
	bool is_plain = place == MCUBOOT_PLAIN;
	const char *name = is_plain ? "TLV" : "protected TLV";
	uint16_t total;
	uint8_t *room;

	HM_TRY(read_head(image, at,
	    is_plain ? MCUBOOT_AREA_MAGIC : MCUBOOT_PROTECTED_MAGIC, &total,
	    findings));
	if (total == 0)
		return HM_OK;
	if (!is_plain && total != image->header.protect_size) {
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, at + 2,
		    "protected size %u differs from the header's %u", total,
		    image->header.protect_size);
		return HM_OK;
	}
	if (image->file.size - at < total) {
		(void)findings_fault(findings, HM_E_IMAGE_SHORT,
		    image->file.size,
		    "%s area at %" PRIu64
		    " of %u bytes reaches beyond the file",
		    name, at, total);
		return HM_OK;
	}
	area->at = at;
	buf_init(&area->bytes, MCUBOOT_AREA_MAX);
	HM_TRY(buf_reserve(&area->bytes, total, &room));
	HM_TRY(input_read(&image->file, at, (struct hm_span){ room, total }));
	area->bytes.len = total;
	findings_part(findings, at, total,
	    is_plain ? "TLV area" : "protected TLV area", "%u bytes", total);
	return HM_OK;
}

static hm_err
read_areas(struct mcuboot_image *image, struct findings *findings)
{
	const struct mcuboot_header *header = &image->header;
	uint64_t at = image->body_end;

	if (header->protect_size > 0) {
		HM_TRY(read_area(image, MCUBOOT_PROTECTED, at, findings));
		if (image->areas[MCUBOOT_PROTECTED].bytes.len == 0)
			return HM_OK;
		at += header->protect_size;
	}
	HM_TRY(read_area(image, MCUBOOT_PLAIN, at, findings));
	image->end = at + image->areas[MCUBOOT_PLAIN].bytes.len;
	image->is_readable = image->end > at;
	return HM_OK;
}

hm_err
mcuboot_read(const struct input *file, struct mcuboot_image *ret,
    struct findings *findings)
{
	uint8_t raw[MCUBOOT_HEADER_LEN];

	*ret = (struct mcuboot_image){ .file = *file };
	if (file->size < sizeof(raw)) {
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "%" PRIu64 " bytes are shorter than a header of 32",
		    file->size);
		return HM_OK;
	}
	HM_TRY(input_read(file, 0, (struct hm_span){ raw, sizeof(raw) }));
	get_header(raw, &ret->header);
	if (ret->header.magic != MCUBOOT_MAGIC) {
		(void)findings_fault(findings, HM_E_IMAGE_FORMAT, 0,
		    "header magic is %08" PRIx32 ", not 96f3b83d%s",
		    ret->header.magic,
		    ret->header.magic == BIG_ENDIAN_MAGIC
			? ": a big-endian image, which no boot code reads"
			: "");
		return HM_OK;
	}
	check_header(&ret->header, findings);
	ret->body_end = (uint64_t)ret->header.hdr_size + ret->header.img_size;
	if (ret->body_end <= file->size)
		say_header(&ret->header, findings);
	return read_areas(ret, findings);
}

bool
mcuboot_next(const struct mcuboot_image *image, struct mcuboot_cursor *cursor,
    struct mcuboot_tlv *ret)
{
	const struct mcuboot_area *area = NULL;
	size_t left;

	while (cursor->place < MCUBOOT_PLACES) {
		area = &image->areas[cursor->place];
		if (cursor->at == 0)
			cursor->at = MCUBOOT_HEAD_LEN;
		if (cursor->at < area->bytes.len)
			break;
		cursor->place++;
		cursor->at = 0;
	}
	if (area == NULL || cursor->place == MCUBOOT_PLACES)
		return false;
	left = area->bytes.len - cursor->at;
	if (left < MCUBOOT_HEAD_LEN)
		return false;
	ret->type = image_get_u16(area->bytes.ptr + cursor->at);
	ret->value.len = image_get_u16(area->bytes.ptr + cursor->at + 2);
	if (ret->value.len > left - MCUBOOT_HEAD_LEN)
		return false;
	ret->place = cursor->place;
	ret->at = area->at + cursor->at + MCUBOOT_HEAD_LEN;
	ret->value.ptr = area->bytes.ptr + cursor->at + MCUBOOT_HEAD_LEN;
	cursor->at += MCUBOOT_HEAD_LEN + ret->value.len;
	return true;
}

bool
mcuboot_find(const struct mcuboot_image *image, mcuboot_place place,
    uint16_t type, struct mcuboot_tlv *ret)
{
	struct mcuboot_cursor cursor = { .place = place };

	while (mcuboot_next(image, &cursor, ret))
		if (ret->place == place && ret->type == type)
			return true;
	return false;
}
