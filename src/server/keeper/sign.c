/* SPDX-License-Identifier: Apache-2.0 */
#include "server/keeper/sign.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errtext.h"
#include "core/check.h"

hm_err
signer_init(
    struct signer *signer, const struct keeper_link *link, uint32_t limit_ms)
{
	*signer = (struct signer){ .link = *link,
		.limit_ms = limit_ms == 0 ? KEEPER_SIGN_MS : limit_ms,
		.window = SIGN_WINDOW };
	signer->room = malloc(ASK_MESSAGE_MAX);
	return signer->room == NULL ? HM_E_NO_MEMORY : HM_OK;
}

void
signer_done(struct signer *signer)
{
	free(signer->room);
	signer->room = NULL;
}

/* Half as many again as can be worked on: nobody there runs out of work. */
void
sign_set_sessions(struct signer *signer, uint32_t sessions)
{
	if (sessions == 0)
		return;
	signer->window = sessions < SIGN_WINDOW_MAX * 2 / 3
			     ? sessions + (sessions + 1) / 2
			     : SIGN_WINDOW_MAX;
}

void
sign_begin(struct signer *signer)
{
	signer->down = HM_OK;
}

bool
sign_is_breakdown(hm_err err)
{
	return err_info(err)->http >= 500;
}

static uint64_t
deadline_from_now(const struct signer *signer)
{
	return clock_mono_us() + signer->limit_ms * UINT64_C(1000);
}

static void
finish(struct signer *signer, uint32_t at, hm_err err)
{
	struct sign_job *job = signer->out[at];

	job->id = 0;
	job->err = err;
	signer->out[at] = signer->out[--signer->out_count];
}

/* It is of no use any more, until the next sign_begin(). */
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
	    signer->link.context, message, deadline_from_now(signer));
	return err == HM_OK ? HM_OK : give_up(signer, err);
}

struct answer {
	struct ask_head head;
	const void *body;
	struct hm_bytes tail;
};

/* HM_E_TIMEOUT: there is none until then; anything else: it is down. */
static hm_err
receive(struct signer *signer, uint64_t deadline_us, struct answer *ret)
{
	struct hm_span room = { signer->room, ASK_MESSAGE_MAX };
	struct hm_bytes message = { signer->room, 0 };
	hm_err err;

	if (signer->down != HM_OK)
		return signer->down;
	err = signer->link.receive(
	    signer->link.context, room, deadline_us, &message.len);
	if (err == HM_E_TIMEOUT)
		return err;
	if (err == HM_OK)
		err = ask_check_answer(
		    message, &ret->head, &ret->body, &ret->tail);
	if (err == HM_OK && ret->head.err != HM_OK &&
	    !err_is_known(ret->head.err))
		err = HM_E_BAD_INPUT;
	return err == HM_OK ? HM_OK : give_up(signer, err);
}

/* The error of an answer, or its content. */
static hm_err
unpack(const struct answer *answer, void *ret_body, struct buf *ret_tail)
{
	ask_kind kind = (ask_kind)answer->head.kind;

	if (answer->head.err != HM_OK)
		return (hm_err)answer->head.err;
	if (ret_body != NULL)
		memcpy(ret_body, answer->body, ask_rule(kind)->answer_len);
	if (ret_tail == NULL)
		return HM_OK;
	buf_clear(ret_tail);
	return buf_add(ret_tail, answer->tail);
}

/* If the answer is that of a job, it is done. */
static void
take_job(struct signer *signer, const struct answer *answer)
{
	for (uint32_t i = 0; i < signer->out_count; i++) {
		const struct sign_job *job = signer->out[i];

		if (job->id != answer->head.id ||
		    (uint32_t)job->kind != answer->head.kind)
			continue;
		finish(signer, i, unpack(answer, job->body, job->tail));
		return;
	}
}

static void
end_late(struct signer *signer)
{
	uint64_t now_us = signer->out_count > 0 ? clock_mono_us() : 0;
	uint32_t i = 0;

	while (i < signer->out_count)
		if (signer->out[i]->deadline_us <= now_us)
			finish(signer, i, HM_E_TIMEOUT);
		else
			i++;
}

bool
sign_has_room(const struct signer *signer)
{
	return signer->out_count < signer->window;
}

void
sign_send(
    struct signer *signer, ask_kind kind, const void *ask, struct sign_job *job)
{
	hm_assert(signer->out_count < SIGN_OUT_MAX);

	job->kind = kind;
	job->id = 0;
	job->err = send_message(
	    signer, kind, ++signer->last_id, ask, (struct hm_bytes){ 0 });
	if (job->err != HM_OK)
		return;
	job->id = signer->last_id;
	job->deadline_us = deadline_from_now(signer);
	signer->out[signer->out_count++] = job;
}

void
sign_poll(struct signer *signer)
{
	struct answer answer;

	while (receive(signer, 0, &answer) == HM_OK)
		take_job(signer, &answer);
	end_late(signer);
}

void
sign_wait(struct signer *signer)
{
	uint32_t before = signer->out_count;
	struct answer answer;
	hm_err err = HM_OK;

	while (err == HM_OK && before > 0 && signer->out_count == before) {
		err = receive(signer, sign_deadline_us(signer), &answer);
		if (err == HM_OK)
			take_job(signer, &answer);
	}
	/* Who waited in vain until the first deadline waits no longer. */
	if (err == HM_E_TIMEOUT)
		give_up(signer, err);
}

uint64_t
sign_deadline_us(const struct signer *signer)
{
	uint64_t first_us = UINT64_MAX;

	for (uint32_t i = 0; i < signer->out_count; i++)
		if (signer->out[i]->deadline_us < first_us)
			first_us = signer->out[i]->deadline_us;
	return first_us;
}

void
sign_forget(struct signer *signer, struct sign_job *job)
{
	for (uint32_t i = 0; i < signer->out_count; i++)
		if (signer->out[i] == job) {
			finish(signer, i, HM_E_STOPPING);
			return;
		}
}

hm_err
sign_call(struct signer *signer, ask_kind kind, const void *body,
    struct hm_bytes tail, void *ret_body, struct buf *ret_tail)
{
	uint64_t id = ++signer->last_id, deadline_us;
	struct answer answer;
	hm_err err;

	HM_TRY(send_message(signer, kind, id, body, tail));
	deadline_us = deadline_from_now(signer);
	for (;;) {
		err = receive(signer, deadline_us, &answer);
		if (err != HM_OK)
			return give_up(signer, err);
		if (answer.head.id == id && answer.head.kind == (uint32_t)kind)
			return unpack(&answer, ret_body, ret_tail);
		take_job(signer, &answer);
	}
}
