/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "crypto/cipher.h"
#include "image/esp_sbv1.h"

#define DIGEST_LEN 64
#define ROW 128
#define BLOCK 16
#define TAIL_MAX 32

struct digester {
	struct cipher *aes;
	struct hash_run *hash;
	struct output *out; /* NULL: verify */
	uint8_t held[BLOCK];
	size_t len;
};

static void
turn(uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t byte = at[i];

		at[i] = at[len - 1 - i];
		at[len - 1 - i] = byte;
	}
}

static hm_err
take_block(struct digester *d)
{
	turn(d->held, BLOCK);
	HM_TRY(cipher_update(d->aes, HM_BYTES(d->held), d->held));
	turn(d->held, BLOCK);
	for (size_t i = 0; i < BLOCK; i += 4)
		turn(d->held + i, 4);
	hash_run_add(d->hash, HM_BYTES(d->held));
	d->len = 0;
	return HM_OK;
}

static hm_err
see(void *context, struct hm_bytes piece)
{
	struct digester *d = context;

	while (piece.len > 0) {
		size_t room = BLOCK - d->len;
		size_t len = piece.len < room ? piece.len : room;

		memcpy(d->held + d->len, piece.ptr, len);
		d->len += len;
		piece.ptr += len;
		piece.len -= len;
		if (d->len == BLOCK)
			HM_TRY(take_block(d));
	}
	return HM_OK;
}

static void
finish(struct digester *d, uint8_t *ret)
{
	uint8_t digest[HASH_MAX];

	hash_run_end(d->hash, digest);
	for (size_t i = 0; i < DIGEST_LEN; i += 4)
		turn(digest + i, 4);
	memcpy(ret, digest, DIGEST_LEN);
}

static hm_err
open_digester(struct digester *d, struct hm_bytes key)
{
	struct hm_bytes none = { 0 };

	*d = (struct digester){ 0 };
	if (key.len != SBV1_KEY)
		return HM_E_KEY;
	HM_TRY(hash_run_new(HASH_SHA512, &d->hash));
	return cipher_new(CIPHER_AES256_ECB, true, key, none, &d->aes);
}

static void
close_digester(struct digester *d)
{
	hash_run_free(d->hash);
	cipher_free(d->aes);
	hm_wipe(d, sizeof(*d));
}

/* What of an image is covered, and how many FF behind it. */
static void
cover(uint64_t size, bool has_hash, uint64_t *ret_size, uint64_t *ret_fill)
{
	uint64_t tail = size % ROW;

	*ret_size = has_hash && tail <= TAIL_MAX ? size - tail : size;
	*ret_fill = (ROW - *ret_size % ROW) % ROW;
}

static hm_err
digest_image(const struct sbv1_digest *how, const struct input *file,
    uint64_t size, uint64_t fill, uint8_t *ret)
{
	uint8_t erased[ROW];
	struct digester d;
	hm_err err = open_digester(&d, how->key);

	memset(erased, 0xff, sizeof(erased));
	if (err == HM_OK)
		err = see(&d, how->iv);
	if (err == HM_OK)
		err = input_walk(file, 0, size, see, &d);
	if (err == HM_OK)
		err = see(&d, (struct hm_bytes){ erased, (size_t)fill });
	if (err == HM_OK)
		finish(&d, ret);
	close_digester(&d);
	return err;
}

static hm_err
check_image(const struct input *file, bool *has_hash, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct esp_app_rules rules = { .content = ESP_BOOTLOADER };
	struct esp_app app;

	if (file->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	HM_TRY(findings_new("esp-app-image", &findings));
	HM_TRY(esp_app_verify(&rules, file, findings));
	HM_TRY(findings_verdict(findings, why));
	HM_TRY(esp_app_layout(&rules, file, findings, &app));
	*has_hash = app.has_hash;
	return HM_OK;
}

hm_err
esp_sbv1_boot_make(const struct sbv1_digest *how, const struct input *file,
    struct output *out, struct why *why)
{
	uint8_t digest[DIGEST_LEN];
	uint64_t size, fill;
	bool has_hash = false;

	if (how->key.len != SBV1_KEY)
		return WHY(why, HM_E_KEY, "the key has %zu bytes, not 32",
		    how->key.len);
	if (how->iv.len != SBV1_IV)
		return WHY(why, HM_E_BAD_INPUT, "the iv has %zu bytes, not 128",
		    how->iv.len);
	HM_TRY(check_image(file, &has_hash, why));
	cover(file->size, has_hash, &size, &fill);
	HM_TRY(digest_image(how, file, size, fill, digest));
	HM_TRY(output_add(out, how->iv));
	HM_TRY(output_add(out, HM_BYTES(digest)));
	HM_TRY(output_fill(out, 0xff, SBV1_IMAGE_AT - SBV1_IV - DIGEST_LEN));
	HM_TRY(output_copy(out, file, 0, size));
	return output_fill(out, 0xff, fill);
}

/* The digest with the key; it says nothing about who made it. */
static hm_err
check_digest(struct hm_bytes key, const uint8_t *head, const struct input *file,
    struct findings *findings)
{
	struct sbv1_digest how = { .key = key, .iv = { head, SBV1_IV } };
	uint8_t digest[DIGEST_LEN];
	struct input image;

	if (key.len == 0) {
		findings_note(findings, SBV1_IV, "the digest needs a key");
		return HM_OK;
	}
	HM_TRY(input_window(
	    file, SBV1_IMAGE_AT, file->size - SBV1_IMAGE_AT, &image));
	HM_TRY(digest_image(&how, &image, image.size, 0, digest));
	if (!hm_equal_ct(digest, head + SBV1_IV, DIGEST_LEN))
		(void)findings_fault(findings, HM_E_IMAGE_SIGNATURE, SBV1_IV,
		    "the digest is not one of the image with this key");
	return HM_OK;
}

hm_err
esp_sbv1_boot_verify(
    struct hm_bytes key, const struct input *file, struct findings *findings)
{
	uint8_t head[SBV1_IV + DIGEST_LEN], magic;
	bool is_filled = true;

	if (key.len != 0 && key.len != SBV1_KEY)
		return HM_E_KEY;
	if (file->size <= SBV1_IMAGE_AT) {
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "the file ends before 0x1000, where the image begins");
		return HM_OK;
	}
	HM_TRY(input_read(file, 0, (struct hm_span){ head, sizeof(head) }));
	HM_TRY(input_read(file, SBV1_IMAGE_AT, (struct hm_span){ &magic, 1 }));
	findings_bytes(
	    findings, 0, SBV1_IV, "iv", (struct hm_bytes){ head, SBV1_IV });
	findings_bytes(findings, SBV1_IV, DIGEST_LEN, "digest",
	    (struct hm_bytes){ head + SBV1_IV, DIGEST_LEN });
	findings_part(findings, SBV1_IMAGE_AT, file->size - SBV1_IMAGE_AT,
	    "image", "as it is covered");
	if (magic != 0xe9)
		(void)findings_fault(findings, HM_E_IMAGE_FORMAT, SBV1_IMAGE_AT,
		    "there is no image at 0x1000");
	HM_TRY(input_is_filled(file, sizeof(head), SBV1_IMAGE_AT - sizeof(head),
	    0xff, &is_filled));
	if (!is_filled)
		(void)findings_fault(findings, HM_E_IMAGE_TRAILING,
		    sizeof(head), "bytes between digest and image are not FF");
	if (file->size % ROW != 0)
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "the image is not a multiple of 128 bytes");
	return check_digest(key, head, file, findings);
}
