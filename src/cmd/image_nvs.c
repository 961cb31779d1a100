/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert reads the table of ESP-IDF's generator: key,type,encoding,value with
 * types namespace, data (the value), file (its name), and one of ours: stamp (a
 * device's, verified), whose encoding names a field of it. No key has a meaning
 * of its own here.
 */
#include "cmd/image_esp_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/image_files.h"
#include "cmd/stamp_row.h"
#include "image/nvs.h"

#define COLUMNS 4
#define CSV_MAX (1u << 20)

enum { KEY, TYPE, ENCODING, VALUE };

/* ---- options ---- */

static hm_err
load_key(const char *path, struct secret *ret, struct why *why)
{
	struct buf content = { 0 };
	hm_err err = file_read(path, NVS_PAGE, &content, why);

	if (err == HM_OK)
		err = nvs_key_from(buf_bytes(&content), ret, why);
	buf_wipe(&content);
	if (err != HM_OK)
		why_where(why, "%s", path);
	return err;
}

/* The key of --nvs-key; *ret_key is NULL if there is none. */
static hm_err
given_key(const struct image_job *job, struct secret *room,
    const struct secret **ret_key, struct why *why)
{
	const char *path = options_text(job->given, "nvs-key");

	*ret_key = NULL;
	if (path == NULL)
		return HM_OK;
	HM_TRY(load_key(path, room, why));
	*ret_key = room;
	return HM_OK;
}

static hm_err
partition_size(const struct options *given, uint32_t *ret, struct why *why)
{
	return image_option_size(given, "partition-size", NVS_MAX, ret, why);
}

/* ---- rows ---- */

static hm_err
decode(const struct csv_row *row, struct buf *ret, struct why *why)
{
	const char *how = row->cells[ENCODING];
	struct hm_bytes text = buf_bytes(ret);
	struct buf bytes = { .max = ret->len + 1 };
	uint8_t *at;
	hm_err err = buf_reserve(&bytes, text.len + 1, &at);

	if (err == HM_OK && strcmp(how, "hex2bin") == 0) {
		bytes.len = text.len / 2;
		err = text.len % 2 == 0 ? hex_parse(text, at, bytes.len)
					: HM_E_BAD_INPUT;
	} else if (err == HM_OK) {
		err = base64_parse(
		    text, (struct hm_span){ at, text.len + 1 }, &bytes.len);
	}
	buf_wipe(ret);
	*ret = bytes;
	return err == HM_E_BAD_INPUT
		   ? csv_bad(row, why, "the value is not in its encoding")
		   : err;
}

/* What the row says, or the file that it names. */
static hm_err
content_of(const struct csv_row *row, struct buf *ret, struct why *why)
{
	const char *how = row->cells[ENCODING];
	bool is_text =
	    strcmp(how, "hex2bin") == 0 || strcmp(how, "base64") == 0;

	if (strcmp(row->cells[TYPE], "file") == 0) {
		HM_TRY(file_read(row->cells[VALUE], NVS_MAX, ret, why));
	} else {
		buf_init(ret, CSV_MAX);
		HM_TRY(buf_add(ret, hm_bytes_of(row->cells[VALUE])));
	}
	while (is_text && ret->len > 0 && ret->ptr[ret->len - 1] == '\n')
		ret->len--;
	return is_text ? decode(row, ret, why) : HM_OK;
}

static nvs_type
number_type(const char *encoding)
{
	static const struct {
		const char *name;
		nvs_type type;
	} types[] = { { "u8", NVS_U8 }, { "i8", NVS_I8 }, { "u16", NVS_U16 },
		{ "i16", NVS_I16 }, { "u32", NVS_U32 }, { "i32", NVS_I32 },
		{ "u64", NVS_U64 }, { "i64", NVS_I64 } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, encoding) == 0)
			return types[i].type;
	return 0;
}

static hm_err
add_content(struct nvs_make *make, const struct csv_row *row,
    struct hm_bytes content, struct why *why)
{
	const char *how = row->cells[ENCODING];

	if (strcmp(how, "string") == 0) {
		if (memchr(content.ptr, '\0', content.len) != NULL)
			return csv_bad(row, why, "a NUL in a string");
		return nvs_string(make, row->cells[KEY], content, why);
	}
	if (strcmp(how, "binary") == 0 || strcmp(how, "hex2bin") == 0 ||
	    strcmp(how, "base64") == 0)
		return nvs_blob(make, row->cells[KEY], content, why);
	return csv_bad(row, why,
	    "the encoding is u8 to i64, string, hex2bin, base64 or binary");
}

static hm_err
add_value(struct nvs_make *make, const struct csv_row *row, struct why *why)
{
	nvs_type type = number_type(row->cells[ENCODING]);
	struct buf content = { 0 };
	hm_err err = content_of(row, &content, why);

	if (err == HM_OK && type != 0)
		err = nvs_number(make, row->cells[KEY], type,
		    content.len < 32 ? buf_text(&content) : "", why);
	else if (err == HM_OK)
		err = add_content(make, row, buf_bytes(&content), why);
	buf_wipe(&content); /* it may be a secret */
	return err;
}

/* ---- from a stamp ---- */

typedef enum field_kind { FIELD_TEXT, FIELD_BLOB, FIELD_U32 } field_kind;

struct field {
	field_kind kind;
	struct hm_bytes bytes; /* empty: the stamp has none; borrowed */
	char number[16];
};

/* Its n-th CA certificate, the issuing one first: "ca0" to "ca9". */
static struct hm_bytes
ca_of(const struct hm_stamp *stamp, const char *name)
{
	unsigned n = (unsigned)(name[2] - '0');

	return n < stamp->chain_count ? stamp->chain[n]
				      : (struct hm_bytes){ 0 };
}

/* False: no such field. */
static bool
find_field(const struct hm_stamp *stamp, const char *name, struct field *ret)
{
	const struct {
		const char *name;
		field_kind kind;
		struct hm_bytes bytes;
	} fields[] = {
		{ "serial", FIELD_TEXT, stamp->serial },
		{ "order", FIELD_TEXT, stamp->order },
		{ "mac", FIELD_BLOB,
		    { stamp->mac, stamp->has_mac ? HM_MAC_LEN : 0 } },
		{ "device-id", FIELD_BLOB, HM_BYTES(stamp->device_id) },
		{ "certificate", FIELD_BLOB, stamp->certificate },
		{ "config", FIELD_BLOB, stamp->config },
	};

	*ret = (struct field){ 0 };
	if (strcmp(name, "counter") == 0) {
		ret->kind = FIELD_U32;
		(void)snprintf(ret->number, sizeof(ret->number), "%" PRIu32,
		    stamp->counter);
		return true;
	}
	if (strlen(name) == 3 && memcmp(name, "ca", 2) == 0 && name[2] >= '0' &&
	    name[2] <= '9') {
		ret->kind = FIELD_BLOB;
		ret->bytes = ca_of(stamp, name);
		return true;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(name, fields[i].name) == 0) {
			ret->kind = fields[i].kind;
			ret->bytes = fields[i].bytes;
			return true;
		}
	return false;
}

static hm_err
add_stamp(const struct options *given, struct nvs_make *make,
    const struct csv_row *row, struct why *why)
{
	AUTO(buf) struct buf message = { 0 };
	struct hm_stamp stamp;
	struct field field;

	HM_TRY(stamp_row_read(
	    given, row, row->cells[VALUE], &message, &stamp, why));
	if (!find_field(&stamp, row->cells[ENCODING], &field))
		return csv_bad(row, why,
		    "of a stamp: serial, order, mac, device-id, certificate, "
		    "ca0 and so on, config, counter");
	if (field.kind == FIELD_U32)
		return nvs_number(
		    make, row->cells[KEY], NVS_U32, field.number, why);
	if (field.bytes.len == 0)
		return csv_bad(row, why, "the stamp has no such field");
	if (field.kind == FIELD_TEXT)
		return nvs_string(make, row->cells[KEY], field.bytes, why);
	return nvs_blob(make, row->cells[KEY], field.bytes, why);
}

static hm_err
add_row(const struct options *given, struct nvs_make *make,
    const struct csv_row *row, struct why *why)
{
	const char *type = row->cells[TYPE];
	hm_err err;

	if (strcmp(type, "namespace") == 0)
		err = nvs_namespace(make, row->cells[KEY], why);
	else if (strcmp(type, "data") == 0 || strcmp(type, "file") == 0)
		err = add_value(make, row, why);
	else if (strcmp(type, "stamp") == 0)
		err = add_stamp(given, make, row, why);
	else
		err = csv_bad(
		    row, why, "the type is namespace, data, file or stamp");
	if (err != HM_OK)
		why_where(why, "line %u", row->line);
	return err;
}

static hm_err
add_rows(const struct options *given, struct nvs_make *make, struct buf *text,
    struct why *why)
{
	struct csv csv;
	struct csv_row row;
	bool more = true;

	HM_TRY(csv_begin(text, &csv, why));
	for (;;) {
		HM_TRY(csv_next(&csv, &row, &more, why));
		if (!more)
			return HM_OK;
		if (row.count != COLUMNS)
			return csv_bad(&row, why, "not a row of 4 cells");
		if (row.line == 1 && strcmp(row.cells[KEY], "key") == 0)
			continue; /* the heading */
		HM_TRY(add_row(given, make, &row, why));
	}
}

/* ---- the verbs ---- */

/* A new key, kept in a file before anything is encrypted with it. */
static hm_err
new_key(const char *path, struct secret *ret, struct why *why)
{
	struct buf partition = { .max = NVS_PAGE };
	hm_err err = nvs_key_make(ret, &partition);

	if (err == HM_OK)
		err = file_create(path, buf_bytes(&partition), 0600, why);
	buf_wipe(&partition);
	return err;
}

static hm_err
finish(struct image_job *job, struct nvs_make *make, struct why *why)
{
	const char *path = options_text(job->given, "nvs-new-key");
	AUTO(secret) struct secret room = { 0 };
	const struct secret *key;

	HM_TRY(given_key(job, &room, &key, why));
	if (path != NULL && key != NULL)
		return WHY(why, HM_E_USAGE,
		    "either --nvs-key or --nvs-new-key, not both");
	if (path != NULL) {
		HM_TRY(new_key(path, &room, why));
		key = &room;
	}
	return nvs_end(make, key, job->out);
}

static hm_err
convert(struct image_job *job, struct why *why)
{
	const char *version = options_text(job->given, "nvs-version");
	struct nvs_make *make = NULL;
	struct buf text = { 0 };
	uint32_t size = 0;
	hm_err err;

	HM_TRY(partition_size(job->given, &size, why));
	HM_TRY(nvs_make_new(
	    size, version != NULL && version[0] == '1' ? 1 : 2, &make, why));
	err = input_load(&job->input, CSV_MAX, &text);
	if (err == HM_E_TOO_LARGE)
		err = WHY(why, err, "the table is too long");
	if (err == HM_OK)
		err = add_rows(job->given, make, &text, why);
	if (err == HM_OK)
		err = finish(job, make, why);
	buf_wipe(&text);
	nvs_make_free(make);
	return err;
}

static hm_err
judge_with(struct image_job *job, const struct input *file,
    const struct nvs_verify *how)
{
	return nvs_verify(how, file, job->findings);
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	AUTO(secret) struct secret room = { 0 };
	struct nvs_verify how = {
		.is_readonly = options_flag(job->given, "nvs-readonly"),
	};

	HM_TRY(given_key(job, &room, &how.key, why));
	HM_TRY(judge_with(job, file, &how));
	if (how.key == NULL &&
	    findings_fault_at(job->findings, 0) == HM_E_IMAGE_HASH)
		findings_note(job->findings, 0,
		    "an encrypted partition looks so without its --nvs-key");
	return HM_OK;
}

/* What convert wrote: one or two pages are for read-only use. */
static hm_err
judge_result(struct image_job *job, struct why *why)
{
	const char *path = options_text(job->given, "nvs-new-key");
	AUTO(secret) struct secret room = { 0 };
	struct nvs_verify how = { 0 };
	struct input result;

	HM_TRY(output_input(job->out, &result));
	how.is_readonly = result.size < NVS_READWRITE_MIN ||
			  options_flag(job->given, "nvs-readonly");
	HM_TRY(given_key(job, &room, &how.key, why));
	if (path != NULL) {
		HM_TRY(load_key(path, &room, why));
		how.key = &room;
	}
	return judge_with(job, &result, &how);
}

static const struct option_spec key_rows[] = { NVS_KEY_OPTIONS, { 0 } };
static const struct option_spec convert_rows[] = { NVS_CONVERT_OPTIONS, { 0 } };

const struct image_command image_nvs = { .format = "esp-nvs",
	.words = "NVS partition of an ESP32",
	.steps = { [IMAGE_VERIFY] = { .options = key_rows },
	    [IMAGE_CONVERT] = { .options = convert_rows,
		.shared = "stamp-key",
		.run = convert,
		.needs = "partition-size",
		.is_judged = true } },
	.judge = judge,
	.rest = "not named",
	.judge_result = judge_result };
