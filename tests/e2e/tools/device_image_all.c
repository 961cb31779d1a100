/* SPDX-License-Identifier: Apache-2.0 */
/* Every scheme: what device_image is linked with when it stands for no product
 * in particular. */
#include "hallmark/image_scheme.h"

#include <stddef.h>

const struct hm_image_scheme *const hm_image_schemes[] = { &hm_image_p256,
	&hm_image_p384, &hm_image_rsa3072, &hm_image_rsa2048, &hm_image_ed25519,
	&hm_image_ed25519_sha512, NULL };
