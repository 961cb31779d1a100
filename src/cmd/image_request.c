/* SPDX-License-Identifier: Apache-2.0 */
/* The request as JSON, to and fro. */
#include "cmd/image_request.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "crypto/digest.h"

#define SCHEMA "hallmark.image.request/1"

static const struct scheme {
	pkey_scheme scheme;
	const char *name;  /* in the request */
	const char *words; /* for the person who signs */
} schemes[] = {
	{ PKEY_PKCS1, "rsa-pkcs1", "RSASSA-PKCS1-v1_5" },
	{ PKEY_PSS, "rsa-pss",
	    "RSASSA-PSS, MGF1 of the same hash, salt as long as the digest" },
	{ PKEY_ECDSA, "ecdsa", "ECDSA" },
	{ PKEY_EDDSA, "ed25519", "Ed25519 over the message itself" },
};
#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

static const hash_kind hashes[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
#define HASHES (sizeof(hashes) / sizeof(hashes[0]))

/* ---- write ---- */

static hm_err
put_base64(struct doc *at, const char *key, struct hm_bytes bytes)
{
	AUTO(buf) struct buf text = { .max = 2 * IMAGE_MESSAGE_MAX };

	HM_TRY(buf_add_base64(&text, bytes));
	doc_text(at, key, buf_text(&text));
	return HM_OK;
}

static hm_err
put_item(struct doc *at, const struct image_item *item)
{
	struct hm_bytes spki = buf_bytes(&item->spki);
	uint8_t id[32];
	const struct scheme *scheme = schemes;
	struct pkey *key = NULL;

	while (scheme->scheme != item->scheme)
		scheme++;
	HM_TRY(pkey_from_der(spki, &key));
	sha256_one(spki, id);
	doc_text(at, "scheme", scheme->name);
	doc_text(at, "words", scheme->words);
	doc_text(at, "key_type", pkey_name(key));
	doc_hex(at, "key_id", HM_BYTES(id));
	pkey_free(key);
	HM_TRY(put_base64(at, "public_key", spki));
	if (item->scheme == PKEY_EDDSA)
		return put_base64(at, "message", buf_bytes(&item->bytes));
	doc_text(at, "hash", hash_name(item->hash));
	if (item->scheme == PKEY_PSS)
		doc_uint(at, "salt", hash_len(item->hash));
	doc_hex(at, "digest", buf_bytes(&item->bytes));
	return HM_OK;
}

static hm_err
put_file(struct doc *at, const struct input *file)
{
	uint8_t digest[HASH_MAX];

	HM_TRY(image_hash(file, 0, file->size, HASH_SHA256, digest));
	doc_uint(at, "size", file->size);
	doc_hex(at, "sha256", (struct hm_bytes){ digest, 32 });
	return HM_OK;
}

/* What the image will be, as far as it can be told without its signature. */
static hm_err
put_image(
    struct doc *at, const struct image_job *job, const struct input *result)
{
	const struct image_format *format =
	    image_format_named(job->command->format);
	AUTO_FINDINGS struct findings *findings = NULL;

	if (format == NULL)
		return HM_OK;
	HM_TRY(findings_new(format->name, &findings));
	findings_only_look(findings);
	HM_TRY(format->inspect(result, findings));
	findings_doc(findings, doc_object(at, "image"));
	return HM_OK;
}

static hm_err
fill(struct doc *doc, const struct image_request *request,
    const struct image_job *job)
{
	struct input result;
	struct doc *items;

	HM_TRY(output_input(job->out, &result));
	doc_text(doc, "format", job->command->format);
	doc_text(doc, "channel", options_text(job->given, "channel"));
	doc_text(doc, "file", options_text(job->given, "file"));
	doc_uint(doc, "time", job->time_s);
	HM_TRY(put_file(doc_object(doc, "input"), &job->input));
	HM_TRY(put_file(doc_object(doc, "unsigned"), &result));
	items = doc_array(doc, "items");
	for (size_t i = 0; i < request->count; i++)
		HM_TRY(put_item(doc_object(items, NULL), &request->items[i]));
	return put_image(doc, job, &result);
}

static void
say(const struct image_request *request, const struct image_job *job)
{
	for (size_t i = 0; i < request->count; i++) {
		const struct image_item *item = &request->items[i];
		const struct scheme *scheme = schemes;
		uint8_t id[32];
		char hex[65];

		while (scheme->scheme != item->scheme)
			scheme++;
		sha256_one(buf_bytes(&item->spki), id);
		hex_format(HM_BYTES(id), hex);
		report_note("to sign: %s of %s, %s, key %.16s",
		    job->command->format, options_text(job->given, "file"),
		    scheme->words, hex);
	}
}

hm_err
image_request_write(
    struct image_request *request, struct image_job *job, struct why *why)
{
	const char *to_sign = options_text(job->given, "to-sign");
	AUTO(buf) struct buf text = { .max = IMAGE_REQUEST_MAX };
	AUTO_DOC struct doc *doc = doc_new(SCHEMA);

	if (request->count == 0) {
		why_do(why, "give a public key by --key, or use image sign");
		return WHY(
		    why, HM_E_USAGE, "there is nothing to be signed elsewhere");
	}
	if (to_sign != NULL && request->count != 1)
		return WHY(why, HM_E_USAGE,
		    "--to-sign takes one, and there are %zu to be signed",
		    request->count);
	HM_TRY(fill(doc, request, job));
	HM_TRY(doc_write(doc, true, &text));
	if (to_sign != NULL)
		HM_TRY(file_write(
		    to_sign, buf_bytes(&request->items[0].bytes), 0644, why));
	say(request, job);
	return file_write(
	    options_text(job->given, "output"), buf_bytes(&text), 0644, why);
}

/* ---- parse ---- */

static hm_err
get_base64(struct doc *at, const char *key, size_t max, struct buf *ret)
{
	struct hm_bytes text = hm_bytes_of(doc_get_text(at, key, ""));
	size_t len = 0;
	uint8_t *room;

	buf_init(ret, max);
	if (text.len == 0 || text.len / 4 * 3 > max)
		return HM_E_BAD_INPUT;
	HM_TRY(buf_reserve(ret, text.len / 4 * 3, &room));
	HM_TRY(base64_parse(
	    text, (struct hm_span){ room, text.len / 4 * 3 }, &len));
	ret->len += len;
	return HM_OK;
}

static hm_err
get_digest(struct doc *at, struct image_item *ret)
{
	const char *name = doc_get_text(at, "hash", "");
	struct hm_bytes hex = hm_bytes_of(doc_get_text(at, "digest", ""));
	uint8_t *room;

	for (size_t i = 0; i < HASHES; i++) {
		size_t len = hash_len(hashes[i]);

		if (strcmp(name, hash_name(hashes[i])) != 0)
			continue;
		ret->hash = hashes[i];
		buf_init(&ret->bytes, len);
		HM_TRY(buf_reserve(&ret->bytes, len, &room));
		HM_TRY(hex_parse(hex, room, len));
		ret->bytes.len = len;
		return HM_OK;
	}
	return HM_E_BAD_INPUT;
}

static hm_err
get_item(struct doc *at, struct image_item *ret)
{
	const char *name = doc_get_text(at, "scheme", "");

	for (size_t i = 0; i < SCHEMES; i++)
		if (strcmp(name, schemes[i].name) == 0)
			ret->scheme = schemes[i].scheme;
	if (ret->scheme == 0)
		return HM_E_BAD_INPUT;
	HM_TRY(get_base64(at, "public_key", IMAGE_SPKI_MAX, &ret->spki));
	if (ret->scheme == PKEY_EDDSA)
		return get_base64(
		    at, "message", IMAGE_MESSAGE_MAX, &ret->bytes);
	return get_digest(at, ret);
}

/* Requests of before had none. */
static void
get_time(struct doc *doc, struct image_request *ret)
{
	int64_t time_s = doc_get_int(doc, "time", -1);

	ret->has_time = time_s >= 0;
	ret->time_s = ret->has_time ? (uint64_t)time_s : 0;
}

static hm_err
get_all(struct doc *doc, struct image_request *ret)
{
	const char *format = doc_get_text(doc, "format", "");
	struct doc *input = doc_get(doc, "input");
	struct doc *items = doc_get(doc, "items");
	size_t count = doc_count(items);

	if (strcmp(doc_get_text(doc, "schema", ""), SCHEMA) != 0 ||
	    strlen(format) >= sizeof(ret->format) || input == NULL ||
	    count == 0 || count > IMAGE_ITEMS_MAX)
		return HM_E_BAD_INPUT;
	memcpy(ret->format, format, strlen(format) + 1);
	HM_TRY(hex_parse(hm_bytes_of(doc_get_text(input, "sha256", "")),
	    ret->input, sizeof(ret->input)));
	get_time(doc, ret);
	for (size_t i = 0; i < count; i++) {
		struct doc *item = doc_at(items, i);

		if (item == NULL)
			return HM_E_BAD_INPUT;
		ret->count++;
		HM_TRY(get_item(item, &ret->items[i]));
	}
	return doc_check(doc, NULL);
}

hm_err
image_request_parse(
    struct hm_bytes text, struct image_request **ret, struct why *why)
{
	AUTO_DOC struct doc *doc = NULL;
	struct image_request *request;
	hm_err err;

	HM_TRY(doc_parse(text, &doc, why));
	HM_TRY(image_request_new(&request));
	err = get_all(doc, request);
	if (err != HM_OK) {
		image_request_free(request);
		return WHY(why, err, "this is no request to sign an image");
	}
	*ret = request;
	return HM_OK;
}
