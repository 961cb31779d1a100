/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * life - the line between the parent and each of its processes
 *
 * A SOCK_SEQPACKET pair at descriptor LIFE_FD of the child. The parent sends
 * what a process needs to start (a front the nonce key, the signer the PIN);
 * the process says that it is ready; the parent says when to stop. End of file
 * on either side means that the other is dead: a process then leaves at once,
 * and the parent restarts the whole server.
 *
 *   parent -> child   'G' + bytes   start, with what this role needs
 *                     'S'           finish what is under way, then leave
 *   child -> parent   'R'           ready to serve
 */

#include "base/secret.h"
#include "base/why.h"

#define LIFE_FD 3
#define LIFE_FIRST_FD 4 /* the channels of a role follow */

/* Parent: start a child. `with` may be empty. HM_E_IO, HM_E_WORKER (it is gone)
 */
HM_MUST hm_err life_go(int fd, struct hm_bytes with);
/* Parent: ask it to stop. A child that is gone is not an error. */
void life_stop(int fd);

/* Child: wait for the start; what came with it. HM_E_WORKER (the parent
 * is gone), HM_E_BAD_INPUT */
HM_MUST hm_err life_await(int fd, struct secret *ret);
HM_MUST hm_err life_ready(int fd);

typedef enum life_word {
	LIFE_NOTHING, /* nothing waits on the line */
	LIFE_STOP,
	LIFE_READY,
	LIFE_GONE, /* the other side is dead */
} life_word;
/* What waits on the line? Never blocks. */
life_word life_poll(int fd);
