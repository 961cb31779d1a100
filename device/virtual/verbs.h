/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* verbs - the commands of hallmark-vdevice, one row each */
#include "base/options.h"
#include "wire/link.h"

extern const struct verb_spec vdevice_fab, vdevice_clone;   /* fab.c */
extern const struct verb_spec vdevice_run;                  /* run.c */
extern const struct verb_spec vdevice_show, vdevice_export; /* show.c */

/* "blank" ... */
const char *state_name(hm_agent_state state);
