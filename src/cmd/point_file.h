/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* point_file - the P-256 key of somebody, from a public key or a certificate */

#include <stdint.h>

#include "base/why.h"
#include "wire/limits.h"

/* PEM. HM_E_FILE, HM_E_KEY */
HM_MUST hm_err point_read(
    const char *path, uint8_t ret[static HM_POINT_LEN], struct why *why);
