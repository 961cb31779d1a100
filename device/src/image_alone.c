/* SPDX-License-Identifier: Apache-2.0 */
#include "hallmark/image_scheme.h"

hm_err
hm_port_image_version(uint32_t id, struct hm_image_version *ret)
{
	(void)id;
	(void)ret;
	return HM_E_NOT_FOUND;
}
