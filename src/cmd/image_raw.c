/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_raw.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "cmd/key_file.h"
#include "image/raw.h"

static bool
is_word(const struct options *given, const char *option, const char *word)
{
	const char *text = options_text(given, option);

	return text != NULL && strcmp(text, word) == 0;
}

static hash_kind
hash_of(const struct options *given)
{
	if (is_word(given, "hash", "sha384"))
		return HASH_SHA384;
	return is_word(given, "hash", "sha512") ? HASH_SHA512 : HASH_SHA256;
}

static struct raw_how
how_of(const struct image_job *job)
{
	return (struct raw_how){ .hash = hash_of(job->given),
		.is_pkcs1 = is_word(job->given, "padding", "pkcs1"),
		.is_fixed = is_word(job->given, "signature-form", "fixed") };
}

static hm_err
want_one_key(const struct image_job *job, struct why *why)
{
	if (job->signer_count == 1)
		return HM_OK;
	return WHY(why, HM_E_USAGE, "one --key makes one signature");
}

static hm_err
sign_raw(struct image_job *job, struct why *why)
{
	struct raw_how how = how_of(job);

	HM_TRY(want_one_key(job, why));
	return raw_sign(&how, job->signers, &job->input, job->out, why);
}

static hm_err
sign_cms(struct image_job *job, struct why *why)
{
	AUTO(buf) struct buf certificate = { .max = CMS_MAX };
	struct raw_how how = how_of(job);

	HM_TRY(want_one_key(job, why));
	HM_TRY(certificate_read(
	    options_text(job->given, "certificate"), &certificate, why));
	HM_TRY(image_job_time(job, &how.time_s, why));
	how.certificate = buf_bytes(&certificate);
	return cms_sign(&how, job->signers, &job->input, job->out, why);
}

/* ---- judging ---- */

static bool
is_cms(const struct image_job *job)
{
	return job->command == &image_cms;
}

static hm_err
judge_signature(struct image_job *job, struct hm_bytes signature)
{
	struct raw_how how = how_of(job);

	if (is_cms(job))
		return cms_verify(
		    &job->keys, &job->input, signature, job->findings);
	return raw_verify(
	    &how, &job->keys, &job->input, signature, job->findings);
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	AUTO(buf) struct buf signature = { 0 };
	size_t max = is_cms(job) ? CMS_MAX : PKEY_SIGNATURE_MAX;

	(void)file;
	HM_TRY(file_read(
	    options_text(job->given, "signature"), max, &signature, why));
	return judge_signature(job, buf_bytes(&signature));
}

static hm_err
judge_result(struct image_job *job, struct why *why)
{
	AUTO(buf) struct buf signature = { 0 };
	struct input result;

	(void)why;
	HM_TRY(output_input(job->out, &result));
	HM_TRY(input_load(&result, CMS_MAX, &signature));
	return judge_signature(job, buf_bytes(&signature));
}

static const struct option_spec sign_rows[] = { RAW_OPTIONS, { 0 } };
static const struct option_spec cms_sign_rows[] = { RAW_SIGN_OPTIONS, { 0 } };
static const struct option_spec verify_rows[] = { RAW_VERIFY_OPTIONS, { 0 } };

const struct image_command image_raw = { .format = "raw",
	.words = "bare signature over any file",
	.steps = { [IMAGE_SIGN] = { .run = sign_raw,
		       .options = sign_rows,
		       .shared = "hash" },
	    [IMAGE_VERIFY] = { .options = verify_rows,
		.shared = "hash",
		.needs = "signature key" } },
	.judge = judge,
	.judge_result = judge_result };

const struct image_command image_cms = { .format = "cms",
	.words = "detached CMS signature over any file",
	.steps = { [IMAGE_SIGN] = { .run = sign_cms,
		       .options = cms_sign_rows,
		       .shared = "hash",
		       .needs = "certificate" },
	    [IMAGE_VERIFY] = { .options = verify_rows,
		.needs = "signature key" } },
	.judge = judge,
	.judge_result = judge_result };
