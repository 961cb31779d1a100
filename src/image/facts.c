/* SPDX-License-Identifier: Apache-2.0 */
#include "image/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "image/esp_enc.h"
#include "image/esp_sbv2.h"
#include "image/fit.h"
#include "image/mcuboot_parts.h"

/* ---- MCUboot ---- */

/* The security counter in the protected area, if there is one. */
static hm_err
find_counter(const struct input *area, struct image_facts *ret)
{
	uint64_t at = MCUBOOT_HEAD_LEN;
	uint8_t head[MCUBOOT_HEAD_LEN], value[4];

	while (at + MCUBOOT_HEAD_LEN <= area->size) {
		HM_TRY(input_read(
		    area, at, (struct hm_span){ head, sizeof(head) }));
		at += MCUBOOT_HEAD_LEN;
		if (image_get_u16(head) == MCUBOOT_SEC_CNT &&
		    image_get_u16(head + 2) == sizeof(value)) {
			HM_TRY(input_read(area, at,
			    (struct hm_span){ value, sizeof(value) }));
			ret->has_counter = true;
			ret->counter = image_get_u32(value);
			return HM_OK;
		}
		at += image_get_u16(head + 2);
	}
	return HM_OK;
}

static hm_err
mcuboot_facts(const struct input *file, const struct image_keys *keys,
    struct image_facts *ret)
{
	uint8_t head[MCUBOOT_HEADER_LEN];
	struct input area;
	uint64_t end, protect;

	HM_TRY(input_read(file, 0, (struct hm_span){ head, sizeof(head) }));
	end = (uint64_t)image_get_u16(head + MCUBOOT_AT_HDR_SIZE) +
	      image_get_u32(head + MCUBOOT_AT_IMG_SIZE);
	protect = image_get_u16(head + MCUBOOT_AT_PROTECT);
	(void)snprintf(ret->version, sizeof(ret->version), "%u.%u.%u+%" PRIu32,
	    head[MCUBOOT_AT_VERSION], head[MCUBOOT_AT_VERSION + 1],
	    image_get_u16(head + MCUBOOT_AT_VERSION + 2),
	    image_get_u32(head + MCUBOOT_AT_VERSION + 4));
	HM_TRY(input_window(file, end, protect, &area));
	HM_TRY(find_counter(&area, ret));
	return mcuboot_payload(file, keys, ret->payload, &ret->has_payload);
}

static hm_err
mcuboot_check(const struct input *file, const struct image_keys *keys,
    struct findings *findings)
{
	struct mcuboot_verify how = { .keys = keys };

	return mcuboot_verify(&how, file, findings);
}

static hm_err
mcuboot_again(const struct input *file, const struct image_resign *again,
    struct output *out, struct why *why)
{
	struct mcuboot_change how = { .verify = { .keys = again->old },
		.signers = again->signer,
		.signer_count = 1,
		.keep_key = true };
	struct mcuboot_made made = { 0 };
	hm_err err = mcuboot_resign(&how, file, out, &made, why);

	mcuboot_made_done(&made);
	return err;
}

/* ---- ESP32, Secure Boot V2 ---- */

static hm_err
esp_facts(const struct input *file, const struct image_keys *keys,
    struct image_facts *ret)
{
	static const struct esp_app_rules any = { 0 };
	AUTO_FINDINGS struct findings *findings = NULL;
	struct esp_app app = { 0 };
	struct input payload;

	(void)keys;
	if (file->size <= ESP_SECTOR)
		return HM_E_IMAGE_SHORT;
	ret->has_payload = true;
	HM_TRY(input_window(file, 0, file->size - ESP_SECTOR, &payload));
	HM_TRY(
	    image_hash(&payload, 0, payload.size, HASH_SHA256, ret->payload));
	if (!esp_app_has_desc(&payload))
		return HM_OK; /* a boot loader, or data */
	HM_TRY(findings_new("esp-app-image", &findings));
	HM_TRY(esp_app_layout(&any, &payload, findings, &app));
	_Static_assert(sizeof(app.version) == sizeof(ret->version), "as long");
	memcpy(ret->version, app.version, sizeof(app.version));
	ret->has_counter = true;
	ret->counter = app.secure_version;
	return HM_OK;
}

/* What it is made for: a boot loader and data have no description. */
static struct sbv2_verify
esp_how(const struct input *file, const struct image_keys *keys)
{
	struct sbv2_verify how = { .keys = *keys };
	uint8_t magic = 0;

	HM_LOSE(input_read(file, 0, (struct hm_span){ &magic, 1 }));
	if (esp_app_has_desc(file))
		how.rules.content = ESP_APP;
	else
		how.rules.content = magic == 0xE9 ? ESP_BOOTLOADER : ESP_DATA;
	return how;
}

static hm_err
esp_check(const struct input *file, const struct image_keys *keys,
    struct findings *findings)
{
	struct sbv2_verify how = esp_how(file, keys);

	return esp_sbv2_verify(&how, file, findings);
}

static hm_err
esp_again(const struct input *file, const struct image_resign *again,
    struct output *out, struct why *why)
{
	struct sbv2_verify verify = esp_how(file, again->old);
	struct sbv2_sign how = { .rules = verify.rules,
		.mode = SBV2_RESIGN,
		.old = &verify,
		.signers = again->signer,
		.signer_count = 1 };

	return esp_sbv2_sign(&how, file, out, why);
}

/* ---- ESP32, encrypted on its way: what counts is the image inside ---- */

#define INNER "esp-secure-boot-v2"

struct inner {
	struct pkey *made; /* of an HMAC key */
	struct pkey *own;  /* that opens it */
	struct output *out;
	struct input file;
};

static void
inner_done(struct inner *inner)
{
	pkey_free(inner->made);
	output_free(inner->out);
}

static hm_err
find_own(const struct image_keys *keys, struct inner *ret)
{
	ret->own = keys->decrypt;
	if (keys->decrypt_kek.len != 32)
		return HM_OK;
	HM_TRY(esp_enc_device_key(keys->decrypt_kek.ptr, &ret->made));
	ret->own = ret->made;
	return HM_OK;
}

/* Decrypt it into a file without a name. Faults are found. */
static hm_err
open_inner(const struct input *file, const struct image_keys *keys,
    struct findings *findings, struct inner *ret)
{
	HM_TRY(find_own(keys, ret));
	if (ret->own == NULL) {
		(void)findings_fault(findings, HM_E_IMAGE_OPEN, ESP_ENC_KEY_AT,
		    "the signature is inside, and no key to open it was given");
		return HM_OK;
	}
	HM_TRY(output_open("-", 0600, &ret->out, NULL));
	HM_TRY(esp_enc_open(ret->own, file, ret->out, findings));
	HM_TRY(output_input(ret->out, &ret->file));
	if (findings_faults(findings) == 0 && !esp_sbv2_is(&ret->file))
		(void)findings_fault(findings, HM_E_IMAGE_UNTRUSTED,
		    ESP_ENC_HEADER, "what is inside is not of format " INNER);
	return HM_OK;
}

static hm_err
enc_check(const struct input *file, const struct image_keys *keys,
    struct findings *findings)
{
	AUTO(inner) struct inner inner = { 0 };

	HM_TRY(open_inner(file, keys, findings, &inner));
	if (findings_faults(findings) > 0)
		return HM_OK;
	return esp_check(&inner.file, keys, findings);
}

static hm_err
enc_facts(const struct input *file, const struct image_keys *keys,
    struct image_facts *ret)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO(inner) struct inner inner = { 0 };

	HM_TRY(findings_new("esp-encrypted-img", &findings));
	HM_TRY(open_inner(file, keys, findings, &inner));
	HM_TRY(findings_verdict(findings, NULL));
	return esp_facts(&inner.file, keys, ret);
}

/* For the same device, under a content key of its own. */
static hm_err
enc_again(const struct input *file, const struct image_resign *again,
    struct output *out, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	AUTO(inner) struct inner inner = { 0 };
	AUTO_OUTPUT struct output *resigned = NULL;
	struct input image;

	HM_TRY(findings_new("esp-encrypted-img", &findings));
	HM_TRY(open_inner(file, again->old, findings, &inner));
	HM_TRY(findings_verdict(findings, why));
	HM_TRY(output_open("-", 0600, &resigned, why));
	HM_TRY(esp_again(&inner.file, again, resigned, why));
	HM_TRY(output_input(resigned, &image));
	return esp_enc_seal(inner.own, &image, out, why);
}

/* ---- U-Boot FIT ---- */

static hm_err
fit_check(const struct input *file, const struct image_keys *keys,
    struct findings *findings)
{
	struct fit_verify how = { .keys = keys };

	return fit_verify(&how, file, findings);
}

static hm_err
fit_facts(const struct input *file, const struct image_keys *keys,
    struct image_facts *ret)
{
	(void)keys;
	ret->has_payload = true;
	return fit_payload(file, ret->payload);
}

static hm_err
fit_sign_again(const struct input *file, const struct image_resign *again,
    struct output *out, struct why *why)
{
	return fit_again(
	    file, again->signer, again->hint, again->time_s, out, why);
}

/* ---- all ---- */

static const struct row {
	const char *format;
	hm_err (*facts)(const struct input *file, const struct image_keys *keys,
	    struct image_facts *ret);
	hm_err (*check)(const struct input *file, const struct image_keys *keys,
	    struct findings *findings);
	hm_err (*again)(const struct input *file,
	    const struct image_resign *again, struct output *out,
	    struct why *why);
} rows[] = {
	{ "mcuboot", mcuboot_facts, mcuboot_check, mcuboot_again },
	{ "esp-secure-boot-v2", esp_facts, esp_check, esp_again },
	{ "esp-encrypted-img", enc_facts, enc_check, enc_again },
	{ "fit", fit_facts, fit_check, fit_sign_again },
};

static const struct row *
row_of(const struct image_format *format)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].format, format->name) == 0)
			return &rows[i];
	return NULL;
}

hm_err
image_facts(const struct image_format *format, const struct input *file,
    const struct image_keys *keys, struct image_facts *ret)
{
	const struct row *row = row_of(format);

	*ret = (struct image_facts){ 0 };
	return row == NULL ? HM_OK : row->facts(file, keys, ret);
}

bool
image_is_signable(const struct image_format *format)
{
	return row_of(format) != NULL;
}

hm_err
image_check(const struct image_format *format, const struct input *file,
    const struct image_keys *keys, struct findings *findings)
{
	const struct row *row = row_of(format);

	return row == NULL ? HM_E_IMAGE_FORMAT
			   : row->check(file, keys, findings);
}

hm_err
image_resign(const struct image_format *format, const struct input *file,
    const struct image_resign *how, struct output *out, struct why *why)
{
	const struct row *row = row_of(format);
	struct image_keys own = { .trusted = { how->signer->key },
		.trusted_count = 1,
		.decrypt = how->old->decrypt,
		.decrypt_kek = how->old->decrypt_kek };
	AUTO_FINDINGS struct findings *findings = NULL;
	struct input made;

	if (row == NULL)
		return WHY(why, HM_E_IMAGE_FORMAT,
		    "images of format %s are not signed anew", format->name);
	HM_TRY(findings_new(format->name, &findings));
	HM_TRY(row->check(file, how->old, findings));
	HM_TRY(findings_verdict(findings, why));
	HM_TRY(row->again(file, how, out, why));
	findings_free(findings);
	findings = NULL;
	HM_TRY(findings_new(format->name, &findings));
	HM_TRY(output_input(out, &made));
	HM_TRY(row->check(&made, &own, findings));
	return findings_verdict(findings, why);
}
