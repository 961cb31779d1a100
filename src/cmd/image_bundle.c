/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_bundle.h"

#include <string.h>

#include "image/bundle.h"

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "content";
	return slash == NULL ? path : slash + 1;
}

static hm_err
encrypt(struct image_job *job, struct why *why)
{
	struct bundle_to to = { .recipients = &job->recipient, .count = 1 };
	struct bundle *bundle;
	hm_err err;

	if (job->recipient == NULL)
		return WHY(
		    why, HM_E_KEY, "the --encrypt-key is a public P-256 key");
	HM_TRY(image_time(&to.mtime_s, why));
	HM_TRY(bundle_begin(&to, job->out, &bundle, why));
	err = bundle_add(bundle, base_name(options_text(job->given, "file")),
	    &job->input, why);
	if (err == HM_OK)
		err = bundle_end(bundle);
	bundle_free(bundle);
	return err;
}

static hm_err
want_key(const struct image_job *job, struct why *why)
{
	if (job->keys.decrypt != NULL)
		return HM_OK;
	return WHY(why, HM_E_KEY, "the --decrypt-key is a private P-256 key");
}

/* The archive of its files. */
static hm_err
decrypt(struct image_job *job, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;

	HM_TRY(want_key(job, why));
	HM_TRY(findings_new("bundle", &findings));
	HM_TRY(bundle_open(&job->input, job->keys.decrypt, job->out, findings));
	return findings_verdict(findings, why);
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	AUTO_OUTPUT struct output *nowhere = NULL;

	HM_TRY(want_key(job, why));
	HM_TRY(output_nowhere(&nowhere));
	return bundle_open(file, job->keys.decrypt, nowhere, job->findings);
}

const struct image_command image_bundle = { .format = "bundle",
	.words = "files for the stations of a factory",
	.steps = { [IMAGE_ENCRYPT] = { .run = encrypt,
		       .shared = "encrypt-key",
		       .needs = "encrypt-key" },
	    [IMAGE_DECRYPT] = { .run = decrypt,
		.shared = "decrypt-key",
		.needs = "decrypt-key" },
	    [IMAGE_VERIFY] = { .shared = "decrypt-key",
		.needs = "decrypt-key" } },
	.judge = judge,
	.rest = "not named" };
