/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier of a boot loader with little flash. */
#include <stddef.h>

#include "hallmark/image.h"

const struct hm_image_scheme *const hm_image_schemes[] = { &hm_image_p256_small,
	NULL };
