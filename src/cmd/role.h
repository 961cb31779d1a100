/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * role - one walled process of the server, from its configuration to its run
 *
 * Reads the files that this role needs, waits for the parent's word, and hands
 * over to front/, keeper/ or signer/, which enter the jail.
 */

#include "server/parent.h"

HM_MUST hm_err role_run(
    server_role role, const struct server_config *config, struct why *why);
