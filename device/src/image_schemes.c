/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/image_scheme.h"

#include <stddef.h>

const struct hm_image_scheme *const hm_image_schemes[] = { &hm_image_p256,
	NULL };
