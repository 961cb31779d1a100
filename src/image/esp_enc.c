/* SPDX-License-Identifier: Apache-2.0 */
#include "image/esp_enc.h"

#include <string.h>

#include "crypto/cipher.h"
#include "crypto/digest.h"

#define POINT_LEN 64
#define SALT_AT (ESP_ENC_KEY_AT + POINT_LEN)
#define SALT_LEN 32
#define FILL_AT (SALT_AT + SALT_LEN) /* of a P-256 header, to the IV */
#define CONTENT_KEY_LEN 32
#define IV_LEN 16

_Static_assert(ESP_ENC_KEY_AT + ESP_ENC_KEY_LEN == ESP_ENC_IV_AT, "layout");
_Static_assert(ESP_ENC_TAG_AT + 16 == ESP_ENC_FILL_AT, "layout");

bool
esp_enc_is(const struct input *file)
{
	uint8_t magic[4];

	return input_read(file, 0, (struct hm_span){ magic, 4 }) == HM_OK &&
	       image_get_u32(magic) == ESP_ENC_MAGIC;
}

/* ---- the content key ---- */

static hm_err
agree(struct pkey *own, const struct pkey *other, const uint8_t *header,
    uint8_t ret[static CONTENT_KEY_LEN])
{
	uint8_t x[32];
	struct hash_hkdf from = { .secret = HM_BYTES(x),
		.salt = { header + SALT_AT, SALT_LEN },
		.info = HM_LITERAL("_esp_enc_img_ecc") };
	size_t len;
	hm_err err;

	HM_TRY(pkey_agree(own, other, (struct hm_span){ x, sizeof(x) }, &len));
	err = hash_hkdf(
	    HASH_SHA256, &from, (struct hm_span){ ret, CONTENT_KEY_LEN });
	hm_wipe(x, sizeof(x));
	return err;
}

/* A fresh content key for a P-256 key, and what stands for it in the header. */
static hm_err
seal_ec(
    const struct pkey *to, uint8_t *header, uint8_t ret[static CONTENT_KEY_LEN])
{
	AUTO_PKEY struct pkey *ephemeral = NULL;
	struct buf point = { .max = 1 + POINT_LEN };
	hm_err err;

	HM_TRY(pkey_generate(PKEY_P256, 0, &ephemeral));
	HM_TRY(random_bytes((struct hm_span){ header + SALT_AT, SALT_LEN }));
	err = pkey_point(ephemeral, &point);
	if (err == HM_OK)
		memcpy(header + ESP_ENC_KEY_AT, point.ptr + 1, POINT_LEN);
	buf_done(&point);
	return err != HM_OK ? err : agree(ephemeral, to, header, ret);
}

static hm_err
seal_rsa(struct pkey *to, uint8_t *header, uint8_t ret[static CONTENT_KEY_LEN])
{
	size_t len;

	HM_TRY(random_secret((struct hm_span){ ret, CONTENT_KEY_LEN }));
	return pkey_encrypt(to, PKEY_PKCS1_V15,
	    (struct hm_bytes){ ret, CONTENT_KEY_LEN },
	    (struct hm_span){ header + ESP_ENC_KEY_AT, ESP_ENC_KEY_LEN }, &len);
}

static bool
is_rsa(const struct pkey *key)
{
	return pkey_kind(key) == PKEY_RSA && pkey_bits(key) == 3072;
}

static hm_err
check_kind(const struct pkey *key, struct why *why)
{
	if (is_rsa(key) || pkey_kind(key) == PKEY_P256)
		return HM_OK;
	return WHY(why, HM_E_KEY, "the key is RSA-3072 or P-256, not %s",
	    pkey_name(key));
}

hm_err
esp_enc_device_key(const uint8_t hmac_key[static 32], struct pkey **ret)
{
	static const uint8_t salt[32] = { 0x0e, 0x21, 0x60, 0x64, 0x2d, 0xae,
		0x76, 0xd3, 0x34, 0x48, 0xe4, 0x3d, 0x77, 0x20, 0x12, 0x3d,
		0x9f, 0x3b, 0x1e, 0xce, 0xb8, 0x8e, 0x57, 0x3a, 0x4e, 0x8f,
		0x7f, 0xb9, 0x4f, 0xf0, 0xc8, 0x69 };
	uint8_t scalar[32];
	hm_err err = hash_pbkdf2(HASH_SHA256, (struct hm_bytes){ hmac_key, 32 },
	    HM_BYTES(salt), 2048, (struct hm_span){ scalar, 32 });

	if (err == HM_OK)
		err = pkey_from_scalar(PKEY_P256, HM_BYTES(scalar), ret);
	hm_wipe(scalar, sizeof(scalar));
	return err;
}

/* ---- encrypting ---- */

struct run {
	struct cipher *cipher;
	struct output *out; /* NULL: judged only */
	uint8_t piece[INPUT_PIECE];
};

static hm_err
run_piece(void *context, struct hm_bytes piece)
{
	struct run *run = context;

	return run->out == NULL ? cipher_update(run->cipher, piece, run->piece)
				: image_add_by(run->cipher, piece, run->out);
}

static hm_err
seal_body(const uint8_t key[static CONTENT_KEY_LEN], const struct input *image,
    struct output *out, uint8_t *header)
{
	static _Thread_local struct run run;
	hm_err err;

	run = (struct run){ .out = out };
	HM_TRY(cipher_new(CIPHER_AES256_GCM, true,
	    (struct hm_bytes){ key, CONTENT_KEY_LEN },
	    (struct hm_bytes){ header + ESP_ENC_IV_AT, IV_LEN }, &run.cipher));
	err = input_walk(image, 0, image->size, run_piece, &run);
	if (err == HM_OK)
		err = cipher_tag(run.cipher, header + ESP_ENC_TAG_AT);
	cipher_free(run.cipher);
	return err;
}

hm_err
esp_enc_seal(struct pkey *to, const struct input *image, struct output *out,
    struct why *why)
{
	uint8_t header[ESP_ENC_HEADER] = { 0 }, key[CONTENT_KEY_LEN];
	uint64_t start = output_size(out);
	hm_err err;

	HM_TRY(check_kind(to, why));
	if (image->size == 0)
		return WHY(why, HM_E_IMAGE_EMPTY, "the file is empty");
	if (image->size > UINT32_MAX)
		return WHY(why, HM_E_TOO_LARGE, "the file has 4 GiB or more");
	image_put_u32(header, ESP_ENC_MAGIC);
	image_put_u32(header + ESP_ENC_SIZE_AT, (uint32_t)image->size);
	HM_TRY(
	    random_bytes((struct hm_span){ header + ESP_ENC_IV_AT, IV_LEN }));
	err = is_rsa(to) ? seal_rsa(to, header, key) : seal_ec(to, header, key);
	if (err == HM_OK)
		err = output_add(out, HM_BYTES(header));
	if (err == HM_OK)
		err = seal_body(key, image, out, header);
	hm_wipe(key, sizeof(key));
	HM_TRY(err);
	return output_put(out, start, HM_BYTES(header));
}

/* ---- opening ---- */

/* Faults that need no key; the error says only that it ends here. */
static hm_err
judge_header(const struct input *file, uint8_t *header, struct findings *f)
{
	uint32_t size;

	if (input_read(file, 0, (struct hm_span){ header, ESP_ENC_HEADER }) !=
	    HM_OK)
		return findings_fault(f, HM_E_IMAGE_SHORT, file->size,
		    "ends before its header of %d bytes", ESP_ENC_HEADER);
	if (image_get_u32(header) != ESP_ENC_MAGIC)
		return findings_fault(f, HM_E_IMAGE_FORMAT, 0, "magic %08x",
		    image_get_u32(header));
	size = image_get_u32(header + ESP_ENC_SIZE_AT);
	findings_part(f, 0, 4, "magic", "%08x", ESP_ENC_MAGIC);
	findings_part(f, ESP_ENC_KEY_AT, ESP_ENC_KEY_LEN, "key", "%s", "");
	findings_bytes(f, ESP_ENC_IV_AT, IV_LEN, "iv",
	    (struct hm_bytes){ header + ESP_ENC_IV_AT, IV_LEN });
	findings_part(f, ESP_ENC_SIZE_AT, 4, "size", "%u", size);
	findings_bytes(f, ESP_ENC_TAG_AT, 16, "tag",
	    (struct hm_bytes){ header + ESP_ENC_TAG_AT, 16 });
	findings_part(
	    f, ESP_ENC_HEADER, file->size - ESP_ENC_HEADER, "body", "%s", "");
	for (size_t i = ESP_ENC_FILL_AT; i < ESP_ENC_HEADER; i++)
		if (header[i] != 0)
			return findings_fault(f, HM_E_IMAGE_FIELD, i,
			    "a reserved byte is %02x", header[i]);
	if (size > file->size - ESP_ENC_HEADER)
		return findings_fault(f, HM_E_IMAGE_SHORT, file->size,
		    "says %u bytes, has %llu", size,
		    (unsigned long long)(file->size - ESP_ENC_HEADER));
	if (size < file->size - ESP_ENC_HEADER)
		return findings_fault(f, HM_E_IMAGE_TRAILING,
		    (uint64_t)ESP_ENC_HEADER + size, "says %u bytes, has %llu",
		    size, (unsigned long long)(file->size - ESP_ENC_HEADER));
	return size > 0 ? HM_OK
			: findings_fault(f, HM_E_IMAGE_EMPTY, ESP_ENC_SIZE_AT,
			      "an image of no bytes");
}

static hm_err
open_rsa(struct pkey *own, const uint8_t *header,
    uint8_t ret[static CONTENT_KEY_LEN], struct findings *f)
{
	uint8_t plain[ESP_ENC_KEY_LEN];
	size_t len = 0;
	hm_err err = pkey_decrypt(own, PKEY_PKCS1_V15,
	    (struct hm_bytes){ header + ESP_ENC_KEY_AT, ESP_ENC_KEY_LEN },
	    (struct hm_span){ plain, sizeof(plain) }, &len);

	if (err == HM_OK && len == CONTENT_KEY_LEN)
		memcpy(ret, plain, CONTENT_KEY_LEN);
	else if (err == HM_OK || err == HM_E_OPEN)
		err = findings_fault(f, HM_E_IMAGE_OPEN, ESP_ENC_KEY_AT,
		    "the content key does not open with this RSA key");
	hm_wipe(plain, sizeof(plain));
	return err;
}

static hm_err
open_ec(struct pkey *own, const uint8_t *header,
    uint8_t ret[static CONTENT_KEY_LEN], struct findings *f)
{
	AUTO_PKEY struct pkey *ephemeral = NULL;
	uint8_t point[1 + POINT_LEN] = { 4 };
	hm_err err;

	for (size_t i = FILL_AT; i < ESP_ENC_IV_AT; i++)
		if (header[i] != 0)
			return findings_fault(f, HM_E_IMAGE_FIELD, i,
			    "a reserved byte is %02x", header[i]);
	memcpy(point + 1, header + ESP_ENC_KEY_AT, POINT_LEN);
	err = pkey_from_point(PKEY_P256, HM_BYTES(point), &ephemeral);
	if (err == HM_E_KEY)
		return findings_fault(f, HM_E_IMAGE_OPEN, ESP_ENC_KEY_AT,
		    "the ephemeral point is not on the curve");
	return err != HM_OK ? err : agree(own, ephemeral, header, ret);
}

static hm_err
open_body(const uint8_t key[static CONTENT_KEY_LEN], const struct input *file,
    struct output *out, const uint8_t *header, struct findings *f)
{
	static _Thread_local struct run run;
	hm_err err;

	run = (struct run){ .out = out };
	HM_TRY(cipher_new(CIPHER_AES256_GCM, false,
	    (struct hm_bytes){ key, CONTENT_KEY_LEN },
	    (struct hm_bytes){ header + ESP_ENC_IV_AT, IV_LEN }, &run.cipher));
	err = input_walk(
	    file, ESP_ENC_HEADER, file->size - ESP_ENC_HEADER, run_piece, &run);
	if (err == HM_OK)
		err = cipher_check(run.cipher, header + ESP_ENC_TAG_AT);
	cipher_free(run.cipher);
	hm_wipe(run.piece, sizeof(run.piece));
	if (err == HM_E_OPEN)
		return findings_fault(f, HM_E_IMAGE_OPEN, ESP_ENC_TAG_AT,
		    "the tag does not fit: altered, or for another key");
	return err;
}

static hm_err
judge(struct pkey *own, const struct input *file, struct output *out,
    struct findings *f)
{
	uint8_t header[ESP_ENC_HEADER], key[CONTENT_KEY_LEN] = { 0 };
	hm_err err;

	HM_TRY(judge_header(file, header, f));
	if (own == NULL)
		return HM_OK;
	if (check_kind(own, NULL) != HM_OK || !pkey_is_private(own))
		return findings_fault(f, HM_E_IMAGE_OPEN, ESP_ENC_KEY_AT,
		    "it opens with a private RSA-3072 or P-256 key");
	err = is_rsa(own) ? open_rsa(own, header, key, f)
			  : open_ec(own, header, key, f);
	if (err == HM_OK)
		err = open_body(key, file, out, header, f);
	hm_wipe(key, sizeof(key));
	return err;
}

hm_err
esp_enc_open(struct pkey *own, const struct input *file, struct output *out,
    struct findings *findings)
{
	hm_err err = judge(own, file, out, findings);

	return findings_faults(findings) > 0 ? HM_OK : err;
}

hm_err
esp_enc_inspect(const struct input *file, struct findings *findings)
{
	return esp_enc_open(NULL, file, NULL, findings);
}
