/* SPDX-License-Identifier: Apache-2.0 */
/* Where the image ends; esp_app_check.c looks at the bytes themselves. */
#include <inttypes.h>
#include <string.h>

#include "image/esp_app.h"

#define MAGIC 0xe9
#define DESC_MAGIC 0xabcd5432u
#define MMU_PAGE 65536u
#define PAGE_BITS_MIN 13 /* 8 KiB */
#define PAGE_BITS_MAX 16

/* Fields of the header. */
#define AT_COUNT 1
#define AT_MODE 2
#define AT_SPEED_SIZE 3
#define AT_ENTRY 4
#define AT_CHIP 12
#define AT_REV_MIN 15
#define AT_REV_MAX 17
#define AT_RESERVED 19
#define AT_HASHED 23
/* Fields of the application description. */
#define DESC_SECURE_VERSION 4
#define DESC_VERSION 16
#define DESC_PROJECT 48
#define DESC_ELF_SHA256 144
#define DESC_PAGE 180

struct layout {
	const struct esp_app_rules *rules;
	const struct input *file;
	struct findings *findings;
	struct esp_app *app;
};

uint64_t
esp_align(uint64_t size)
{
	return (size + ESP_SECTOR - 1) / ESP_SECTOR * ESP_SECTOR;
}

void
esp_text(struct hm_bytes field, char *ret)
{
	size_t i;

	for (i = 0; i < field.len && field.ptr[i] != '\0'; i++)
		ret[i] = field.ptr[i] >= ' ' && field.ptr[i] < 0x7f
			     ? (char)field.ptr[i]
			     : '?';
	ret[i] = '\0';
}

/* A fault after which the end of the image is not known; no breakdown. */
static hm_err
ends(struct layout *l, hm_err err, uint64_t at, const char *words)
{
	l->app->is_whole = false;
	l->app->boots = false;
	(void)findings_fault(l->findings, err, at, "%s", words);
	return HM_OK;
}

static void
read_chip(struct layout *l, const uint8_t *h)
{
	struct esp_app *app = l->app;
	uint16_t lowest = image_get_u16(h + AT_REV_MIN);
	uint16_t highest = image_get_u16(h + AT_REV_MAX);

	app->chip_id = image_get_u16(h + AT_CHIP);
	app->chip = esp_chip_of(app->chip_id);
	findings_part(l->findings, AT_CHIP, 2, "chip", "%u (%s)", app->chip_id,
	    app->chip == NULL ? "unknown" : app->chip->name);
	findings_part(l->findings, AT_REV_MIN, 4, "chip revisions", "%u to %u",
	    lowest, highest);
	if (l->rules->chip != NULL && l->rules->chip->id != app->chip_id) {
		app->boots = false;
		(void)findings_fault(l->findings, HM_E_IMAGE_FIELD, AT_CHIP,
		    "the image is for %s, not for %s",
		    app->chip == NULL ? "an unknown chip" : app->chip->name,
		    l->rules->chip->name);
	} else if (app->chip == NULL) {
		findings_note(l->findings, AT_CHIP,
		    "chip id %u is of no chip that is known here",
		    app->chip_id);
	}
}

static void
read_flash(struct layout *l, const uint8_t *h)
{
	static const char *modes[] = { "qio", "qout", "dio", "dout",
		"fast read", "slow read" };
	unsigned mode = h[AT_MODE];

	l->app->entry = image_get_u32(h + AT_ENTRY);
	findings_part(l->findings, AT_MODE, 2, "flash",
	    "%s, speed %x, size code %u", mode < 6 ? modes[mode] : "?",
	    h[AT_SPEED_SIZE] & 15u, h[AT_SPEED_SIZE] >> 4);
	findings_part(
	    l->findings, AT_ENTRY, 4, "entry", "0x%08" PRIx32, l->app->entry);
	findings_bytes(l->findings, AT_RESERVED, 4, "reserved",
	    (struct hm_bytes){ h + AT_RESERVED, 4 });
	if (image_get_u32(h + AT_RESERVED) != 0)
		(void)findings_fault(l->findings, HM_E_IMAGE_FIELD, AT_RESERVED,
		    "reserved bytes of the header are not zero");
	if (mode >= 6)
		findings_note(l->findings, AT_MODE,
		    "flash mode %u is not known; boot code goes on with its "
		    "own",
		    mode);
}

static hm_err
read_header(struct layout *l)
{
	uint8_t h[ESP_APP_HEADER];
	struct esp_app *app = l->app;

	if (l->file->size < sizeof(h))
		return ends(l, HM_E_IMAGE_SHORT, l->file->size,
		    "shorter than an image header");
	HM_TRY(input_read(l->file, 0, (struct hm_span){ h, sizeof(h) }));
	findings_part(
	    l->findings, 0, sizeof(h), "header", "%u segments", h[AT_COUNT]);
	if (h[0] != MAGIC)
		return ends(l, HM_E_IMAGE_FORMAT, 0,
		    "the first byte is not the image magic E9");
	app->segment_count = h[AT_COUNT];
	if (app->segment_count == 0)
		return ends(l, HM_E_IMAGE_FIELD, AT_COUNT, "no segments");
	if (app->segment_count > ESP_APP_SEGMENTS)
		return ends(
		    l, HM_E_IMAGE_FIELD, AT_COUNT, "more than 16 segments");
	read_flash(l, h);
	read_chip(l, h);
	app->has_hash = h[AT_HASHED] != 0;
	findings_part(
	    l->findings, AT_HASHED, 1, "hash appended", "%u", h[AT_HASHED]);
	if (h[AT_HASHED] > 1)
		(void)findings_fault(l->findings, HM_E_IMAGE_FIELD, AT_HASHED,
		    "the hash flag is %u, neither 0 nor 1", h[AT_HASHED]);
	return HM_OK;
}

static void
check_desc(struct layout *l, const uint8_t *d)
{
	struct esp_app *app = l->app;
	unsigned bits = d[DESC_PAGE];

	if (app->secure_version < l->rules->secure_version_min) {
		app->boots = false;
		(void)findings_fault(l->findings, HM_E_IMAGE_FIELD,
		    ESP_APP_DESC_AT + DESC_SECURE_VERSION,
		    "secure version %" PRIu32 ", below the required %" PRIu32,
		    app->secure_version, l->rules->secure_version_min);
	}
	if (app->chip != NULL &&
	    app->secure_version > app->chip->counter_bits) {
		app->boots = false;
		(void)findings_fault(l->findings, HM_E_IMAGE_FIELD,
		    ESP_APP_DESC_AT + DESC_SECURE_VERSION,
		    "secure version %" PRIu32 ", but %s can count to %u",
		    app->secure_version, app->chip->name,
		    app->chip->counter_bits);
	}
	if (bits >= PAGE_BITS_MIN && bits <= PAGE_BITS_MAX)
		app->mmu_page = 1u << bits;
	else if (bits != 0)
		(void)findings_fault(l->findings, HM_E_IMAGE_FIELD,
		    ESP_APP_DESC_AT + DESC_PAGE,
		    "pages of 2^%u bytes are none of 8 to 64 KiB", bits);
}

/* The description of an app; boot loaders have another or none. */
static hm_err
read_desc(struct layout *l)
{
	uint8_t d[ESP_APP_DESC];
	struct esp_app *app = l->app;
	uint64_t at = ESP_APP_DESC_AT;

	if (app->segments[0].size < sizeof(d)) {
		(void)findings_fault(l->findings, HM_E_IMAGE_SHORT, at,
		    "no application description: the first segment has %" PRIu32
		    " bytes",
		    app->segments[0].size);
		return HM_OK;
	}
	HM_TRY(input_read(l->file, at, (struct hm_span){ d, sizeof(d) }));
	if (image_get_u32(d) != DESC_MAGIC) {
		(void)findings_fault(l->findings, HM_E_IMAGE_FIELD, at,
		    "the magic of the application description is not ABCD5432");
		return HM_OK;
	}
	app->secure_version = image_get_u32(d + DESC_SECURE_VERSION);
	esp_text((struct hm_bytes){ d + DESC_VERSION, 32 }, app->version);
	esp_text((struct hm_bytes){ d + DESC_PROJECT, 32 }, app->project);
	findings_part(l->findings, at, sizeof(d), "application description",
	    "%s %s", app->project, app->version);
	findings_part(l->findings, at + DESC_SECURE_VERSION, 4,
	    "secure version", "%" PRIu32, app->secure_version);
	findings_bytes(l->findings, at + DESC_ELF_SHA256, 32, "elf sha256",
	    (struct hm_bytes){ d + DESC_ELF_SHA256, 32 });
	check_desc(l, d);
	return HM_OK;
}

static void
check_mapping(struct layout *l, const struct esp_segment *s, unsigned i)
{
	const struct esp_chip *chip =
	    l->rules->chip != NULL ? l->rules->chip : l->app->chip;
	uint32_t page = l->app->mmu_page;

	if (chip == NULL || !esp_chip_maps(chip, s->load) ||
	    s->load % page == s->at % page)
		return;
	l->app->boots = false;
	(void)findings_fault(l->findings, HM_E_IMAGE_FIELD, s->at - 8,
	    "segment %u is mapped to 0x%08" PRIx32
	    ", which is not its place in a page of %" PRIu32 " bytes",
	    i, s->load, page);
}

/* The header of one segment at `at`; its data follow. */
static hm_err
read_segment(struct layout *l, unsigned i, uint64_t at)
{
	uint8_t h[8];
	struct esp_segment *s = &l->app->segments[i];

	if (l->file->size < at + sizeof(h))
		return ends(l, HM_E_IMAGE_SHORT, l->file->size,
		    "the file ends before the header of a segment");
	HM_TRY(input_read(l->file, at, (struct hm_span){ h, sizeof(h) }));
	*s = (struct esp_segment){ .load = image_get_u32(h),
		.size = image_get_u32(h + 4),
		.at = at + sizeof(h) };
	findings_part(l->findings, at, sizeof(h), "segment",
	    "%u: to 0x%08" PRIx32 ", %" PRIu32 " bytes", i, s->load, s->size);
	if (s->size % 4 != 0)
		return ends(l, HM_E_IMAGE_FIELD, at + 4,
		    "the length of a segment is not a multiple of 4");
	if (s->size >= ESP_APP_MAX)
		return ends(l, HM_E_IMAGE_FIELD, at + 4,
		    "a segment has 16 MiB or more");
	if (s->size > l->file->size - s->at)
		return ends(l, HM_E_IMAGE_SHORT, at + 4,
		    "the segment length goes beyond the end of the file");
	findings_part(l->findings, s->at, s->size, "segment data", "%u", i);
	return HM_OK;
}

static hm_err
read_segments(struct layout *l)
{
	struct esp_app *app = l->app;
	uint64_t at = ESP_APP_HEADER;

	for (unsigned i = 0; i < app->segment_count && app->is_whole; i++) {
		HM_TRY(read_segment(l, i, at));
		at = app->segments[i].at + app->segments[i].size;
		if (i == 0 && app->is_whole && l->rules->content == ESP_APP)
			HM_TRY(read_desc(l));
		if (app->is_whole)
			check_mapping(l, &app->segments[i], i);
	}
	app->sum_at = at | 15;
	app->size = app->sum_at + 1 + (app->has_hash ? 32 : 0);
	return HM_OK;
}

hm_err
esp_app_layout(const struct esp_app_rules *rules, const struct input *file,
    struct findings *findings, struct esp_app *ret)
{
	struct layout l = { rules, file, findings, ret };

	*ret = (struct esp_app){
		.is_whole = true, .boots = true, .mmu_page = MMU_PAGE
	};
	HM_TRY(read_header(&l));
	if (!ret->is_whole)
		return HM_OK;
	HM_TRY(read_segments(&l));
	if (ret->is_whole && ret->size > file->size)
		return ends(&l, HM_E_IMAGE_SHORT, file->size,
		    ret->sum_at < file->size
			? "the file ends before the hash"
			: "the file ends before the checksum");
	return HM_OK;
}
