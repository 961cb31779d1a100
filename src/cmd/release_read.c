/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/point_file.h"
#include "cmd/release_parts.h"
#include "crypto/digest.h"
#include "seal/sign1.h"

void
release_read_done(struct release_read *read)
{
	buf_done(&read->message);
	free(read->object);
	read->object = NULL;
}

/* 64 hex digits, or what has a slash and is no file. */
static bool
is_at_server(const char *what)
{
	uint8_t digest[HM_DIGEST_LEN];

	if (hex_parse(hm_bytes_of(what), digest, sizeof(digest)) == HM_OK)
		return true;
	return strchr(what, '/') != NULL && !file_exists(what);
}

static hm_err
fetch(const struct options *given, const char *what, struct buf *ret,
    struct why *why)
{
	AUTO(context) struct context context = { 0 };
	char path[160];
	int n = snprintf(path, sizeof(path), "/v1/manifest/%s", what);

	if (n < 0 || (size_t)n >= sizeof(path))
		return WHY(why, HM_E_USAGE, "the name is too long");
	HM_TRY(context_load(given, &context, why));
	return context_get(&context, path, ret, why);
}

static hm_err
open_signed(const struct options *given, struct hm_bytes message,
    struct hm_bytes *ret_payload, struct why *why)
{
	const char *path = options_text(given, "authority");
	uint8_t authority[HM_POINT_LEN];
	struct hm_sign1 sign1;

	if (path == NULL) {
		HM_TRY(hm_sign1_decode(message, HM_OBJECT_MAX, &sign1));
		*ret_payload = sign1.payload;
		return HM_OK;
	}
	HM_TRY(point_read(path, authority, why));
	return sign1_open(message, HM_OBJECT_MAX, HM_LITERAL(HM_AAD_OBJECT),
	    authority, ret_payload);
}

static hm_err
read(const struct options *given, const char *what, struct release_read *ret,
    struct why *why)
{
	bool remote = is_at_server(what);
	struct hm_bytes payload;

	if (remote)
		HM_TRY(fetch(given, what, &ret->message, why));
	else
		HM_TRY(file_read(what, HM_OBJECT_MAX, &ret->message, why));
	if (!remote && options_text(given, "authority") == NULL)
		return WHY(why, HM_E_USAGE,
		    "--authority is needed: nobody "
		    "else vouches for a file");
	HM_TRY(open_signed(given, buf_bytes(&ret->message), &payload, why));
	ret->object = calloc(1, sizeof(*ret->object));
	if (ret->object == NULL)
		return HM_E_NO_MEMORY;
	HM_TRY(hm_object_decode(payload, ret->object));
	if (ret->object->kind != HM_OBJECT_RELEASE)
		return WHY(why, HM_E_BAD_INPUT, "it is no release");
	sha256_one(buf_bytes(&ret->message), ret->digest);
	return HM_OK;
}

hm_err
release_read(const struct options *given, const char *what,
    struct release_read *ret, struct why *why)
{
	hm_err err;

	*ret = (struct release_read){ 0 };
	err = read(given, what, ret, why);
	if (err != HM_OK) {
		why_where(why, "%s", what);
		release_read_done(ret);
	}
	return err;
}

#define TEXT(bytes) (int)(bytes).len, (const char *)(bytes).ptr

static void
print_image(const struct hm_release *release, uint32_t at)
{
	const struct hm_image *image = &release->images[at];
	char hex[2 * HM_DIGEST_LEN + 1], counter[16] = "none";

	if (image->has_counter)
		(void)snprintf(
		    counter, sizeof(counter), "%" PRIu32, image->counter);
	hex_format(HM_BYTES(image->digest), hex);
	report_line("image        %.*s  %.*s  version %.*s  target %.*s  "
		    "counter %s  %" PRIu64 " bytes%s",
	    TEXT(image->name), TEXT(image->format), TEXT(image->version),
	    TEXT(image->target), counter, image->size,
	    at == release->measured ? "  (devices claim it)" : "");
	report_line("             %s", hex);
}

void
release_print(const struct hm_release *release)
{
	static const uint8_t nothing[HM_DIGEST_LEN];
	char hex[2 * HM_DIGEST_LEN + 1];

	report_line("release      %.*s of %.*s, %s, security counter %" PRIu32,
	    TEXT(release->name), TEXT(release->product),
	    release->channel == HM_CHANNEL_PROD ? "prod" : "dev",
	    release->counter);
	for (uint32_t i = 0; i < release->image_count; i++)
		print_image(release, i);
	for (uint32_t i = 0; i < release->sbom_count; i++) {
		hex_format(HM_BYTES(release->sboms[i].digest), hex);
		report_line("sbom         %.*s  %.*s",
		    TEXT(release->sboms[i].name), TEXT(release->sboms[i].type));
		report_line("             %s", hex);
	}
	if (memcmp(release->promoted, nothing, HM_DIGEST_LEN) == 0)
		return;
	hex_format(HM_BYTES(release->promoted), hex);
	report_line("promoted     from %s", hex);
}
