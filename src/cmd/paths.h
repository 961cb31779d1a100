/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* paths - a list of paths that grows */

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "core/err.h"

struct paths {
	char **list; /* owned, as each in it */
	size_t count, room;
};

void paths_done(struct paths *paths);
/* "folder/name"; "" is no folder. HM_E_TOO_LARGE, HM_E_NO_MEMORY */
HM_MUST hm_err paths_add(
    struct paths *paths, const char *folder, const char *name);
bool ends_with(const char *name, const char *suffix);
