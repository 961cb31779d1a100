/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * parent - starts the processes of the server, and stops them all when one dies
 *
 *                     parent: configuration, listening sockets, PIN
 *          .-------------+---------------+--------------.   life lines
 *        front ...     front          keeper          signer
 *          '-------------'------ ask -----'----- ask -----'
 *
 * It reads nothing from outside but its configuration. Every process is a new
 * execution of the same program, so none inherits another's memory. If one
 * dies, the others hold state that no longer fits: all are ended and started
 * again, with growing pauses; what was committed is committed, what was not was
 * never answered. The listening sockets stay open meanwhile, so stations wait
 * instead of being refused.
 *
 * The PIN stays in locked memory, for the next start of the signer.
 */

#include "server/config.h"

/* Serve until SIGTERM or SIGINT. HM_OK after an orderly stop. */
HM_MUST hm_err parent_run(const struct server_config *config,
    const char *config_path, struct why *why);

/* How many fronts there will be on this machine. */
uint32_t server_fronts(const struct server_config *config);

typedef enum server_role {
	SERVER_FRONT = 1,
	SERVER_KEEPER = 2,
	SERVER_SIGNER = 3,
} server_role;

/* "front" ...; and back, 0 for an unknown name. */
const char *server_role_name(server_role role);
server_role server_role_of(const char *name);
