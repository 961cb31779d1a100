/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* image_bundle - delivery bundles: FILE for those who may read it */
#include "cmd/image_job.h"

extern const struct image_command image_bundle;
