/* SPDX-License-Identifier: Apache-2.0 */
/* The boot loader. Its key stands in the fuses, as a hash; images carry the key
 * itself (`--public-key-format full`). */
#include "hallmark/boot.h"

#include <string.h>

#include "board.h"
#include "wire/frame.h"

int
main(void)
{
	hm_boot_run();
}

static bool
is_inside(uint32_t at, uint32_t from, uint32_t size)
{
	return at >= from && at - from < size;
}

void
hm_port_boot_jump(const struct hm_image *image)
{
	uint32_t slot = image->area == HM_AREA_SLOT_A ? SLOT_A_AT : SLOT_B_AT;
	uint32_t at = slot + image->header_len, entry[2];
	struct handover *to = (struct handover *)(uintptr_t)HANDOVER_AT;

	memcpy(entry, (const void *)(uintptr_t)at, sizeof(entry));
	if ((entry[1] & 1) == 0 ||
	    !is_inside(entry[1], at, image->payload_len) ||
	    !is_inside(entry[0] - 8, RAM_AT, RAM_END - RAM_AT - 8))
		hm_port_boot_failed(HM_E_IMAGE_FIELD);
	to->magic = 0x4D484F42u;
	to->at = slot;
	to->size = image->size;
	memcpy(to->digest, image->digest, sizeof(to->digest));
	to->crc = hm_crc32((struct hm_bytes){
	    (const uint8_t *)to, offsetof(struct handover, crc) });
	__asm__ volatile("msr msp, %0\n\tbx %1"
			 :
			 : "r"(entry[0]), "r"(entry[1])
			 : "memory");
	__builtin_unreachable();
}

/* A product lights a lamp and waits for a programmer. */
void
hm_port_boot_failed(hm_err err)
{
	(void)err;
	HM_LOSE(hm_port_link_write(HM_LITERAL("nothing to start\n")));
	for (;;)
		hm_port_watchdog();
}

hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	(void)ret;
	return HM_E_IO; /* nothing runs yet */
}
