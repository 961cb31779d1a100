/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_esp_data.h"

#include "base/auto.h"
#include "base/file.h"
#include "image/efuse.h"

#define PLAN_MAX 65536

static hm_err
chip_of(
    const struct image_job *job, const struct efuse_chip **ret, struct why *why)
{
	const char *name = options_text(job->given, "chip");

	*ret = efuse_chip_named(name);
	if (*ret != NULL)
		return HM_OK;
	return WHY(why, HM_E_USAGE,
	    "no table of the eFuses of \"%.40s\": esp32, esp32s2, s3, c2, "
	    "c3, c5, c6, c61, h2, h21, h4, p4, s31",
	    name);
}

static hm_err
load_file(void *context, const char *path, struct buf *ret, struct why *why)
{
	(void)context;
	return file_read(path, 4096, ret, why);
}

static hm_err
load_state(const struct image_job *job, struct efuse *efuse, struct why *why)
{
	const char *path = options_text(job->given, "efuse-state");
	struct input file;
	hm_err err;

	if (path == NULL)
		return HM_OK;
	HM_TRY(input_open(path, 4096, &file, why));
	err = efuse_load(efuse, &file);
	input_done(&file);
	if (err == HM_E_IMAGE_FORMAT)
		return WHY(why, err, "not the state of such a chip");
	return err;
}

static hm_err
run_plan(struct image_job *job, struct efuse *efuse, struct why *why)
{
	AUTO(buf) struct buf text = { 0 };
	struct efuse_plan plan = { .load = load_file };

	hm_err err;

	HM_TRY(load_state(job, efuse, why));
	err = input_load(&job->input, PLAN_MAX, &text);
	if (err == HM_E_TOO_LARGE)
		return WHY(why, err, "the plan is too long");
	HM_TRY(err);
	(void)buf_text(&text);
	plan.text = (char *)text.ptr;
	HM_TRY(efuse_run(efuse, &plan, why));
	return efuse_save(efuse, job->out);
}

static hm_err
convert(struct image_job *job, struct why *why)
{
	const struct efuse_chip *chip;
	struct efuse *efuse;
	hm_err err;

	HM_TRY(chip_of(job, &chip, why));
	HM_TRY(efuse_new(chip, &efuse));
	err = run_plan(job, efuse, why);
	efuse_free(efuse);
	return err;
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	const struct efuse_chip *chip;
	struct efuse *efuse;
	hm_err err;

	HM_TRY(chip_of(job, &chip, why));
	HM_TRY(efuse_new(chip, &efuse));
	err = efuse_load(efuse, file);
	if (err == HM_OK) {
		err = efuse_judge(efuse, job->findings);
	} else if (err == HM_E_IMAGE_FORMAT) {
		(void)findings_fault(job->findings, err, 0,
		    "not the register space of an %s", chip->name);
		err = HM_OK;
	}
	efuse_free(efuse);
	return err;
}

static const struct option_spec convert_rows[] = { EFUSE_CONVERT_OPTIONS,
	{ 0 } };

const struct image_command image_efuse = { .format = "esp-efuse",
	.words = "plan for an ESP32's eFuses, on a virtual chip",
	.steps = { [IMAGE_VERIFY] = { .shared = "chip", .needs = "chip" },
	    [IMAGE_CONVERT] = { .options = convert_rows,
		.shared = "chip",
		.run = convert,
		.needs = "chip" } },
	.judge = judge,
	.rest = "registers" };
