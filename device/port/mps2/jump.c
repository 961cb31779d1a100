/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the boot loader to an image that runs where it stands. Its first two
 * words are its stack and its entry; both are checked, for they are all that
 * the boot loader itself believes of a payload.
 */
#include <string.h>

#include "board.h"
#include "boot.h"
#include "guard.h"
#include "hallmark/boot.h"
#include "map.h"
#include "mps2.h"
#include "wire/frame.h"

#define VECTORS_ALIGN 256u /* the next power of 2 above their size */

struct entry {
	uint32_t stack, start;
};

static void
hand_over(const struct hm_image *image, uint32_t slot)
{
	struct handover *to = (struct handover *)(uintptr_t)BOARD_HANDOVER;

	to->magic = HANDOVER_MAGIC;
	to->at = slot;
	to->size = image->size;
	memcpy(to->digest, image->digest, sizeof(to->digest));
	to->crc = hm_crc32((struct hm_bytes){
	    (const uint8_t *)to, offsetof(struct handover, crc) });
}

static bool
is_inside(uint32_t at, uint32_t low, uint32_t size)
{
	return at >= low && at - low <= size;
}

void
hm_port_boot_jump(const struct hm_image *image)
{
	uint32_t slot = image->area == HM_AREA_SLOT_A   ? MPS2_SLOT_A_AT
			: image->area == HM_AREA_SLOT_B ? MPS2_SLOT_B_AT
							: MPS2_FACTORY_AT;
	const uint8_t *payload = nor_at(slot + image->header_len);
	uint32_t vectors = (uint32_t)(uintptr_t)payload;
	struct entry entry;

	memcpy(&entry, payload, sizeof(entry));
	if (image->payload_len < sizeof(entry) ||
	    vectors % VECTORS_ALIGN != 0 || (entry.start & 1) == 0 ||
	    !is_inside(entry.start, vectors, image->payload_len - 1) ||
	    entry.stack % 8 != 0 ||
	    !is_inside(entry.stack, BOARD_RAM, BOARD_RAM_SIZE))
		hm_port_boot_failed(HM_E_IMAGE_FIELD);
	if (mps2_argument("report", 0) != 0)
		mps2_report("boot_stack", (uint32_t)mps2_stack_used());
	hand_over(image, slot);
	hm_port_watchdog();
	guard_leave(vectors, entry.stack, entry.start);
}

/* A programmer is what helps; the emulator ends. */
void
hm_port_boot_failed(hm_err err)
{
	(void)err; /* a product shows it by a lamp */
	mps2_say("nothing to start\n");
	mps2_exit(MPS2_EXIT_NOTHING);
}
