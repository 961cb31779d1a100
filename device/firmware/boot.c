/* SPDX-License-Identifier: Apache-2.0 */
/* The boot loader: chooses an image, verifies it twice, and jumps. With which
 * verifier is said by what is linked: scheme_small.c, or the provider's. */
#include "../port/mps2/mps2.h"
#include "hallmark/boot.h"

int
main(void)
{
	mps2_start_boot();
	hm_boot_run();
}
