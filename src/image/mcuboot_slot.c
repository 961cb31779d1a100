/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a slot, where the boot loader keeps its books. From high to low,
 * each field in max_align bytes:
 *
 *   magic 16 (aligned up) | image_ok | copy_done | swap_info | swap_size |
 *   two wrapped or plain payload keys, if encrypted | status of the swap
 *
 * Swap using offset has the lengths of the unprotected TLVs above swap_size,
 * two states a sector in place of three, and a sector before an update: an
 * image that fits the primary slot must fit behind that one, too.
 *
 * Overwrite-only: magic, image_ok, copy_done. A key of AES-256 takes 32 bytes
 * here, as in the boot code; imgtool counts 16.
 */
#include <inttypes.h>
#include <string.h>

#include "image/mcuboot_parts.h"

#define MAGIC_LEN 16u
#define FLAG_SET 0x01
#define STATUS_STATES 3u /* of a sector, while it is swapped */
#define OFFSET_STATES 2u /* of one, by offset */

static uint64_t
align_up(uint64_t value, uint32_t to)
{
	return (value + to - 1) / to * to;
}

static bool
is_power(uint32_t value, uint32_t least, uint32_t most)
{
	return value >= least && value <= most && (value & (value - 1)) == 0;
}

void
mcuboot_magic(uint32_t max_align, uint8_t ret[static 16])
{
	static const uint8_t first[MAGIC_LEN] = { 0x77, 0xc2, 0x95, 0xf3, 0x60,
		0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79,
		0x80 };
	static const uint8_t later[MAGIC_LEN - 2] = { 0x2d, 0xe1, 0x5d, 0x29,
		0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a };

	memcpy(ret, first, MAGIC_LEN);
	if (max_align == 8)
		return;
	image_put_u16(ret, (uint16_t)max_align);
	memcpy(ret + 2, later, sizeof(later));
}

uint32_t
mcuboot_max_align(const struct mcuboot_slot *slot)
{
	if (slot->max_align != 0)
		return slot->max_align;
	return slot->align > 8 ? slot->align : 8;
}

hm_err
mcuboot_slot_check(const struct mcuboot_slot *slot, struct why *why)
{
	uint32_t max_align = mcuboot_max_align(slot);
	uint32_t align = slot->align == 0 ? 8 : slot->align;

	if (!is_power(align, 1, 32))
		return WHY(why, HM_E_USAGE,
		    "align is 1, 2, 4, 8, 16 or 32, not %" PRIu32, align);
	if (!is_power(max_align, 8, 32) || max_align < align)
		return WHY(why, HM_E_USAGE,
		    "max-align is 8, 16 or 32 and not below align, not "
		    "%" PRIu32,
		    max_align);
	if (slot->offset != 0 && slot->overwrite_only)
		return WHY(why, HM_E_USAGE,
		    "swap-offset and overwrite-only exclude each other");
	if (slot->confirm && slot->overwrite_only)
		return WHY(why, HM_E_USAGE,
		    "confirm has no effect with overwrite-only: that boot "
		    "loader does not look at image_ok");
	if ((slot->pad || slot->confirm) && slot->size == 0)
		return WHY(why, HM_E_USAGE,
		    "to pad or confirm, the size of the slot is needed");
	if (slot->sectors > 65536)
		return WHY(why, HM_E_USAGE, "more than 65536 sectors");
	return HM_OK;
}

uint64_t
mcuboot_trailer_size(
    const struct mcuboot_slot *slot, unsigned key_bits, size_t enctlv)
{
	uint32_t max_align = mcuboot_max_align(slot);
	uint64_t magic = align_up(MAGIC_LEN, max_align);
	uint64_t sectors = slot->sectors == 0 ? MCUBOOT_SECTORS : slot->sectors;
	uint64_t states = slot->offset != 0 ? OFFSET_STATES : STATUS_STATES;
	uint64_t fields = slot->offset != 0 ? 5 : 4;
	uint64_t size = fields * max_align + magic +
			sectors * states * (slot->align == 0 ? 8 : slot->align);
	size_t key = slot->save_enctlv ? enctlv : key_bits / 8;

	if (slot->overwrite_only)
		return 2 * (uint64_t)max_align + magic;
	if (key_bits != 0)
		size += 2 * align_up(key, max_align);
	return size;
}

hm_err
mcuboot_slot_fill(const struct mcuboot_slot *slot,
    const struct mcuboot_wrapped *wrapped, struct output *out, struct why *why)
{
	static const uint8_t set[] = { FLAG_SET };
	uint32_t max_align = mcuboot_max_align(slot);
	uint64_t magic = align_up(MAGIC_LEN, max_align);
	uint64_t trailer =
	    mcuboot_trailer_size(slot, wrapped->bits, wrapped->len);
	uint64_t room;
	uint8_t bytes[MAGIC_LEN];

	if (slot->size == 0)
		return HM_OK;
	room = slot->size < trailer ? 0 : slot->size - trailer;
	room = room < slot->offset ? 0 : room - slot->offset;
	if (room < output_size(out))
		return WHY(why, HM_E_IMAGE_PLACE,
		    "an image of %" PRIu64 " bytes, a trailer of %" PRIu64
		    " and %" PRIu64 " before an update do not fit into a slot "
		    "of %" PRIu64,
		    output_size(out), trailer, slot->offset, slot->size);
	if (!slot->pad && !slot->confirm)
		return HM_OK;
	HM_TRY(output_fill(
	    out, slot->erased, slot->size - MAGIC_LEN - output_size(out)));
	mcuboot_magic(max_align, bytes);
	HM_TRY(output_add(out, HM_BYTES(bytes)));
	if (slot->confirm)
		return output_put(
		    out, slot->size - magic - max_align, HM_BYTES(set));
	return HM_OK;
}

/* ---- reading it ---- */

struct rest {
	const struct mcuboot_image *image;
	struct findings *findings;
	uint64_t end;
	uint32_t max_align;
	uint8_t erased;
};

/* 0: not the magic of any alignment */
static uint32_t
align_of(const uint8_t magic[static MAGIC_LEN])
{
	uint8_t expected[MAGIC_LEN];

	for (uint32_t max_align = 8; max_align <= 32; max_align *= 2) {
		mcuboot_magic(max_align, expected);
		if (memcmp(magic, expected, MAGIC_LEN) == 0)
			return max_align;
	}
	return 0;
}

static hm_err
check_erased(const struct rest *rest, uint64_t at, uint64_t end)
{
	bool is_filled = true;

	if (at < end)
		HM_TRY(input_is_filled(&rest->image->file, at, end - at,
		    rest->erased, &is_filled));
	if (!is_filled)
		(void)findings_fault(rest->findings, HM_E_IMAGE_TRAILING, at,
		    "data after the TLV area: [%" PRIu64 ", %" PRIu64
		    ") is not all erased (%02x)",
		    at, end, rest->erased);
	return HM_OK;
}

/* A flag of one byte in max_align; its state is said, not judged. */
static hm_err
check_flag(const struct rest *rest, uint64_t at, const char *name)
{
	uint8_t value;

	HM_TRY(
	    input_read(&rest->image->file, at, (struct hm_span){ &value, 1 }));
	findings_part(rest->findings, at, rest->max_align, name, "%s",
	    value == rest->erased ? "unset"
	    : value == FLAG_SET   ? "set"
				  : "bad");
	if (value != rest->erased && value != FLAG_SET)
		findings_note(rest->findings, at,
		    "%s is %02x, neither set nor erased", name, value);
	return check_erased(rest, at + 1, at + rest->max_align);
}

static hm_err
check_swap_info(const struct rest *rest, uint64_t at)
{
	static const char *const words[] = {
		[1] = "none", [2] = "test", [3] = "permanent", [4] = "revert"
	};
	uint8_t value;

	HM_TRY(
	    input_read(&rest->image->file, at, (struct hm_span){ &value, 1 }));
	findings_part(rest->findings, at, rest->max_align, "swap_info", "%s",
	    value == rest->erased   ? "unset"
	    : (value & 15) - 1u < 4 ? words[value & 15]
				    : "bad");
	if (value != rest->erased)
		findings_note(rest->findings, at,
		    "a swap is under way: image %u, %02x", value >> 4, value);
	return check_erased(rest, at + 1, at + rest->max_align);
}

static hm_err
check_fields(const struct rest *rest)
{
	uint64_t magic = align_up(MAGIC_LEN, rest->max_align);
	uint64_t ok = rest->end - magic - rest->max_align;
	uint64_t done = ok - rest->max_align;
	uint64_t info = done - rest->max_align;

	if (info < rest->image->end) /* overwrite-only: it has none */
		info = done;
	HM_TRY(check_erased(rest, rest->image->end, info));
	if (info < done)
		HM_TRY(check_swap_info(rest, info));
	HM_TRY(check_flag(rest, done, "copy_done"));
	HM_TRY(check_flag(rest, ok, "image_ok"));
	return check_erased(rest, rest->end - magic, rest->end - MAGIC_LEN);
}

static hm_err
check_slot(struct rest *rest)
{
	const struct mcuboot_image *image = rest->image;
	uint8_t magic[MAGIC_LEN], first;
	uint32_t found;

	HM_TRY(input_read(&image->file, rest->end - MAGIC_LEN,
	    (struct hm_span){ magic, sizeof(magic) }));
	HM_TRY(input_read(
	    &image->file, image->end, (struct hm_span){ &first, 1 }));
	rest->erased = first == 0 ? 0 : 0xFF;
	found = align_of(magic);
	rest->max_align = found == 0 ? 8 : found;
	if (rest->end - image->end <
	    2 * rest->max_align + align_up(MAGIC_LEN, rest->max_align)) {
		(void)findings_fault(rest->findings, HM_E_IMAGE_PLACE,
		    image->end, "the trailer begins inside the image");
		return HM_OK;
	}
	findings_part(rest->findings, rest->end - MAGIC_LEN, MAGIC_LEN,
	    "boot magic", "%s, alignment %" PRIu32, found == 0 ? "bad" : "good",
	    rest->max_align);
	if (found == 0)
		findings_note(rest->findings, rest->end - MAGIC_LEN,
		    "a padded slot without boot magic: it is not started from "
		    "the secondary slot");
	return check_fields(rest);
}

hm_err
mcuboot_check_rest(const struct mcuboot_image *image, uint64_t slot_size,
    struct findings *findings)
{
	struct rest rest = {
		.image = image, .findings = findings, .end = image->file.size
	};
	uint8_t magic[MAGIC_LEN];
	uint64_t left = image->file.size - image->end;

	if (slot_size != 0 && image->file.size > slot_size)
		(void)findings_fault(findings, HM_E_IMAGE_PLACE, slot_size,
		    "%" PRIu64 " bytes are more than the slot has",
		    image->file.size);
	if (left == 0)
		return HM_OK;
	if (left >= MAGIC_LEN)
		HM_TRY(input_read(&image->file, rest.end - MAGIC_LEN,
		    (struct hm_span){ magic, sizeof(magic) }));
	if (left >= MAGIC_LEN &&
	    (slot_size == rest.end || (slot_size == 0 && align_of(magic) != 0)))
		return check_slot(&rest);
	(void)findings_fault(findings, HM_E_IMAGE_TRAILING, image->end,
	    "data after the TLV area: %" PRIu64
	    " bytes, and the file is not one whole slot",
	    left);
	return HM_OK;
}
