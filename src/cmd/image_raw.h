/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_raw - detached signatures over any file */
#include "cmd/image_job.h"

#define RAW_VERIFY_OPTIONS                                        \
	{                                                         \
		"signature", OPTION_PATH,                         \
		    .metavar = "FILE",                            \
		    .help = "raw: the detached signature of FILE" \
	}

extern const struct image_command image_raw;
