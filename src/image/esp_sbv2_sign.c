/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image/esp_sbv2_block.h"

struct maker {
	const struct sbv2_sign *how;
	const struct input *file;
	struct output *out;
	struct why *why;
	struct sbv2_body body;
	const struct sbv2_shape *shape;
	uint8_t sector[ESP_SECTOR];
	uint8_t digest[SBV2_BLOCKS][SBV2_DIGEST]; /* of the keys so far */
	unsigned count;
};

/* ---- the keys ---- */

static hm_err
add_digest(struct maker *m, const uint8_t *digest)
{
	for (unsigned i = 0; i < m->count; i++)
		if (memcmp(m->digest[i], digest, SBV2_DIGEST) == 0)
			return WHY(m->why, HM_E_IMAGE_MIXED,
			    "the same key would sign twice");
	if (m->count == SBV2_BLOCKS)
		return WHY(m->why, HM_E_IMAGE_MIXED,
		    "a sector has room for 3 signatures");
	memcpy(m->digest[m->count++], digest, SBV2_DIGEST);
	return HM_OK;
}

static hm_err
set_shape(struct maker *m, const struct sbv2_shape *shape)
{
	if (m->shape != NULL && m->shape != shape)
		return WHY(m->why, HM_E_IMAGE_MIXED,
		    "%s beside %s: a device knows one scheme",
		    esp_scheme_name(shape->scheme),
		    esp_scheme_name(m->shape->scheme));
	m->shape = shape;
	return HM_OK;
}

/* The blocks that stay; they were verified. */
static hm_err
keep_blocks(struct maker *m)
{
	for (unsigned i = 0; i < SBV2_BLOCKS; i++) {
		const uint8_t *block = m->sector + i * SBV2_BLOCK;
		const struct sbv2_shape *shape = sbv2_shape_of_block(block);
		uint8_t digest[SBV2_DIGEST];

		if (block[0] != SBV2_MAGIC || shape == NULL)
			break;
		HM_TRY(set_shape(m, shape));
		HM_TRY(sbv2_block_key_digest(shape, block, digest));
		HM_TRY(add_digest(m, digest));
	}
	return HM_OK;
}

static hm_err
look_at_keys(struct maker *m)
{
	uint8_t digest[SBV2_DIGEST];
	unsigned scheme;

	if (m->how->signer_count == 0 || m->how->signer_count > SBV2_BLOCKS)
		return WHY(m->why, HM_E_IMAGE_MIXED,
		    "1 to 3 keys sign, not %zu", m->how->signer_count);
	for (size_t i = 0; i < m->how->signer_count; i++) {
		const struct pkey *key = m->how->signers[i].key;
		hm_err err = sbv2_key_digest(key, digest, &scheme);

		if (err == HM_E_KEY)
			return WHY(m->why, err,
			    "a key of type %s: secure boot takes RSA-3072, "
			    "P-192, P-256 and P-384",
			    pkey_name(key));
		HM_TRY(err);
		if (m->how->is_prod && sbv2_is_public_key(digest))
			return WHY(m->why, HM_E_KEY_ROLE,
			    "a test key of esptool, whose private part "
			    "everybody has");
		HM_TRY(set_shape(m, sbv2_shape_of(scheme)));
		HM_TRY(add_digest(m, digest));
	}
	return HM_OK;
}

static hm_err
look_at_chip(struct maker *m)
{
	const struct esp_chip *chip = m->how->rules.chip;

	if (m->how->rules.content != ESP_DATA && m->shape->scheme == ESP_P384 &&
	    !m->body.app.has_hash)
		return WHY(m->why, HM_E_IMAGE_FIELD,
		    "boot code for P-384 expects an appended hash");
	if (chip == NULL)
		chip = m->body.app.chip;
	if (m->how->any_chip || chip == NULL)
		return HM_OK;
	if ((chip->schemes & m->shape->scheme) == 0)
		return WHY(m->why, HM_E_IMAGE_FIELD, "%s does not verify %s",
		    chip->name, esp_scheme_name(m->shape->scheme));
	if (m->count > chip->blocks)
		return WHY(m->why, HM_E_IMAGE_MIXED,
		    "%u signatures, %s looks at %u only", m->count, chip->name,
		    chip->blocks);
	return HM_OK;
}

/* ---- what is there ---- */

static hm_err
refuse_signed(struct maker *m, uint64_t at)
{
	why_where(m->why, "%s", m->file->name);
	return WHY(m->why, HM_E_IMAGE_SIGNED,
	    "there is a signature block at 0x%" PRIx64 " already", at);
}

static hm_err
look_at_rest(struct maker *m)
{
	uint64_t size = m->file->size, at = m->body.sector_at;

	if (size > at) {
		uint8_t magic = 0;

		HM_TRY(input_read(m->file, at, (struct hm_span){ &magic, 1 }));
		if (magic == SBV2_MAGIC || sbv2_is_block(m->file, at))
			return refuse_signed(m, at);
		return WHY(m->why, HM_E_IMAGE_TRAILING,
		    "the image ends at 0x%" PRIx64 ", the file at 0x%" PRIx64,
		    m->body.content, size);
	}
	if (!m->body.is_filled)
		return WHY(m->why, HM_E_IMAGE_TRAILING,
		    "bytes that are not FF behind the image, which ends at "
		    "0x%" PRIx64,
		    m->body.content);
	return HM_OK;
}

/* It is written as it is looked at, up to the sector. */
static hm_err
copy_body(struct maker *m, struct findings *findings)
{
	m->body.digests.wants_sha384 = m->shape->hash == HASH_SHA384;
	m->body.digests.copy = m->out;
	return sbv2_body_check(&m->how->rules, m->file, findings, &m->body);
}

static hm_err
look_at_image(struct maker *m)
{
	AUTO_FINDINGS struct findings *findings = NULL;

	HM_TRY(findings_new("esp-app-image", &findings));
	HM_TRY(sbv2_body_layout(&m->how->rules, m->file, findings, &m->body));
	HM_TRY(findings_verdict(findings, m->why));
	HM_TRY(copy_body(m, findings));
	return findings_verdict(findings, m->why);
}

/* Whatever the bytes are, unless they end in a block already. */
static hm_err
look_at_data(struct maker *m)
{
	uint64_t size = m->file->size;

	m->body = (struct sbv2_body){
		.content = size, .sector_at = esp_align(size), .is_whole = true
	};
	if (size > ESP_SECTOR && size % ESP_SECTOR == 0 &&
	    sbv2_is_block(m->file, size - ESP_SECTOR))
		return refuse_signed(m, size - ESP_SECTOR);
	return copy_body(m, NULL);
}

/* A file that is signed, and well signed, by whom the mode demands. */
static hm_err
look_at_signed(struct maker *m)
{
	AUTO_FINDINGS struct findings *findings = NULL;
	struct sbv2_verify any = { .rules = m->how->rules, .any_key = true };
	const struct sbv2_verify *how =
	    m->how->old != NULL ? m->how->old : &any;
	struct hm_span room = { m->sector, sizeof(m->sector) };

	HM_TRY(findings_new("esp-secure-boot-v2", &findings));
	HM_TRY(esp_sbv2_verify(how, m->file, findings));
	HM_TRY(findings_verdict(findings, m->why));
	HM_TRY(sbv2_body_layout(&m->how->rules, m->file, findings, &m->body));
	if (m->how->mode == SBV2_RESIGN)
		return HM_OK;
	HM_TRY(input_read(m->file, m->body.sector_at, room));
	return keep_blocks(m);
}

static hm_err
look(struct maker *m)
{
	if (m->file->size == 0)
		return WHY(m->why, HM_E_IMAGE_EMPTY, "the file is empty");
	if (m->how->mode != SBV2_NEW)
		HM_TRY(look_at_signed(m));
	HM_TRY(look_at_keys(m));
	if (m->how->mode == SBV2_NEW && m->how->rules.content == ESP_DATA)
		return look_at_data(m);
	HM_TRY(look_at_image(m));
	return m->how->mode == SBV2_NEW ? look_at_rest(m) : HM_OK;
}

static hm_err
look_at_place(struct maker *m)
{
	uint64_t end = m->body.sector_at + ESP_SECTOR;

	if (m->how->rules.content != ESP_DATA && end > ESP_APP_MAX)
		return WHY(m->why, HM_E_IMAGE_PLACE,
		    "image and sector have more than 16 MiB");
	if (m->how->partition_size != 0 && end > m->how->partition_size)
		return WHY(m->why, HM_E_IMAGE_PLACE,
		    "image and sector have %" PRIu64
		    " bytes, the partition %" PRIu64,
		    end, m->how->partition_size);
	return HM_OK;
}

/* ---- what is made ---- */

static hm_err
make_block(struct maker *m, const struct image_signer *signer, uint8_t *block)
{
	uint8_t signature[PKEY_SIGNATURE_MAX];
	struct hm_span room = { signature, sizeof(signature) };
	const uint8_t *digest = sbv2_body_digest(&m->body, m->shape);
	struct pkey_input input = {
		.scheme = m->shape->type == PKEY_RSA ? PKEY_PSS : PKEY_ECDSA,
		.hash = m->shape->hash,
		.bytes = { digest, hash_len(m->shape->hash) },
	};
	struct sbv2_parts parts = { .key = signer->key, .digest = digest };
	size_t len;

	HM_TRY(image_sign(signer, &input, room, &len, m->why));
	parts.signature = (struct hm_bytes){ signature, len };
	return sbv2_block_make(m->shape, &parts, block);
}

static hm_err
make(struct maker *m)
{
	unsigned first = m->count - (unsigned)m->how->signer_count;

	for (unsigned i = first; i < m->count; i++)
		HM_TRY(make_block(m, &m->how->signers[i - first],
		    m->sector + i * SBV2_BLOCK));
	return output_add(m->out, HM_BYTES(m->sector));
}

hm_err
esp_sbv2_sign(const struct sbv2_sign *how, const struct input *file,
    struct output *out, struct why *why)
{
	struct maker *m = calloc(1, sizeof(*m));
	hm_err err;

	if (m == NULL)
		return HM_E_NO_MEMORY;
	m->how = how;
	m->file = file;
	m->out = out;
	m->why = why;
	memset(m->sector, 0xff, sizeof(m->sector));
	err = look(m);
	if (err == HM_OK)
		err = look_at_chip(m);
	if (err == HM_OK)
		err = look_at_place(m);
	if (err == HM_OK)
		err = make(m);
	if (err != HM_OK) /* it was written as it was looked at */
		HM_LOSE(output_cut(out, 0));
	free(m);
	return err;
}
