/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_fit.h"

#include <string.h>

#include "cmd/image_files.h"
#include "image/fit.h"

#define FDT_SIZE_MAX (1u << 28)

static hm_err
fdt_size(const struct image_job *job, uint32_t *ret, struct why *why)
{
	return image_option_size(
	    job->given, "fdt-size", FDT_SIZE_MAX, ret, why);
}

static bool
is_word(const struct image_job *job, const char *option, const char *word)
{
	const char *text = options_text(job->given, option);

	return text != NULL && strcmp(text, word) == 0;
}

/* --hash, or what fits the key. */
static hash_kind
hash_for(const struct image_job *job, const struct pkey *key)
{
	if (is_word(job, "hash", "sha384"))
		return HASH_SHA384;
	if (is_word(job, "hash", "sha512"))
		return HASH_SHA512;
	if (!options_has(job->given, "hash") && pkey_kind(key) == PKEY_P384)
		return HASH_SHA384;
	return HASH_SHA256;
}

static hm_err
count_hints(const struct image_job *job, size_t keys, struct why *why)
{
	size_t hints = options_count(job->given, "hint");

	if (keys > FIT_KEYS_MAX)
		return WHY(why, HM_E_USAGE, "more than %u keys", FIT_KEYS_MAX);
	if (hints == keys)
		return HM_OK;
	return WHY(why, HM_E_USAGE,
	    "%zu --key and %zu --hint: each key has one", keys, hints);
}

/* ---- signing ---- */

static hm_err
sign(struct image_job *job, bool again, struct why *why)
{
	struct fit_signer signers[FIT_KEYS_MAX];
	const char *name = options_text(job->given, "signer-name");
	const char *version = options_text(job->given, "signer-version");
	struct fit_sign how = { .signers = signers,
		.signer_count = job->signer_count,
		.configuration = options_text(job->given, "configuration"),
		.images = options_flag(job->given, "sign-images"),
		.again = again,
		.name = name ? name : "hallmark",
		.version = version ? version : HALLMARK_VERSION };
	uint64_t now;

	HM_TRY(fdt_size(job, &how.size, why));
	HM_TRY(count_hints(job, job->signer_count, why));
	HM_TRY(image_job_time(job, &now, why));
	how.timestamp = (uint32_t)now;
	for (size_t i = 0; i < job->signer_count; i++)
		signers[i] = (struct fit_signer){ .by = &job->signers[i],
			.hint = options_at(job->given, "hint", i),
			.hash = hash_for(job, job->signers[i].key),
			.is_pss = !is_word(job, "padding", "pkcs1") };
	return fit_sign(&how, &job->input, job->out, why);
}

static hm_err
sign_fit(struct image_job *job, struct why *why)
{
	return sign(job, false, why);
}

/* What is there is good, then it is taken away. */
static hm_err
resign_fit(struct image_job *job, struct why *why)
{
	AUTO_FINDINGS struct findings *old = NULL;
	struct fit_verify how = { .keys = &job->keys };

	HM_TRY(findings_new("fit", &old));
	HM_TRY(fit_verify(&how, &job->input, old));
	HM_TRY(findings_verdict(old, why));
	return sign(job, true, why);
}

/* Data behind the tree; it compares what it wrote itself. */
static hm_err
convert_fit(struct image_job *job, struct why *why)
{
	uint32_t size = 0;

	HM_TRY(fdt_size(job, &size, why));
	return fit_external(&job->input, size, job->out, why);
}

static hm_err
judge_fit(struct image_job *job, const struct input *file, struct why *why)
{
	const char *path = options_text(job->given, "control");
	struct input control = { .fd = -1 };
	struct fit_verify how = { .keys = &job->keys,
		.configuration = options_text(job->given, "configuration") };
	hm_err err;

	if (path != NULL) {
		HM_TRY(input_open(path, IMAGE_SIZE_MAX, &control, why));
		how.control = &control;
	}
	err = fit_verify(&how, file, job->findings);
	input_done(&control);
	return err;
}

static const struct option_spec sign_rows[] = { FIT_SIGN_OPTIONS,
	{ "padding", OPTION_ENUM, .choices = "pss|pkcs1" }, { 0 } };
static const struct option_spec verify_rows[] = { FIT_VERIFY_OPTIONS, { 0 } };
static const struct option_spec size_rows[] = { FIT_SIZE_OPTION, { 0 } };

const struct image_command image_fit = { .format = "fit",
	.words = "U-Boot flattened image tree",
	.steps = { [IMAGE_SIGN] = { .run = sign_fit,
		       .options = sign_rows,
		       .shared = "hash",
		       .needs = "key hint" },
	    [IMAGE_RESIGN] = { .run = resign_fit,
		.options = sign_rows,
		.shared = "hash",
		.needs = "key hint old-key",
		.passes = 2 },
	    [IMAGE_CONVERT] = { .run = convert_fit,
		.options = size_rows,
		.passes = 3 },
	    [IMAGE_VERIFY] = { .options = verify_rows } },
	.judge = judge_fit,
	.rest = "tree" };

/* ---- control trees ---- */

static hm_err
set_control(struct image_job *job, struct why *why)
{
	struct fit_key_entry entries[FIT_KEYS_MAX];
	const char *required = options_text(job->given, "required");
	struct fit_control_set how = { .keys = entries,
		.key_count = job->keys.trusted_count,
		.mode = options_text(job->given, "required-mode") };

	HM_TRY(fdt_size(job, &how.size, why));
	HM_TRY(count_hints(job, how.key_count, why));
	for (size_t i = 0; i < how.key_count; i++)
		entries[i] =
		    (struct fit_key_entry){ .key = job->keys.trusted[i],
			    .hint = options_at(job->given, "hint", i),
			    .hash = hash_for(job, job->keys.trusted[i]),
			    .required = required ? required : "conf" };
	return fit_control_set(&how, &job->input, job->out, why);
}

static hm_err
judge_control(struct image_job *job, const struct input *file, struct why *why)
{
	(void)why;
	return fit_control_lint(file, job->findings);
}

static const struct option_spec convert_rows[] = { FIT_CONVERT_OPTIONS, { 0 } };

const struct image_command image_fit_control = { .format = "fit-control",
	.words = "U-Boot control tree with public keys",
	.steps = { [IMAGE_CONVERT] = { .run = set_control,
		       .options = convert_rows,
		       .shared = "hash",
		       .needs = "key hint",
		       .is_judged = true },
	    [IMAGE_VERIFY] = { 0 } },
	.judge = judge_control,
	.rest = "tree" };
