/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* check - what only a mistake of ours can break; kept in release builds */

#include "core/lang.h"

HM_C_BEGIN

/* Supplied by whoever links core: base/ on a host, the port in firmware. */
HM_NORETURN void hm_panic(const char *file, int line, const char *what);

HM_C_END

#define hm_assert(x) ((x) ? (void)0 : hm_panic(__FILE__, __LINE__, #x))
