/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/sign.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errtext.h"

hm_err
signer_init(struct signer *signer, const struct keeper_link *link)
{
	*signer = (struct signer){ .link = *link };
	signer->room = malloc(ASK_MESSAGE_MAX);
	if (signer->room == NULL)
		return HM_E_NO_MEMORY;
	sign_begin(signer);
	return HM_OK;
}

void
signer_done(struct signer *signer)
{
	free(signer->room);
	signer->room = NULL;
}

void
sign_begin(struct signer *signer)
{
	signer->down = HM_OK;
	signer->deadline_us = clock_mono_us() + KEEPER_SIGN_MS * UINT64_C(1000);
}

bool
sign_is_breakdown(hm_err err)
{
	return err_info(err)->http >= 500;
}

static void
finish(struct signer *signer, uint32_t at, hm_err err)
{
	struct sign_job *job = signer->out[at];

	job->id = 0;
	job->err = err;
	signer->out[at] = signer->out[--signer->out_count];
}

/* The signer is of no use any more in this batch. */
static hm_err
give_up(struct signer *signer, hm_err err)
{
	signer->down = err;
	while (signer->out_count > 0)
		finish(signer, 0, err);
	return err;
}

static hm_err
send_message(struct signer *signer, ask_kind kind, uint64_t id,
    const void *body, struct hm_bytes tail)
{
	struct hm_span room = { signer->room, ASK_MESSAGE_MAX };
	struct hm_bytes message = { signer->room, 0 };
	hm_err err;

	if (signer->down != HM_OK)
		return signer->down;
	HM_TRY(ask_request(kind, id, body, tail, room, &message.len));
	err = signer->link.send(
	    signer->link.context, message, signer->deadline_us);
	return err == HM_OK ? HM_OK : give_up(signer, err);
}

struct answer {
	struct ask_head head;
	const void *body;
	struct hm_bytes tail;
};

static hm_err
receive(struct signer *signer, struct answer *ret)
{
	struct hm_span room = { signer->room, ASK_MESSAGE_MAX };
	struct hm_bytes message = { signer->room, 0 };
	hm_err err;

	if (signer->down != HM_OK)
		return signer->down;
	err = signer->link.receive(
	    signer->link.context, room, signer->deadline_us, &message.len);
	if (err == HM_OK)
		err = ask_check_answer(
		    message, &ret->head, &ret->body, &ret->tail);
	if (err == HM_OK && ret->head.err != HM_OK &&
	    !err_is_known(ret->head.err))
		err = HM_E_BAD_INPUT;
	return err == HM_OK ? HM_OK : give_up(signer, err);
}

/* If the answer is that of a job, it is done. */
static void
take_job(struct signer *signer, const struct answer *answer)
{
	for (uint32_t i = 0; i < signer->out_count; i++) {
		struct sign_job *job = signer->out[i];
		hm_err err = (hm_err)answer->head.err;

		if (job->id != answer->head.id ||
		    answer->head.kind != ASK_SIGN_ISSUE)
			continue;
		memcpy(&job->answer, answer->body, sizeof(job->answer));
		buf_clear(job->stamp);
		if (err == HM_OK)
			err = buf_add(job->stamp, answer->tail);
		finish(signer, i, err);
		return;
	}
}

static void
collect_until(struct signer *signer, uint32_t left)
{
	struct answer answer;

	while (signer->out_count > left)
		if (receive(signer, &answer) == HM_OK)
			take_job(signer, &answer);
}

void
sign_send(struct signer *signer, const struct ask_sign_issue *ask,
    struct sign_job *job)
{
	uint64_t id = ++signer->last_id;
	hm_err err;

	collect_until(signer, SIGN_WINDOW - 1);
	err = send_message(
	    signer, ASK_SIGN_ISSUE, id, ask, (struct hm_bytes){ 0 });
	job->id = err == HM_OK ? id : 0;
	job->err = err;
	if (err == HM_OK)
		signer->out[signer->out_count++] = job;
}

void
sign_collect(struct signer *signer)
{
	collect_until(signer, 0);
}

hm_err
sign_call(struct signer *signer, ask_kind kind, const void *body,
    struct hm_bytes tail, void *ret_body, struct buf *ret_tail)
{
	uint64_t id = ++signer->last_id;
	struct answer answer;

	HM_TRY(send_message(signer, kind, id, body, tail));
	for (;;) {
		HM_TRY(receive(signer, &answer));
		if (answer.head.id == id && answer.head.kind == kind)
			break;
		take_job(signer, &answer);
	}
	if (answer.head.err != HM_OK)
		return (hm_err)answer.head.err;
	if (ret_body != NULL)
		memcpy(ret_body, answer.body, ask_rule(kind)->answer_len);
	if (ret_tail == NULL)
		return HM_OK;
	buf_clear(ret_tail);
	return buf_add(ret_tail, answer.tail);
}
