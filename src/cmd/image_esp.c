/* SPDX-License-Identifier: Apache-2.0 */
/* Application images and their signatures. */
#include "cmd/image_esp.h"

#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/digest.h"

#define PEM_MAX 8192

/* ---- options ---- */

const char *
esp_option(const struct image_job *job, const char *name)
{
	const struct option_spec *row = options_verb(job->given)->options;

	for (; row->name != NULL; row++)
		if (strcmp(row->name, name) == 0)
			return options_text(job->given, name);
	return NULL;
}

hm_err
esp_option_number(const struct image_job *job, const char *name, uint32_t *ret,
    struct why *why)
{
	const char *text = esp_option(job, name);

	if (text == NULL || esp_number(hm_bytes_of(text), ret))
		return HM_OK;
	return WHY(why, HM_E_USAGE,
	    "--%s wants a number (4096, 0x1000, 4K, 1M), not \"%s\"", name,
	    text);
}

hm_err
esp_option_chip(const struct image_job *job, const struct esp_chip **ret,
    bool *ret_any, struct why *why)
{
	const char *name = esp_option(job, "chip");

	*ret = NULL;
	*ret_any = name != NULL && strcmp(name, "any") == 0;
	if (name == NULL || *ret_any)
		return HM_OK;
	*ret = esp_chip_named(name);
	if (*ret != NULL)
		return HM_OK;
	return WHY(why, HM_E_USAGE, "no chip \"%s\" is known", name);
}

hm_err
esp_option_key(const struct image_job *job, const char *name,
    struct secret *ret, struct why *why)
{
	struct buf bytes = { 0 };
	const char *path = esp_option(job, name);

	ret->len = 0;
	if (path == NULL)
		return HM_OK;
	HM_TRY(file_read(path, SECRET_MAX, &bytes, why));
	if (bytes.len > 0)
		memcpy(ret->bytes, bytes.ptr, bytes.len);
	ret->len = bytes.len;
	buf_wipe(&bytes);
	return HM_OK;
}

struct rules {
	struct esp_app_rules app;
	uint32_t partition_size;
	bool any_chip;
};

static hm_err
rules_of(const struct image_job *job, struct rules *ret, struct why *why)
{
	const char *content = esp_option(job, "content");

	*ret = (struct rules){ 0 };
	if (content != NULL && strcmp(content, "bootloader") == 0)
		ret->app.content = ESP_BOOTLOADER;
	if (content != NULL && strcmp(content, "data") == 0)
		ret->app.content = ESP_DATA;
	if (esp_option(job, "secure-version-min") != NULL)
		ret->app.secure_version_min =
		    (uint32_t)options_int(job->given, "secure-version-min");
	HM_TRY(esp_option_number(
	    job, "partition-size", &ret->partition_size, why));
	return esp_option_chip(job, &ret->app.chip, &ret->any_chip, why);
}

/* ---- application images ---- */

static hm_err
judge_app(struct image_job *job, const struct input *file, struct why *why)
{
	struct rules rules;

	HM_TRY(rules_of(job, &rules, why));
	if (rules.app.content == ESP_DATA)
		return WHY(why, HM_E_USAGE,
		    "--content data is for signed data, not for images");
	return esp_app_verify(&rules.app, file, job->findings);
}

static hm_err
pad_app(struct image_job *job, struct why *why)
{
	struct esp_app_pad how = { .version = ESP_PAD_V2 };

	if (strcmp(esp_option(job, "secure-pad"), "v1") == 0)
		how.version = ESP_PAD_V1;
	HM_TRY(esp_option_number(job, "mmu-page", &how.page, why));
	return esp_app_pad(&how, &job->input, job->out, why);
}

static const struct option_spec app_rows[] = { ESP_CHIP_OPTION,
	ESP_CONTENT_OPTION, ESP_COUNTER_OPTION, { 0 } };
static const struct option_spec pad_rows[] = { ESP_SECURE_PAD_OPTION,
	ESP_PAGE_OPTION, { 0 } };

const struct image_command image_esp_app = { .format = "esp-app-image",
	.words = "ESP32 application image or boot loader, not signed",
	.steps = { [IMAGE_VERIFY] = { .options = app_rows },
	    [IMAGE_CONVERT] = { .run = pad_app,
		.options = pad_rows,
		.needs = "secure-pad",
		.is_judged = true } },
	.judge = judge_app,
	.rest = "not named" };

/* ---- Secure Boot V2 ---- */

struct digests {
	struct sbv2_digest list[SBV2_DIGESTS_MAX];
	size_t count;
};

static hm_err
digests_of(const struct image_job *job, const char *name, struct digests *ret,
    struct why *why)
{
	ret->count = 0;
	if (esp_option(job, name) == NULL)
		return HM_OK;
	if (options_count(job->given, name) > SBV2_DIGESTS_MAX)
		return WHY(why, HM_E_USAGE, "--%s is given too often", name);
	for (; ret->count < options_count(job->given, name); ret->count++) {
		const char *text = options_at(job->given, name, ret->count);
		struct sbv2_digest *to = &ret->list[ret->count];

		to->len = strlen(text) / 2;
		if ((to->len != 16 && to->len != 32) ||
		    hex_parse(hm_bytes_of(text), to->bytes, to->len) != HM_OK)
			return WHY(why, HM_E_USAGE,
			    "--%s wants 32 or 16 bytes in hex", name);
	}
	return HM_OK;
}

static hm_err
judge_sbv2(struct image_job *job, const struct input *file, struct why *why)
{
	struct digests trusted, revoked;
	struct rules rules;
	hm_err err;

	HM_TRY(rules_of(job, &rules, why));
	HM_TRY(digests_of(job, "key-digest", &trusted, why));
	HM_TRY(digests_of(job, "revoked", &revoked, why));
	err = esp_sbv2_verify(
	    &(struct sbv2_verify){
		.rules = rules.app,
		.partition_size = rules.partition_size,
		.keys = job->keys,
		.trusted = trusted.list,
		.trusted_count = trusted.count,
		.revoked = revoked.list,
		.revoked_count = revoked.count,
	    },
	    file, job->findings);
	if (err != HM_E_KEY)
		return err;
	return WHY(why, err,
	    "a key to trust is neither RSA-3072 nor P-192, P-256, P-384");
}

static hm_err
sign_sbv2(struct image_job *job, struct why *why)
{
	struct sbv2_sign how = { .signers = job->signers,
		.signer_count = job->signer_count };
	struct sbv2_verify old = { .keys = job->keys };
	struct rules rules;

	HM_TRY(rules_of(job, &rules, why));
	how.rules = old.rules = rules.app;
	how.any_chip = rules.any_chip;
	how.is_prod = esp_option(job, "channel") != NULL &&
		      strcmp(esp_option(job, "channel"), "prod") == 0;
	how.partition_size = rules.partition_size;
	if (job->verb == IMAGE_RESIGN)
		how.mode = SBV2_RESIGN;
	else if (options_flag(job->given, "append"))
		how.mode = SBV2_APPEND;
	if (job->verb == IMAGE_RESIGN || job->keys.trusted_count != 0)
		how.old = &old;
	return esp_sbv2_sign(&how, &job->input, job->out, why);
}

/* A key in PEM to the digest that is burned for it. */
static hm_err
digest_sbv2(struct image_job *job, struct why *why)
{
	AUTO_PKEY struct pkey *key = NULL;
	struct buf text = { 0 };
	uint8_t digest[SBV2_DIGEST];
	unsigned scheme;
	hm_err err = input_load(&job->input, PEM_MAX, &text);

	if (err == HM_E_TOO_LARGE)
		return WHY(why, HM_E_KEY, "the file is no key in PEM");
	if (err == HM_OK)
		err = pkey_from_pem(buf_bytes(&text), NULL, &key, why);
	buf_wipe(&text); /* it may be a private key */
	HM_TRY(err);
	err = sbv2_key_digest(key, digest, &scheme);
	if (err == HM_E_KEY)
		return WHY(why, err,
		    "a key of type %s is of no scheme of Secure Boot V2",
		    pkey_name(key));
	HM_TRY(err);
	return output_add(job->out, HM_BYTES(digest));
}

static const struct option_spec rule_rows[] = { ESP_RULE_OPTIONS, { 0 } };
static const struct option_spec sbv2_verify_rows[] = { ESP_RULE_OPTIONS,
	ESP_DIGEST_OPTION, ESP_REVOKED_OPTION, { 0 } };

const struct image_command image_esp_sbv2 = { .format = "esp-secure-boot-v2",
	.words = "ESP32 image or data with a sector of signatures",
	.steps = { [IMAGE_SIGN] = { .run = sign_sbv2,
		       .options = rule_rows,
		       .shared = "append",
		       .needs = "key" },
	    [IMAGE_RESIGN] = { .run = sign_sbv2,
		.options = rule_rows,
		.needs = "key old-key",
		.passes = 2 },
	    [IMAGE_VERIFY] = { .options = sbv2_verify_rows },
	    [IMAGE_CONVERT] = { .run = digest_sbv2 } },
	.judge = judge_sbv2,
	.rest = "not named" };

/* ---- Secure Boot V1 ---- */

static hm_err
judge_sbv1(struct image_job *job, const struct input *file, struct why *why)
{
	AUTO(secret) struct secret key = { 0 };
	struct sbv1_verify how = { .keys = job->keys };
	struct rules rules;
	hm_err err;

	HM_TRY(rules_of(job, &rules, why));
	HM_TRY(esp_option_key(job, "boot-key", &key, why));
	how.rules = rules.app;
	if (key.len == 0)
		return esp_sbv1_verify(&how, file, job->findings);
	err = esp_sbv1_boot_verify(secret_bytes(&key), file, job->findings);
	if (err != HM_E_KEY)
		return err;
	return WHY(why, err, "--boot-key has %zu bytes, not 32", key.len);
}

static hm_err
digest_boot(struct image_job *job, const struct secret *key, struct why *why)
{
	AUTO(secret) struct secret iv = { 0 };
	struct sbv1_digest how = { .key = secret_bytes(key) };

	if (job->signer_count != 0)
		return WHY(why, HM_E_USAGE,
		    "--boot-key makes a digest, --key a signature: one of "
		    "them");
	HM_TRY(esp_option_key(job, "iv", &iv, why));
	if (esp_option(job, "iv") == NULL) {
		iv.len = SBV1_IV;
		HM_TRY(random_bytes((struct hm_span){ iv.bytes, iv.len }));
	}
	how.iv = secret_bytes(&iv);
	return esp_sbv1_boot_make(&how, &job->input, job->out, why);
}

static hm_err
sign_sbv1(struct image_job *job, struct why *why)
{
	AUTO(secret) struct secret key = { 0 };
	struct rules rules;

	HM_TRY(rules_of(job, &rules, why));
	HM_TRY(esp_option_key(job, "boot-key", &key, why));
	if (key.len != 0)
		return digest_boot(job, &key, why);
	if (job->signer_count != 1)
		return WHY(why, HM_E_USAGE,
		    "one --key signs, or --boot-key makes the digest");
	return esp_sbv1_sign(
	    &rules.app, job->signers, &job->input, job->out, why);
}

static const struct option_spec sbv1_rows[] = { ESP_CHIP_OPTION,
	ESP_CONTENT_OPTION, ESP_COUNTER_OPTION, ESP_BOOT_KEY_OPTION,
	ESP_IV_OPTION, { 0 } };

const struct image_command image_esp_sbv1 = { .format = "esp-secure-boot-v1",
	.words = "first ESP32, legacy: signed app, digested boot loader",
	.steps = { [IMAGE_SIGN] = { .run = sign_sbv1, .options = sbv1_rows },
	    [IMAGE_VERIFY] = { .options = sbv1_rows } },
	.judge = judge_sbv1,
	.rest = "not named" };
