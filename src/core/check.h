/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* check - what only a mistake of ours can break; kept in release builds */

/* Supplied by whoever links core: base/ on a host, the port in firmware. */
_Noreturn void hm_panic(const char *file, int line, const char *what);

#define hm_assert(x) ((x) ? (void)0 : hm_panic(__FILE__, __LINE__, #x))
