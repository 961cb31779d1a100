/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manufacturing application: the agent behind the board's UART. When the
 * device is complete the life cycle is locked before the last answer leaves, so
 * that this program does not start again: it leaves. It goes on answering while
 * it runs, for that answer may have been lost, and leaves when the line is
 * silent.
 */
#include "../port/mps2/mps2.h"
#include "core/check.h"
#include "hallmark/flash.h"
#include "hallmark/link.h"
#include "hallmark/vault.h"

#define READ_LEN 64    /* bytes of stack for one read */
#define SILENCE_MS 300 /* after the last word of a device that is complete */
/* Its longest message: a stamp of about 3.5 KB. No larger one was seen. */
#define ROOM_LEN 4096

static uint8_t room[ROOM_LEN];
static struct hm_agent agent;
static struct hm_serve serve;

static bool
is_complete(void)
{
	return hm_agent_where(&agent) == HM_AGENT_COMPLETE;
}

static hm_err
lock_when_complete(const struct hm_agent *it)
{
	return hm_agent_where(it) == HM_AGENT_COMPLETE
		   ? hm_port_lock_raise(HM_LOCK_LOCKED)
		   : HM_OK;
}

/* One read's worth. HM_E_TIMEOUT: it is complete, and nobody asks any more. */
static hm_err
turn(void)
{
	uint8_t bytes[READ_LEN];
	size_t len = 0;

	HM_TRY(mps2_link_wait((struct hm_span){ bytes, sizeof(bytes) },
	    is_complete() ? SILENCE_MS : 0, &len));
	return hm_serve_feed(&serve, (struct hm_bytes){ bytes, len });
}

int
main(void)
{
	hm_err err;

	mps2_start();
	err = hm_vault_init();
	if (err == HM_OK)
		err = hm_agent_init(&agent);
	if (err == HM_OK)
		err = lock_when_complete(&agent); /* power went in between */
	agent.leaves = true;
	hm_serve_init(&serve, &agent, (struct hm_span){ room, sizeof(room) });
	serve.before_answer = lock_when_complete;
	while (err == HM_OK)
		err = turn();
	hm_wipe(room, sizeof(room));
	if (err != HM_E_TIMEOUT)
		mps2_exit(MPS2_EXIT_FAULT);
	if (mps2_argument("report", 0) != 0)
		mps2_report("manufacture_stack", (uint32_t)mps2_stack_used());
	mps2_reset(); /* and the product starts */
}
