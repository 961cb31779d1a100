/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_fit.h"

#include <string.h>

#include "cmd/image_files.h"
#include "image/uboot_env.h"

static struct uboot_env
how_of(const struct image_job *job)
{
	return (struct uboot_env){
		.is_redundant = options_flag(job->given, "redundant"),
		.fill = 0xFF,
	};
}

/* Text to image, or image to text. */
static hm_err
convert(struct image_job *job, struct why *why)
{
	const char *fill = options_text(job->given, "erased-val");
	struct uboot_env how = how_of(job);

	if (!options_has(job->given, "env-size"))
		return uboot_env_text(&how, &job->input, job->out, why);
	HM_TRY(image_option_size(
	    job->given, "env-size", UBOOT_ENV_SIZE_MAX, &how.size, why));
	if (fill != NULL && strcmp(fill, "0") == 0)
		how.fill = 0;
	return uboot_env_make(&how, &job->input, job->out, why);
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	struct uboot_env how = how_of(job);

	(void)why;
	return uboot_env_verify(&how, file, job->findings);
}

/* Only an image can be judged; a text was read from one that was. */
static hm_err
judge_result(struct image_job *job, struct why *why)
{
	struct input result;

	HM_TRY(output_input(job->out, &result));
	return options_has(job->given, "env-size")
		   ? judge(job, &result, why)
		   : judge(job, &job->input, why);
}

static const struct option_spec convert_rows[] = { UBOOT_ENV_CONVERT_OPTIONS,
	{ "erased-val", OPTION_ENUM, .choices = "0xff|0" }, { 0 } };
static const struct option_spec verify_rows[] = { UBOOT_ENV_VERIFY_OPTIONS,
	{ 0 } };

const struct image_command image_uboot_env = { .format = "uboot-env",
	.words = "U-Boot environment",
	.steps = { [IMAGE_CONVERT] = { .run = convert,
		       .options = convert_rows,
		       .is_judged = true },
	    [IMAGE_VERIFY] = { .options = verify_rows } },
	.judge = judge,
	.rest = "not named",
	.judge_result = judge_result };
