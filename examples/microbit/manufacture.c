/* SPDX-License-Identifier: Apache-2.0 */
/* The manufacturing image: proves itself, takes its stamp, locks the chip. */
#include "board.h"
#include "core/check.h"
#include "hallmark/flash.h"
#include "hallmark/link.h"
#include "hallmark/vault.h"

#define SILENCE_US 300000 /* after the last word of one that is complete */
#define ROOM 3072         /* its longest message: a stamp of 2.9 KiB */

static struct hm_agent agent;
static struct hm_serve serve;
static uint8_t room[ROOM];

/* A release names its images by the SHA-256 of their files. */
hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	const struct handover *from = handover();

	if (from == NULL)
		return HM_E_IO;
	hm_sha256((struct hm_bytes){ (const uint8_t *)(uintptr_t)from->at,
		      from->size },
	    ret);
	return HM_OK;
}

/* Before the last answer leaves: what starts next is the product. */
static hm_err
lock_when_complete(const struct hm_agent *it)
{
	return hm_agent_where(it) == HM_AGENT_COMPLETE
		   ? hm_port_lock_raise(HM_LOCK_LOCKED)
		   : HM_OK;
}

static bool
is_complete(void)
{
	return hm_agent_where(&agent) == HM_AGENT_COMPLETE;
}

int
main(void)
{
	uint8_t bytes[16];
	size_t len = 0;

	if (hm_vault_init() != HM_OK || hm_agent_init(&agent) != HM_OK ||
	    lock_when_complete(&agent) != HM_OK) /* power went in between */
		board_reset();
	agent.leaves = true;
	hm_serve_init(&serve, &agent, (struct hm_span){ room, sizeof(room) });
	serve.before_answer = lock_when_complete;
	/* Its last answer may have been lost, and is asked for again. */
	while (board_link_wait((struct hm_span){ bytes, sizeof(bytes) },
		   is_complete() ? SILENCE_US : 0, &len) == HM_OK)
		if (hm_serve_feed(&serve, (struct hm_bytes){ bytes, len }) !=
		    HM_OK)
			break;
	board_reset();
}
