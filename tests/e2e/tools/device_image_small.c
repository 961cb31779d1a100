/* SPDX-License-Identifier: Apache-2.0 */
/* As a boot loader that has little room. */
#include "hallmark/image_scheme.h"

#include <stddef.h>

const struct hm_image_scheme *const hm_image_schemes[] = { &hm_image_p256_small,
	NULL };
