/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* nouns - the nouns of `hallmark`, one file each; the tree is in hallmark.c */

#include "base/options.h"

extern const struct verb_spec audit_prove, audit_show, audit_check,
    audit_witness;
extern const struct verb_spec device_firmware, device_update;
extern const struct verb_spec server_backup, server_restore;

extern const struct noun_spec noun_audit, noun_ca, noun_config, noun_demo,
    noun_device, noun_hsm, noun_image, noun_order, noun_product, noun_release,
    noun_server, noun_station;
