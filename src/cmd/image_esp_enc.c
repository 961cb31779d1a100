/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_esp_data.h"

#include "image/esp_enc.h"

/* A symmetric --decrypt-key is the device's HMAC key. */
static hm_err
own_key(const struct image_job *job, struct pkey **ret_own,
    struct pkey **ret_made, struct why *why)
{
	*ret_own = job->keys.decrypt;
	*ret_made = NULL;
	if (job->keys.decrypt_kek.len == 0)
		return HM_OK;
	if (job->keys.decrypt_kek.len != 32)
		return WHY(why, HM_E_KEY, "an HMAC key has 32 bytes");
	HM_TRY(esp_enc_device_key(job->keys.decrypt_kek.ptr, ret_made));
	*ret_own = *ret_made;
	return HM_OK;
}

static hm_err
judge(struct image_job *job, const struct input *file, struct why *why)
{
	AUTO_PKEY struct pkey *made = NULL;
	struct pkey *own;

	HM_TRY(own_key(job, &own, &made, why));
	return esp_enc_open(own, file, NULL, job->findings);
}

static hm_err
encrypt(struct image_job *job, struct why *why)
{
	if (job->recipient == NULL)
		return WHY(why, HM_E_KEY,
		    "the --encrypt-key is a public RSA-3072 or P-256 key");
	return esp_enc_seal(job->recipient, &job->input, job->out, why);
}

static hm_err
decrypt(struct image_job *job, struct why *why)
{
	AUTO_PKEY struct pkey *made = NULL;
	AUTO_FINDINGS struct findings *findings = NULL;
	struct pkey *own;

	HM_TRY(own_key(job, &own, &made, why));
	HM_TRY(findings_new("esp-encrypted-img", &findings));
	HM_TRY(esp_enc_open(own, &job->input, job->out, findings));
	return findings_verdict(findings, why);
}

const struct image_command image_esp_enc = { .format = "esp-encrypted-img",
	.words = "image for Espressif's pre-encrypted OTA",
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
