/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * run - other programs of ours, as a person would start them
 *
 * They are looked for beside the running program, and where the build puts
 * them. What they write goes to files, so that a failure can show its reason.
 */

#include <sys/types.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/why.h"

/* HM_E_FILE */
HM_MUST hm_err run_find(
    const char *name, char ret[static FILE_PATH_MAX], struct why *why);

/* The path of a program for a bare machine; false: it is not there. */
bool run_find_firmware(const char *name, char ret[static FILE_PATH_MAX]);

/* Start `argv` (NULL-ended; argv[0] is a path). Standard input is empty;
 * `out` and `err` become its streams. HM_E_FILE, HM_E_IO */
HM_MUST hm_err run_start(
    const char *const *argv, int out, int err, pid_t *ret, struct why *why);

/*
 * Run to its end. `log` gets what it says on standard error, with the command
 * in front; *ret_out (if not NULL) what it says on standard output.
 * HM_E_FILE, HM_E_IO, HM_E_TOO_LARGE
 */
HM_MUST hm_err run_wait(const char *const *argv, int log, struct buf *ret_out,
    int *ret_status, struct why *why);
