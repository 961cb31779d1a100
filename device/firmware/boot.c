/* SPDX-License-Identifier: Apache-2.0 */
/* The boot loader: chooses an image, verifies it twice, and jumps. */
#include "../port/mps2/mps2.h"
#include "hallmark/boot.h"

#include <stddef.h>

const struct hm_image_scheme *const hm_image_schemes[] = { &hm_image_p256_small,
	NULL };

int
main(void)
{
	mps2_start_boot();
	hm_boot_run();
}
