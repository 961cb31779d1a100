/* SPDX-License-Identifier: Apache-2.0 */
/* The manufacturing image: proves itself, takes its stamp, locks the chip. */
#include "board.h"
#include "core/check.h"
#include "hallmark/flash.h"
#include "hallmark/link.h"
#include "hallmark/vault.h"

#define STAMP_ROOM 3072 /* the longest stamp of this product, and a frame */

static struct hm_agent agent;
static struct hm_serve serve;
static uint8_t room[STAMP_ROOM];

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

int
main(void)
{
	uint8_t bytes[64];
	size_t len = 0;

	if (hm_vault_init() != HM_OK || hm_agent_init(&agent) != HM_OK)
		board_reset();
	hm_serve_init(&serve, &agent, (struct hm_span){ room, sizeof(room) });
	while (hm_port_link_read(
		   (struct hm_span){ bytes, sizeof(bytes) }, &len) == HM_OK) {
		if (hm_serve_feed(&serve, (struct hm_bytes){ bytes, len }) !=
		    HM_OK)
			break;
		if (hm_agent_where(&agent) == HM_AGENT_COMPLETE &&
		    hm_port_lock_raise(HM_LOCK_LOCKED) != HM_OK)
			break;
	}
	board_reset();
}
