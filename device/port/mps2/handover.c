/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "board.h"
#include "boot.h"
#include "wire/frame.h"

const struct handover *
boot_handover(void)
{
	const struct handover *from =
	    (const struct handover *)(uintptr_t)BOARD_HANDOVER;

	if (from->magic != HANDOVER_MAGIC ||
	    from->crc != hm_crc32((struct hm_bytes){ (const uint8_t *)from,
			     offsetof(struct handover, crc) }))
		return NULL;
	return from;
}
