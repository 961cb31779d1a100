/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * jail - what a process gives up before it reads a byte from outside
 *
 * As root: own user and group, no supplementary groups, empty root. Always: no
 * new privileges, no core dump (PR_SET_DUMPABLE 0, RLIMIT_CORE 0), a Landlock
 * rule set where the kernel has it, and a seccomp filter (libseccomp) for the
 * roles that have one. What cannot be had is an error, never a warning, but for
 * Landlock and locked memory (RLIMIT_MEMLOCK), which jail_describe() then says.
 *
 * A call that the filter does not know kills the process (SIGSYS). The front
 * and the signer have a list of what they may do, the keeper one of what it may
 * not. Libraries that open files or look names up late must be warmed up first;
 * the time zone is. The signer may still load code from what it may read.
 */
#include <stdbool.h>

#include "core/err.h"
#include "base/why.h"

typedef enum jail_role {
	JAIL_FRONT,  /* sockets that it was given; no files, no new processes */
	JAIL_KEEPER, /* its folder */
	JAIL_SIGNER, /* the token module and its folder; no network */
} jail_role;

struct jail {
	jail_role role;
	const char *user;        /* name or number; NULL: stay who we are */
	const char *writable[4]; /* folders; NULL-ended */
	const char *readable[8];
	bool lock_memory; /* mlockall: the process holds secrets */
	bool network; /* keeper, signer: may connect (PostgreSQL, network HSM)
		       */
};

/* Core dumps off, dumpable off; for every program, first thing in main. */
HM_MUST hm_err process_protect(struct why *why);
/* Make a folder (mode 0700, with all above it) that `user` of a jail owns; one
 * that is there stays as it is. NULL: whoever we are. HM_E_JAIL, HM_E_IO */
HM_MUST hm_err jail_folder(const char *path, const char *user, struct why *why);
/* HM_E_JAIL. There is no way back. */
HM_MUST hm_err jail_enter(const struct jail *jail, struct why *why);
/* "uid 61184, chroot, seccomp, landlock 3" for the log. */
const char *jail_describe(void);
