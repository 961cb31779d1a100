/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_esp_cert - the partition esp_secure_cert of ESP32 chips */
#include "cmd/image_job.h"

#define ESP_CERT_CONVERT_OPTIONS                                 \
	{                                                        \
		"ds-chip", OPTION_TEXT,                          \
		    .metavar = "CHIP",                           \
		    .help = "esp-secure-cert, for rows rsa_ds: " \
			    "esp32c3, esp32s3 ..."               \
	}

extern const struct image_command image_esp_cert;
