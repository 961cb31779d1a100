/* SPDX-License-Identifier: Apache-2.0 */
/* For a measurement: the verifier that the boot loader has. */
#include <stddef.h>

#include "hallmark/image.h"

const struct hm_image_scheme *const hm_image_schemes[] = { &hm_image_p256_small,
	NULL };
