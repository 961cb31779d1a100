/* SPDX-License-Identifier: Apache-2.0 */
#include "image_parts.h"

#define BEFORE_KEY 97u /* point and MAC */

static hm_err
open_key(struct hm_bytes wrap, uint8_t *ret)
{
	uint8_t agreed[32];
	hm_err err = hm_port_key_agree(HM_KEY_KEM, wrap.ptr, agreed);

	if (err == HM_E_KEY) /* the point is not on the curve */
		return HM_E_IMAGE_OPEN;
	if (err != HM_OK)
		return err;
	err = hm_ecies_unwrap(agreed, wrap, ret);
	hm_wipe(agreed, sizeof(agreed));
	return err == HM_OK ? HM_OK : HM_E_IMAGE_OPEN;
}

hm_err
hm_image_payload_key(const struct hm_image *image, struct hm_bytes tlvs,
    uint8_t ret[HM_STATIC 32], uint32_t *ret_len)
{
	struct hm_bytes rest = image_unprotected(image, tlvs);
	struct image_tlv tlv;

	while (image_next(&rest, &tlv)) {
		if (tlv.type != TLV_ENC_EC256)
			continue;
		HM_TRY(open_key(tlv.value, ret));
		*ret_len = (uint32_t)tlv.value.len - BEFORE_KEY;
		return HM_OK;
	}
	*ret_len = 0;
	return HM_OK;
}
