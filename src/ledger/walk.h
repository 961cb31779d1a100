/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * walk - every file below a folder, for those who must know what lies there
 *
 * Links are not followed: they count as files. The order is the folder's own.
 * The visitor may remove the file that it is shown.
 */
#include "base/why.h"

#define WALK_PATH_MAX 512 /* bytes of a path below the folder, with NUL */

/* `path` is relative to the folder. An error ends the walk and is passed on. */
typedef hm_err (*walk_visitor)(
    void *context, const char *path, struct why *why);

/* Only what is in `folder`/`below` ("" for all). HM_E_FILE: there is none.
 * HM_E_IO, HM_E_TOO_LARGE (a path too long or folders too deep) */
HM_MUST hm_err walk(const char *folder, const char *below, walk_visitor visitor,
    void *context, struct why *why);
