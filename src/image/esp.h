/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* esp - what the formats that ESP32 chips boot have for the table of formats */
#include "image/esp_app.h"
#include "image/esp_sbv1.h"
#include "image/esp_sbv2.h"
#include "image/esp_table.h"
