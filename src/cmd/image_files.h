/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * image_files - the files of a job: opened, judged, committed
 *
 * Whatever is signed gets its name only after the strict verifier has read it
 * again and accepted it: a token that returns wrong bytes, an answer to another
 * request, a mistake of ours end here, and a file of that name stays as it was.
 */
#include "cmd/image_job.h"

/* A number of bytes (4096, 0x1000, 4K, 1M) up to `max`; *ret stays if the
 * option was not given. HM_E_USAGE */
HM_MUST hm_err image_option_size(const struct options *given, const char *name,
    uint32_t max, uint32_t *ret, struct why *why);

#define IMAGE_SIZE_MAX (UINT64_C(1) << 32) /* bytes; flash is smaller */

/* FILE. HM_E_FILE, HM_E_TOO_LARGE */
HM_MUST hm_err image_files_input(struct image_job *job, struct why *why);
/* What `path` will be; "-": standard output, or nothing if it is not committed.
 */
HM_MUST hm_err image_files_output(
    struct image_job *job, const char *path, struct why *why);
/* Closes; what was not committed is gone. */
void image_files_done(struct image_job *job);

/* Judge what was written, trusting the signers. What the first fault is, or a
 * breakdown. */
HM_MUST hm_err image_files_judge(struct image_job *job, struct why *why);
/* Judge if the step wants it, then commit. */
HM_MUST hm_err image_files_commit(struct image_job *job, struct why *why);
