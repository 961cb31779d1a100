/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"

/* The hosts' end of hm_assert: say where, then leave a signal behind. */
_Noreturn void
hm_panic(const char *file, int line, const char *what)
{
	dprintf(2, "hallmark: bug[HM-9001]: %s:%d: %s\n", file, line, what);
	abort();
}
