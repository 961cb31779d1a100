/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product application. It says its version on the line, and that it works:
 * an update that does not come so far is reverted after some starts. Then it
 * serves the update link; a restart that was asked for is a reset. Nothing of
 * the agent is linked into it.
 */
#include "../port/mps2/mps2.h"
#include "hallmark/update_link.h"
#include "hallmark/vault.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define SAY(text) hm_port_link_write(HM_LITERAL(text))

static uint8_t room[HM_UPDATE_ROOM];
static struct hm_update_serve service;

/* The product's own work would be a part of it. */
static hm_err
test_self(void)
{
	hm_err err;

	if (mps2_argument("fail", 0) == PRODUCT)
		return HM_E_IO; /* it finds something */
	HM_TRY(hm_vault_init());
	err = hm_update_settle();
	if (err == HM_OK || err == HM_E_ROTATION)
		err = hm_update_confirm();
	return err == HM_E_ROTATION ? HM_OK : err; /* a key too many */
}

static hm_err
run(void)
{
	HM_TRY(SAY("product " TEXT(PRODUCT) ".0.0\n"));
	HM_TRY(test_self());
	HM_TRY(SAY("confirmed\n"));
	if (mps2_argument("exit", 0) != 0)
		mps2_exit(MPS2_EXIT_OK);
	HM_TRY(hm_update_serve_init(
	    &service, (struct hm_span){ room, sizeof(room) }));
	return hm_update_serve_run(&service);
}

int
main(void)
{
	hm_err err;

	mps2_start();
	err = run();
	(void)err; /* a reset: the boot loader counts */
	mps2_reset();
}
