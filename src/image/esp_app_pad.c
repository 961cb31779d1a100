/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segment of zeros does not change the checksum, so that only the count in
 * the header and the hash are new; the image passes through once.
 */
#include <string.h>

#include "image/esp_app.h"

#define SEGMENT_HEADER 8
#define SUM_ROW 16
#define HASH_LEN 32
/* Behind the checksum: the hash; for V1 also version, signature and 12 more. */
#define AFTER_V1 (32 + 4 + 64 + 12)
#define AFTER_V2 HASH_LEN

struct padder {
	struct hash_run *hash;
	struct output *out;
};

static hm_err
put(struct padder *p, struct hm_bytes bytes)
{
	hash_run_add(p->hash, bytes);
	return output_add(p->out, bytes);
}

static hm_err
put_piece(void *context, struct hm_bytes piece)
{
	return put(context, piece);
}

static hm_err
put_zeros(struct padder *p, uint32_t count)
{
	static const uint8_t zeros[1024];

	for (uint32_t len; count > 0; count -= len) {
		len = count < sizeof(zeros) ? count : sizeof(zeros);
		HM_TRY(put(p, (struct hm_bytes){ zeros, len }));
	}
	return HM_OK;
}

static hm_err
put_head(struct padder *p, const struct input *file)
{
	uint8_t head[ESP_APP_HEADER];

	HM_TRY(input_read(file, 0, (struct hm_span){ head, sizeof(head) }));
	head[1]++;
	return put(p, HM_BYTES(head));
}

static hm_err
put_tail(struct padder *p, const struct input *file, const struct esp_app *app)
{
	uint8_t row[SUM_ROW] = { 0 }, digest[HASH_MAX];

	HM_TRY(input_read(file, app->sum_at, (struct hm_span){ row + 15, 1 }));
	HM_TRY(put(p, HM_BYTES(row)));
	hash_run_end(p->hash, digest);
	return output_add(p->out, (struct hm_bytes){ digest, HASH_LEN });
}

static hm_err
rewrite(struct padder *p, const struct input *file, const struct esp_app *app,
    uint32_t pad)
{
	const struct esp_segment *last = &app->segments[app->segment_count - 1];
	uint64_t end = last->at + last->size;
	uint8_t header[SEGMENT_HEADER] = { 0 };

	HM_TRY(put_head(p, file));
	HM_TRY(input_walk(
	    file, ESP_APP_HEADER, end - ESP_APP_HEADER, put_piece, p));
	image_put_u32(header + 4, pad);
	HM_TRY(put(p, HM_BYTES(header)));
	HM_TRY(put_zeros(p, pad));
	return put_tail(p, file, app);
}

static hm_err
check(const struct esp_app_pad *how, const struct input *file,
    struct esp_app *app, struct why *why)
{
	AUTO_FINDINGS struct findings *findings = NULL;

	HM_TRY(findings_new("esp-app-image", &findings));
	HM_TRY(esp_app_layout(&how->rules, file, findings, app));
	HM_TRY(findings_verdict(findings, why));
	HM_TRY(esp_app_verify(&how->rules, file, findings));
	HM_TRY(findings_verdict(findings, why));
	if (app->segment_count == ESP_APP_SEGMENTS)
		return WHY(why, HM_E_IMAGE_FIELD,
		    "the image has 16 segments already, none can be added");
	if (!app->has_hash)
		return WHY(why, HM_E_IMAGE_FIELD,
		    "the image has no hash, padding would end elsewhere");
	return HM_OK;
}

hm_err
esp_app_pad(const struct esp_app_pad *how, const struct input *file,
    struct output *out, struct why *why)
{
	struct esp_app app;
	struct padder p = { .out = out };
	uint32_t after = how->version == ESP_PAD_V1 ? AFTER_V1 : AFTER_V2;
	uint32_t page, at;
	hm_err err;

	HM_TRY(check(how, file, &app, why));
	page = how->page != 0 ? how->page : app.mmu_page;
	at = (uint32_t)(app.segments[app.segment_count - 1].at +
			app.segments[app.segment_count - 1].size) +
	     SEGMENT_HEADER;
	HM_TRY(hash_run_new(HASH_SHA256, &p.hash));
	/* Pages are powers of two: what wraps below 0 stays right. */
	err = rewrite(&p, file, &app, (0u - at - SUM_ROW - after) & (page - 1));
	hash_run_free(p.hash);
	return err;
}
