/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * jail_parts - the two walls of the kernel that jail.c puts up; for base/ only
 *
 * Both need no_new_privs to be set and cannot be taken down again.
 */
#include "base/jail.h"

/* Which Landlock version is in force: 0 if the kernel has none. HM_E_JAIL */
HM_MUST hm_err jail_landlock(
    const struct jail *jail, int *ret_version, struct why *why);
/* Load the system call filter of the role. HM_E_JAIL */
HM_MUST hm_err jail_filter(const struct jail *jail, struct why *why);
