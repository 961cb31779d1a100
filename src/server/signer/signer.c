/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer/signer.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/errtext.h"
#include "base/log.h"
#include "base/process.h"
#include "ledger/note.h"
#include "server/life.h"
#include "server/signer/issue.h"

#define REVOKED_MAX (ASK_REVOKED_MAX * sizeof(struct ca_revoked))
#define CRL_MAX (ASK_REVOKED_MAX * 64u)

struct signer {
	const struct signer_options *options;
	struct signer_keys keys;
	struct objects objects;
	struct note_key log_name;
	struct buf revoked; /* parts of a list under way */
	uint32_t parts;     /* parts of it that came */
	struct buf crl;     /* the list that was signed last */
};

/* What an answer consists of beside its error. */
struct reply {
	uint8_t body[512]; /* struct of the answer */
	struct buf tail;
};

static hm_err
answer_hello(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	struct ask_hello_answer hello = { 0 };
	struct hm_bytes issuer = signer->keys.ca.certificate;
	struct hm_bytes origin = hm_bytes_of(signer->options->origin);

	(void)body;
	(void)tail;
	memcpy(hello.stamp_key, token_key_public(signer->keys.stamp).ptr,
	    sizeof(hello.stamp_key));
	memcpy(hello.authority, signer->options->authority,
	    sizeof(hello.authority));
	memcpy(hello.log_key, token_key_public(signer->keys.log).ptr,
	    sizeof(hello.log_key));
	hello.issuer_len = (uint32_t)issuer.len;
	hello.origin_len = (uint32_t)origin.len;
	memcpy(ret->body, &hello, sizeof(hello));
	HM_TRY(buf_add(&ret->tail, issuer));
	return buf_add(&ret->tail, origin);
}

static hm_err
answer_load(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	(void)body;
	(void)ret;
	return objects_load(&signer->objects, tail, signer->options->authority,
	    &signer->keys.ca);
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
	HM_TRY(token_sign(
	    signer->keys.log, buf_bytes(&text), signature, sizeof(signature)));
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

static hm_err
answer_crl(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	const struct ask_sign_crl *ask = body;
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

static hm_err
answer_crl_rest(struct signer *signer, const void *body, struct hm_bytes tail,
    struct reply *ret)
{
	const struct ask_sign_crl_rest *ask = body;

	(void)tail;
	return give_crl(signer, ask->offset, ret);
}

static const struct {
	ask_kind kind;
	hm_err (*answer)(struct signer *signer, const void *body,
	    struct hm_bytes tail, struct reply *ret);
} answers[] = {
	{ ASK_SIGN_HELLO, answer_hello },
	{ ASK_SIGN_LOAD, answer_load },
	{ ASK_SIGN_ISSUE, answer_issue },
	{ ASK_SIGN_CHECKPOINT, answer_checkpoint },
	{ ASK_SIGN_CRL, answer_crl },
	{ ASK_SIGN_CRL_REST, answer_crl_rest },
};

static hm_err
answer(struct signer *signer, uint32_t kind, const void *body,
    struct hm_bytes tail, struct reply *ret)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i].kind == kind)
			return answers[i].answer(signer, body, tail, ret);
	return HM_E_BAD_INPUT;
}

/* One ask in, one answer out. An error of the channel ends the process. */
static hm_err
serve_one(struct signer *signer, uint8_t *room, struct reply *reply)
{
	struct hm_span space = { room, ASK_MESSAGE_MAX };
	struct hm_bytes tail, none = { 0 };
	struct ask_head head;
	const void *body;
	size_t len;
	hm_err err;

	HM_TRY(channel_recv(
	    signer->options->keeper, space, CHANNEL_FOREVER, &len, NULL));
	HM_TRY(ask_check_request((struct hm_bytes){ room, len }, ASK_BY_KEEPER,
	    &head, &body, &tail));
	buf_clear(&reply->tail);
	memset(reply->body, 0, sizeof(reply->body));
	err = answer(signer, head.kind, body, tail, reply);
	if (err != HM_OK && err_info(err)->http >= 500)
		log_failure(LOG_ERROR, "sign", err, NULL, "ask",
		    ask_rule(head.kind)->name, NULL);
	HM_TRY(ask_answer(&head, err, err == HM_OK ? reply->body : NULL,
	    err == HM_OK ? buf_bytes(&reply->tail) : none, space, &len));
	return channel_send(signer->options->keeper,
	    (struct hm_bytes){ room, len }, CHANNEL_FOREVER, NULL);
}

static void
signer_done(struct signer *signer)
{
	objects_done(&signer->objects);
	signer_keys_done(&signer->keys);
	buf_done(&signer->revoked);
	buf_done(&signer->crl);
}

static hm_err
serve(struct signer *signer)
{
	static uint8_t room[ASK_MESSAGE_MAX];
	struct reply reply = { 0 };
	hm_err err;

	buf_init(&reply.tail, ASK_TAIL_MAX);
	do
		err = serve_one(signer, room, &reply);
	while (err == HM_OK);
	buf_done(&reply.tail);
	hm_wipe(room, sizeof(room));
	return err == HM_E_WORKER ? HM_OK : err;
}

hm_err
signer_run(
    const struct signer_options *options, struct secret *pin, struct why *why)
{
	AUTO(signer) struct signer signer = { .options = options };
	hm_err err;

	buf_init(&signer.revoked, REVOKED_MAX);
	buf_init(&signer.crl, CRL_MAX);
	err = signer_keys_open(options, pin, &signer.keys, why);
	hm_wipe(pin, sizeof(*pin));
	HM_TRY(err);
	HM_TRY(note_key_make(options->origin, 1,
	    token_key_public(signer.keys.log).ptr, &signer.log_name));
	HM_TRY(jail_enter(&options->jail, why));
	log_event(LOG_INFO, "ready", "jail", jail_describe(), NULL);
	HM_TRY(life_ready(options->life));
	return serve(&signer);
}
