/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manufacturing application: the agent behind the board's UART. When the
 * device is complete the life cycle is locked before the last answer leaves, so
 * that this program does not start again. It goes on answering while it runs,
 * for that answer may have been lost, and leaves when the line is silent.
 */
#include "../port/mps2/mps2.h"
#include "core/check.h"
#include "hallmark/flash.h"
#include "hallmark/link.h"
#include "hallmark/vault.h"

#define READ_LEN 256   /* bytes of stack for one read */
#define SILENCE_MS 300 /* after the last word of a device that is complete */

static uint8_t room[HM_SERVE_ROOM];
static uint8_t answer[HM_ANSWER_MAX], frame[HM_FRAME_SIZE(HM_ANSWER_MAX)];
static struct hm_agent agent;
static struct hm_frame_in in;

static bool
is_complete(void)
{
	return hm_agent_where(&agent) == HM_AGENT_COMPLETE;
}

static hm_err
lock_when_complete(void)
{
	return is_complete() ? hm_port_lock_raise(HM_LOCK_LOCKED) : HM_OK;
}

static hm_err
reply(struct hm_bytes message)
{
	size_t len = 0;

	HM_TRY(hm_agent_handle(
	    &agent, message, (struct hm_span){ answer, sizeof(answer) }, &len));
	HM_TRY(lock_when_complete());
	HM_TRY(hm_frame_encode((struct hm_bytes){ answer, len },
	    (struct hm_span){ frame, sizeof(frame) }, &len));
	return hm_port_link_write((struct hm_bytes){ frame, len });
}

/* One read's worth. HM_E_TIMEOUT: it is complete, and nobody asks any more. */
static hm_err
turn(void)
{
	uint8_t bytes[READ_LEN];
	struct hm_bytes message;
	size_t len = 0;

	HM_TRY(mps2_link_wait((struct hm_span){ bytes, sizeof(bytes) },
	    is_complete() ? SILENCE_MS : 0, &len));
	for (size_t i = 0; i < len; i++)
		if (hm_frame_put(&in, bytes[i], &message))
			HM_TRY(reply(message));
	return HM_OK;
}

int
main(void)
{
	hm_err err;

	mps2_start();
	hm_frame_in_init(&in, (struct hm_span){ room, sizeof(room) });
	err = hm_vault_init();
	if (err == HM_OK)
		err = hm_agent_init(&agent);
	if (err == HM_OK)
		err = lock_when_complete(); /* power went in between */
	while (err == HM_OK)
		err = turn();
	hm_wipe(room, sizeof(room));
	if (err != HM_E_TIMEOUT)
		mps2_exit(MPS2_EXIT_FAULT);
	if (mps2_argument("report", 0) != 0)
		mps2_report("manufacture_stack", (uint32_t)mps2_stack_used());
	mps2_reset(); /* and the product starts */
}
