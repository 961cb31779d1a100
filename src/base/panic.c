/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/check.h"

/* The hosts' end of hm_assert: say where, then leave a signal behind. Not by
 * dprintf(), which asks for the place in the file: in a jail that kills. */
_Noreturn void
hm_panic(const char *file, int line, const char *what)
{
	char words[400];

	(void)snprintf(words, sizeof(words),
	    "hallmark: bug[HM-9001]: %s:%d: %s\n", file, line, what);
	(void)!write(STDERR_FILENO, words, strlen(words)); /* dies anyway */
	abort();
}
