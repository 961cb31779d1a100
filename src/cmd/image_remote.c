/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image_remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/image_request.h"
#include "crypto/digest.h"

/* Whatever a place for a signature is filled with while there is none. */
#define BLANK 0x01

hm_err
image_request_new(struct image_request **ret)
{
	struct image_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return HM_E_NO_MEMORY;
	*ret = request;
	return HM_OK;
}

void
image_request_free(struct image_request *request)
{
	if (request == NULL)
		return;
	for (size_t i = 0; i < request->count; i++) {
		buf_done(&request->items[i].bytes);
		buf_done(&request->items[i].spki);
	}
	for (size_t i = 0; i < request->response_count; i++)
		buf_done(&request->responses[i]);
	free(request);
}

/* ---- record ---- */

static hm_err
note(struct image_item *item, struct pkey *key, const struct pkey_input *input)
{
	item->scheme = input->scheme;
	item->hash = input->hash;
	buf_init(&item->bytes, IMAGE_MESSAGE_MAX);
	buf_init(&item->spki, IMAGE_SPKI_MAX);
	HM_TRY(buf_add(&item->bytes, input->bytes));
	return pkey_spki(key, &item->spki);
}

static hm_err
record(void *context, struct pkey *key, const struct pkey_input *input,
    struct hm_span room, size_t *ret_len, struct why *why)
{
	struct image_request *request = context;
	size_t len = pkey_signature_len(key);

	if (request->count == IMAGE_ITEMS_MAX)
		return WHY(why, HM_E_TOO_LARGE,
		    "a request is for at most %d signatures", IMAGE_ITEMS_MAX);
	if (len > room.len)
		return HM_E_NO_ROOM;
	HM_TRY(note(&request->items[request->count++], key, input));
	memset(room.ptr, BLANK, len);
	*ret_len = len;
	return HM_OK;
}

struct image_far
image_request_recorder(struct image_request *request)
{
	return (struct image_far){
		.sign = record, .context = request, .is_record = true
	};
}

/* ---- answer ---- */

static bool
is_same(const struct image_item *item, struct pkey *key,
    const struct pkey_input *input)
{
	AUTO(buf) struct buf spki = { 0 };

	buf_init(&spki, IMAGE_SPKI_MAX);
	return pkey_spki(key, &spki) == HM_OK &&
	       hm_bytes_equal(buf_bytes(&spki), buf_bytes(&item->spki)) &&
	       item->scheme == input->scheme &&
	       (input->scheme == PKEY_EDDSA || item->hash == input->hash) &&
	       hm_bytes_equal(buf_bytes(&item->bytes), input->bytes);
}

/* A signature as the key's type has it, if `bytes` is one that verifies. */
static bool
try_bytes(struct pkey *key, const struct pkey_input *input,
    struct hm_bytes bytes, struct hm_span room)
{
	size_t len = pkey_signature_len(key), got = 0;

	if (bytes.len == len && pkey_verify(key, input, bytes) == HM_OK) {
		memcpy(room.ptr, bytes.ptr, len);
		return true;
	}
	return input->scheme == PKEY_ECDSA &&
	       pkey_sig_from_der(key, bytes, room, &got) == HM_OK &&
	       pkey_verify(key, input, (struct hm_bytes){ room.ptr, got }) ==
		   HM_OK;
}

/* Base64 with line ends is base64. */
static bool
decode(struct hm_bytes text, struct hm_span room, size_t *ret_len)
{
	uint8_t plain[IMAGE_RESPONSE_MAX];
	struct hm_bytes packed = { plain, 0 };

	for (size_t i = 0; i < text.len; i++)
		if (strchr(" \r\n\t", text.ptr[i]) == NULL)
			plain[packed.len++] = text.ptr[i];
	return base64_parse(packed, room, ret_len) == HM_OK;
}

static bool
try_response(struct pkey *key, const struct pkey_input *input,
    const struct buf *response, struct hm_span room)
{
	uint8_t bytes[IMAGE_RESPONSE_MAX];
	size_t len = 0;

	if (try_bytes(key, input, buf_bytes(response), room))
		return true;
	return decode(buf_bytes(response),
		   (struct hm_span){ bytes, sizeof(bytes) }, &len) &&
	       try_bytes(key, input, (struct hm_bytes){ bytes, len }, room);
}

static hm_err
answer(void *context, struct pkey *key, const struct pkey_input *input,
    struct hm_span room, size_t *ret_len, struct why *why)
{
	struct image_request *request = context;
	size_t len = pkey_signature_len(key);

	if (len > room.len)
		return HM_E_NO_ROOM;
	if (request->next == request->count ||
	    !is_same(&request->items[request->next], key, input))
		return WHY(why, HM_E_IMAGE_REQUEST,
		    "what is to be signed is not what was requested "
		    "(signature %zu)",
		    request->next + 1);
	request->next++;
	for (size_t i = 0; i < request->response_count; i++) {
		if (!try_response(key, input, &request->responses[i], room))
			continue;
		*ret_len = len;
		return HM_OK;
	}
	why_do(why, "have items[%zu] of the request signed as it says",
	    request->next - 1);
	return WHY(why, HM_E_SIGNATURE,
	    "no response is a signature over item %zu of the request",
	    request->next - 1);
}

struct image_far
image_request_answerer(struct image_request *request)
{
	return (struct image_far){ .sign = answer, .context = request };
}

hm_err
image_request_take(
    const struct image_request *request, struct image_job *job, struct why *why)
{
	uint8_t digest[HASH_MAX];

	HM_TRY(
	    image_hash(&job->input, 0, job->input.size, HASH_SHA256, digest));
	if (strcmp(request->format, job->command->format) != 0)
		return WHY(why, HM_E_IMAGE_REQUEST,
		    "the request is for format %s", request->format);
	if (memcmp(digest, request->input, sizeof(request->input)) != 0)
		return WHY(why, HM_E_IMAGE_REQUEST,
		    "the request is for another file than this");
	job->time_s = request->time_s;
	job->has_time = request->has_time;
	return HM_OK;
}

hm_err
image_request_end(const struct image_request *request, struct why *why)
{
	if (request->next == request->count)
		return HM_OK;
	return WHY(why, HM_E_IMAGE_REQUEST,
	    "the request has more signatures than these options make");
}

hm_err
image_request_load(
    const struct options *given, struct image_request **ret, struct why *why)
{
	const char *path = options_text(given, "request");
	size_t count = options_count(given, "response");
	AUTO(buf) struct buf text = { 0 };
	struct image_request *request;
	hm_err err = HM_OK;

	if (count > IMAGE_ITEMS_MAX)
		return WHY(why, HM_E_USAGE, "--response is given too often");
	HM_TRY(file_read(path, IMAGE_REQUEST_MAX, &text, why));
	err = image_request_parse(buf_bytes(&text), &request, why);
	if (err != HM_OK) {
		why_where(why, "%s", path);
		return err;
	}
	for (size_t i = 0; i < count && err == HM_OK; i++) {
		err = file_read(options_at(given, "response", i),
		    IMAGE_RESPONSE_MAX, &request->responses[i], why);
		if (err == HM_OK)
			request->response_count++;
	}
	if (err != HM_OK) {
		image_request_free(request);
		return err;
	}
	*ret = request;
	return HM_OK;
}
