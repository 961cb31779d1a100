/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product: it says that it is there, confirms itself once its self-test has
 * passed, and takes updates over the same line. Nothing that provisions is in
 * it.
 */
#include <string.h>

#include "board.h"
#include "hallmark/boot.h"
#include "hallmark/update_link.h"

static struct hm_update_serve serve;
static uint8_t room[HM_UPDATE_ROOM];

/* What the product is for would be tried here. */
static bool
works(void)
{
	return PRODUCT_WORKS;
}

/* As boot.h and update.h tell images apart. */
hm_err
hm_port_firmware(uint8_t ret[static HM_DIGEST_LEN])
{
	if (handover() == NULL)
		return HM_E_IO;
	memcpy(ret, handover()->digest, HM_DIGEST_LEN);
	return HM_OK;
}

int
main(void)
{
	HM_LOSE(hm_port_link_write(
	    HM_LITERAL("micro:bit product " PRODUCT_VERSION "\n")));
	if (!works() || hm_boot_confirm() != HM_OK)
		board_reset(); /* the boot loader counts */
	if (hm_update_serve_init(
		&serve, (struct hm_span){ room, sizeof(room) }) == HM_OK)
		HM_LOSE(hm_update_serve_run(&serve));
	board_reset();
}
