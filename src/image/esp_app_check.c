/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of an image, looked at once. Its own hash ends where that of the
 * signature goes on, so the state of one run serves both.
 */
#include <stdlib.h>
#include <string.h>

#include "image/esp_app.h"

#define SUM_SEED 0xef
#define HASH_LEN 32

struct check {
	const struct input *file;
	struct findings *findings;
	struct esp_app *app;
	struct hash_run *sha256, *sha384; /* the second may be NULL */
	uint64_t sum;                     /* eight columns of the checksum */
	uint8_t own[HASH_MAX];            /* the image's, for its end */
	bool in_data, is_known;           /* nothing is computed any more */
	struct esp_app_digests *digests;  /* may be NULL */
};

/* Pieces begin anywhere; the checksum does not mind the order. */
static uint64_t
xor_bytes(uint64_t sum, struct hm_bytes piece)
{
	uint64_t lane[4] = { sum }, word[4];
	size_t i = 0;

	for (; i + sizeof(word) <= piece.len; i += sizeof(word)) {
		memcpy(word, piece.ptr + i, sizeof(word));
		for (size_t k = 0; k < 4; k++)
			lane[k] ^= word[k];
	}
	for (; i < piece.len; i++)
		lane[0] ^= piece.ptr[i];
	return lane[0] ^ lane[1] ^ lane[2] ^ lane[3];
}

static uint8_t
fold(uint64_t sum)
{
	sum ^= sum >> 32;
	sum ^= sum >> 16;
	sum ^= sum >> 8;
	return (uint8_t)(sum ^ SUM_SEED);
}

static hm_err
add(struct check *c, struct hm_bytes piece)
{
	if (c->is_known)
		return HM_OK;
	hash_run_add(c->sha256, piece);
	if (c->sha384 != NULL)
		hash_run_add(c->sha384, piece);
	if (c->digests == NULL || c->digests->copy == NULL)
		return HM_OK;
	return output_add(c->digests->copy, piece);
}

static hm_err
see(void *context, struct hm_bytes piece)
{
	struct check *c = context;

	if (c->in_data)
		c->sum = xor_bytes(c->sum, piece);
	return add(c, piece);
}

/* ---- what is known ---- */

bool
esp_app_known(
    const struct input *file, uint64_t end, struct esp_app_digests *digests)
{
	return digests->copy == NULL &&
	       input_known(file, 0, end, HASH_SHA256, digests->sha256,
		   sizeof(digests->sha256)) &&
	       (!digests->wants_sha384 ||
		   input_known(file, 0, end, HASH_SHA384, digests->sha384,
		       sizeof(digests->sha384)));
}

/* All that the pass would give. */
static bool
find_all(struct check *c)
{
	uint64_t sum_end = c->app->sum_at + 1, end = esp_align(c->app->size);
	uint8_t sum[sizeof(c->sum)];

	if (c->digests != NULL && !esp_app_known(c->file, end, c->digests))
		return false;
	if (!input_known(
		c->file, 0, sum_end, ESP_KNOWN_SUM, sum, sizeof(sum)) ||
	    (c->app->has_hash && !input_known(c->file, 0, sum_end, HASH_SHA256,
				     c->own, HASH_LEN)))
		return false;
	memcpy(&c->sum, sum, sizeof(sum));
	return true;
}

/* Of the bytes that were hashed: those of the copy, if there is one. */
static void
note(const struct check *c, uint64_t end, int kind,
    const uint8_t value[static HASH_MAX])
{
	if (c->digests != NULL && c->digests->copy != NULL)
		output_note(c->digests->copy, 0, end, kind, value);
	else
		input_note(c->file, 0, end, kind, value);
}

/* ---- the pass ---- */

static hm_err
walk_segments(struct check *c)
{
	uint64_t at = 0;

	if (c->is_known)
		return HM_OK;
	for (unsigned i = 0; i < c->app->segment_count; i++) {
		const struct esp_segment *s = &c->app->segments[i];

		c->in_data = false;
		HM_TRY(input_walk(c->file, at, s->at - at, see, c));
		c->in_data = true;
		HM_TRY(input_walk(c->file, s->at, s->size, see, c));
		at = s->at + s->size;
	}
	c->in_data = false;
	return HM_OK;
}

/* All before this place went by. */
static hm_err
note_sum(struct check *c)
{
	uint64_t end = c->app->sum_at + 1;
	uint8_t value[KNOWN_LEN] = { 0 };

	if (c->is_known)
		return HM_OK;
	memcpy(value, &c->sum, sizeof(c->sum));
	note(c, end, ESP_KNOWN_SUM, value);
	if (!c->app->has_hash)
		return HM_OK;
	HM_TRY(hash_run_peek(c->sha256, c->own));
	note(c, end, HASH_SHA256, c->own);
	return HM_OK;
}

/* Zeros and the checksum: 1 to 16 bytes. */
static hm_err
check_sum(struct check *c)
{
	uint8_t row[16];
	const struct esp_segment *last =
	    &c->app->segments[c->app->segment_count - 1];
	uint64_t at = last->at + last->size;
	size_t len = (size_t)(c->app->sum_at + 1 - at);
	uint8_t sum = fold(c->sum);

	HM_TRY(input_read(c->file, at, (struct hm_span){ row, len }));
	HM_TRY(add(c, (struct hm_bytes){ row, len }));
	HM_TRY(note_sum(c));
	findings_part(
	    c->findings, c->app->sum_at, 1, "checksum", "0x%02x", row[len - 1]);
	if (len > 1)
		findings_bytes(c->findings, at, len - 1, "padding",
		    (struct hm_bytes){ row, len - 1 });
	if (row[len - 1] != sum) {
		c->app->boots = false;
		(void)findings_fault(c->findings, HM_E_IMAGE_HASH,
		    c->app->sum_at, "checksum 0x%02x, but the data give 0x%02x",
		    row[len - 1], sum);
	}
	for (size_t i = 0; i + 1 < len; i++)
		if (row[i] != 0) {
			(void)findings_fault(c->findings, HM_E_IMAGE_FIELD,
			    at + i, "padding before the checksum is not zero");
			break;
		}
	return HM_OK;
}

static hm_err
check_hash(struct check *c)
{
	uint8_t is[HASH_LEN];
	uint64_t at = c->app->sum_at + 1;

	if (!c->app->has_hash)
		return HM_OK;
	HM_TRY(input_read(c->file, at, (struct hm_span){ is, sizeof(is) }));
	findings_bytes(c->findings, at, sizeof(is), "hash", HM_BYTES(is));
	HM_TRY(add(c, HM_BYTES(is)));
	if (memcmp(is, c->own, sizeof(is)) == 0)
		return HM_OK;
	c->app->boots = false;
	(void)findings_fault(c->findings, HM_E_IMAGE_HASH, at,
	    "the appended hash is not that of the image");
	return HM_OK;
}

/* FF up to the sector; what the file has of it is hashed as it is. */
static hm_err
check_fill(struct check *c)
{
	uint8_t row[256];
	uint64_t end = esp_align(c->app->size);
	size_t len;

	c->app->is_filled = true;
	for (uint64_t at = c->app->size; at < end; at += len) {
		uint64_t left = c->file->size > at ? c->file->size - at : 0;

		len = end - at < sizeof(row) ? (size_t)(end - at) : sizeof(row);
		left = left < len ? left : len;
		memset(row, 0xff, len);
		if (left > 0)
			HM_TRY(input_read(c->file, at,
			    (struct hm_span){ row, (size_t)left }));
		HM_TRY(add(c, (struct hm_bytes){ row, len }));
		for (size_t i = 0; i < len; i++)
			if (row[i] != 0xff)
				c->app->is_filled = false;
	}
	if (!c->app->is_filled)
		findings_note(c->findings, c->app->size,
		    "the fill behind the image is not FF");
	return HM_OK;
}

/* What the file has not of it is not of the file. */
static void
end_hash(struct check *c, struct hash_run *run, hash_kind kind, uint8_t *ret)
{
	uint64_t end = esp_align(c->app->size);
	uint8_t digest[HASH_MAX] = { 0 };

	hash_run_end(run, digest);
	memcpy(ret, digest, hash_len(kind));
	if (c->digests->copy != NULL || c->file->size >= end)
		note(c, end, (int)kind, digest);
}

static hm_err
check_all(struct check *c)
{
	c->is_known = find_all(c);
	HM_TRY(walk_segments(c));
	HM_TRY(check_sum(c));
	HM_TRY(check_hash(c));
	if (c->digests == NULL)
		return HM_OK;
	HM_TRY(check_fill(c));
	if (c->is_known)
		return HM_OK;
	end_hash(c, c->sha256, HASH_SHA256, c->digests->sha256);
	if (c->sha384 != NULL)
		end_hash(c, c->sha384, HASH_SHA384, c->digests->sha384);
	return HM_OK;
}

hm_err
esp_app_check(const struct input *file, struct findings *findings,
    struct esp_app *app, struct esp_app_digests *digests)
{
	struct check c = { .file = file,
		.findings = findings,
		.app = app,
		.digests = digests };
	hm_err err;

	HM_TRY(hash_run_new(HASH_SHA256, &c.sha256));
	err = digests == NULL || !digests->wants_sha384
		  ? HM_OK
		  : hash_run_new(HASH_SHA384, &c.sha384);
	if (err == HM_OK)
		err = check_all(&c);
	hash_run_free(c.sha256);
	hash_run_free(c.sha384);
	return err;
}

hm_err
esp_app_verify(const struct esp_app_rules *rules, const struct input *file,
    struct findings *findings)
{
	struct esp_app app;

	HM_TRY(esp_app_layout(rules, file, findings, &app));
	if (!app.is_whole)
		return HM_OK;
	HM_TRY(esp_app_check(file, findings, &app, NULL));
	if (file->size > app.size)
		(void)findings_fault(findings, HM_E_IMAGE_TRAILING, app.size,
		    "%llu bytes behind the image",
		    (unsigned long long)(file->size - app.size));
	if (file->size > ESP_APP_MAX)
		(void)findings_fault(findings, HM_E_IMAGE_PLACE, ESP_APP_MAX,
		    "an image has 16 MiB at most");
	if (app.boots && findings_faults(findings) > 0)
		findings_boot(
		    findings, true, "boot code does not look at that");
	return HM_OK;
}

bool
esp_app_is(const struct input *file)
{
	uint8_t head[2];

	return input_read(file, 0, (struct hm_span){ head, 2 }) == HM_OK &&
	       head[0] == 0xe9 && head[1] > 0 && head[1] <= ESP_APP_SEGMENTS;
}

bool
esp_app_has_desc(const struct input *file)
{
	static const uint8_t magic[4] = { 0x32, 0x54, 0xcd, 0xab };
	uint8_t there[4];

	return input_read(file, ESP_APP_DESC_AT,
		   (struct hm_span){ there, sizeof(there) }) == HM_OK &&
	       memcmp(there, magic, sizeof(magic)) == 0;
}

hm_err
esp_app_inspect(const struct input *file, struct findings *findings)
{
	struct esp_app_rules rules = { .content = ESP_APP };

	if (file->size > ESP_APP_DESC_AT && !esp_app_has_desc(file)) {
		rules.content = ESP_BOOTLOADER;
		findings_note(findings, ESP_APP_DESC_AT,
		    "no application description: looked at as a boot loader");
	}
	return esp_app_verify(&rules, file, findings);
}
