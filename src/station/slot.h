/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * slot - the process of one device holder
 *
 * It waits for a device, carries it through its job, tells the line what
 * happens and waits for the next. A slot that crashes takes no other with it.
 */

#include "station/job.h"

/*
 * Serve slot `index` until `line` can be read (the line says stop) or is
 * closed. A unit under way is finished first. Events go to `line`.
 */
HM_MUST hm_err slot_run(const struct station_config *config, const char *order,
    uint32_t index, int line, struct why *why);
