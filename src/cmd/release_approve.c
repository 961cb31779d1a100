/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release approve: an approver's own signature over the digest of a release
 *
 * The key is that of the approver's credential: the TLS key of hallmark.yaml,
 * or the one in a token that its `approver:` names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/report.h"
#include "cmd/release_parts.h"
#include "crypto/p256.h"
#include "seal/sign1.h"

#define PEM_MAX 65536

/* Who signs; one of the two keys is there. */
struct pen {
	char name[HM_NAME_MAX + 1];
	uint8_t point[HM_POINT_LEN];
	struct p256_pair *pair;
	struct token *token; /* owned */
	struct token_key *key;
};

static void
pen_done(struct pen *pen)
{
	p256_pair_free(pen->pair);
	token_free(pen->token);
}

static hm_err
open_file(const struct context *context, struct pen *ret, struct why *why)
{
	const char *path = config_text(context->top, "server.key");
	struct buf pem = { 0 };
	hm_err err;

	HM_TRY(file_read(path, PEM_MAX, &pem, why));
	err = p256_pair_from_pem(buf_bytes(&pem), &ret->pair);
	buf_wipe(&pem);
	if (err != HM_OK) {
		why_where(why, "%s", path);
		return WHY(why, err, "no P-256 private key in PEM");
	}
	p256_pair_point(ret->pair, ret->point);
	return HM_OK;
}

static hm_err
open_pen(const struct context *context, struct pen *ret, struct why *why)
{
	struct hm_bytes public;

	if (!config_has(context->top, "approver"))
		return open_file(context, ret, why);
	HM_TRY(context_key(context, "approver", &ret->token, &ret->key, why));
	public = token_key_public(ret->key);
	memcpy(ret->point, public.ptr, HM_POINT_LEN);
	return HM_OK;
}

/* As whom the server knows us, unless it is said. */
static hm_err
find_name(const struct options *given, const struct context *context,
    struct pen *ret, struct why *why)
{
	const char *name = options_text(given, "as");
	AUTO(buf) struct buf body = { 0 };
	AUTO_DOC struct doc *doc = NULL;

	if (name == NULL) {
		HM_TRY(context_get(context, "/v1/whoami", &body, why));
		HM_TRY(doc_parse(buf_bytes(&body), &doc, why));
		name = doc_get_text(doc, "name", "");
	}
	if (strlen(name) == 0 || strlen(name) > HM_NAME_MAX)
		return WHY(why, HM_E_USAGE, "not a name: %s", name);
	strcpy(ret->name, name);
	return HM_OK;
}

static hm_err
sign(struct pen *pen, const uint8_t *release, struct buf *ret)
{
	static struct hm_object object; /* large */
	uint8_t payload[256], kid[HM_KID_LEN];
	size_t len;

	object = (struct hm_object){ .kind = HM_OBJECT_APPROVAL,
		.made_s = clock_now_s() };
	memcpy(object.approval.release, release, HM_DIGEST_LEN);
	object.approval.approver = hm_bytes_of(pen->name);
	HM_TRY(hm_object_encode(
	    &object, (struct hm_span){ payload, sizeof(payload) }, &len));
	sign1_kid(pen->point, kid);
	buf_init(ret, HM_OBJECT_MAX);
	return sign1_make(HM_BYTES(kid), HM_LITERAL(HM_AAD_APPROVAL),
	    (struct hm_bytes){ payload, len },
	    pen->pair != NULL ? p256_pair_signer : token_digest_signer,
	    pen->pair != NULL ? (void *)pen->pair : (void *)pen->key, ret);
}

static hm_err
deliver(const struct options *given, const struct context *context,
    struct hm_bytes message, struct why *why)
{
	const char *path = options_text(given, "output");
	AUTO(buf) struct buf answer = { 0 };
	hm_err err;

	if (path != NULL)
		HM_TRY(file_create(path, message, 0644, why));
	if (options_flag(given, "offline"))
		return path != NULL
			   ? HM_OK
			   : WHY(why, HM_E_USAGE, "--offline needs --output");
	err = context_post(context, "/v1/object", message, &answer, why);
	if (err == HM_E_SIGNATURE) {
		why_do(why, "hallmark station create NAME --role approver "
			    "--certificate FILE registers an approver");
		return WHY(
		    why, err, "the server knows no approver with this key");
	}
	return err;
}

static hm_err
approve(const struct options *given, struct release_read *release,
    uint8_t *ret_digest, struct why *why)
{
	AUTO(context) struct context context = { 0 };
	AUTO(buf) struct buf message = { 0 };
	AUTO(pen) struct pen pen = { 0 };

	HM_TRY(context_load(given, &context, why));
	HM_TRY(
	    release_read(given, options_text(given, "release"), release, why));
	if (!report_is_json())
		release_print(&release->object->release);
	HM_TRY(find_name(given, &context, &pen, why));
	HM_TRY(open_pen(&context, &pen, why));
	HM_TRY(sign(&pen, release->digest, &message));
	memcpy(ret_digest, release->digest, HM_DIGEST_LEN);
	return deliver(given, &context, buf_bytes(&message), why);
}

static int
run(const struct options *given)
{
	AUTO(release_read) struct release_read release = { 0 };
	uint8_t digest[HM_DIGEST_LEN];
	struct why why = { 0 };
	hm_err err = approve(given, &release, digest, &why);

	if (err != HM_OK)
		return report_failure(err, &why);
	return report_object("hallmark.release.approve/1", "approved",
	    options_text(given, "release"), digest);
}

static const struct option_spec options[] = {
	{ "as", OPTION_TEXT, .metavar = "NAME",
	    .help = "name of your credential; without it the server is asked" },
	AUTHORITY_OPTION,
	OBJECT_OPTIONS,
	{ 0 },
};
static const struct option_spec operands[] = { RELEASE_OPERAND, { 0 } };

const struct verb_spec release_approve_verb = { .name = "approve",
	.words = "sign that a release may go into production",
	.text = "Two approvers have to, each with the key of a credential of "
		"their own that the server's administrator has pinned "
		"(approvers: in hallmarkd.yaml). What is approved is the "
		"digest of the signed release, so nothing of it can be changed "
		"afterwards.\n\nThe key is that of the TLS certificate in "
		"hallmark.yaml, or the one that approver: names there.",
	.example = "hallmark release approve thermo/2.4.1\n"
		   "hallmark release approve release.cose --authority "
		   "authority.pub",
	.options = options,
	.operands = operands,
	.run = run };
