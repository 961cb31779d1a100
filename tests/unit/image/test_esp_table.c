/* SPDX-License-Identifier: Apache-2.0 */
/* image/esp_table, esp_flash_plan: rows, CSV, what is encrypted */
#include "esp_vectors.h"

#include "image/esp_flash_plan.h"
#include "image/esp_table.h"

#define FOLDER "esp-partition-table"
#define FLASH_4M (4u << 20)

static const struct esp_table_rules rules = { .flash_size = FLASH_4M };

static void
judge(struct vector *v)
{
	AUTO_FINDINGS struct findings *f = NULL;
	static struct esp_table table;

	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(esp_table_read(&rules, &v->input, f, &table), HM_OK);
	vector_judge(v, f);
	assert_true(esp_table_is(&v->input));
}

static void
decides_as_the_vectors(void **state)
{
	(void)state;
	vectors_each(FOLDER, NULL, 12, judge);
}

static hm_err
parse(const char *csv, struct esp_table *table)
{
	return esp_table_from_csv(&rules, hm_bytes_of(csv), table, NULL);
}

/* From CSV to the maker's bytes, and from these by CSV to the same. */
static void
remake(struct vector *v)
{
	const char *name = doc_get_text(v->row, "csv", NULL);
	struct buf csv, text = { .max = ESP_TABLE_CSV_MAX };
	AUTO_FINDINGS struct findings *f = NULL;
	static struct esp_table table, again;
	struct output *out = NULL;
	struct input made;
	static uint8_t bytes[ESP_TABLE_SIZE];

	if (name == NULL)
		return;
	vector_read(FOLDER, name, &csv);
	assert_int_equal(
	    esp_table_from_csv(&rules, buf_bytes(&csv), &table, NULL), HM_OK);
	assert_int_equal(output_memory(65536, &out), HM_OK);
	assert_int_equal(esp_table_write(&table, out), HM_OK);
	assert_int_equal(output_input(out, &made), HM_OK);
	assert_int_equal(made.size, v->file.len);
	assert_int_equal(
	    input_read(&made, 0, (struct hm_span){ bytes, sizeof(bytes) }),
	    HM_OK);
	assert_memory_equal(bytes, v->file.ptr, sizeof(bytes));
	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	assert_int_equal(esp_table_read(&rules, &v->input, f, &again), HM_OK);
	assert_int_equal(esp_table_csv(&again, &text), HM_OK);
	assert_int_equal(parse(buf_text(&text), &table), HM_OK);
	assert_int_equal(table.count, again.count);
	for (size_t i = 0; i < table.count; i++)
		assert_memory_equal(
		    &table.rows[i], &again.rows[i], sizeof(table.rows[i]));
	output_free(out);
	buf_done(&text);
	buf_done(&csv);
}

static void
makes_the_bytes_of_gen_esp32part(void **state)
{
	(void)state;
	vectors_each(FOLDER, NULL, 12, remake);
}

static void
reads_sizes_ends_and_empty_offsets(void **state)
{
	static struct esp_table t;

	(void)state;
	assert_int_equal(
	    parse("a,data,nvs,,24K\n"             /* behind the table */
		  " b , app , ota_15 ,, 1M ,\r\n" /* aligned to 64 KiB */
		  "c,0x40,0x7,,-0x200000,encrypted:readonly\n",
		&t),
	    HM_OK);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.rows[0].at, 0x9000);
	assert_int_equal(t.rows[0].size, 0x6000);
	assert_int_equal(t.rows[1].at, 0x10000);
	assert_int_equal(t.rows[1].subtype, 0x1f);
	assert_int_equal(t.rows[2].at, 0x110000);
	assert_int_equal(t.rows[2].size, 0xf0000);
	assert_int_equal(t.rows[2].flags, 3);
	assert_int_equal(parse("", &t), HM_OK);
	assert_int_equal(t.count, 0);
}

static void
refuses_lines_that_say_nothing_clear(void **state)
{
	static const char *lines[] = { ",data,nvs,,4K", "a,datum,nvs,,4K",
		"a,app,,,1M", "a,data,ota_0,,4K", "a,data,nvs,,",
		"a,data,nvs,,4G", "a,data,nvs,zero,4K", "a,data,nvs,,4K,hidden",
		"a,data,nvs,,4K,,more", "a,data,nvs,0x,4K", "a,data,nvs,,-4K",
		"sixteen_letters_,data,nvs,,4K", "a,255,0,,4K",
		"a,data,nvs,0x100000000,4K", "a,data,nvs,,4096M" };
	static struct esp_table t;
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		why = (struct why){ 0 };
		if (esp_table_from_csv(&rules, hm_bytes_of(lines[i]), &t,
			&why) != HM_E_BAD_INPUT)
			fail_msg("taken: %s", lines[i]);
		assert_string_equal(why.where, "line 1");
	}
}

static void
holds_94_rows_and_no_more(void **state)
{
	struct buf csv = { .max = ESP_TABLE_CSV_MAX };
	static struct esp_table t;
	struct output *out = NULL;

	(void)state;
	for (unsigned i = 0; i < 94; i++)
		assert_int_equal(
		    buf_print(&csv, "p%u,data,fat,,4K\n", i), HM_OK);
	assert_int_equal(parse(buf_text(&csv), &t), HM_OK);
	assert_int_equal(output_memory(65536, &out), HM_OK);
	assert_int_equal(esp_table_write(&t, out), HM_OK);
	assert_int_equal(output_size(out), ESP_TABLE_SIZE);
	output_free(out);
	assert_int_equal(buf_print(&csv, "p94,data,fat,,4K\n"), HM_OK);
	assert_int_equal(parse(buf_text(&csv), &t), HM_E_TOO_LARGE);
	buf_done(&csv);
}

static hm_err
verdict(const char *csv)
{
	AUTO_FINDINGS struct findings *f = NULL;
	static struct esp_table t;

	assert_int_equal(parse(csv, &t), HM_OK);
	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	esp_table_check(&rules, &t, f);
	return findings_verdict(f, NULL);
}

static void
refuses_tables_that_a_product_would_regret(void **state)
{
	(void)state;
	assert_int_equal(verdict("f,app,factory,,1M\n"), HM_OK);
	assert_int_equal(verdict(""), HM_E_IMAGE_FIELD);
	assert_int_equal(
	    verdict("a,data,nvs,,24K,encrypted\n"), HM_E_IMAGE_FIELD);
	assert_int_equal(verdict("a,data,nvs,,8K\n"), HM_E_IMAGE_FIELD);
	assert_int_equal(verdict("a,data,nvs,,8K,readonly\n"), HM_OK);
	assert_int_equal(verdict("a,data,ota,,4K\n"), HM_E_IMAGE_FIELD);
	assert_int_equal(
	    verdict("a,data,ota,,8K\nb,data,ota,,8K\n"), HM_E_IMAGE_FIELD);
	assert_int_equal(
	    verdict("a,data,fat,,4K\na,data,fat,,4K\n"), HM_E_IMAGE_FIELD);
	assert_int_equal(verdict("a,data,fat,0x8000,4K\n"), HM_E_IMAGE_PLACE);
	assert_int_equal(verdict("a,data,fat,0x9800,4K\n"), HM_E_IMAGE_PLACE);
	assert_int_equal(verdict("a,data,fat,,100\n"), HM_E_IMAGE_PLACE);
	assert_int_equal(verdict("a,app,factory,,4M\n"), HM_E_IMAGE_PLACE);
	assert_int_equal(verdict("a,data,fat,0x9000,8K\nb,data,fat,0xa000,4K"),
	    HM_E_IMAGE_PLACE);
}

static void
encrypts_what_the_chip_decrypts(void **state)
{
	AUTO_FINDINGS struct findings *f = NULL;
	static struct esp_table t;
	struct esp_flash_layout layout = { esp_chip_named("esp32"), 0x8000,
		&t };
	struct esp_flash_plan plan;
	static const struct esp_flash_area should[] = { { 0x1000, 0x7000 },
		{ 0x8000, 0x1000 }, { 0xf000, 0x2000 }, { 0x11000, 0x1000 },
		{ 0x12000, 0x2000 }, { 0x20000, 0x100000 },
		{ 0x130000, 0x1000 } };

	(void)state;
	assert_int_equal(parse("ota_0,app,ota_0,0x20000,1M\n"
			       "nvs,data,nvs,0x9000,24K\n"
			       "cert,0x3f,6,0xf000,8K,encrypted\n"
			       "keys,data,nvs_keys,0x11000,4K\n"
			       "otadata,data,ota,0x12000,8K\n"
			       "fat,data,fat,0x120000,64K\n"
			       "own,data,fat,0x130000,4K,encrypted\n",
			     &t),
	    HM_OK);
	assert_int_equal(findings_new(FOLDER, &f), HM_OK);
	esp_flash_plan(&layout, f, &plan);
	assert_int_equal(plan.count, sizeof(should) / sizeof(should[0]));
	for (size_t i = 0; i < plan.count; i++) {
		assert_int_equal(plan.areas[i].at, should[i].at);
		assert_int_equal(plan.areas[i].size, should[i].size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_as_the_vectors),
		cmocka_unit_test(makes_the_bytes_of_gen_esp32part),
		cmocka_unit_test(reads_sizes_ends_and_empty_offsets),
		cmocka_unit_test(refuses_lines_that_say_nothing_clear),
		cmocka_unit_test(holds_94_rows_and_no_more),
		cmocka_unit_test(refuses_tables_that_a_product_would_regret),
		cmocka_unit_test(encrypts_what_the_chip_decrypts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
