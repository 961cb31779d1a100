/* SPDX-License-Identifier: Apache-2.0 */
/* The trailer of apps; the boot loader's digest is in esp_sbv1_boot.c. */
#include <string.h>

#include "image/esp_sbv1.h"

#define SIGNATURE_LEN 64

/* Where the trailer belongs, if the image says it; *known else false. */
static hm_err
find_end(const struct esp_app_rules *rules, const struct input *file,
    struct findings *findings, uint64_t *ret, bool *known)
{
	struct esp_app app;

	*known = file->size > SBV1_TRAILER;
	*ret = *known ? file->size - SBV1_TRAILER : 0;
	if (rules->content == ESP_DATA) {
		if (!*known)
			(void)findings_fault(findings, HM_E_IMAGE_SHORT,
			    file->size, "no room for data and 68 bytes more");
		return HM_OK;
	}
	HM_TRY(esp_app_layout(rules, file, findings, &app));
	*known = app.is_whole;
	if (!app.is_whole)
		return HM_OK;
	*ret = app.size;
	return esp_app_check(file, findings, &app, NULL);
}

static hm_err
check_signature(const struct sbv1_verify *how, const struct input *file,
    uint64_t end, const uint8_t *signature, struct findings *findings)
{
	uint8_t digest[HASH_MAX];
	struct pkey_input input = { .scheme = PKEY_ECDSA,
		.hash = HASH_SHA256,
		.bytes = { digest, 32 } };
	struct hm_bytes bytes = { signature, SIGNATURE_LEN };

	HM_TRY(image_hash(file, 0, end, HASH_SHA256, digest));
	for (size_t i = 0; i < how->keys.trusted_count; i++) {
		struct pkey *key = how->keys.trusted[i];

		if (pkey_kind(key) == PKEY_P256 &&
		    pkey_verify(key, &input, bytes) == HM_OK)
			return HM_OK;
	}
	if (how->any_key) {
		findings_note(findings, end, "the signature names no key");
		return HM_OK;
	}
	(void)findings_fault(findings,
	    how->keys.trusted_count == 0 ? HM_E_IMAGE_UNTRUSTED
					 : HM_E_IMAGE_SIGNATURE,
	    end + 4,
	    how->keys.trusted_count == 0
		? "no key was given to trust"
		: "the signature is not one of the image by a trusted key");
	return HM_OK;
}

hm_err
esp_sbv1_verify(const struct sbv1_verify *how, const struct input *file,
    struct findings *findings)
{
	uint8_t trailer[SBV1_TRAILER];
	uint64_t end;
	bool known;

	HM_TRY(find_end(&how->rules, file, findings, &end, &known));
	if (!known)
		return HM_OK;
	if (file->size < end + SBV1_TRAILER) {
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "the file ends before the signature does");
		return HM_OK;
	}
	if (file->size > end + SBV1_TRAILER)
		(void)findings_fault(findings, HM_E_IMAGE_TRAILING,
		    end + SBV1_TRAILER, "bytes behind the signature");
	HM_TRY(input_read(
	    file, end, (struct hm_span){ trailer, sizeof(trailer) }));
	findings_part(findings, end, 4, "version", "%u",
	    (unsigned)image_get_u32(trailer));
	findings_bytes(findings, end + 4, SIGNATURE_LEN, "signature",
	    (struct hm_bytes){ trailer + 4, SIGNATURE_LEN });
	if (image_get_u32(trailer) != 0)
		(void)findings_fault(findings, HM_E_IMAGE_FIELD, end,
		    "the version of the signature is not 0");
	return check_signature(how, file, end, trailer + 4, findings);
}

static hm_err
check_input(const struct esp_app_rules *rules, const struct input *file,
    struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	uint8_t version[4];
	uint64_t end;
	bool known;

	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	if (rules->content == ESP_DATA)
		return HM_OK;
	HM_TRY(findings_new("esp-secure-boot-v1", &findings));
	HM_TRY(find_end(rules, file, findings, &end, &known));
	HM_TRY(findings_verdict(findings, why));
	if (file->size == end)
		return HM_OK;
	if (file->size == end + SBV1_TRAILER &&
	    input_read(file, end, (struct hm_span){ version, 4 }) == HM_OK &&
	    image_get_u32(version) == 0)
		return WHY(why, HM_E_IMAGE_SIGNED,
		    "there is a signature of 68 bytes behind the image");
	return WHY(why, HM_E_IMAGE_TRAILING,
	    "the image ends at %llu, the file at %llu", (unsigned long long)end,
	    (unsigned long long)file->size);
}

hm_err
esp_sbv1_sign(const struct esp_app_rules *rules,
    const struct image_signer *signer, const struct input *file,
    struct output *out, struct why *why)
{
	uint8_t digest[HASH_MAX], trailer[SBV1_TRAILER] = { 0 };
	struct pkey_input input = { .scheme = PKEY_ECDSA,
		.hash = HASH_SHA256,
		.bytes = { digest, 32 } };
	struct hm_span room = { trailer + 4, SIGNATURE_LEN };
	size_t len;

	if (pkey_kind(signer->key) != PKEY_P256)
		return WHY(why, HM_E_KEY,
		    "a key of type %s: Secure Boot V1 takes P-256",
		    pkey_name(signer->key));
	HM_TRY(check_input(rules, file, why));
	HM_TRY(image_hash(file, 0, file->size, HASH_SHA256, digest));
	HM_TRY(image_sign(signer, &input, room, &len, why));
	HM_TRY(output_copy(out, file, 0, file->size));
	return output_add(out, HM_BYTES(trailer));
}

/* A boot loader in flash: FF between digest and image. */
static bool
is_boot(const struct input *file)
{
	uint8_t head;
	bool is_filled = false;

	return file->size > SBV1_IMAGE_AT &&
	       input_is_filled(file, SBV1_IV + 64, SBV1_IMAGE_AT - SBV1_IV - 64,
		   0xff, &is_filled) == HM_OK &&
	       is_filled &&
	       input_read(file, SBV1_IMAGE_AT, (struct hm_span){ &head, 1 }) ==
		   HM_OK &&
	       head == 0xe9;
}

bool
esp_sbv1_is(const struct input *file)
{
	AUTO_FINDINGS struct findings *none = NULL;
	struct esp_app_rules rules = { .content = ESP_BOOTLOADER };
	struct esp_app app;
	uint8_t version[4];

	if (!esp_app_is(file))
		return is_boot(file);
	return findings_new("esp-secure-boot-v1", &none) == HM_OK &&
	       esp_app_layout(&rules, file, none, &app) == HM_OK &&
	       app.is_whole && file->size == app.size + SBV1_TRAILER &&
	       input_read(file, app.size, (struct hm_span){ version, 4 }) ==
		   HM_OK &&
	       image_get_u32(version) == 0;
}

hm_err
esp_sbv1_inspect(const struct input *file, struct findings *findings)
{
	struct sbv1_verify how = { .any_key = true };
	struct hm_bytes no_key = { 0 };

	if (!esp_app_is(file))
		return esp_sbv1_boot_verify(no_key, file, findings);
	how.rules.content = esp_app_has_desc(file) ? ESP_APP : ESP_BOOTLOADER;
	return esp_sbv1_verify(&how, file, findings);
}
