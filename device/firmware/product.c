/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product application. It says its version on the line, and that it works:
 * an update that does not come so far is reverted after some starts. Nothing of
 * the agent is linked into it.
 */
#include "../port/mps2/mps2.h"
#include "hallmark/boot.h"

#define SAY(text) hm_port_link_write(HM_LITERAL(text))

static hm_err
run(void)
{
	uint8_t bytes[64];
	size_t len;

	HM_TRY(SAY("product " PRODUCT_VERSION "\n"));
	if (mps2_argument("fail", 0) != 0)
		return HM_E_IO; /* a self-test that finds something */
	HM_TRY(hm_boot_confirm());
	HM_TRY(SAY("confirmed\n"));
	if (mps2_argument("exit", 0) != 0)
		mps2_exit(MPS2_EXIT_OK);
	for (;;) /* the product's own work would be here */
		HM_TRY(mps2_link_wait(
		    (struct hm_span){ bytes, sizeof(bytes) }, 0, &len));
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
