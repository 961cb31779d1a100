/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/cose.h"
#include "wire/message.h"
#include "wire/void.h"

#define PAYLOAD_MAX (HM_VOID_MAX - HM_COSE_OVERHEAD_MAX)

hm_err
hm_void_encode(
    const struct hm_void *void_, struct hm_span room, size_t *ret_len)
{
	struct hm_cbor_out out;

	hm_msg_begin(&out, room, 5);
	hm_msg_put_name(&out, 1, void_->order);
	hm_msg_put_fixed(&out, 2, void_->device_id, HM_DEVICE_ID_LEN);
	hm_msg_put_text(&out, 3, void_->reason, 1, HM_REASON_MAX);
	hm_msg_put_uint(&out, 4, void_->signed_s);
	return hm_msg_end(&out, PAYLOAD_MAX, ret_len);
}

hm_err
hm_void_decode(struct hm_bytes payload, struct hm_void *ret)
{
	struct hm_void void_;
	struct hm_cbor_in in;

	hm_msg_open(&in, payload, PAYLOAD_MAX, 5);
	void_.order = hm_msg_get_name(&in, 1);
	hm_msg_get_fixed(&in, 2, void_.device_id, HM_DEVICE_ID_LEN);
	void_.reason = hm_msg_get_text(&in, 3, 1, HM_REASON_MAX);
	void_.signed_s = hm_msg_get_uint(&in, 4, 0, UINT64_MAX);
	HM_TRY(hm_cbor_in_end(&in));
	*ret = void_;
	return HM_OK;
}
