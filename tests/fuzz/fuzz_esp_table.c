/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_esp_table - any bytes as a partition table, binary or CSV
 *
 * A table that is accepted comes back from its CSV, and from its bytes, as it
 * was; what a CSV says is written so that the reader accepts it, or refused.
 * An input that begins with 'R' has its MD5 made right before.
 */
#include <string.h>

#include "fuzz.h"
#include "image/esp_flash_plan.h"

static struct esp_table_rules rules;

static bool
is_good(const struct input *file, struct esp_table *ret)
{
	AUTO_FINDINGS struct findings *f = NULL;

	fuzz_must(findings_new("esp-partition-table", &f) == HM_OK);
	fuzz_must(esp_table_read(&rules, file, f, ret) == HM_OK);
	return findings_faults(f) == 0;
}

static void
same(const struct esp_table *a, const struct esp_table *b)
{
	fuzz_must(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		fuzz_must(strcmp(a->rows[i].label, b->rows[i].label) == 0);
		fuzz_must(a->rows[i].type == b->rows[i].type);
		fuzz_must(a->rows[i].subtype == b->rows[i].subtype);
		fuzz_must(a->rows[i].at == b->rows[i].at);
		fuzz_must(a->rows[i].size == b->rows[i].size);
		fuzz_must(a->rows[i].flags == b->rows[i].flags);
	}
}

static void
through_bytes(const struct esp_table *table)
{
	static struct esp_table again;
	struct output *out = NULL;
	struct input made;

	if (table->count >= ESP_TABLE_ROWS)
		return;
	fuzz_must(output_memory(8192, &out) == HM_OK);
	fuzz_must(esp_table_write(table, out) == HM_OK);
	fuzz_must(output_input(out, &made) == HM_OK);
	fuzz_must(is_good(&made, &again));
	same(table, &again);
	output_free(out);
}

static void
plan(const struct esp_table *table)
{
	AUTO_FINDINGS struct findings *f = NULL;
	static struct esp_flash_plan plan;
	struct esp_flash_layout layout = { esp_chip_of(0), ESP_TABLE_AT,
		table };

	fuzz_must(findings_new("esp-flash-encryption", &f) == HM_OK);
	esp_flash_plan(&layout, f, &plan);
	fuzz_must(plan.count <= ESP_FLASH_AREAS);
	for (size_t i = 1; i < plan.count; i++)
		fuzz_must(plan.areas[i - 1].at <= plan.areas[i].at);
}

/* A label may have what a CSV cannot say: a comma, a blank at its end. */
static bool
is_plain(const struct esp_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct esp_partition *row = &table->rows[i];
		size_t len = strlen(row->label);

		if (len > 15 || strpbrk(row->label, ", #") != NULL ||
		    row->type > 0xfe || row->subtype > 0xfe)
			return false;
	}
	return true;
}

static void
try_binary(const struct input *file)
{
	static struct esp_table table, again;
	struct buf csv = { .max = ESP_TABLE_CSV_MAX };

	if (!is_good(file, &table))
		return;
	plan(&table);
	through_bytes(&table);
	if (table.count < ESP_TABLE_ROWS && is_plain(&table)) {
		fuzz_must(esp_table_csv(&table, &csv) == HM_OK);
		fuzz_must(esp_table_from_csv(
			      &rules, buf_bytes(&csv), &again, NULL) == HM_OK);
		same(&table, &again);
	}
	buf_done(&csv);
}

static void
try_csv(struct hm_bytes text)
{
	AUTO_FINDINGS struct findings *f = NULL;
	static struct esp_table table;
	struct why why = { 0 };
	hm_err err = esp_table_from_csv(&rules, text, &table, &why);

	if (err != HM_OK) {
		fuzz_must(err == why.err && why.text[0] != '\0');
		return;
	}
	fuzz_must(findings_new("esp-partition-table", &f) == HM_OK);
	esp_table_check(&rules, &table, f);
	if (findings_faults(f) == 0)
		through_bytes(&table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[ESP_TABLE_SECTOR];
	uint8_t digest[HASH_MAX];
	struct input file;
	size_t at = 0;

	if (size < 1 || size > sizeof(bytes))
		return 0;
	if (data[0] != 'R') {
		try_csv((struct hm_bytes){ data, size });
		return 0;
	}
	memcpy(bytes, data + 1, size - 1);
	while (at + 64 <= size - 1 && image_get_u16(bytes + at) != 0xebeb)
		at += 32;
	if (at + 32 <= size - 1 && image_get_u16(bytes + at) == 0xebeb) {
		fuzz_must(hash_one(HASH_MD5, (struct hm_bytes){ bytes, at },
			      digest) == HM_OK);
		memcpy(bytes + at + 16, digest, 16);
	}
	file = input_of((struct hm_bytes){ bytes, size - 1 });
	(void)esp_table_is(&file);
	try_binary(&file);
	return 0;
}
