/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* power_stories - what stories of power_device.h share */
#include "power_device.h"

/* The key of all images, in row 0. */
void power_trust(void);
/* The old image in slot A, confirmed. */
void power_old_runs(void);
/* The old image until it is installed, the new one once it is confirmed. */
const char *power_judge_kept(enum power_image image, bool is_trial);

/* update.h: power_updates.c */
extern const struct power_story power_download_story, power_rotation_story;
