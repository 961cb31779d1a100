/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sign_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/report.h"
#include "base/text.h"
#include "cmd/token_sign.h"
#include "crypto/digest.h"
#include "seal/sign1.h"

static hm_err
sign(const struct context *context, struct hm_bytes payload, struct buf *ret,
    struct why *why)
{
	uint8_t kid[HM_KID_LEN];
	struct token_key *key;
	struct token *token;
	hm_err err;

	HM_TRY(context_key(context, "authority", &token, &key, why));
	sign1_kid(token_key_public(key).ptr, kid);
	buf_init(ret, HM_OBJECT_MAX);
	err = sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_OBJECT), payload,
	    token_digest_verified, key, ret);
	token_free(token);
	return err;
}

static hm_err
encode_and_sign(const struct context *context, struct hm_object *object,
    struct buf *ret, struct why *why)
{
	static uint8_t payload[HM_OBJECT_MAX];
	struct hm_span room = { payload, sizeof(payload) };
	size_t len;
	hm_err err;

	object->made_s = clock_now_s();
	err = hm_object_encode(object, room, &len);
	if (err != HM_OK)
		return WHY(why, err,
		    "a value is out of the range of docs/protocol.md");
	return sign(context, (struct hm_bytes){ payload, len }, ret, why);
}

static hm_err
send_with(
    const struct context *context, struct hm_bytes message, struct why *why)
{
	AUTO(buf) struct buf answer = { 0 };

	return context_post(context, "/v1/object", message, &answer, why);
}

hm_err
send_object(
    const struct options *given, struct hm_bytes message, struct why *why)
{
	AUTO(context) struct context context = { 0 };

	HM_TRY(context_load(given, &context, why));
	return send_with(&context, message, why);
}

hm_err
sign_object(const struct options *given, struct hm_object *object,
    uint8_t ret_digest[static HM_DIGEST_LEN], struct why *why)
{
	AUTO(context) struct context context = { 0 };
	AUTO(buf) struct buf message = { 0 };
	const char *path = options_text(given, "output");

	HM_TRY(context_load(given, &context, why));
	HM_TRY(encode_and_sign(&context, object, &message, why));
	if (path != NULL)
		HM_TRY(file_create(path, buf_bytes(&message), 0644, why));
	if (!options_flag(given, "offline"))
		HM_TRY(send_with(&context, buf_bytes(&message), why));
	sha256_one(buf_bytes(&message), ret_digest);
	return HM_OK;
}

hm_err
object_digest_of(
    const char *text, uint8_t ret[static HM_DIGEST_LEN], struct why *why)
{
	AUTO(buf) struct buf file = { 0 };

	if (hex_parse(hm_bytes_of(text), ret, HM_DIGEST_LEN) == HM_OK)
		return HM_OK;
	HM_TRY(file_read(text, HM_OBJECT_MAX, &file, why));
	sha256_one(buf_bytes(&file), ret);
	return HM_OK;
}

int
report_object(const char *schema, const char *what, const char *name,
    const uint8_t digest[static HM_DIGEST_LEN])
{
	AUTO_DOC struct doc *doc = report_doc(schema);
	char hex[HM_DIGEST_LEN * 2 + 1];

	hex_format((struct hm_bytes){ digest, HM_DIGEST_LEN }, hex);
	doc_text(doc, "name", name);
	doc_text(doc, "digest", hex);
	report_line("%s %s  %s", what, name, hex);
	return report_end(doc);
}
