/* SPDX-License-Identifier: Apache-2.0 */
#include "server/approvers.h"

#include <string.h>

bool
approvers_have(
    const struct approvers *approvers, const uint8_t key[static HM_POINT_LEN])
{
	for (uint32_t i = 0; i < approvers->count; i++)
		if (memcmp(approvers->keys[i], key, HM_POINT_LEN) == 0)
			return true;
	return false;
}
