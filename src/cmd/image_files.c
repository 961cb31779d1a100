/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_files.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/report.h"
#include "base/text.h"
#include "image/esp_table.h"

#define MODE_IMAGE 0644
#define MODE_PLAIN 0600 /* what was encrypted before */

hm_err
image_time(uint64_t *ret, struct why *why)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");

	if (text == NULL || text[0] == '\0') {
		*ret = clock_now_s();
		return HM_OK;
	}
	if (uint_parse(hm_bytes_of(text), INT64_MAX, ret) != HM_OK)
		return WHY(why, HM_E_USAGE,
		    "SOURCE_DATE_EPOCH wants seconds since 1970, not \"%s\"",
		    text);
	return HM_OK;
}

hm_err
image_job_time(const struct image_job *job, uint64_t *ret, struct why *why)
{
	if (!job->has_time)
		return image_time(ret, why);
	*ret = job->time_s;
	return HM_OK;
}

hm_err
image_name_rest(
    struct image_job *job, const struct input *file, const char *name)
{
	if (name == NULL || !report_is_json())
		return HM_OK;
	return findings_rest(job->findings, file, name);
}

hm_err
image_option_size(const struct options *given, const char *name, uint32_t max,
    uint32_t *ret, struct why *why)
{
	const char *text = options_text(given, name);
	uint32_t size;

	if (text == NULL)
		return HM_OK;
	if (!esp_number(hm_bytes_of(text), &size) || size > max)
		return WHY(why, HM_E_USAGE,
		    "--%s wants bytes (4096, 0x1000, 4K, 1M) up to %u, not "
		    "\"%.40s\"",
		    name, max, text);
	*ret = size;
	return HM_OK;
}

hm_err
image_files_input(struct image_job *job, struct why *why)
{
	HM_TRY(input_open(options_text(job->given, "file"), IMAGE_SIZE_MAX,
	    &job->input, why));
	job->input.known = &job->known;
	return HM_OK;
}

hm_err
image_files_output(struct image_job *job, const char *path, struct why *why)
{
	return output_open(path,
	    job->verb == IMAGE_DECRYPT ? MODE_PLAIN : MODE_IMAGE, &job->out,
	    why);
}

void
image_files_done(struct image_job *job)
{
	if (job->own != NULL)
		job->own_free(job->own);
	job->own = NULL;
	output_free(job->out);
	job->out = NULL;
	input_done(&job->input);
	findings_free(job->findings);
	job->findings = NULL;
}

/* The keys that a signed result must verify with. */
static void
trust_signers(struct image_job *job)
{
	job->keys.trusted_count = 0;
	for (size_t i = 0; i < job->signer_count && i < IMAGE_KEYS_MAX; i++)
		job->keys.trusted[job->keys.trusted_count++] =
		    job->signers[i].key;
}

hm_err
image_files_judge(struct image_job *job, struct why *why)
{
	const struct image_command *command = job->command;
	struct input result;

	if (job->signer_count != 0)
		trust_signers(job);
	findings_free(job->findings);
	job->findings = NULL;
	HM_TRY(findings_new(command->format, &job->findings));
	HM_TRY(output_input(job->out, &result));
	if (command->judge_result != NULL)
		HM_TRY(command->judge_result(job, why));
	else
		HM_TRY(command->judge(job, &result, why));
	return findings_verdict(job->findings, why);
}

hm_err
image_files_commit(struct image_job *job, struct why *why)
{
	if (job->verb == IMAGE_SIGN || job->verb == IMAGE_RESIGN ||
	    job->command->steps[job->verb].is_judged)
		HM_TRY(image_files_judge(job, why));
	return output_commit(job->out, why);
}
