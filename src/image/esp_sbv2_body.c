/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed, and where the sector belongs. */
#include <string.h>

#include "image/esp_sbv2_block.h"

const uint8_t *
sbv2_body_digest(const struct sbv2_body *body, const struct sbv2_shape *shape)
{
	return shape->hash == HASH_SHA384 ? body->digests.sha384
					  : body->digests.sha256;
}

bool
sbv2_is_block(const struct input *file, uint64_t at)
{
	uint8_t block[SBV2_BLOCK];

	return input_read(file, at, (struct hm_span){ block, sizeof(block) }) ==
		   HM_OK &&
	       block[0] == SBV2_MAGIC &&
	       image_get_u32(block + SBV2_CRC_AT) == sbv2_block_crc(block);
}

/* The update code takes the last whole sector of what was written. */
static void
lay_data(
    const struct input *file, struct findings *findings, struct sbv2_body *body)
{
	uint64_t sectors = file->size / ESP_SECTOR;

	if (file->size % ESP_SECTOR != 0)
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "the file has %llu bytes, not a multiple of 4096",
		    (unsigned long long)file->size);
	else if (sectors < 2)
		(void)findings_fault(findings, HM_E_IMAGE_SHORT, file->size,
		    "no room for data and a sector of signatures");
	body->is_whole = sectors >= 2;
	body->boots = body->is_whole;
	body->sector_at = body->is_whole ? (sectors - 1) * ESP_SECTOR : 0;
	body->content = body->sector_at;
}

hm_err
sbv2_body_layout(const struct esp_app_rules *rules, const struct input *file,
    struct findings *findings, struct sbv2_body *ret)
{
	*ret = (struct sbv2_body){ 0 };
	if (rules->content == ESP_DATA) {
		lay_data(file, findings, ret);
		return HM_OK;
	}
	HM_TRY(esp_app_layout(rules, file, findings, &ret->app));
	ret->is_whole = ret->app.is_whole;
	ret->boots = ret->app.boots;
	ret->content = ret->app.size;
	ret->sector_at = esp_align(ret->app.size);
	return HM_OK;
}

struct two {
	struct hash_run *sha256, *sha384;
	struct output *copy; /* NULL: none */
};

static hm_err
see(void *context, struct hm_bytes piece)
{
	struct two *two = context;

	hash_run_add(two->sha256, piece);
	if (two->sha384 != NULL)
		hash_run_add(two->sha384, piece);
	return two->copy == NULL ? HM_OK : output_add(two->copy, piece);
}

static hm_err
see_fill(struct two *two, uint64_t count)
{
	uint8_t fill[256];
	uint64_t len;

	memset(fill, 0xff, sizeof(fill));
	for (; count > 0; count -= len) {
		len = count < sizeof(fill) ? count : sizeof(fill);
		HM_TRY(see(two, (struct hm_bytes){ fill, (size_t)len }));
	}
	return HM_OK;
}

static void
end_hash(const struct sbv2_body *body, struct hash_run *run, hash_kind kind,
    uint8_t *ret)
{
	uint8_t digest[HASH_MAX] = { 0 };

	hash_run_end(run, digest);
	memcpy(ret, digest, hash_len(kind));
	if (body->digests.copy != NULL)
		output_note(
		    body->digests.copy, 0, body->sector_at, (int)kind, digest);
}

static hm_err
hash_data(const struct input *file, struct sbv2_body *body, struct two *two)
{
	HM_TRY(input_walk(file, 0, body->content, see, two));
	HM_TRY(see_fill(two, body->sector_at - body->content));
	end_hash(body, two->sha256, HASH_SHA256, body->digests.sha256);
	if (two->sha384 != NULL)
		end_hash(body, two->sha384, HASH_SHA384, body->digests.sha384);
	return HM_OK;
}

static hm_err
check_data(const struct input *file, struct sbv2_body *body)
{
	struct two two = { .copy = body->digests.copy };
	hm_err err;

	if (esp_app_known(file, body->sector_at, &body->digests))
		return HM_OK;
	HM_TRY(hash_run_new(HASH_SHA256, &two.sha256));
	err = body->digests.wants_sha384
		  ? hash_run_new(HASH_SHA384, &two.sha384)
		  : HM_OK;
	if (err == HM_OK)
		err = hash_data(file, body, &two);
	hash_run_free(two.sha256);
	hash_run_free(two.sha384);
	return err;
}

hm_err
sbv2_body_check(const struct esp_app_rules *rules, const struct input *file,
    struct findings *findings, struct sbv2_body *body)
{
	if (rules->content == ESP_DATA) {
		body->is_filled = true;
		return check_data(file, body);
	}
	HM_TRY(esp_app_check(file, findings, &body->app, &body->digests));
	body->boots = body->app.boots;
	body->is_filled = body->app.is_filled;
	return HM_OK;
}
