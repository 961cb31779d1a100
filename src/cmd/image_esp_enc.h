/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_esp_enc - images for Espressif's pre-encrypted OTA */
#include "cmd/image_job.h"

extern const struct image_command image_esp_enc;
