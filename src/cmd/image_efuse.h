/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_efuse - plans for the eFuses of ESP32 chips, tried on a virtual one */
#include "cmd/image_job.h"

#define EFUSE_CONVERT_OPTIONS                                        \
	{                                                            \
		"efuse-state", OPTION_PATH,                          \
		    .metavar = "FILE",                               \
		    .help = "esp-efuse: what the chip has already; " \
			    "else a fresh one"                       \
	}

extern const struct image_command image_efuse;
