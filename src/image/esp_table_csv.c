/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "image/esp_app.h"
#include "image/esp_table.h"

#define FIELDS 6 /* name, type, subtype, offset, size, flags */
#define APP_ALIGN 0x10000u

struct name {
	const char *text;
	uint8_t value;
};

static const struct name types[] = { { "app", 0 }, { "data", 1 },
	{ "bootloader", 2 }, { "partition_table", 3 }, { NULL, 0 } };
static const struct name apps[] = { { "factory", 0 }, { "test", 0x20 },
	{ "ota_0", 0x10 }, { "ota_1", 0x11 }, { "ota_2", 0x12 },
	{ "ota_3", 0x13 }, { "ota_4", 0x14 }, { "ota_5", 0x15 },
	{ "ota_6", 0x16 }, { "ota_7", 0x17 }, { "ota_8", 0x18 },
	{ "ota_9", 0x19 }, { "ota_10", 0x1a }, { "ota_11", 0x1b },
	{ "ota_12", 0x1c }, { "ota_13", 0x1d }, { "ota_14", 0x1e },
	{ "ota_15", 0x1f }, { "tee_0", 0x30 }, { "tee_1", 0x31 }, { NULL, 0 } };
static const struct name datas[] = { { "ota", 0 }, { "phy", 1 }, { "nvs", 2 },
	{ "coredump", 3 }, { "nvs_keys", 4 }, { "efuse", 5 },
	{ "undefined", 6 }, { "esphttpd", 0x80 }, { "fat", 0x81 },
	{ "spiffs", 0x82 }, { "littlefs", 0x83 }, { "tee_ota", 0x90 },
	{ NULL, 0 } };
static const struct name bootloaders[] = { { "primary", 0 }, { "ota", 1 },
	{ "recovery", 2 }, { NULL, 0 } };
static const struct name tables[] = { { "primary", 0 }, { "ota", 1 },
	{ NULL, 0 } };
static const struct name none[] = { { NULL, 0 } };

static const struct name *
subtypes_of(uint8_t type)
{
	switch (type) {
	case ESP_PART_APP:
		return apps;
	case ESP_PART_DATA:
		return datas;
	case ESP_PART_BOOTLOADER:
		return bootloaders;
	case ESP_PART_TABLE:
		return tables;
	default:
		return none;
	}
}

static const char *
name_of(const struct name *names, uint8_t value)
{
	for (; names->text != NULL; names++)
		if (names->value == value)
			return names->text;
	return NULL;
}

const char *
esp_part_type_name(uint8_t type)
{
	return name_of(types, type);
}

const char *
esp_part_subtype_name(uint8_t type, uint8_t subtype)
{
	return name_of(subtypes_of(type), subtype);
}

/* ---- fields ---- */

static struct hm_bytes
trimmed(struct hm_bytes text)
{
	while (text.len > 0 && isspace(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && isspace(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* What stands before `mark`; the rest stays in *text. */
static struct hm_bytes
take_until(struct hm_bytes *text, char mark)
{
	const uint8_t *end =
	    text->len == 0 ? NULL : memchr(text->ptr, mark, text->len);
	size_t len = end == NULL ? text->len : (size_t)(end - text->ptr);
	struct hm_bytes part = { text->ptr, len };
	size_t used = end == NULL ? len : len + 1;

	text->ptr += used;
	text->len -= used;
	return trimmed(part);
}

static bool
is_word(struct hm_bytes text, const char *word)
{
	return hm_bytes_equal(text, hm_bytes_of(word));
}

static int
digit_of(uint8_t letter)
{
	if (letter >= '0' && letter <= '9')
		return letter - '0';
	letter = (uint8_t)(letter | 0x20);
	return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : 16;
}

bool
esp_number(struct hm_bytes text, uint32_t *ret)
{
	uint64_t value = 0, times = 1;
	unsigned base = 10;

	if (text.len > 0 && (text.ptr[text.len - 1] | 0x20) == 'k')
		times = 1024;
	else if (text.len > 0 && (text.ptr[text.len - 1] | 0x20) == 'm')
		times = 1024 * 1024;
	text.len -= times > 1;
	if (text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x') {
		base = 16;
		text.ptr += 2;
		text.len -= 2;
	}
	if (text.len == 0 || text.len > 10)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(text.ptr[i]);

		if (digit >= (int)base)
			return false;
		value = value * base + (unsigned)digit;
	}
	if (value * times > UINT32_MAX)
		return false;
	*ret = (uint32_t)(value * times);
	return true;
}

static bool
named(const struct name *names, struct hm_bytes text, uint8_t *ret)
{
	uint32_t value;

	for (; names->text != NULL; names++)
		if (is_word(text, names->text)) {
			*ret = names->value;
			return true;
		}
	if (!esp_number(text, &value) || value > 0xfe)
		return false;
	*ret = (uint8_t)value;
	return true;
}

/* ---- lines ---- */

struct line {
	unsigned number;
	struct hm_bytes fields[FIELDS];
	struct why *why;
};

static hm_err
wrong(const struct line *line, const char *what, size_t field)
{
	struct hm_bytes bytes = line->fields[field];
	char text[41];

	bytes.len = bytes.len < 40 ? bytes.len : 40;
	esp_text(bytes, text);
	why_where(line->why, "line %u", line->number);
	return WHY(line->why, HM_E_BAD_INPUT, "%s \"%s\"", what, text);
}

static hm_err
read_flags(const struct line *line, uint32_t *ret)
{
	struct hm_bytes rest = line->fields[5];

	*ret = 0;
	while (rest.len > 0) {
		struct hm_bytes flag = take_until(&rest, ':');

		if (is_word(flag, "encrypted"))
			*ret |= ESP_PART_ENCRYPTED;
		else if (is_word(flag, "readonly"))
			*ret |= ESP_PART_READONLY;
		else if (flag.len > 0)
			return wrong(line, "no such flag:", 5);
	}
	return HM_OK;
}

/* An empty offset is the next place, a negative size ends at an address. */
static hm_err
read_place(const struct line *line, struct esp_partition *row, uint64_t *next)
{
	uint32_t align =
	    row->type == ESP_PART_APP ? APP_ALIGN : ESP_TABLE_SECTOR;
	uint64_t at = (*next + align - 1) / align * align;
	struct hm_bytes size = line->fields[4];
	bool is_end = size.len > 0 && size.ptr[0] == '-';

	if (line->fields[3].len > 0) {
		if (!esp_number(line->fields[3], &row->at))
			return wrong(line, "not an offset:", 3);
	} else if (at > UINT32_MAX) {
		return wrong(line, "no place in flash for", 0);
	} else {
		row->at = (uint32_t)at;
	}
	size.ptr += is_end;
	size.len -= is_end;
	if (!esp_number(size, &row->size))
		return wrong(line, "not a size:", 4);
	if (is_end && row->size < row->at)
		return wrong(line, "it would end before it begins:", 4);
	row->size -= is_end ? row->at : 0;
	*next = (uint64_t)row->at + row->size;
	return HM_OK;
}

static hm_err
read_line(const struct line *line, struct esp_partition *row, uint64_t *next)
{
	struct hm_bytes label = line->fields[0];

	*row = (struct esp_partition){ .subtype = ESP_DATA_UNDEFINED };
	if (label.len == 0 || label.len > 15)
		return wrong(line, "a label has 1 to 15 letters:", 0);
	memcpy(row->label, label.ptr, label.len);
	if (memchr(row->label, '\0', label.len) != NULL)
		return wrong(line, "a label with NUL:", 0);
	if (!named(types, line->fields[1], &row->type))
		return wrong(line, "no such type:", 1);
	if (line->fields[2].len == 0 && row->type == ESP_PART_APP)
		return wrong(line, "an app wants a subtype:", 0);
	if (line->fields[2].len > 0 &&
	    !named(subtypes_of(row->type), line->fields[2], &row->subtype))
		return wrong(line, "no such subtype:", 2);
	HM_TRY(read_flags(line, &row->flags));
	return read_place(line, row, next);
}

hm_err
esp_table_from_csv(const struct esp_table_rules *rules, struct hm_bytes csv,
    struct esp_table *ret, struct why *why)
{
	uint64_t next =
	    (rules->table_at != 0 ? rules->table_at : ESP_TABLE_AT) +
	    (uint64_t)ESP_TABLE_SECTOR;
	struct line line = { .why = why };

	ret->count = 0;
	while (csv.len > 0) {
		struct hm_bytes text = take_until(&csv, '\n');

		line.number++;
		if (text.len == 0 || text.ptr[0] == '#')
			continue;
		for (size_t i = 0; i < FIELDS; i++)
			line.fields[i] = take_until(&text, ',');
		if (trimmed(text).len > 0)
			return wrong(&line, "more than 6 fields:", 0);
		if (ret->count >= ESP_TABLE_ROWS - 1)
			return WHY(why, HM_E_TOO_LARGE,
			    "a table has %d rows at most", ESP_TABLE_ROWS - 1);
		HM_TRY(read_line(&line, &ret->rows[ret->count], &next));
		ret->count++;
	}
	return HM_OK;
}

/* ---- the other way ---- */

static hm_err
print_name(struct buf *ret, const char *name, uint8_t value)
{
	return name != NULL ? buf_print(ret, "%s,", name)
			    : buf_print(ret, "0x%02x,", value);
}

static hm_err
print_size(struct buf *ret, uint32_t size)
{
	if (size != 0 && size % (1024 * 1024) == 0)
		return buf_print(ret, "%" PRIu32 "M,", size / (1024 * 1024));
	if (size != 0 && size % 1024 == 0)
		return buf_print(ret, "%" PRIu32 "K,", size / 1024);
	return buf_print(ret, "0x%" PRIx32 ",", size);
}

static hm_err
print_row(struct buf *ret, const struct esp_partition *row)
{
	static const char *flags[] = { "", "encrypted", "readonly",
		"encrypted:readonly" };

	HM_TRY(buf_print(ret, "%s,", row->label));
	HM_TRY(print_name(ret, esp_part_type_name(row->type), row->type));
	HM_TRY(print_name(
	    ret, esp_part_subtype_name(row->type, row->subtype), row->subtype));
	HM_TRY(buf_print(ret, "0x%" PRIx32 ",", row->at));
	HM_TRY(print_size(ret, row->size));
	return buf_print(ret, "%s\n", flags[row->flags & 3]);
}

hm_err
esp_table_csv(const struct esp_table *table, struct buf *ret)
{
	HM_TRY(buf_print(ret, "# ESP-IDF Partition Table\n"
			      "# Name, Type, SubType, Offset, Size, Flags\n"));
	for (size_t i = 0; i < table->count; i++)
		HM_TRY(print_row(ret, &table->rows[i]));
	return HM_OK;
}
