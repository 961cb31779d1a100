/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "image/esp_sbv2_block.h"

#define FIELD HM_E_IMAGE_FIELD

struct trust {
	struct sbv2_digest yes[SBV2_DIGESTS_MAX + IMAGE_KEYS_MAX];
	size_t count;
};

struct verifier {
	const struct sbv2_verify *how;
	const struct input *file;
	struct findings *findings;
	struct sbv2_body body;
	struct trust trust;
	uint8_t sector[ESP_SECTOR];
	/* What was seen, block for block. */
	const struct sbv2_shape *shape[SBV2_BLOCKS];
	uint8_t digest[SBV2_BLOCKS][SBV2_DIGEST];
	unsigned found, good_trusted;
	bool any_revoked;
};

static bool
names(const struct sbv2_digest *digest, const uint8_t *key)
{
	return memcmp(digest->bytes, key, digest->len) == 0;
}

static bool
is_in(const struct sbv2_digest *list, size_t count, const uint8_t *key)
{
	for (size_t i = 0; i < count; i++)
		if (names(&list[i], key))
			return true;
	return false;
}

static bool
is_revoked(const struct verifier *v, const uint8_t *key)
{
	return is_in(v->how->revoked, v->how->revoked_count, key);
}

static bool
is_trusted(const struct verifier *v, const uint8_t *key)
{
	return is_in(v->trust.yes, v->trust.count, key) && !is_revoked(v, key);
}

static hm_err
gather_trust(const struct sbv2_verify *how, struct trust *trust)
{
	for (size_t i = 0; i < how->trusted_count; i++) {
		if (trust->count == SBV2_DIGESTS_MAX)
			return HM_E_TOO_LARGE;
		trust->yes[trust->count++] = how->trusted[i];
	}
	for (size_t i = 0; i < how->keys.trusted_count; i++) {
		struct sbv2_digest *to = &trust->yes[trust->count++];
		unsigned scheme;

		to->len = SBV2_DIGEST;
		HM_TRY(
		    sbv2_key_digest(how->keys.trusted[i], to->bytes, &scheme));
	}
	return HM_OK;
}

/* ---- one block ---- */

struct block {
	const uint8_t *bytes;
	uint64_t at;
	const struct sbv2_shape *shape;
};

static void
fault(struct verifier *v, const struct block *b, hm_err err, size_t at,
    const char *words)
{
	(void)findings_fault(v->findings, err, b->at + at, "%s", words);
}

static bool
is_all(const uint8_t *at, size_t len, uint8_t value)
{
	return len == 0 || (at[0] == value && memcmp(at, at + 1, len - 1) == 0);
}

static void
list_block(struct verifier *v, const struct block *b, const uint8_t *key)
{
	const struct sbv2_shape *s = b->shape;
	struct findings *f = v->findings;
	size_t len = hash_len(s->hash);
	size_t sig = s->type == PKEY_RSA ? s->number : 2 * s->number;

	findings_part(f, b->at, SBV2_BLOCK, "signature block", "%s",
	    esp_scheme_name(s->scheme));
	findings_bytes(
	    f, b->at, 4, "block head", (struct hm_bytes){ b->bytes, 4 });
	findings_bytes(f, b->at + 4, len, "digest",
	    (struct hm_bytes){ b->bytes + 4, len });
	findings_bytes(f, b->at + s->key_at, s->key_len, "key digest",
	    (struct hm_bytes){ key, SBV2_DIGEST });
	findings_bytes(f, b->at + s->sig_at, sig, "signature",
	    (struct hm_bytes){ b->bytes + s->sig_at, sig });
	if (s->end < SBV2_CRC_AT)
		findings_part(f, b->at + s->end, SBV2_CRC_AT - s->end,
		    "reserved", "zeros");
	findings_part(f, b->at + SBV2_CRC_AT, 4, "crc", "0x%08" PRIx32,
	    image_get_u32(b->bytes + SBV2_CRC_AT));
	findings_part(f, b->at + SBV2_TAIL_AT, SBV2_BLOCK - SBV2_TAIL_AT,
	    "reserved", "zeros");
	if (sbv2_is_public_key(key))
		findings_note(f, b->at + s->key_at,
		    "a test key of esptool, whose private part everybody has");
}

static void
check_reserved(struct verifier *v, const struct block *b)
{
	const struct sbv2_shape *s = b->shape;
	size_t used = s->type == PKEY_RSA ? s->room : 2 * s->number;
	size_t gap = s->room - used;

	if (b->bytes[2] != s->hash_code)
		fault(v, b, FIELD, 2, "byte 2 of the block is not 0");
	if (b->bytes[3] != 0)
		fault(v, b, FIELD, 3, "byte 3 of the block is not 0");
	if (!is_all(b->bytes + s->point_at + used, gap, 0))
		fault(v, b, FIELD, s->point_at + used,
		    "the bytes behind the point are not zero");
	if (s->type != PKEY_RSA && !is_all(b->bytes + s->sig_at + used, gap, 0))
		fault(v, b, FIELD, s->sig_at + used,
		    "the bytes behind the signature are not zero");
	if (!is_all(b->bytes + s->end, SBV2_CRC_AT - s->end, 0))
		fault(v, b, FIELD, s->end,
		    "the reserved bytes of the block are not zero");
}

/* The constants are recomputed from the modulus, as a whole. */
static hm_err
check_constants(
    struct verifier *v, const struct block *b, const struct pkey *key)
{
	static const struct {
		size_t at, len;
		const char *words;
	} parts[] = {
		{ 36, 384, "the modulus reads back as another one" },
		{ 420, 4, "the exponent is not 65537" },
		{ 424, 384, "R is not 2^6144 mod n" },
		{ 808, 4, "M' is not -1/n mod 2^32" },
	};
	uint8_t should[SBV2_BLOCK] = { 0 };

	HM_TRY(sbv2_block_put_key(b->shape, key, should));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (memcmp(should + parts[i].at, b->bytes + parts[i].at,
			parts[i].len) != 0)
			fault(v, b, FIELD, parts[i].at, parts[i].words);
	return HM_OK;
}

/* Key and signature. Sets *good; breakdowns are returned. */
static hm_err
check_signature(struct verifier *v, const struct block *b, bool *good)
{
	AUTO_PKEY struct pkey *key = NULL;
	hm_err err = sbv2_block_key(b->shape, b->bytes, &key);

	*good = false;
	if (err == HM_E_NO_MEMORY)
		return err;
	if (err != HM_OK) {
		fault(v, b, FIELD, b->shape->point_at,
		    b->shape->type == PKEY_RSA
			? "the modulus is not an odd number of 3072 bits"
			: "the point is not on the curve");
		return HM_OK;
	}
	if (b->shape->type == PKEY_RSA)
		HM_TRY(check_constants(v, b, key));
	err = sbv2_block_verify(
	    b->shape, b->bytes, key, sbv2_body_digest(&v->body, b->shape));
	if (err == HM_E_NO_MEMORY)
		return err;
	*good = err == HM_OK;
	if (!*good)
		fault(v, b, HM_E_IMAGE_SIGNATURE, b->shape->sig_at,
		    "the signature is not one of the body by this key");
	return HM_OK;
}

static hm_err
check_content(struct verifier *v, struct block *b, unsigned i)
{
	size_t len;
	bool good;

	b->shape = sbv2_shape_of_block(b->bytes);
	if (b->shape == NULL) {
		bool is_known = b->bytes[1] == 2 || b->bytes[1] == 3;

		fault(v, b, FIELD, is_known ? 36 : 1,
		    is_known ? "the curve id is none that goes with the hash"
			     : "the version of the block is neither 2 nor 3");
		return HM_OK;
	}
	v->shape[i] = b->shape;
	HM_TRY(sbv2_block_key_digest(b->shape, b->bytes, v->digest[i]));
	list_block(v, b, v->digest[i]);
	check_reserved(v, b);
	len = hash_len(b->shape->hash);
	if (memcmp(b->bytes + 4, sbv2_body_digest(&v->body, b->shape), len) !=
	    0)
		fault(v, b, HM_E_IMAGE_HASH, 4,
		    "the digest in the block is not that of the body");
	HM_TRY(check_signature(v, b, &good));
	if (good && is_trusted(v, v->digest[i]))
		v->good_trusted++;
	if (good && is_revoked(v, v->digest[i]))
		v->any_revoked = true;
	return HM_OK;
}

static hm_err
check_block(struct verifier *v, unsigned i)
{
	struct block b = { .bytes = v->sector + i * SBV2_BLOCK,
		.at = v->body.sector_at + i * SBV2_BLOCK };

	v->found++;
	if (b.bytes[0] != SBV2_MAGIC) {
		fault(v, &b, FIELD, 0, "the block magic is not E7");
		return HM_OK;
	}
	if (image_get_u32(b.bytes + SBV2_CRC_AT) != sbv2_block_crc(b.bytes)) {
		fault(v, &b, HM_E_IMAGE_HASH, SBV2_CRC_AT,
		    "the CRC of the block does not match");
		return HM_OK;
	}
	if (!is_all(b.bytes + SBV2_TAIL_AT, SBV2_BLOCK - SBV2_TAIL_AT, 0))
		fault(v, &b, FIELD, SBV2_TAIL_AT,
		    "the bytes behind the CRC are not zero");
	return check_content(v, &b, i);
}

/* ---- the sector ---- */

static hm_err
check_blocks(struct verifier *v)
{
	uint64_t at = v->body.sector_at;
	unsigned gap = SBV2_BLOCKS;

	for (unsigned i = 0; i < SBV2_BLOCKS; i++) {
		const uint8_t *block = v->sector + i * SBV2_BLOCK;

		if (is_all(block, SBV2_BLOCK, 0xff)) {
			findings_part(v->findings, at + i * SBV2_BLOCK,
			    SBV2_BLOCK, "unused", "block %u", i);
			gap = i < gap ? i : gap;
			continue;
		}
		if (gap == 0 && v->found == 0)
			(void)findings_fault(v->findings, HM_E_IMAGE_UNTRUSTED,
			    at,
			    "no signature block at the start of the sector");
		else if (gap < i)
			(void)findings_fault(v->findings, FIELD,
			    at + gap * SBV2_BLOCK, "a gap between the blocks");
		gap = SBV2_BLOCKS;
		HM_TRY(check_block(v, i));
	}
	if (v->found == 0)
		(void)findings_fault(v->findings, HM_E_IMAGE_UNTRUSTED, at,
		    "no signature block where the boot loader looks");
	findings_part(v->findings, at + SBV2_BLOCKS * SBV2_BLOCK,
	    ESP_SECTOR - SBV2_BLOCKS * SBV2_BLOCK, "unused", "of the sector");
	if (!is_all(v->sector + SBV2_BLOCKS * SBV2_BLOCK,
		ESP_SECTOR - SBV2_BLOCKS * SBV2_BLOCK, 0xff))
		(void)findings_fault(v->findings, HM_E_IMAGE_TRAILING,
		    at + SBV2_BLOCKS * SBV2_BLOCK,
		    "the rest of the sector is not erased");
	return HM_OK;
}

static void
compare_blocks(struct verifier *v, unsigned i, unsigned k)
{
	uint64_t at = v->body.sector_at + k * SBV2_BLOCK;

	if (v->shape[i] == NULL || v->shape[k] == NULL)
		return;
	if (v->shape[i] != v->shape[k])
		(void)findings_fault(v->findings, HM_E_IMAGE_MIXED, at,
		    "blocks of %s and of %s in one sector",
		    esp_scheme_name(v->shape[i]->scheme),
		    esp_scheme_name(v->shape[k]->scheme));
	else if (memcmp(v->digest[i], v->digest[k], SBV2_DIGEST) == 0)
		(void)findings_fault(v->findings, HM_E_IMAGE_MIXED, at,
		    "the same key signs twice");
}

/* With a chip that was named it is a fault, else a remark. */
static void
check_chip(struct verifier *v, unsigned scheme)
{
	const struct esp_chip *told = v->how->rules.chip;
	const struct esp_chip *chip = told != NULL ? told : v->body.app.chip;
	uint64_t at = v->body.sector_at;

	if (chip == NULL)
		return;
	if ((chip->schemes & scheme) == 0) {
		if (told == NULL) {
			findings_note(v->findings, at, "%s does not verify %s",
			    chip->name, esp_scheme_name(scheme));
		} else {
			v->body.boots = false;
			(void)findings_fault(v->findings, FIELD, at,
			    "%s does not verify %s", chip->name,
			    esp_scheme_name(scheme));
		}
	} else if (scheme != ESP_RSA3072 && chip->ecdsa_fails) {
		findings_note(v->findings, at,
		    "ECDSA fails for some inputs on %s (IDF-15721)",
		    chip->name);
	}
	if (v->found <= chip->blocks)
		return;
	if (told == NULL)
		findings_note(v->findings, at, "%s looks at %u block only",
		    chip->name, chip->blocks);
	else
		(void)findings_fault(v->findings, HM_E_IMAGE_MIXED, at,
		    "%u blocks, %s looks at %u only", v->found, chip->name,
		    chip->blocks);
}

static void
check_together(struct verifier *v)
{
	for (unsigned k = 1; k < SBV2_BLOCKS; k++)
		for (unsigned i = 0; i < k; i++)
			compare_blocks(v, i, k);
	for (unsigned i = 0; i < SBV2_BLOCKS; i++) {
		if (v->shape[i] == NULL)
			continue;
		check_chip(v, v->shape[i]->scheme);
		break;
	}
	for (unsigned i = 0; i < SBV2_BLOCKS; i++)
		if (v->shape[i] != NULL && v->shape[i]->scheme == ESP_P384 &&
		    v->how->rules.content != ESP_DATA && !v->body.app.has_hash)
			(void)findings_fault(v->findings, FIELD,
			    v->body.sector_at + i * SBV2_BLOCK,
			    "boot code for P-384 expects an appended hash");
}

static void
check_trust(struct verifier *v)
{
	const struct sbv2_verify *how = v->how;
	const char *words = "no block by a trusted key verifies";

	if (v->good_trusted > 0)
		return;
	if (how->any_key) {
		findings_note(v->findings, v->body.sector_at,
		    "verified with the keys in the file, none is trusted");
		return;
	}
	if (v->trust.count == 0)
		words = "no key or key digest was given to trust";
	else if (v->any_revoked)
		words = "signed by revoked keys only";
	(void)findings_fault(
	    v->findings, HM_E_IMAGE_UNTRUSTED, v->body.sector_at, "%s", words);
}

static void
check_size(struct verifier *v)
{
	uint64_t end = v->body.sector_at + ESP_SECTOR, size = v->file->size;

	if (v->how->rules.content == ESP_DATA)
		return;
	if (size < end)
		(void)findings_fault(v->findings, HM_E_IMAGE_SHORT, size,
		    "the file ends before the sector of signatures, whose "
		    "place is 0x%" PRIx64,
		    v->body.sector_at);
	if (size > end)
		(void)findings_fault(v->findings, HM_E_IMAGE_TRAILING, end,
		    "bytes behind the sector at 0x%" PRIx64
		    ", where the boot loader looks",
		    v->body.sector_at);
}

static void
check_place(struct verifier *v)
{
	uint64_t end = v->body.sector_at + ESP_SECTOR;
	bool is_data = v->how->rules.content == ESP_DATA;

	if (!is_data && end > ESP_APP_MAX) {
		v->body.boots = false;
		(void)findings_fault(v->findings, HM_E_IMAGE_PLACE, end,
		    "image and sector have more than 16 MiB");
	}
	if (v->how->partition_size != 0 && end > v->how->partition_size) {
		v->body.boots = false;
		(void)findings_fault(v->findings, HM_E_IMAGE_PLACE, end,
		    "image and sector do not fit a partition of %" PRIu64
		    " bytes",
		    v->how->partition_size);
	}
}

/* What the file has of the sector; FF where flash would be erased. */
static hm_err
read_sector(struct verifier *v)
{
	uint64_t at = v->body.sector_at;
	uint64_t left = v->file->size > at ? v->file->size - at : 0;
	size_t len = left < ESP_SECTOR ? (size_t)left : ESP_SECTOR;

	memset(v->sector, 0xff, sizeof(v->sector));
	if (len == 0)
		return HM_OK;
	findings_part(v->findings, at, len, "sector", "signatures");
	return input_read(v->file, at, (struct hm_span){ v->sector, len });
}

/* ---- what boot code would say ---- */

/* By code that is built for that scheme; it looks at less. */
static bool
boots_by(struct verifier *v, const uint8_t *block, unsigned scheme)
{
	const struct sbv2_shape *s = sbv2_shape_of(scheme);
	AUTO_PKEY struct pkey *key = NULL;
	uint8_t digest[SBV2_DIGEST];

	if (!sbv2_boot_reads(s, block))
		return false;
	if (sbv2_block_key_digest(s, block, digest) != HM_OK ||
	    (!is_trusted(v, digest) && !v->how->any_key))
		return false;
	return sbv2_block_key(s, block, &key) == HM_OK &&
	       sbv2_block_verify(
		   s, block, key, sbv2_body_digest(&v->body, s)) == HM_OK;
}

static bool
boots_any(struct verifier *v, const uint8_t *block)
{
	bool is_data = v->how->rules.content == ESP_DATA;

	if (block[0] != SBV2_MAGIC ||
	    image_get_u32(block + SBV2_CRC_AT) != sbv2_block_crc(block))
		return false;
	/* P-384 builds take 32 bytes off, whether there is a hash or not. */
	return boots_by(v, block, ESP_RSA3072) ||
	       boots_by(v, block, ESP_P192) || boots_by(v, block, ESP_P256) ||
	       ((is_data || v->body.app.has_hash) &&
		   boots_by(v, block, ESP_P384));
}

static void
say_boot(struct verifier *v)
{
	if (findings_faults(v->findings) == 0 || !v->body.boots)
		return;
	for (unsigned i = 0; i < SBV2_BLOCKS; i++)
		if (boots_any(v, v->sector + i * SBV2_BLOCK)) {
			findings_boot(v->findings, true,
			    "block %u verifies, boot code looks no further", i);
			return;
		}
}

static hm_err
verify(struct verifier *v)
{
	HM_TRY(gather_trust(v->how, &v->trust));
	HM_TRY(
	    sbv2_body_layout(&v->how->rules, v->file, v->findings, &v->body));
	if (!v->body.is_whole)
		return HM_OK;
	HM_TRY(read_sector(v));
	/* The second digest costs time: only if a block may want it. */
	for (unsigned i = 0; i < SBV2_BLOCKS; i++)
		if (sbv2_boot_reads(
			sbv2_shape_of(ESP_P384), v->sector + i * SBV2_BLOCK))
			v->body.digests.wants_sha384 = true;
	HM_TRY(sbv2_body_check(&v->how->rules, v->file, v->findings, &v->body));
	findings_part(
	    v->findings, 0, v->body.sector_at, "body", "what is signed");
	check_size(v);
	check_place(v);
	HM_TRY(check_blocks(v));
	check_together(v);
	check_trust(v);
	say_boot(v);
	return HM_OK;
}

hm_err
esp_sbv2_verify(const struct sbv2_verify *how, const struct input *file,
    struct findings *findings)
{
	struct verifier *v = calloc(1, sizeof(*v));
	hm_err err;

	if (v == NULL)
		return HM_E_NO_MEMORY;
	v->how = how;
	v->file = file;
	v->findings = findings;
	err = verify(v);
	free(v);
	return err;
}

/* Blocks where one looks for them: behind an image, or at the file's end. */
static bool
find(const struct input *file, struct esp_app_rules *rules, hm_err *err)
{
	AUTO_FINDINGS struct findings *none = NULL;
	struct esp_app app;

	*err = findings_new("esp-secure-boot-v2", &none);
	if (*err != HM_OK)
		return false;
	rules->content = ESP_BOOTLOADER;
	if (esp_app_is(file) &&
	    esp_app_layout(rules, file, none, &app) == HM_OK && app.is_whole &&
	    sbv2_is_block(file, esp_align(app.size)))
		return true;
	rules->content = ESP_DATA;
	return file->size >= ESP_SECTOR && file->size % ESP_SECTOR == 0 &&
	       sbv2_is_block(file, file->size - ESP_SECTOR);
}

bool
esp_sbv2_is(const struct input *file)
{
	struct esp_app_rules rules = { 0 };
	hm_err err;

	return find(file, &rules, &err);
}

hm_err
esp_sbv2_inspect(const struct input *file, struct findings *findings)
{
	struct sbv2_verify how = { .any_key = true };
	hm_err err;

	(void)find(file, &how.rules, &err);
	HM_TRY(err);
	if (how.rules.content == ESP_BOOTLOADER && esp_app_has_desc(file))
		how.rules.content = ESP_APP;
	return esp_sbv2_verify(&how, file, findings);
}
