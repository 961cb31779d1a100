/* SPDX-License-Identifier: Apache-2.0 */
#include "image/esp_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC 0x50aa /* LE16 */
#define MD5_MAGIC 0xebeb
#define MD5_AT 16
#define MD5_LEN 16
#define APP_ALIGN 0x10000u
#define OTADATA_SIZE 0x2000u
#define NVS_SIZE_MIN 0x3000u
#define FLAGS (ESP_PART_ENCRYPTED | ESP_PART_READONLY)

/* ---- rows ---- */

static void
decode(const uint8_t *row, struct esp_partition *ret)
{
	ret->type = row[2];
	ret->subtype = row[3];
	ret->at = image_get_u32(row + 4);
	ret->size = image_get_u32(row + 8);
	memcpy(ret->label, row + 12, 16);
	ret->label[16] = '\0';
	ret->flags = image_get_u32(row + 28);
}

static void
encode(const struct esp_partition *row, uint8_t *ret)
{
	image_put_u16(ret, MAGIC);
	ret[2] = row->type;
	ret[3] = row->subtype;
	image_put_u32(ret + 4, row->at);
	image_put_u32(ret + 8, row->size);
	memset(ret + 12, 0, 16);
	memcpy(ret + 12, row->label, strlen(row->label));
	image_put_u32(ret + 28, row->flags);
}

static void
list_row(
    struct findings *findings, uint64_t at, const struct esp_partition *row)
{
	const char *type = esp_part_type_name(row->type);
	const char *subtype = esp_part_subtype_name(row->type, row->subtype);
	char label[17], type_hex[8], subtype_hex[8];

	for (size_t i = 0; i < sizeof(label); i++)
		label[i] = row->label[i] == '\0' || (row->label[i] >= ' ' &&
							row->label[i] < 0x7f)
			       ? row->label[i]
			       : '?';
	(void)snprintf(type_hex, sizeof(type_hex), "0x%02x", row->type);
	(void)snprintf(
	    subtype_hex, sizeof(subtype_hex), "0x%02x", row->subtype);
	findings_part(findings, at, ESP_TABLE_ROW, "partition",
	    "%s: %s %s at 0x%" PRIx32 ", 0x%" PRIx32 " bytes%s%s", label,
	    type != NULL ? type : type_hex,
	    subtype != NULL ? subtype : subtype_hex, row->at, row->size,
	    (row->flags & ESP_PART_ENCRYPTED) != 0 ? ", encrypted" : "",
	    (row->flags & ESP_PART_READONLY) != 0 ? ", read-only" : "");
}

/* ---- what is wrong with them ---- */

struct check {
	uint64_t table_at, flash_size;
	struct findings *findings;
	const struct esp_table *table;
};

static uint64_t
row_at(size_t i)
{
	return (uint64_t)i * ESP_TABLE_ROW;
}

static void
check_label(struct check *c, size_t i)
{
	const struct esp_partition *row = &c->table->rows[i];
	size_t len = strlen(row->label);
	uint64_t at = row_at(i) + 12;

	if (len == 0)
		(void)findings_fault(
		    c->findings, HM_E_IMAGE_FIELD, at, "a row has no label");
	for (size_t k = 0; k < 16; k++) {
		unsigned char letter = (unsigned char)row->label[k];

		if (k < len ? letter < ' ' || letter >= 0x7f : letter != 0) {
			(void)findings_fault(c->findings, HM_E_IMAGE_FIELD, at,
			    "the label is not text and NUL");
			return;
		}
	}
	for (size_t k = 0; k < i; k++)
		if (strcmp(row->label, c->table->rows[k].label) == 0)
			(void)findings_fault(c->findings, HM_E_IMAGE_FIELD, at,
			    "the label \"%s\" is there twice", row->label);
}

static void
check_place(struct check *c, size_t i)
{
	const struct esp_partition *row = &c->table->rows[i];
	uint32_t align =
	    row->type == ESP_PART_APP ? APP_ALIGN : ESP_TABLE_SECTOR;
	uint64_t at = row_at(i) + 4, end = (uint64_t)row->at + row->size;
	bool is_before =
	    row->type == ESP_PART_BOOTLOADER || row->type == ESP_PART_TABLE;

	if (row->at % align != 0)
		(void)findings_fault(c->findings, HM_E_IMAGE_PLACE, at,
		    "partition %zu is not at a multiple of 0x%" PRIx32, i,
		    align);
	if (row->size == 0 || row->size % ESP_TABLE_SECTOR != 0)
		(void)findings_fault(c->findings, HM_E_IMAGE_PLACE, at + 4,
		    "the size of partition %zu is not a multiple of 0x1000", i);
	if (!is_before && row->at < c->table_at + ESP_TABLE_SECTOR)
		(void)findings_fault(c->findings, HM_E_IMAGE_PLACE, at,
		    "partition %zu begins before the end of the table", i);
	if (end > c->flash_size)
		(void)findings_fault(c->findings, HM_E_IMAGE_PLACE, at + 4,
		    "partition %zu ends at 0x%" PRIx64
		    ", beyond a flash of 0x%" PRIx64 " bytes",
		    i, end, c->flash_size);
}

static void
check_overlap(struct check *c, size_t i)
{
	const struct esp_partition *a = &c->table->rows[i];

	for (size_t k = 0; k < i; k++) {
		const struct esp_partition *b = &c->table->rows[k];

		if (a->at < (uint64_t)b->at + b->size &&
		    b->at < (uint64_t)a->at + a->size)
			(void)findings_fault(c->findings, HM_E_IMAGE_PLACE,
			    row_at(i) + 4, "partitions %zu and %zu overlap", k,
			    i);
	}
}

static void
check_kind(struct check *c, size_t i)
{
	const struct esp_partition *row = &c->table->rows[i];
	bool is_data = row->type == ESP_PART_DATA;
	uint64_t at = row_at(i);

	if ((row->flags & ~FLAGS) != 0)
		(void)findings_fault(c->findings, HM_E_IMAGE_FIELD, at + 28,
		    "partition %zu has unknown flags 0x%" PRIx32, i,
		    row->flags & ~FLAGS);
	if (is_data && row->subtype == ESP_DATA_OTA &&
	    row->size != OTADATA_SIZE)
		(void)findings_fault(c->findings, HM_E_IMAGE_FIELD, at + 8,
		    "otadata has 0x%" PRIx32 " bytes, not 0x2000", row->size);
	if (!is_data || row->subtype != ESP_DATA_NVS)
		return;
	if ((row->flags & ESP_PART_ENCRYPTED) != 0)
		(void)findings_fault(c->findings, HM_E_IMAGE_FIELD, at + 28,
		    "NVS has its own encryption, the flag would garble it");
	if (row->size < NVS_SIZE_MIN && (row->flags & ESP_PART_READONLY) == 0)
		(void)findings_fault(c->findings, HM_E_IMAGE_FIELD, at + 8,
		    "an NVS partition that is written has 0x3000 bytes "
		    "at least");
}

static void
check_together(struct check *c)
{
	unsigned apps = 0, slots = 0, otadata = 0;

	for (size_t i = 0; i < c->table->count; i++) {
		const struct esp_partition *row = &c->table->rows[i];
		bool is_app = row->type == ESP_PART_APP;

		apps += is_app;
		slots += is_app && row->subtype >= 0x10 && row->subtype < 0x20;
		if (row->type != ESP_PART_DATA || row->subtype != ESP_DATA_OTA)
			continue;
		if (otadata++ > 0)
			(void)findings_fault(c->findings, HM_E_IMAGE_FIELD,
			    row_at(i), "more than one otadata partition");
	}
	if (apps == 0)
		findings_note(c->findings, 0, "no partition for an app");
	if (slots > 0 && otadata == 0)
		findings_note(c->findings, 0, "slots, but no otadata");
}

void
esp_table_check(const struct esp_table_rules *rules,
    const struct esp_table *table, struct findings *findings)
{
	struct check c = {
		.table_at =
		    rules->table_at != 0 ? rules->table_at : ESP_TABLE_AT,
		.flash_size = rules->flash_size != 0 ? rules->flash_size
						     : UINT64_C(1) << 32,
		.findings = findings,
		.table = table,
	};

	if (table->count == 0)
		(void)findings_fault(
		    findings, HM_E_IMAGE_FIELD, 0, "the table has no rows");
	for (size_t i = 0; i < table->count; i++) {
		check_kind(&c, i);
		check_label(&c, i);
		check_place(&c, i);
		check_overlap(&c, i);
	}
	check_together(&c);
}

/* ---- the bytes ---- */

static bool
is_erased(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0xff)
			return false;
	return true;
}

static hm_err
check_md5(struct findings *findings, const uint8_t *table, size_t at)
{
	uint8_t digest[HASH_MAX];

	HM_TRY(hash_one(HASH_MD5, (struct hm_bytes){ table, at }, digest));
	findings_bytes(findings, at, ESP_TABLE_ROW, "md5",
	    (struct hm_bytes){ table + at + MD5_AT, MD5_LEN });
	if (!is_erased(table + at + 2, MD5_AT - 2))
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, at + 2,
		    "the bytes before the MD5 are not FF");
	if (memcmp(digest, table + at + MD5_AT, MD5_LEN) != 0)
		(void)findings_fault(findings, HM_E_IMAGE_HASH, at + MD5_AT,
		    "the MD5 is not that of the rows before it");
	return HM_OK;
}

struct reader {
	const uint8_t *bytes;
	size_t len, at;
	bool has_md5, is_over;
	struct findings *findings;
	struct esp_table *table;
};

/* One row of 32 bytes at r->at. */
static hm_err
read_row(struct reader *r)
{
	const uint8_t *row = r->bytes + r->at;
	uint16_t magic = image_get_u16(row);

	if (is_erased(row, ESP_TABLE_ROW)) {
		r->is_over = true;
		return HM_OK;
	}
	if (magic == MD5_MAGIC && !r->has_md5) {
		r->has_md5 = true;
		return check_md5(r->findings, r->bytes, r->at);
	}
	if (magic != MAGIC || r->has_md5 || r->table->count == ESP_TABLE_ROWS) {
		r->is_over = true;
		(void)findings_fault(r->findings, HM_E_IMAGE_FIELD, r->at,
		    r->has_md5 ? "a row behind the MD5"
			       : "a row begins neither with AA 50 nor EB EB");
		return HM_OK;
	}
	decode(row, &r->table->rows[r->table->count]);
	list_row(r->findings, r->at, &r->table->rows[r->table->count++]);
	return HM_OK;
}

static hm_err
read_rows(struct reader *r)
{
	for (; !r->is_over && r->at + ESP_TABLE_ROW <= r->len;
	     r->at += ESP_TABLE_ROW)
		HM_TRY(read_row(r));
	if (findings_faults(r->findings) > 0)
		return HM_OK;
	if (!r->is_over)
		(void)findings_fault(r->findings, HM_E_IMAGE_SHORT, r->at,
		    "no end mark behind the rows");
	else if (!r->has_md5)
		(void)findings_fault(r->findings, HM_E_IMAGE_HASH,
		    r->at - ESP_TABLE_ROW, "no MD5 behind the rows");
	else if (!is_erased(r->bytes + r->at, r->len - r->at))
		(void)findings_fault(r->findings, HM_E_IMAGE_TRAILING, r->at,
		    "bytes behind the end mark that are not FF");
	return HM_OK;
}

hm_err
esp_table_read(const struct esp_table_rules *rules, const struct input *file,
    struct findings *findings, struct esp_table *ret)
{
	uint8_t bytes[ESP_TABLE_SIZE];
	struct reader r = { .bytes = bytes,
		.len = file->size < sizeof(bytes) ? (size_t)file->size
						  : sizeof(bytes),
		.findings = findings,
		.table = ret };
	bool is_filled = true;

	ret->count = 0;
	HM_TRY(input_read(file, 0, (struct hm_span){ bytes, r.len }));
	if (r.len < ESP_TABLE_ROW || image_get_u16(bytes) != MAGIC) {
		(void)findings_fault(findings, HM_E_IMAGE_FORMAT, 0,
		    "the table does not begin with AA 50");
		return HM_OK;
	}
	if (file->size % ESP_TABLE_ROW != 0)
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "the length is not a multiple of 32");
	HM_TRY(read_rows(&r));
	if (file->size > sizeof(bytes))
		HM_TRY(input_is_filled(file, sizeof(bytes),
		    file->size - sizeof(bytes), 0xff, &is_filled));
	if (!is_filled || file->size > ESP_TABLE_SECTOR)
		(void)findings_fault(findings, HM_E_IMAGE_TRAILING,
		    sizeof(bytes), "bytes behind the table");
	esp_table_check(rules, ret, findings);
	return HM_OK;
}

hm_err
esp_table_write(const struct esp_table *table, struct output *out)
{
	uint8_t bytes[ESP_TABLE_SIZE], digest[HASH_MAX];
	size_t at = table->count * ESP_TABLE_ROW;

	if (table->count >= ESP_TABLE_ROWS)
		return HM_E_TOO_LARGE;
	memset(bytes, 0xff, sizeof(bytes));
	for (size_t i = 0; i < table->count; i++)
		encode(&table->rows[i], bytes + i * ESP_TABLE_ROW);
	HM_TRY(hash_one(HASH_MD5, (struct hm_bytes){ bytes, at }, digest));
	image_put_u16(bytes + at, MD5_MAGIC);
	memcpy(bytes + at + MD5_AT, digest, MD5_LEN);
	return output_add(out, HM_BYTES(bytes));
}

bool
esp_part_is_encrypted(const struct esp_partition *row)
{
	if (row->type != ESP_PART_DATA)
		return row->type <= ESP_PART_TABLE ||
		       (row->flags & ESP_PART_ENCRYPTED) != 0;
	if (row->subtype == ESP_DATA_NVS)
		return false;
	return row->subtype == ESP_DATA_OTA ||
	       row->subtype == ESP_DATA_NVS_KEYS ||
	       (row->flags & ESP_PART_ENCRYPTED) != 0;
}

bool
esp_table_is(const struct input *file)
{
	uint8_t magic[2];

	return file->size >= ESP_TABLE_ROW && file->size <= ESP_TABLE_SECTOR &&
	       input_read(file, 0, (struct hm_span){ magic, 2 }) == HM_OK &&
	       image_get_u16(magic) == MAGIC;
}

hm_err
esp_table_inspect(const struct input *file, struct findings *findings)
{
	struct esp_table_rules rules = { 0 };
	struct esp_table table;

	return esp_table_read(&rules, file, findings, &table);
}
