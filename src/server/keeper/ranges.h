/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ranges - can two orders ever give the same serial number or MAC address?
 *
 * Serial numbers are compared as the texts that they become: "A1" with 3 digits
 * and "A" with 4 can meet.
 */
#include "wire/object.h"

bool ranges_share_serial(const struct hm_order *a, const struct hm_order *b);
bool ranges_share_mac(const struct hm_order *a, const struct hm_order *b);
