/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * station_verbs - verbs of hallmark-station that have a file of their own
 */
#include "base/options.h"

#define STATION_CONFIG_OPTION                                                \
	{                                                                    \
		"config", OPTION_PATH,                                       \
		    .fallback = "/etc/hallmark/station.yaml",                \
		    .metavar = "FILE", .help = "the station's configuration" \
	}

/* List the units of the journal. */
extern const struct verb_spec station_status_verb;
/* Give an unconfirmed unit back. */
extern const struct verb_spec station_void_verb;
