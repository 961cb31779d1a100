/* SPDX-License-Identifier: Apache-2.0 */
/* Partition tables, and flash encryption by them. */
#include "cmd/image_esp.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "image/esp_flash_plan.h"

/* ---- partition tables ---- */

hm_err
esp_table_options(
    const struct image_job *job, struct esp_table_rules *ret, struct why *why)
{
	uint32_t size = 0;

	*ret = (struct esp_table_rules){ 0 };
	HM_TRY(esp_option_number(job, "flash-size", &size, why));
	ret->flash_size = size;
	return esp_option_number(job, "table-offset", &ret->table_at, why);
}

static hm_err
read_csv(const struct input *file, const struct esp_table_rules *rules,
    struct esp_table *ret, struct why *why)
{
	AUTO(buf) struct buf csv = { 0 };
	hm_err err = input_load(file, ESP_TABLE_CSV_MAX, &csv);

	if (err == HM_E_TOO_LARGE)
		return WHY(
		    why, err, "a partition table in CSV has 64 KiB at most");
	HM_TRY(err);
	return esp_table_from_csv(rules, buf_bytes(&csv), ret, why);
}

/* Binary or CSV, by its first bytes; it has to be a good one. */
static hm_err
read_table(const struct input *file, const struct esp_table_rules *rules,
    struct esp_table *ret, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;

	HM_TRY(findings_new("esp-partition-table", &findings));
	if (esp_table_is(file)) {
		HM_TRY(esp_table_read(rules, file, findings, ret));
	} else {
		HM_TRY(read_csv(file, rules, ret, why));
		esp_table_check(rules, ret, findings);
	}
	return findings_verdict(findings, why);
}

static hm_err
judge_table(struct image_job *job, const struct input *file, struct why *why)
{
	struct esp_table_rules rules;
	struct esp_table table;

	HM_TRY(esp_table_options(job, &rules, why));
	return esp_table_read(&rules, file, job->findings, &table);
}

static hm_err
convert_table(struct image_job *job, struct why *why)
{
	AUTO(buf) struct buf csv = { .max = ESP_TABLE_CSV_MAX };
	struct esp_table_rules rules;
	struct esp_table table;

	HM_TRY(esp_table_options(job, &rules, why));
	HM_TRY(read_table(&job->input, &rules, &table, why));
	if (!esp_table_is(&job->input))
		return esp_table_write(&table, job->out);
	HM_TRY(esp_table_csv(&table, &csv));
	return output_add(job->out, buf_bytes(&csv));
}

static const struct option_spec table_rows[] = { ESP_FLASH_SIZE_OPTION,
	ESP_TABLE_AT_OPTION, { 0 } };

const struct image_command image_esp_table = { .format = "esp-partition-table",
	.words = "ESP32 partition table; convert: CSV to binary and back",
	.steps = { [IMAGE_VERIFY] = { .options = table_rows },
	    [IMAGE_CONVERT] = { .run = convert_table, .options = table_rows } },
	.judge = judge_table,
	.rest = "not named" };

/* ---- flash encryption ---- */

static hm_err
plan_areas(const struct image_job *job, const struct esp_chip *chip,
    struct esp_flash_plan *ret, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct esp_table_rules rules;
	static struct esp_table table;
	struct esp_flash_layout layout = { .chip = chip, .table = &table };
	struct input file;
	hm_err err;

	HM_TRY(esp_table_options(job, &rules, why));
	layout.table_at = rules.table_at != 0 ? rules.table_at : ESP_TABLE_AT;
	HM_TRY(input_open(
	    esp_option(job, "table"), ESP_TABLE_CSV_MAX, &file, why));
	err = read_table(&file, &rules, &table, why);
	input_done(&file);
	HM_TRY(err);
	HM_TRY(findings_new("esp-flash-encryption", &findings));
	esp_flash_plan(&layout, findings, ret);
	return HM_OK;
}

static hm_err
crypt(struct image_job *job, struct why *why)
{
	AUTO(secret) struct secret key = { 0 };
	struct esp_flash how = { .encrypt = job->verb == IMAGE_ENCRYPT,
		.cipher = ESP_FLASH_XTS,
		.config = ESP_FLASH_CONFIG,
		.pad = options_flag(job->given, "pad") };
	const struct esp_chip *chip;
	struct esp_flash_plan plan;
	uint32_t address = 0;
	bool any;

	HM_TRY(esp_option_chip(job, &chip, &any, why));
	if (chip == NULL)
		return WHY(why, HM_E_USAGE, "the chip decides the cipher");
	HM_TRY(esp_option_number(job, "address", &address, why));
	HM_TRY(esp_option_key(job, "flash-key", &key, why));
	how.key = secret_bytes(&key);
	how.address = address;
	if (key.len == 16 && strcmp(chip->name, "esp32c2") != 0)
		return WHY(why, HM_E_KEY,
		    "a flash key of 16 bytes is for esp32c2 only");
	if (chip->is_classic)
		how.cipher = ESP_FLASH_CLASSIC;
	if (options_has(job->given, "flash-crypt-config"))
		how.config =
		    (uint8_t)options_int(job->given, "flash-crypt-config");
	if (esp_option(job, "table") != NULL) {
		HM_TRY(plan_areas(job, chip, &plan, why));
		how.areas = plan.areas;
		how.area_count = plan.count;
	}
	return esp_flash_convert(&how, &job->input, job->out, why);
}

static hm_err
judge_flash(struct image_job *job, const struct input *file, struct why *why)
{
	(void)job;
	(void)file;
	why_do(why, "sign the image before it is encrypted, and verify that");
	return WHY(why, HM_E_USAGE,
	    "flash encryption has no integrity: there is nothing to verify");
}

static const struct option_spec crypt_rows[] = { ESP_CRYPT_OPTIONS, { 0 } };
#define CRYPT_STEP                                   \
	{                                            \
		.run = crypt, .options = crypt_rows, \
		.needs = "chip flash-key address"    \
	}

const struct image_command image_esp_flash = { .format = "esp-flash-encryption",
	.words = "ESP32 flash content, encrypted for its address",
	.steps = { [IMAGE_ENCRYPT] = CRYPT_STEP, [IMAGE_DECRYPT] = CRYPT_STEP },
	.judge = judge_flash,
	.rest = "not named" };
