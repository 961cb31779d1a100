/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/answer.h"

#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/errtext.h"
#include "base/log.h"
#include "crypto/init.h"
#include "server/signer/issue.h"

#define REVOKED_MAX (ASK_REVOKED_MAX * sizeof(struct ca_revoked))
#define CRL_MAX (ASK_REVOKED_MAX * 64u)

static hm_err
answer_hello(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	struct ask_hello_answer hello = { 0 };
	struct hm_bytes issuer = signer->keys.ca.certificate;
	struct hm_bytes origin = hm_bytes_of(signer->options->origin);

	(void)body;
	(void)tail;
	memcpy(hello.stamp_key, token_key_public(signer->keys.stamp.key).ptr,
	    sizeof(hello.stamp_key));
	memcpy(hello.authority, signer->options->authority,
	    sizeof(hello.authority));
	memcpy(hello.log_key, token_key_public(signer->keys.log.key).ptr,
	    sizeof(hello.log_key));
	hello.issuer_len = (uint32_t)issuer.len;
	hello.origin_len = (uint32_t)origin.len;
	hello.sessions = signer->options->sessions;
	memcpy(ret->body, &hello, sizeof(hello));
	HM_TRY(buf_add(&ret->tail, issuer));
	return buf_add(&ret->tail, origin);
}

static hm_err
answer_load(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	struct objects_trust trust = {
		.authority = signer->options->authority,
		.approvers = signer->options->approvers,
		.issuer = &signer->keys.ca,
	};

	(void)body;
	(void)ret;
	return objects_load(&signer->objects, tail, &trust);
}

static hm_err
answer_issue(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	struct ask_sign_issue_answer answer = { 0 };
	struct issue_with with = { &signer->keys, &signer->objects,
		hm_bytes_of(signer->options->origin) };

	(void)tail;
	HM_TRY(issue_make(&with, clock_now_s(), body, &answer, &ret->tail));
	memcpy(ret->body, &answer, sizeof(answer));
	return HM_OK;
}

static hm_err
answer_checkpoint(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	AUTO(buf) struct buf text = { 0 };
	const struct ask_sign_checkpoint *ask = body;
	struct checkpoint checkpoint = { .size = ask->size,
		.origin = hm_bytes_of(signer->options->origin) };
	uint8_t signature[64];

	(void)tail;
	buf_init(&text, 1024);
	memcpy(checkpoint.root.bytes, ask->root, sizeof(ask->root));
	HM_TRY(checkpoint_text(&checkpoint, &text));
	HM_TRY(signer_keys_sign(
	    &signer->keys.log, buf_bytes(&text), signature, sizeof(signature)));
	return note_assemble(
	    buf_bytes(&text), &signer->log_name, signature, &ret->tail);
}

/* What fits a message, of the list that was signed last. */
static hm_err
give_crl(struct signer *signer, uint64_t offset, struct reply *ret)
{
	struct ask_part_answer answer = { .total = signer->crl.len };
	struct hm_bytes part = buf_bytes(&signer->crl);

	if (offset > part.len)
		return HM_E_BAD_INPUT;
	if (offset > 0) /* before the first list there are no bytes at all */
		part.ptr += offset;
	part.len -= offset;
	if (part.len > ASK_TAIL_MAX)
		part.len = ASK_TAIL_MAX;
	memcpy(ret->body, &answer, sizeof(answer));
	return buf_add(&ret->tail, part);
}

static hm_err
sign_crl(struct signer *signer, const struct ask_sign_crl *ask)
{
	struct ca_crl list = { .number = ask->number,
		.this_update_s = ask->this_update_s,
		.next_update_s = ask->next_update_s,
		.revoked = (const void *)signer->revoked.ptr,
		.count = signer->revoked.len / sizeof(struct ca_revoked) };

	buf_clear(&signer->crl);
	return ca_crl_make(&signer->keys.ca, &list, &signer->crl);
}

/* One part of a list, or the whole list if it was the last. */
static hm_err
add_part(struct signer *signer, const struct ask_sign_crl *ask,
    struct hm_bytes tail, struct reply *ret)
{
	hm_err err;

	if (ask->part == 0) {
		buf_clear(&signer->revoked);
		signer->parts = 0;
	}
	if (ask->part != signer->parts || ask->part >= ask->parts ||
	    tail.len % sizeof(struct ca_revoked) != 0)
		return HM_E_BAD_INPUT;
	HM_TRY(buf_add(&signer->revoked, tail));
	if (++signer->parts < ask->parts)
		return HM_OK;
	err = sign_crl(signer, ask);
	buf_clear(&signer->revoked);
	return err == HM_OK ? give_crl(signer, 0, ret) : err;
}

/* The keeper asks for one list at a time: who finds the lock taken finds a call
 * of the token that hangs. */
static hm_err
answer_crl(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	hm_err err;

	if (pthread_mutex_trylock(&signer->list) != 0)
		return HM_E_TOKEN_BUSY;
	err = add_part(signer, body, tail, ret);
	pthread_mutex_unlock(&signer->list);
	return err;
}

static hm_err
answer_crl_rest(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	const struct ask_sign_crl_rest *ask = body;
	hm_err err;

	(void)tail;
	if (pthread_mutex_trylock(&signer->list) != 0)
		return HM_E_TOKEN_BUSY;
	err = give_crl(signer, ask->offset, ret);
	pthread_mutex_unlock(&signer->list);
	return err;
}

static const struct {
	ask_kind kind;
	bool needs_token;
	hm_err (*answer)(struct signer *signer, const void *body,
	    struct hm_bytes tail, struct reply *ret);
} answers[] = {
	{ ASK_SIGN_HELLO, false, answer_hello },
	{ ASK_SIGN_LOAD, false, answer_load },
	{ ASK_SIGN_ISSUE, true, answer_issue },
	{ ASK_SIGN_CHECKPOINT, true, answer_checkpoint },
	{ ASK_SIGN_CRL, true, answer_crl },
	{ ASK_SIGN_CRL_REST, false, answer_crl_rest },
};

#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

bool
answer_needs_token(uint32_t kind)
{
	size_t i = 0;

	while (i < ANSWERS && (uint32_t)answers[i].kind != kind)
		i++;
	return i < ANSWERS && answers[i].needs_token;
}

static hm_err
answer(struct signer *signer, uint32_t kind, const void *body,
    struct hm_bytes tail, struct reply *ret)
{
	for (size_t i = 0; i < ANSWERS; i++)
		if ((uint32_t)answers[i].kind == kind)
			return answers[i].answer(signer, body, tail, ret);
	return HM_E_BAD_INPUT;
}

hm_err
answer_make(void *context, uint32_t kind, const void *body,
    struct hm_bytes tail, struct reply *ret)
{
	hm_err err;

	buf_clear(&ret->tail);
	memset(ret->body, 0, sizeof(ret->body));
	err = answer(context, kind, body, tail, ret);
	if (err != HM_OK && err_info(err)->http >= 500)
		log_failure(LOG_ERROR, "sign", err, NULL, "ask",
		    ask_rule(kind)->name, NULL);
	return err;
}

hm_err
answer_begin(void *context)
{
	hm_err err = crypto_init();

	(void)context;
	if (err != HM_OK)
		crypto_done();
	return err;
}

void
answer_end(void *context)
{
	(void)context;
	crypto_done();
}

uint64_t
answer_tidy(void *context)
{
	struct signer *signer = context;

	return signer_keys_tidy(&signer->keys);
}

hm_err
answer_open(const struct signer_options *options, struct secret *pin,
    struct signer *ret, struct why *why)
{
	hm_err err;

	*ret = (struct signer){ .options = options };
	buf_init(&ret->revoked, REVOKED_MAX);
	buf_init(&ret->crl, CRL_MAX);
	err = signer_keys_open(options, pin, &ret->keys, why);
	hm_wipe(pin, sizeof(*pin));
	HM_TRY(err);
	return note_key_make(options->origin, 1,
	    token_key_public(ret->keys.log.key).ptr, &ret->log_name);
}

void
answer_close(struct signer *signer)
{
	objects_done(&signer->objects);
	signer_keys_done(&signer->keys);
	buf_done(&signer->revoked);
	buf_done(&signer->crl);
}
