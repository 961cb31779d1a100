/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* update_parts - what the files of update.h share */

#include "hallmark/update.h"
#include "image_parts.h"

/*
 * May this image come in now, as far as its header and TLVs say? The errors of
 * hm_update_announce but those of hm_image_parse.
 */
HM_MUST hm_err update_judge(const struct hm_image *image, struct hm_bytes tlvs);
/* Where it goes: the factory area, or the slot that does not run.
 * HM_E_WRONG_STATE, HM_E_IO */
HM_MUST hm_err update_place(const struct hm_image *image, hm_area *ret);

/* Would the rotation in these protected TLVs lock the device out? Also right
 * if there is none. HM_E_ROTATION, HM_E_IMAGE_FIELD, HM_E_IO */
HM_MUST hm_err rotation_check(
    const struct hm_image *image, struct hm_bytes protected_tlvs);
